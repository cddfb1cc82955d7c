"""Lines of JSON read many at once: what is plain in one go, every other line as `workers.formats.json_rows` reads it."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from workers.formats.json_rows import read_jsonl
from workers.formats.lines import LINE_CAP
from workers.formats.problems import Problem
from workers.formats.rows import Row, Rows
from workers.formats.values import MAX_COLUMNS, MAX_DEPTH, MAX_DIGITS, ODD_ESCAPE

_LONG_NUMBER = re.compile(rf"\d{{{MAX_DIGITS // 2}}}")
_LONG_BITS = 3 * MAX_DIGITS  # of a number that may have more digits than that
_NESTED = frozenset((dict, list))


class _Odd(ValueError):
    """This line is for `read_jsonl`."""


def read_lines_of_json(data: bytes, first: int) -> tuple[Rows, list[Problem], int]:
    """(good rows, bad ones, blank lines) of whole lines, numbered from `first`: what `read_jsonl` finds in them."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _gathered(read_jsonl(io.BufferedReader(io.BytesIO(data)), first=first))
    has_escapes = "\\u" in text and bool(ODD_ESCAPE.search(text))
    lines, values, problems, blank = list[int](), list[dict[str, Any]](), list[Problem](), 0
    spans, start = list[tuple[int, int]](), 0
    number, size = first - 1, len(text)
    while start < size:
        number, stop = number + 1, text.find("\n", start)
        stop = size if stop < 0 else stop
        is_odd = has_escapes and ODD_ESCAPE.search(text, start, stop)
        value = None if is_odd else plain_object(text, start, stop)
        if value is None:
            item = read_alone(text[start : stop + 1], number)
            if item is None:
                blank += 1
            elif isinstance(item, Problem):
                problems.append(item)
            else:
                value = item.values
        if value is not None:
            lines.append(number)
            values.append(value)
            spans.append((start, stop))
        start = stop + 1
    return Rows(lines, values, lambda place: text[slice(*spans[place])].strip(" \t\r\n")), problems, blank


def _gathered(items: Iterator[Row | Problem | None]) -> tuple[Rows, list[Problem], int]:
    rows, problems, blank = list[Row](), list[Problem](), 0
    for item in items:
        if item is None:
            blank += 1
        elif isinstance(item, Problem):
            problems.append(item)
        else:
            rows.append(item)
    return (
        Rows([row.line for row in rows], [row.values for row in rows], lambda place: rows[place].raw),
        problems,
        blank,
    )


def plain_object(text: str, start: int, stop: int) -> dict[str, Any] | None:
    """The object that fills a line, None for anything else: then a second look tells what it is."""
    try:
        value, end = scan(text, start)
    except (ValueError, StopIteration, RecursionError):
        return None
    if value.__class__ is not dict or end > stop or (end != stop and text[end:stop] != "\r"):
        return None
    if stop - start < MAX_DIGITS and _NESTED.isdisjoint(map(type, value.values())):
        return value  # too short for a number, a line or a row that is too long
    return None if _is_odd_inside(value, text, start, stop) else value


def _is_odd_inside(value: dict[str, Any], text: str, start: int, stop: int) -> bool:
    if len(value) > MAX_COLUMNS or (stop - start) * 4 > LINE_CAP:
        return True
    kinds = set(map(type, value.values()))
    if int in kinds and any(inner.__class__ is int and inner.bit_length() > _LONG_BITS for inner in value.values()):
        return True
    if _NESTED.isdisjoint(kinds):
        return False
    marks = text.count("[", start, stop) + text.count("{", start, stop)
    return marks > MAX_DEPTH or bool(_LONG_NUMBER.search(text, start, stop))


def read_alone(line: str, number: int) -> Row | Problem | None:
    return next(read_jsonl(io.BufferedReader(io.BytesIO(line.encode())), first=number))


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Odd
    return number


def _refuse(word: str) -> NoReturn:
    raise _Odd(word)


scan = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse).scan_once  # type: ignore[attr-defined]  # missing in typeshed
