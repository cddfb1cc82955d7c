"""What a file says of a task, as regions of Label Studio for the questions of a project. Pure but for the words.

Whether the regions fit is for `schema.results.check_result`; here only the form changes.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.schema.parts import RELATIONS, Config, Control
from workers.labels.conll import spans, squeezed
from workers.labels.records import HEAD, TAIL, as_json

Region = dict[str, Any]
_LISTS = ("Choices", "Ranker", "Labels", "ParagraphLabels", "RectangleLabels", "Relations")
_WRAPPED = ("choices", "text", "rating", "number", "selected", "ranker")
_WRAPPING = tuple(f'{mark}"{name}":' for name in _WRAPPED for mark in ("{", "[{"))


def question(config: Config, kind: str) -> Control | None:
    """The first question of a kind, which the formats of one kind are about."""
    return next((control for control in config.controls if control.kind == kind), None)


def carried(config: Config, answer: Mapping[str, Any]) -> frozenset[str]:
    """The questions that an answer of a file can speak of at all."""
    kind = "Labels" if "tokens" in answer else "RectangleLabels" if "boxes" in answer else ""
    only = question(config, kind) if kind else None
    return frozenset([only.name] if only else [control.name for control in config.controls])


def columns_of(config: Config, names: Any) -> dict[str, str]:
    """{question: its column} of a flat record. A question whose name is taken is called `answer_<name>` in our tables."""
    taken = {*HEAD, *TAIL, *config.fields, "data"}
    found = {}
    for control in config.controls:
        other = f"answer_{control.name}"
        name = other if control.name in taken and other in names else control.name
        if name in names:
            found[control.name] = name
    return found


def regions_of(config: Config, data: Mapping[str, Any], answer: Mapping[str, Any]) -> Any:
    """The regions of one answer to a task. Raises Problem when the file speaks of a kind of question that is not asked."""
    if "result" in answer:
        return answer["result"]
    if "tokens" in answer:
        return _of_tokens(_needed(config, "Labels"), config, data, answer["tokens"])
    if "boxes" in answer:
        return _of_boxes(_needed(config, "RectangleLabels"), data, answer["boxes"])
    return _of_cells(config, data, answer["said"])


def _needed(config: Config, kind: str) -> Control:
    found = question(config, kind)
    if found is None:
        raise Problem(_("The project asks no question of the kind %(kind)s.") % {"kind": kind}, field="format")
    return found


def _region(control: Control, value: Mapping[str, Any], number: int = 0, **more: Any) -> Region:
    named = {"id": f"{control.name[:50]}-{number}", "from_name": control.name, "to_name": control.to}
    return {**named, "type": control.type, "value": dict(value), **more}


# ---- cells of a table or of a flat record


def _of_cells(config: Config, data: Mapping[str, Any], said: Mapping[str, Any]) -> list[Region]:
    regions: list[Region] = []
    columns = columns_of(config, said)
    for control in config.controls:
        cell = said.get(columns.get(control.name, ""))
        if cell is None or cell == "" or control.kind == "Relations":
            continue
        is_the_field = columns[control.name] in config.fields and not control.required
        if is_the_field and cell == data.get(columns[control.name]):
            continue  # the data of the task, which stands under the same name
        regions += _of_cell(control, cell)
    told = said.get(columns.get(RELATIONS, ""))
    return [*regions, *_relations(told, regions)] if told else regions


def _of_cell(control: Control, cell: Any) -> list[Region]:
    told = _opened(control, cell)
    if control.marks:
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            message = _("“%(name)s” is a list of marked places, as JSON.") % {"name": control.name}
            raise Problem(message, field=f"result.{control.name}")
        return [_mark(control, one, number) for number, one in enumerate(told)]
    return [_region(control, {_VALUES[control.kind]: _plain(control, told)})]


def _opened(control: Control, cell: Any) -> Any:
    """What is in a cell: JSON where the kind of question holds a list, and Label Studio's wrapping taken off."""
    if isinstance(cell, str) and cell not in control.stored:
        is_json = control.kind in _LISTS and cell.lstrip()[:1] in ("[", "{")
        is_wrapped = control.kind not in _LISTS and cell.startswith(_WRAPPING)
        parsed = as_json(cell) if is_json or is_wrapped else None
        cell = cell if parsed is None else parsed
    if isinstance(cell, list) and len(cell) == 1 and isinstance(cell[0], dict) and not control.marks:
        cell = cell[0]
    if isinstance(cell, dict) and len(cell) == 1 and next(iter(cell)) in _WRAPPED:
        cell = next(iter(cell.values()))
    return cell


_VALUES = {
    "Choices": "choices", "TextArea": "text", "Rating": "rating", "Number": "number", "Pairwise": "selected",
    "Ranker": "ranker",
}  # fmt: skip


def _plain(control: Control, told: Any) -> Any:
    if control.kind == "Choices":
        return told if isinstance(told, list) else [told]
    if control.kind == "TextArea":
        return told if isinstance(told, list) else [str(told)]
    if control.kind == "Ranker":
        return told if isinstance(told, dict) else {control.name: told}
    return _number(told) if control.kind in ("Rating", "Number") else told


def _number(told: Any) -> Any:
    if isinstance(told, str):
        try:
            told = float(told)
        except ValueError:
            return told
    return int(told) if isinstance(told, float) and told.is_integer() else told


def _mark(control: Control, one: Mapping[str, Any], number: int) -> Region:
    sides = ("original_width", "original_height")
    value = {name: held for name, held in one.items() if name not in (*sides, "labels", control.type)}
    value[control.type] = one.get(control.type) or one.get("labels")
    return _region(control, value, number, **{side: one[side] for side in sides if side in one})


def _relations(cell: Any, regions: list[Region]) -> list[Region]:
    told = as_json(cell) if isinstance(cell, str) else cell
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise Problem(_("Relations are a list of {from, to}, as JSON."), field=f"result.{RELATIONS}")
    return [
        {
            "type": "relation",
            "from_id": _end_of(one.get("from"), regions),
            "to_id": _end_of(one.get("to"), regions),
            "direction": one.get("direction", "right"),
            "labels": one.get("labels"),
        }
        for one in told
    ]


def _end_of(end: Any, regions: list[Region]) -> str:
    """The id of the marked place that is told like this end of a relation."""
    for region in regions:
        value = region["value"]
        labels = value.get(region["type"])
        if isinstance(end, dict) and isinstance(value, dict) and end.get("labels") == labels:
            places = [name for name in value if name in end and name != region["type"]]
            if places and all(end[name] == value[name] for name in places):
                return str(region["id"])
    raise Problem(_("A relation is between two marked places of the same answer."), field=f"result.{RELATIONS}")


# ---- tokens and boxes


def _of_tokens(control: Control, config: Config, data: Mapping[str, Any], tokens: list[list[str]]) -> list[Region]:
    shown = config.object(control.to)
    text = str(data.get(shown.field, "")) if shown else ""
    if squeezed(text) != "".join(token for token, _tag in tokens):
        raise Problem(_("The tokens are not those of the text."), field="tokens")
    names = {re.sub(r"\s+", "_", stored): stored for stored in control.stored}
    return [
        _region(control, {"start": start, "end": end, "labels": [names.get(label, label)]}, number)
        for number, (start, end, label) in enumerate(spans(text, tokens))
    ]


def _of_boxes(control: Control, data: Mapping[str, Any], told: Mapping[str, Any]) -> list[Region]:
    width, height = told["width"] or data.get("width") or 0, told["height"] or data.get("height") or 0
    if told["boxes"] and told["unit"] == "pixel" and not (width and height):
        message = _("Neither the file nor the task says how large the image is, and the boxes are in pixels.")
        raise Problem(message, field="width")
    across, down = (width, height) if told["unit"] == "pixel" else (1, 1)
    size = {"original_width": width, "original_height": height} if width and height else {}
    return [
        _region(control, _in_percent(box, across, down, control.type), number, **size)
        for number, box in enumerate(told["boxes"])
    ]


def _in_percent(box: Mapping[str, Any], across: float, down: float, name: str) -> dict[str, Any]:
    """A box in percent of the image; what reaches out of it by less than a rounded digit or pixel is cut."""
    left, wide = _cut(box["x"] * 100 / across, box["width"] * 100 / across, 100 / across)
    top, high = _cut(box["y"] * 100 / down, box["height"] * 100 / down, 100 / down)
    return {"x": left, "y": top, "width": wide, "height": high, "rotation": 0, name: [box["label"]]}


def _cut(start: float, size: float, pixel: float) -> tuple[float, float]:
    slack = min(pixel, 1.0) if pixel < 100 else 1e-3
    end = start + size
    if -slack <= start < 0:
        start = 0.0
    if 100 < end <= 100 + slack:
        end = 100.0
    return start, end - start
