"""A reviewer's own answer: the task as the labeling screen draws it, begun from somebody's answer, and every mark that anybody made."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError

from apps.core.errors import Problem
from apps.core.parsers import SafeJSONParser
from apps.labeling.reviewing import wording
from apps.labeling.schema.alike import Answers, Region, key_of
from apps.labeling.schema.parts import Config, Control

MAX_RESULT = 4 * 1024 * 1024  # characters of a sent result; what it may hold is checked by who keeps it


def sheet(
    config: Config, number: int, data: Mapping[str, Any], people: Sequence[tuple[str, Answers]], draft: Any
) -> dict[str, Any]:
    """What static/js/reviewown.js draws: the parts, the task with the answer to begin with, and marks to take over."""
    task = {"number": number, "data": data, "draft": draft or None}
    return {"parts": config.as_page(), "task": task, "offers": offers(config, people)}


def regions(answers: Answers) -> list[dict[str, Any]]:
    """The result that was read as `answers`."""
    return [_plain(region) for found in answers.values() for region in found]


def _plain(region: Region) -> dict[str, Any]:
    return {name: value for name, value in region.items() if name != "ends"}


def offers(config: Config, people: Sequence[tuple[str, Answers]]) -> list[dict[str, Any]]:
    """Every different mark and relation once, with who made it; a relation with the marks at its ends."""
    asked = [control for control in config.controls if control.marks or control.kind == "Relations"]
    return [offer for control in asked for offer in _offered(control, people)]


def _offered(control: Control, people: Sequence[tuple[str, Answers]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, answers in people:
        marks = {region.get("id"): _plain(region) for regions in answers.values() for region in regions}
        for region in answers.get(control.name, []):
            ends = [marks.get(region.get(end)) for end in ("from_id", "to_id")] if "ends" in region else []
            words = ", ".join(wording.lines(control, [region]))
            offer = {"control": control.name, "region": _plain(region), "ends": ends, "words": words, "names": []}
            found.setdefault(_key(region), offer)["names"].append(name)
    return [offer for offer in found.values() if None not in offer["ends"]]


def _key(region: Region) -> str:
    return str(key_of(region)) if "start" in region.get("value", {}) or "ends" in region else str(region.get("value"))


def result_of(text: str) -> list[Any]:
    """The result that the page sent. Raises Problem."""
    if len(text) > MAX_RESULT:
        raise Problem(_("The answer is too large."), field="result")
    try:
        found = SafeJSONParser().parse(io.BytesIO(text.encode(errors="surrogatepass")))
    except (ParseError, UnicodeError):
        found = None
    if not isinstance(found, list):
        raise Problem(_("The answer is a list of regions."), field="result")
    return found
