"""JSON values as we accept them: finite numbers, sane depth, text that can be stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from workers.formats.problems import RowFault

MAX_DEPTH = 64  # nested lists and objects in one row
MAX_DIGITS = 1000  # of one integer (B16)
MAX_COLUMNS = 2000
ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class JsonReader:
    """`json` with our limits. A number that is not finite or too long is remembered, so that reading can go on behind it.

    Duplicate keys: the last one wins, as in Python's and the browser's JSON.
    """

    def __init__(self) -> None:
        self._fault: RowFault | None = None
        self._decoder = json.JSONDecoder(parse_constant=self._constant, parse_float=self._float, parse_int=self._int)

    def read(self, text: str) -> Any:
        """The value of a whole text. Raises RowFault or json.JSONDecodeError."""
        self._fault = None
        try:
            value = self._decoder.decode(text)
        except RecursionError:
            raise too_deep() from None
        if self._fault:
            raise self._fault
        check_text(text)
        return value

    def read_at(self, text: str, start: int) -> tuple[Any, int, RowFault | None]:
        """(value, end, what is wrong with it) of the value that begins at `start`. Raises json.JSONDecodeError, RecursionError."""
        self._fault = None
        value, end = self._decoder.raw_decode(text, start)
        return value, end, self._fault

    def _constant(self, word: str) -> None:
        self._fault = RowFault("not_finite", f"{word} is not a number that JSON knows. Write null for a missing value.")

    def _float(self, digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            self._fault = RowFault("not_finite", f"The number {digits[:40]} is too large.")
        return number

    def _int(self, digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            self._fault = RowFault("number_too_long", f"A number has {len(digits)} digits; {MAX_DIGITS} is the most.")
            return 0
        return int(digits)


def too_deep() -> RowFault:
    """The fault of a row nested deeper than `MAX_DEPTH`."""
    return RowFault("too_deep", f"The row is nested deeper than {MAX_DEPTH} levels.")


def check_text(text: str) -> None:
    """Raise RowFault for JSON text that is too deep, or whose escapes make NUL or half of a surrogate pair (B13, B17)."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise too_deep()
    if "\\u" in text and ODD_ESCAPE.search(text):
        _check_escapes(text)


def check_storable(text: str) -> None:
    """Raise RowFault for text that holds NUL or cannot be written as UTF-8."""
    if "\0" in text:
        raise RowFault("nul", "The text holds a NUL character.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        if 0xDC80 <= code <= 0xDCFF:  # a byte kept by "surrogateescape"
            raise RowFault(
                "not_utf8", f"Byte 0x{code - 0xDC00:02X} at character {error.start + 1} is not UTF-8."
            ) from None
        raise RowFault("lone_surrogate", f"\\u{code:04x} is half of a surrogate pair.") from None


def strings_in(value: Any) -> list[str]:
    """Every string in a JSON value, keys included."""
    found, waiting = [], [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found


def _check_escapes(text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    for string in strings_in(value):
        check_storable(string)


def _depth(text: str) -> int:
    """Nesting of JSON text, brackets inside strings left out."""
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def value_at(values: Mapping[str, Any], column: str) -> Any:
    """The value of a column, or the one at a dotted path ("meta.topic") inside the objects of a row; None when there is none."""
    if column in values or "." not in column:
        return values.get(column)
    inner: Any = values
    for name in column.split("."):
        if not isinstance(inner, Mapping) or name not in inner:
            return None
        inner = inner[name]
    return inner


def has_column(columns: Sequence[str], name: str) -> bool:
    """Whether a name is one of the columns, or a path into one."""
    return name in columns or any(name.startswith(f"{column}.") for column in columns)


def kind_of(value: Any) -> str:
    """What a JSON value is, in a word for a message."""
    if value is None:
        return "nothing"
    words = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return words.get(type(value), type(value).__name__)
