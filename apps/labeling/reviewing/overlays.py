"""A task as a reviewer sees it: what it shows, with the marks of everybody laid over one another, a colour a person.

Words of tasks, labels and names become text here, never markup: everything goes through format_html.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.labeling.schema.alike import Answers, Region, labels_of
from apps.labeling.schema.parts import Config, Shown

COLOURS = 6
SHOWN_CHARACTERS = 20_000  # of one text


@dataclass(frozen=True)
class Mark:
    """A place from `start` to `end` that a person marked."""

    start: int
    end: int
    by: int
    title: str


def parts(config: Config, data: Mapping[str, Any], people: Sequence[tuple[str, Answers]]) -> list[dict[str, Any]]:
    """For each object of the config {"kind", "name", ...} with what the template draws."""
    return [_part(config, shown, data, people) for shown in config.parts if isinstance(shown, Shown)]


def _part(
    config: Config, shown: Shown, data: Mapping[str, Any], people: Sequence[tuple[str, Answers]]
) -> dict[str, Any]:
    value = data.get(shown.field, "") if shown.field else shown.text
    drawn: dict[str, Any] = {"kind": shown.kind, "name": shown.name}
    if shown.kind in ("Paragraphs", "Chat"):
        marks = _regions(config, shown, "ParagraphLabels", people)
        return {
            **drawn,
            "turns": [_turn(turn, place, marks) for place, turn in enumerate(value if isinstance(value, list) else [])],
        }
    if shown.kind == "Image":
        return {**drawn, "url": str(value), "boxes": _boxes(_regions(config, shown, "RectangleLabels", people))}
    if shown.kind == "List":
        return {
            **drawn,
            "title": shown.text,
            "items_shown": [_item(one) for one in (value if isinstance(value, list) else [])],
        }
    spans = _regions(config, shown, "Labels", people)
    text = painted(str(value), [_mark(region, by, name, "start", "end") for by, name, region in spans])
    return {**drawn, "text": text}


Owned = tuple[int, str, Region]


def _regions(config: Config, shown: Shown, kind: str, people: Sequence[tuple[str, Answers]]) -> list[Owned]:
    """(place of the person, name, region) of all marks on an object."""
    asked = [control.name for control in config.controls if control.kind == kind and control.to == shown.name]
    return [
        (by, name, region)
        for by, (name, answers) in enumerate(people)
        for question in asked
        for region in answers.get(question, [])
    ]


def _mark(region: Region, by: int, name: str, start: str, end: str) -> Mark:
    value = region["value"]
    return Mark(int(value[start]), int(value[end]), by, f"{name}: {', '.join(labels_of(region))}")


def _turn(turn: Any, place: int, marks: Sequence[Owned]) -> dict[str, Any]:
    role, content = (turn.get("role", ""), turn.get("content", "")) if isinstance(turn, Mapping) else ("", turn)
    here = [
        _mark(region, by, name, "startOffset", "endOffset")
        for by, name, region in marks
        if str(region["value"].get("start")) == str(place)
    ]
    return {"role": str(role), "text": painted(str(content), here)}


def _item(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    return ": ".join(str(item[name]) for name in ("title", "body", "text") if item.get(name)) or str(dict(item))


def painted(text: str, marks: Sequence[Mark]) -> SafeString:
    """The text (offsets count code points) with a line in each person's colour under what they marked."""
    cut = text[:SHOWN_CHARACTERS]
    places = sorted({0, len(cut), *(min(max(at, 0), len(cut)) for mark in marks for at in (mark.start, mark.end))})
    pieces = [
        _piece(cut[start:end], [m for m in marks if m.start <= start and m.end >= end])
        for start, end in pairwise(places)
    ]
    more = [format_html(' <span class="muted">{}</span>', _("(cut)"))] if len(cut) < len(text) else []
    return format_html_join("", "{}", ((piece,) for piece in [*pieces, *more]))


def _piece(text: str, marks: Sequence[Mark]) -> SafeString:
    drawn = format_html("{}", text)
    for depth, mark in enumerate(marks):
        classes = (mark.by % COLOURS + 1, min(depth + 1, COLOURS), mark.title)
        drawn = format_html('<mark class="by" data-by="{}" data-depth="{}" title="{}">{}</mark>', *classes, drawn)
    return drawn


def _boxes(marks: Sequence[Owned]) -> list[dict[str, Any]]:
    return [
        {
            "by": by % COLOURS + 1,
            "title": f"{name}: {', '.join(labels_of(region))}",
            **{side: f"{float(region['value'][side]):.3f}" for side in ("x", "y", "width", "height")},
        }
        for by, name, region in marks
    ]
