"""What a program may say: one JSON object a line, checked before the database sees it. Pure: no Django.

A program is ours, but what it passes on is not: a model's answer can hold a NUL or half of a surrogate pair, a loss can be NaN.
PostgreSQL refuses all three, and a refusal in the middle of a batch would cost the job its attempt.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_BIGINT = 2**63 - 1
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def read(line: bytes) -> dict[str, Any]:
    """The event in one line. NaN and infinity become None, unstorable characters U+FFFD. Raises ValueError with the reason."""
    try:
        event = json.loads(line, parse_constant=lambda _name: None)
    except RecursionError as exc:
        raise ValueError("a line is nested too deeply") from exc
    if not isinstance(event, dict):
        raise ValueError("a line is no JSON object")
    event = dict(_storable(event))
    if not _is_whole(event.get("seq")) or not isinstance(event.get("type"), str):
        raise ValueError("a line has no seq or no type")
    for name, is_right in REQUIRED.get(event["type"], {}).items():
        if not is_right(event.get(name)):
            raise ValueError(f"event {event['seq']} ({event['type']}) has no usable {name}")
    return event


def clean(text: str) -> str:
    """Text fit for a page's log: no terminal escapes, no controls but line breaks and tabs, at most 4,000 characters."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub("\ufffd", text)[:4000]


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None  # 1e400 is read as infinity
    if isinstance(value, dict):
        return {_storable(key): _storable(inner) for key, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list) else value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_BIGINT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_value(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_moment(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 253_402_300_800  # until the year 9999


def _is_short(limit: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and 0 < len(value) <= limit


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_or_absent(value: Any) -> bool:
    return value is None or isinstance(value, dict)


REQUIRED: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "metric": {"step": _is_whole, "name": _is_short(40), "value": _is_value},
    "log": {"at": _is_moment, "text": _is_text},
    "fact": {"name": _is_short(200)},
    "resumed": {"step": _is_whole},
    "checkpoint": {
        "step": _is_whole,
        "folder": _is_short(200),
        "manifest": _is_object_or_absent,
        "metrics": _is_object_or_absent,
    },
    "failure": {"message": _is_text},
    "result": {"result": _is_object},
}
