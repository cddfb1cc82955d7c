"""Lines of JSON read as columns: those that hold the same columns in the same order, as programs write them. The rest stay lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring as quoted
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json

from workers.formats.columns import Columns
from workers.formats.json_pieces import plain_object, read_alone, scan
from workers.formats.layouts import ColumnMapping
from workers.formats.lines import LINE_CAP
from workers.formats.values import MAX_COLUMNS, MAX_DIGITS
from workers.formats.vectors import only_chunk

_LF, _CR, _QUOTE, _COLON, _BACKSLASH = b'\n\r":\\'
_KINDS: dict[type, pa.DataType] = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
_ESCAPES = re.compile(  # a whole surrogate pair, or what only a look at the line can judge
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u(?:0000|[dD][89a-fA-F])"
)


def read_columns_of_json(data: bytes, first: int, mapping: ColumnMapping) -> Columns | None:
    """The columns of whole lines, numbered from `first`; None where too few of them are alike."""
    example = _example(data)
    if example is None or not all(column in example for column in mapping.columns.values()):
        return None
    held = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(held == _LF)
    if not len(ends) or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    names = [_written(name, data[: ends[0]]) for name in example]
    keys = _keys(held, starts, names)
    if keys is None:
        return None
    is_alike, places = keys
    _leave_out_odd(is_alike, data, starts, ends)
    wanted = is_alike[places[:, 0]]
    if wanted.sum() * 2 < len(starts):
        return None
    places = places[wanted]
    lines = places[:, 0]
    whole = data if is_alike.all() else b"\n".join([data[starts[line] : ends[line]] for line in lines.tolist()])
    spans = starts[lines], ends[lines]
    values = _values(whole, data, spans, places[:, 1:], names, example, mapping)
    if values is None:
        return None
    others = [
        read_alone(data[starts[line] : ends[line] + 1].decode(), first + line)
        for line in np.flatnonzero(~is_alike).tolist()
    ]
    alone = lambda place: read_alone(data[spans[0][place] : spans[1][place] + 1].decode(), first + int(lines[place]))  # noqa: E731
    return Columns(lines + first, values, alone, others)


def _example(data: bytes) -> dict[str, Any] | None:
    """The first line, if it is an object of plain values; None too where the text is not UTF-8 or holds odd bytes."""
    end = data.find(b"\n")
    try:
        line = data[: end if end >= 0 else len(data)].decode()
        if not data.isascii():
            data.decode()
    except UnicodeDecodeError:
        return None
    value = plain_object(line, 0, len(line))
    if not value or any(kind in (dict, list) for kind in map(type, value.values())) or len(value) > MAX_COLUMNS:
        return None
    return value


def _written(name: str, line: bytes) -> bytes:
    """A key as it stands in a line: escaped, or not."""
    escaped = json.dumps(name).encode()
    return (escaped if escaped in line else quoted(name).encode())[1:-1]


def _keys(held: Any, starts: Any, names: list[bytes]) -> tuple[Any, Any] | None:
    """(which lines have exactly these keys in this order, an array of (line, place of the quote behind each key) for the lines that
    have so many). A quote before a colon ends a key, unless it is escaped."""
    quotes = np.flatnonzero(held[:-1] == _QUOTE)
    quotes = quotes[held[quotes + 1] == _COLON]
    quotes = quotes[(quotes > 0) & (held[quotes - 1] != _BACKSLASH)]
    line_of = np.searchsorted(starts, quotes, "right") - 1
    counts, width = np.bincount(line_of, minlength=len(starts)), len(names)
    is_alike = counts == width
    if not is_alike.any():
        return None
    places = quotes[is_alike[line_of]].reshape(-1, width)
    lines = np.flatnonzero(is_alike)
    same = np.ones(len(lines), bool)
    for place, name in enumerate(names):
        begin = places[:, place] - len(name) - 1
        same &= begin > starts[lines]
        begin = np.maximum(begin, 1)
        wanted = np.frombuffer(b'"' + name, np.uint8)
        same &= (held[begin[:, None] + np.arange(len(wanted))] == wanted).all(axis=1) & (held[begin - 1] != _BACKSLASH)
    is_alike[lines[~same]] = False
    return is_alike, np.column_stack([lines, places])


def _leave_out_odd(is_alike: Any, data: bytes, starts: Any, ends: Any) -> None:
    """Leave out lines that are very long, or that hold an escape of NUL or of half a character."""
    is_alike &= (ends - starts) * 4 <= LINE_CAP
    held = np.frombuffer(data, np.uint8)
    # one byte is looked for at the speed of memory; two, as by `in`, take ten times as long
    if data.find(b"\\") >= 0 and (held[np.flatnonzero(held[:-1] == _BACKSLASH) + 1] == ord("u")).any():
        odd = [match.start() for match in _ESCAPES.finditer(data) if match.group(1) is None]
        is_alike[np.searchsorted(starts, odd, "right") - 1] = False


def _values(
    whole: bytes,
    data: bytes,
    spans: tuple[Any, Any],
    places: Any,
    names: list[bytes],
    example: Mapping[str, Any],
    mapping: ColumnMapping,
) -> dict[str, Any] | None:
    used = set(mapping.columns.values())
    kinds = {name: pa.string() if name in used else _KINDS.get(type(value)) for name, value in example.items()}
    table = _table(whole, kinds)
    if table is None:  # numbers that are not all whole
        kinds = {name: None if kind == pa.int64() else kind for name, kind in kinds.items()}
        table = _table(whole, kinds)
    if table is None or table.num_rows != len(places):
        return None
    values = dict[str, Any]()
    for number, (name, kind) in enumerate(kinds.items()):
        if kind is not None:
            values[name] = only_chunk(table.column(name))
        else:
            found = _scalars(data, places[:, number] + 2, _ends(places, number, spans, names))
            if found is None:
                return None
            values[name] = found
    return values


def _table(whole: bytes, kinds: Mapping[str, pa.DataType | None]) -> pa.Table | None:
    schema = pa.schema([(name, kind) for name, kind in kinds.items() if kind is not None])
    try:
        return pa.json.read_json(
            pa.BufferReader(whole),
            read_options=pa.json.ReadOptions(use_threads=False, block_size=len(whole) + 1),
            parse_options=pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        return None


def _ends(places: Any, number: int, spans: tuple[Any, Any], names: list[bytes]) -> Any:
    """Where the values of a column end: at the quote that opens the next key, or with the line."""
    if number + 1 == len(names):
        return spans[1]
    return places[:, number + 1] - len(names[number + 1]) - 1


def _scalars(data: bytes, starts: Any, ends: Any) -> list[Any] | None:
    """The values between these places, each a number, text, truth or nothing; None when there is anything else."""
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        text = data[start:end].decode().strip(" \t\r\n,}")
        try:
            value, stop = scan(text, 0)
        except (ValueError, StopIteration, RecursionError):
            return None
        if stop != len(text) or isinstance(value, list | dict) or (isinstance(value, int) and len(text) >= MAX_DIGITS):
            return None
        found.append(value)
    return found
