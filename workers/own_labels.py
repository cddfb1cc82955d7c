"""What a row of a dataset already says of itself, as a suggestion: its class, its answer, its marks. Pure; the page runs it too.

Labels that the question does not have are never guessed at: they are given back, to be counted and told.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.suggesting import MOST_SPANS, Question

OWN = "own"
MOST_STRANGE = 20  # unknown labels that are told by name
MOST_LABEL = 80  # characters of an unknown label that are told
_LIST = re.compile(r"[,;|]")


@dataclass(frozen=True, slots=True)
class Own:
    """What a row says: `value` as `workers.suggesting.Said` has it, and the labels that the question does not know."""

    value: list[Any] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def own_label(
    question: Question, names: Mapping[str, str], given: Any, text: str, size: Sequence[float | None] | None = None
) -> Own:
    """What `given`, the value of a row's column, says of a question.

    `names`: {shown or stored name of an option: as it is stored}, compared without regard to case. Marks are {"start", "end", "label"} in
    characters of `text`, boxes {"x", "y", "width", "height", "label"} in pixels of a picture of `size` (they come back in percent).
    """
    known = {name.strip().casefold(): stored for name, stored in names.items()}
    if question.kind in ("Labels", "RectangleLabels"):
        return _marks(question.kind, known, given, text, size)
    if question.kind == "Choices":
        return _choices(question, known, given)
    told = str(given).strip() if isinstance(given, str | int | float) else ""
    if not told:
        return Own()
    if question.kind == "TextArea":
        return Own([told])
    return _number(question, told)


def _choices(question: Question, known: Mapping[str, str], given: Any) -> Own:
    said = [one for one in (_named(known, name) for name in _told(given)) if one[0]]
    if any(not stored for _name, stored in said) and isinstance(
        given, str
    ):  # "red, blue" is a list, "red, dark" may be one label
        said = [_named(known, name) for name in _LIST.split(given) if name.strip()] if question.multiple else said
    value = [option for option in question.options if option in {stored for _name, stored in said}]
    unknown = [name for name, stored in said if not stored]
    if len(value) > 1 and not question.multiple:
        return Own([], [", ".join(value)])
    return Own(value, unknown)


def _told(given: Any) -> list[str]:
    """The names in a column: one, a list, or a list written as JSON."""
    if isinstance(given, bool):
        return [json.dumps(given)]
    if isinstance(given, str) and given.strip().startswith("["):
        try:
            given = json.loads(given)
        except ValueError:
            return [given]
    several = given if isinstance(given, list) else [given]
    return [str(one) for one in several if isinstance(one, str | int | float)]


def _named(known: Mapping[str, str], name: str) -> tuple[str, str]:
    """(the name, how the option is stored; "" when there is none)."""
    return name.strip()[:MOST_LABEL], known.get(name.strip().casefold(), "")


def _number(question: Question, told: str) -> Own:
    try:
        number = float(told)
    except ValueError:
        return Own([], [told[:MOST_LABEL]])
    if not math.isfinite(number):
        return Own([], [told[:MOST_LABEL]])
    whole = str(int(number)) if number.is_integer() else told
    if question.options and whole not in question.options:
        return Own([], [told[:MOST_LABEL]])
    return Own([whole if question.options else number])


def _marks(kind: str, known: Mapping[str, str], given: Any, text: str, size: Sequence[float | None] | None) -> Own:
    value, unknown = list[Any](), list[str]()
    for one in given if isinstance(given, list) else ():
        if not isinstance(one, dict):
            continue
        name, stored = _named(known, str(one.get("label", "")))
        place = _span(one, text) if kind == "Labels" else _box(one, size)
        if name and not stored:
            unknown.append(name)
        elif stored and place:
            value.append({**place, "label": stored})
    return Own(value[:MOST_SPANS], unknown)


def _span(one: Any, text: str) -> dict[str, int] | None:
    start, end = one.get("start"), one.get("end")
    is_place = type(start) is int and type(end) is int and 0 <= start < end <= len(text)
    return {"turn": 0, "start": start, "end": end} if is_place else None


def _box(one: Any, size: Sequence[float | None] | None) -> dict[str, float] | None:
    sides = [one.get(side) for side in ("x", "y", "width", "height")]
    width, height = size or (None, None)
    if not width or not height or not all(isinstance(side, int | float) for side in sides):
        return None
    x, y = (min(max(side / whole * 100, 0.0), 100.0) for side, whole in zip(sides, (width, height), strict=False))
    wide, high = min(sides[2] / width * 100, 100 - x), min(sides[3] / height * 100, 100 - y)
    return {"x": x, "y": y, "width": wide, "height": high} if wide > 0 and high > 0 else None
