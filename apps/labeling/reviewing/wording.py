"""Answers in words, for reviewers. Plain text: templates escape it."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.labeling.schema.alike import Region, labels_of
from apps.labeling.schema.parts import Control

MOST_LINES = 60


def lines(control: Control, regions: Sequence[Region]) -> list[str]:
    """What somebody answered to a question, a line each mark."""
    return [line for region in regions[:MOST_LINES] for line in _lines(control, region)]


def _lines(control: Control, region: Region) -> list[str]:
    if region.get("type") == "relation":
        first, second = (_place(end) for end in region["ends"])
        arrow = {"right": "→", "left": "←"}.get(str(region.get("direction")), "↔")
        said = ", ".join(map(str, region.get("labels", [])))
        return [f"{first} {arrow} {second}" + (f": {said}" if said else "")]
    value = region["value"]
    if control.marks:
        return [f"{', '.join(labels_of(region))}: {_place(value)}"]
    if control.kind == "Ranker":
        return [f"{place}. {one}" for place, one in enumerate(next(iter(value["ranker"].values()), []), start=1)]
    return [_simple(control, value)]


def _place(value: Any) -> str:
    if not isinstance(value, dict):
        return "?"
    if "width" in value:
        return _("box at %(x)d, %(y)d of %(width)d x %(height)d %%") % {
            name: round(float(value[name])) for name in ("x", "y", "width", "height")
        }
    words = str(value.get("text", ""))
    return f"“{words[:120]}{'…' if len(words) > 120 else ''}”"


def _simple(control: Control, value: dict[str, Any]) -> str:
    if control.kind == "Choices":
        shown = {option.stored: option.value for option in control.options}
        return ", ".join(str(shown.get(one, one)) for one in value.get("choices", []))
    if control.kind == "Rating":
        return _("%(rating)s of %(most)s") % {"rating": value.get("rating"), "most": control.max_rating}
    if control.kind == "Pairwise":
        return str({"left": _("the left one"), "right": _("the right one")}.get(str(value.get("selected")), "?"))
    if control.kind == "TextArea":
        return str((value.get("text") or [""])[0])
    return f"{value.get('number'):g}" if isinstance(value.get("number"), int | float) else str(value)
