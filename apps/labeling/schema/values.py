"""The value of one region, by the kind of its question: checked, and as Label Studio stores it. Pure but for the words.

Offsets of spans count characters (code points), as Python and Label Studio's exports slice text.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeGuard

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.schema.parts import Config, Control

MAX_TEXT = 100_000
MAX_NUMBER = 1e12
_NEARLY = 1e-6  # of a percent: what is left of a box's sum after JavaScript divided
Value = dict[str, Any]


def check_value(config: Config, control: Control, data: Mapping[str, Any], value: Value, at: str) -> Value:
    """What is kept of a region's value. `at` is its place, for the Problem."""
    return _CHECKS[control.kind](control, _about(config, control, data), value, at)


def wrong(where: str, message: str, hint: str = "") -> Problem:
    return Problem(message, field=f"result.{where}".rstrip("."), hint=hint, code="bad_result")


def is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def picked(control: Control, given: Any, at: str) -> list[str]:
    """Some of the question's options, in the order of the config."""
    if not isinstance(given, list) or not given:
        raise wrong(at, _("“%(name)s” needs a list with an answer.") % {"name": control.name})
    for option in given:
        if option not in control.stored:
            known = ", ".join(control.stored[:12])
            message = _("“%(option)s” is no answer of “%(name)s”.") % {"option": str(option)[:64], "name": control.name}
            raise wrong(at, message, _("There is: %(known)s.") % {"known": known})
    if len(set(given)) != len(given):
        raise wrong(at, _("An answer is there twice."))
    if len(given) > 1 and not control.multiple and control.kind != "Relations":
        raise wrong(at, _("“%(name)s” takes one answer.") % {"name": control.name})
    return [option for option in control.stored if option in given]


def _about(config: Config, control: Control, data: Mapping[str, Any]) -> Any:
    """What the task shows in the object of a question."""
    shown = config.object(control.to)
    return data.get(shown.field) if shown else None


def _choices(control: Control, _shown: Any, value: Value, at: str) -> Value:
    return {"choices": picked(control, value.get("choices"), f"{at}.choices")}


def _labels(control: Control, shown: Any, value: Value, at: str) -> Value:
    found = picked(control, value.get("labels"), f"{at}.labels")
    start, end = value.get("start"), value.get("end")
    words = _words("" if shown is None else str(shown), start, end, value, f"{at}.start", f"{at}.text")
    return {"start": start, "end": end, "text": words, "labels": found}


def _paragraphlabels(control: Control, shown: Any, value: Value, at: str) -> Value:
    found = picked(control, value.get("paragraphlabels"), f"{at}.paragraphlabels")
    turns: list[Any] = shown if isinstance(shown, list) else []
    start, end = (_turn(value.get(name), len(turns), f"{at}.{name}") for name in ("start", "end"))
    if start != end:
        raise wrong(f"{at}.end", _("A span is within one turn; mark each turn by itself."))
    places = value.get("startOffset"), value.get("endOffset")
    words = _words(str(turns[start]["content"]), *places, value, f"{at}.startOffset", f"{at}.text")
    kept = {"start": str(start), "end": str(end), "startOffset": places[0], "endOffset": places[1], "text": words}
    return {**kept, "paragraphlabels": found}


def _turn(given: Any, count: int, at: str) -> int:
    text = str(given) if is_whole(given) else given
    is_number = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 6
    if not is_number or int(text) >= count:
        raise wrong(at, _("There is no turn %(turn)s; the first of %(count)d is 0.") % {"turn": text, "count": count})
    return int(text)


def _words(text: str, start: Any, end: Any, value: Value, at: str, at_text: str) -> str:
    """The text from `start` to before `end`, where there is such a place."""
    if not is_whole(start) or not is_whole(end) or not 0 <= start < end <= len(text):
        message = _("The span %(start)s to %(end)s is not within the text of %(length)d characters.")
        raise wrong(at, message % {"start": str(start)[:20], "end": str(end)[:20], "length": len(text)})
    if "text" in value and value["text"] != text[start:end]:
        raise wrong(at_text, _("The words of the span are not those at its place."))
    return text[start:end]


def _rectanglelabels(control: Control, _shown: Any, value: Value, at: str) -> Value:
    found = picked(control, value.get("rectanglelabels"), f"{at}.rectanglelabels")
    sides: dict[str, Any] = {side: value.get(side) for side in ("x", "y", "width", "height")}
    for side, size in sides.items():
        if not _is_number(size) or not 0 <= size <= 100 or (side in ("width", "height") and not size):
            raise wrong(f"{at}.{side}", _("%(side)s of a box is from 0 to 100 percent of the image.") % {"side": side})
    for near, size in (("x", "width"), ("y", "height")):
        if value[near] + value[size] > 100 + _NEARLY:
            raise wrong(f"{at}.{size}", _("The box reaches out of the image."))
        sides[size] = min(value[size], 100 - value[near])
        if sides[size] <= 0:
            raise wrong(f"{at}.{size}", _("The box has no area."))
    if value.get("rotation", 0) != 0:
        raise wrong(f"{at}.rotation", _("A box is not turned: its rotation is 0."))
    return {**sides, "rotation": 0, "rectanglelabels": found}


def _is_number(value: Any) -> TypeGuard[float]:
    is_any = isinstance(value, int | float) and not isinstance(value, bool)
    return is_any and abs(value) <= MAX_NUMBER and isfinite(value)


def _textarea(control: Control, _shown: Any, value: Value, at: str) -> Value:
    text = value.get("text")
    lines = [text] if isinstance(text, str) else text
    if not isinstance(lines, list) or len(lines) != 1 or not isinstance(lines[0], str):
        raise wrong(f"{at}.text", _("“%(name)s” takes one text.") % {"name": control.name})
    if len(lines[0]) > MAX_TEXT:
        raise wrong(f"{at}.text", _("A text has at most %(most)d characters.") % {"most": MAX_TEXT})
    if "\0" in lines[0] or not _is_storable(lines[0]):
        raise wrong(f"{at}.text", _("The text has characters that cannot be stored."))
    return {"text": list(lines)}


def _is_storable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _rating(control: Control, _shown: Any, value: Value, at: str) -> Value:
    rating = value.get("rating")
    if not is_whole(rating) or not 0 <= rating <= control.max_rating:
        message = _("“%(name)s” takes a whole number from 0 to %(most)d.")
        raise wrong(f"{at}.rating", message % {"name": control.name, "most": control.max_rating})
    return {"rating": rating}


def _number(control: Control, _shown: Any, value: Value, at: str) -> Value:
    number, at = value.get("number"), f"{at}.number"
    if not _is_number(number):
        raise wrong(at, _("“%(name)s” takes a number.") % {"name": control.name})
    if control.min is not None and number < control.min:
        raise wrong(at, _("“%(name)s” is at least %(least)s.") % {"name": control.name, "least": control.min})
    if control.max is not None and number > control.max:
        raise wrong(at, _("“%(name)s” is at most %(most)s.") % {"name": control.name, "most": control.max})
    if control.step is not None:
        steps = (number - (control.min or 0)) / control.step
        if abs(steps - round(steps)) > _NEARLY:
            raise wrong(at, _("“%(name)s” goes in steps of %(step)s.") % {"name": control.name, "step": control.step})
    return {"number": int(number) if float(number).is_integer() else number}


def _pairwise(control: Control, _shown: Any, value: Value, at: str) -> Value:
    if value.get("selected") not in ("left", "right"):
        raise wrong(f"{at}.selected", _("“%(name)s” takes left or right.") % {"name": control.name})
    return {"selected": value["selected"]}


def _ranker(control: Control, shown: Any, value: Value, at: str) -> Value:
    """Under whatever one key the order comes in (versions of Label Studio differ), it is stored under the question's name."""
    given, at = value.get("ranker"), f"{at}.ranker"
    orders = list(given.values()) if isinstance(given, dict) else []
    order = orders[0] if len(orders) == 1 else None
    ids = [item["id"] for item in shown] if isinstance(shown, list) else []
    if not isinstance(order, list) or not all(isinstance(one, str) for one in order) or sorted(order) != sorted(ids):
        known = _("There is: %(known)s.") % {"known": ", ".join(ids[:12])}
        raise wrong(at, _("“%(name)s” takes every item of the list once.") % {"name": control.name}, known)
    return {"ranker": {control.name: list(order)}}


_CHECKS: dict[str, Callable[[Control, Any, Value, str], Value]] = {
    "Choices": _choices,
    "Labels": _labels,
    "ParagraphLabels": _paragraphlabels,
    "RectangleLabels": _rectanglelabels,
    "TextArea": _textarea,
    "Rating": _rating,
    "Number": _number,
    "Pairwise": _pairwise,
    "Ranker": _ranker,
}
