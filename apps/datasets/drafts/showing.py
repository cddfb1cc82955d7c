"""What the pages of drafts show: each change with its words before and after."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing import reading
from apps.datasets.differences import Piece, differences
from apps.datasets.drafts.operations import LABELS
from apps.datasets.models import DatasetVersion, Draft, DraftEdit
from workers.draft_edits import change_of, row_of
from workers.formats.chat import TrainingRow
from workers.formats.forms import content_of_row
from workers.formats.problems import RowFault

SHOWN_ROWS = 3
PAGE = 50


@dataclass(frozen=True)
class Part:
    """A part of a row that changes: its name and its words before and after as one."""

    name: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Change:
    """What becomes of one row. `problem`: why it stays as it was."""

    place: int
    parts: list[Part]
    is_gone: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Told:
    """An edit of a draft as the page lists it."""

    edit: DraftEdit
    title: str
    changes: list[Change]


def parts_of(row: TrainingRow) -> dict[str, str]:
    """A row as named texts, in the order in which they are shown."""
    found = {f"{number} {turn.role}": turn.content for number, turn in enumerate(row.messages, 1)}
    for name, value in content_of_row(row).items():
        found |= (
            {f"{name}: {key}": _as_text(one) for key, one in value.items()}
            if name == "values"
            else {name: _as_text(value)}
        )
    extra = json.loads(row.extra) if row.extra else {}
    found |= {name: _as_text(value) for name, value in extra.items()}
    return found | ({"split": row.split} if row.split else {})


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def changed(place: int, before: TrainingRow, after: TrainingRow | None) -> Change:
    """What changes between two states of a row."""
    if after is None:
        return Change(place, [], is_gone=True)
    old, new = parts_of(before), parts_of(after)
    names = dict.fromkeys([*old, *new])
    differ = [name for name in names if old.get(name, "") != new.get(name, "")]
    return Change(place, [Part(name, differences(old.get(name, ""), new.get(name, ""))) for name in differ])


def told(draft: Draft, edits: Sequence[DraftEdit]) -> Iterator[Told]:
    """Each edit with what it does to its rows, of many to the first; against the base version."""
    for edit in edits:
        if edit.kind == DraftEdit.Kind.BULK:
            yield Told(edit, words_of(edit), [])
            continue
        assert edit.place is not None
        before = reading.training_rows_at(draft.base, [edit.place])[0]
        try:
            after = None if edit.kind == DraftEdit.Kind.DELETE else row_of(draft.base.form, edit.row, before)
            yield Told(edit, str(edit.get_kind_display()), [changed(edit.place, before, after)])
        except RowFault as fault:
            yield Told(edit, str(edit.get_kind_display()), [Change(edit.place, [], problem=fault.reason)])


def words_of(edit: DraftEdit) -> str:
    """An operation in words."""
    operation: Mapping[str, Any] = edit.operation
    label = str(LABELS.get(operation.get("op", ""), ""))
    said = {
        "replace": lambda: _("“%(find)s” by “%(put)s”") % {"find": operation["find"], "put": operation["with"]},
        "column": lambda: f"{operation['name']} = {_as_text(operation['value'])}",
        "label": lambda: _as_text(operation["value"]),
        "split": lambda: str(operation["value"]),
    }.get(operation.get("op", ""))
    return f"{label}: {said()}" if said else label


def rehearsed(version: DatasetVersion, operation: Mapping[str, Any], places: Any) -> list[Change]:
    """What an operation does to the first rows that it changes, of the first two hundred it is about."""
    change, found = change_of(operation, version.form), list[Change]()
    here = [int(place) for place in places[:200]]
    for start in range(0, len(here), PAGE):
        some = here[start : start + PAGE]
        for place, row in zip(some, reading.training_rows_at(version, some), strict=True):
            try:
                made = changed(place, row, change(row))
            except RowFault as fault:
                made = Change(place, [], problem=fault.reason)
            if made.parts or made.is_gone or made.problem:
                found.append(made)
        if len(found) >= SHOWN_ROWS:
            break
    return found[:SHOWN_ROWS]


def fields_of(version: DatasetVersion, row: TrainingRow) -> dict[str, Any]:
    """A row as the form to edit it shows it."""
    content = content_of_row(row)
    values = enumerate(content.get("values", {}).items())
    return {
        "messages": [(number, turn.role, turn.content) for number, turn in enumerate(row.messages)],
        "rejected": [
            (number, turn["role"], turn["content"]) for number, turn in enumerate(content.get("rejected", []))
        ],
        "text": content.get("text"),
        "spans": json.dumps(content["spans"], ensure_ascii=False) if "spans" in content else None,
        "label": _as_text(content["label"])
        if "label" in content
        else ("" if version.form in ("tabular", "image") else None),
        "values": [(number, name, "" if value is None else _as_text(value)) for number, (name, value) in values],
        "extra": json.dumps(json.loads(row.extra), ensure_ascii=False, indent=2) if row.extra else "",
        "split": row.split,
    }


def read_fields(form: Mapping[str, str], row: TrainingRow, version: DatasetVersion) -> dict[str, Any]:
    """The row that the form says, as `operations.read_row` takes it. Raises Problem for what is no JSON."""
    content = content_of_row(row)
    made: dict[str, Any] = {}
    if row.messages:
        made["messages"] = [
            {"role": turn.role, "content": _said(form, f"message-{number}", turn.content)}
            for number, turn in enumerate(row.messages)
        ]
    if "rejected" in content:
        turns = enumerate(content["rejected"])
        content["rejected"] = [
            {**turn, "content": _said(form, f"rejected-{number}", turn["content"])} for number, turn in turns
        ]
    if "text" in content:
        content["text"] = _said(form, "text", content["text"])
    if "spans" in content:
        content["spans"] = _json(form, "spans", content["spans"])
    if "values" in content:
        pairs = enumerate(content["values"].items())
        content["values"] = {name: _value(form, f"value-{number}", value) for number, (name, value) in pairs}
    if "label" in form:
        label = form["label"].strip()
        content["label"] = label == "true" if version.form == "kto" else label
        if not label and version.form in ("tabular", "image"):
            content.pop("label")
    made["content"] = content or None
    made["extra"] = _json(form, "extra", {}) if "extra" in form else json.loads(row.extra or "{}")
    return made | ({"split": form["split"]} if form.get("split") else {})


def _said(form: Mapping[str, str], name: str, old: str) -> str:
    """The text of a field. A browser sends line ends as \\r\\n; where the old text had none of these, they are line feeds."""
    text = form.get(name, old)
    return text if "\r" in old else text.replace("\r\n", "\n")


def _value(form: Mapping[str, str], name: str, old: Any) -> Any:
    """A value keeps its kind where the new one can be read as it."""
    text = form.get(name, "")
    if text == "":
        return None if not isinstance(old, str) else ""
    if isinstance(old, str):
        return _said(form, name, old)
    try:
        made = json.loads(text)
    except ValueError:
        return text
    return made if isinstance(made, bool | int | float) else text


def _json(form: Mapping[str, str], name: str, empty: Any) -> Any:
    text = form.get(name, "").strip()
    try:
        return json.loads(text) if text else empty
    except (ValueError, RecursionError):
        raise Problem(_("This is not JSON."), field=name) from None
