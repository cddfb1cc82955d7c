"""Results on their way in: what Label Studio's server stores unchecked is checked here, region by region. Pure but for the words."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.schema.label_config import sdk_takes
from apps.labeling.schema.parts import RELATIONS, Config, Control
from apps.labeling.schema.values import check_value, is_whole, picked, wrong

MAX_REGIONS = 500
MAX_SIDE = 100_000  # pixels
DIRECTIONS = ("right", "left", "bi")
Region = dict[str, Any]


def check_result(config: Config, data: Mapping[str, Any], result: Any, *, is_draft: bool = False) -> list[Region]:
    """The result as it is stored. Raises Problem naming the region. A draft may leave required questions open."""
    if not isinstance(result, list):
        raise wrong("", _("A result is a list of regions."))
    if len(result) > MAX_REGIONS:
        raise wrong("", _("A result has at most %(most)d regions.") % {"most": MAX_REGIONS})
    regions = [_region(config, data, place, region) for place, region in enumerate(result)]
    _refuse_dangling(config, regions)
    _refuse_doubles(regions)
    if not is_draft:
        _refuse_gaps(config, regions)
        if not sdk_takes(config, regions):
            raise wrong("", _("Label Studio does not take this result."))
    return regions


def _region(config: Config, data: Mapping[str, Any], place: int, region: Any) -> Region:
    if not isinstance(region, dict):
        raise wrong(str(place), _("A region is an object."))
    if region.get("type") == "relation":
        return _relation(config, region, str(place))
    control = _control_of(config, region, place)
    value = region.get("value")
    if not isinstance(value, dict):
        raise wrong(f"{place}.value", _("A value is an object."))
    kept = check_value(config, control, data, value, f"{place}.value")
    known = {"id": _identity(region.get("id")), "from_name": control.name, "to_name": control.to, "type": control.type}
    size = _size(region, data) if control.kind == "RectangleLabels" else {}
    return {**known, **size, "value": kept}


def _control_of(config: Config, region: Region, place: int) -> Control:
    control = config.control(str(region.get("from_name")))
    if control is None or control.kind == "Relations":
        known = ", ".join(control.name for control in config.controls)
        message = _("There is no question “%(name)s”.") % {"name": str(region.get("from_name"))[:64]}
        raise wrong(f"{place}.from_name", message, _("There is: %(known)s.") % {"known": known})
    # Label Studio writes a Pairwise as about the first, about both, or about itself.
    fit = (control.to, ",".join(control.objects), control.name) if control.objects else (control.to,)
    if region.get("to_name") not in fit:
        raise wrong(f"{place}.to_name", _("“%(name)s” is about “%(to)s”.") % {"name": control.name, "to": control.to})
    if region.get("type") != control.type:
        raise wrong(
            f"{place}.type", _("The type of “%(name)s” is %(type)s.") % {"name": control.name, "type": control.type}
        )
    return control


def _relation(config: Config, region: Region, at: str) -> Region:
    control = config.control(RELATIONS)
    if control is None or control.kind != "Relations":
        raise wrong(f"{at}.type", _("The labeling config has no Relations."))
    labels = region.get("labels")
    kept = picked(control, labels, f"{at}.labels") if labels or not isinstance(labels, list | None) else []
    direction = region.get("direction", "right")
    if direction not in DIRECTIONS:
        raise wrong(f"{at}.direction", _("A direction is one of: %(known)s.") % {"known": ", ".join(DIRECTIONS)})
    ends = {end: region.get(end) for end in ("from_id", "to_id")}
    return {"type": "relation", **ends, "direction": direction, "labels": kept}


def _identity(given: Any) -> str:
    is_usable = isinstance(given, str) and 0 < len(given) <= 64 and given.isascii() and given.isprintable()
    return given if is_usable else uuid.uuid4().hex[:10]


def _size(region: Region, data: Mapping[str, Any]) -> dict[str, int]:
    """The pixels of the image that a box is a share of: as told, else as the task has them."""
    told = (region.get("original_width"), region.get("original_height"))
    for width, height in (told, (data.get("width"), data.get("height"))):
        if is_whole(width) and is_whole(height) and 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
            return {"original_width": width, "original_height": height}
    return {}


def _refuse_dangling(config: Config, regions: list[Region]) -> None:
    """Every region an id of its own; every relation between two marks that are there."""
    ids: set[str] = set()
    for place, region in enumerate(regions):
        if region.get("id") in ids:
            raise wrong(f"{place}.id", _("The id “%(id)s” is there twice.") % {"id": region["id"]})
        ids |= {region["id"]} if "id" in region else set()
    marks = {region["id"] for region in regions if "id" in region and is_mark(region)}
    for place, region in enumerate(regions):
        if region["type"] != "relation":
            continue
        for end in ("from_id", "to_id"):
            if not isinstance(region[end], str) or region[end] not in marks:
                message = _("There is no marked place with the id “%(id)s”.") % {"id": str(region[end])[:64]}
                raise wrong(f"{place}.{end}", message)
        if region["from_id"] == region["to_id"]:
            raise wrong(f"{place}.to_id", _("A relation is between two different places."))


def is_mark(region: Region) -> bool:
    """Whether the region is a place in a text, conversation or image."""
    return region["type"] in ("labels", "paragraphlabels", "rectanglelabels")


def _refuse_doubles(regions: list[Region]) -> None:
    """One region a question; marks and relations may be many, each once."""
    seen: set[str] = set()
    for place, region in enumerate(regions):
        name, what = region.get("from_name", RELATIONS), ""
        if region["type"] == "relation":
            what = str([region["from_id"], region["to_id"], region["labels"]])
        elif is_mark(region):
            what = str(sorted(region["value"].items()))
        if f"{name} {what}" in seen:
            raise wrong(str(place), _("“%(name)s” is answered twice.") % {"name": name})
        seen.add(f"{name} {what}")


def _refuse_gaps(config: Config, regions: list[Region]) -> None:
    answered = {region.get("from_name") for region in regions if not _is_blank(region)}
    for control in config.controls:
        if control.required and control.name not in answered:
            message = control.hint or _("“%(name)s” needs an answer.") % {"name": control.name}
            raise Problem(message, field=f"result.{control.name}", code="required")


def _is_blank(region: Region) -> bool:
    return bool(region["type"] == "textarea" and not region["value"]["text"][0].strip())


def answers_of(result: list[Region]) -> dict[str, Any]:
    """{question: answer}, in plain data:

    Choices: list of options.  TextArea: text.  Rating, Number: number.  Pairwise: "left" or "right".  Ranker: list of ids, best first.
    Labels, ParagraphLabels, RectangleLabels: list of their values, each with `labels` (and a box with the image's size).
    "relations": list of {"from", "to"} (values of marks, as above), "direction" and "labels".
    """
    found: dict[str, Any] = {}
    marks = {region["id"]: _marked(region) for region in result if is_mark(region)}
    for region in result:
        if region["type"] == "relation":
            ends = {"from": marks[region["from_id"]], "to": marks[region["to_id"]]}
            told = {"direction": region["direction"], "labels": region["labels"]}
            found.setdefault(RELATIONS, []).append({**ends, **told})
        elif is_mark(region):
            found.setdefault(region["from_name"], []).append(marks[region["id"]])
        else:
            found[region["from_name"]] = _ANSWERS[region["type"]](region["value"])
    return found


def _marked(region: Region) -> dict[str, Any]:
    size = {side: region[side] for side in ("original_width", "original_height") if side in region}
    return {**region["value"], **size, "labels": region["value"][region["type"]]}


_ANSWERS = {
    "choices": lambda value: value["choices"],
    "textarea": lambda value: (value.get("text") or [""])[0],
    "rating": lambda value: value["rating"],
    "number": lambda value: value["number"],
    "pairwise": lambda value: value["selected"],
    "ranker": lambda value: next(iter(value["ranker"].values())),
}
