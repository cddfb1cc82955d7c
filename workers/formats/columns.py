"""Columns of a piece of a file turned into a part: its plain rows without an object of Python's for each, the others one by one.

The part is the same that `workers.formats.parts.convert` makes of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workers.formats.chat import TrainingRow
from workers.formats.layouts import ColumnMapping, map_row, pieces_of_json
from workers.formats.parts import Part, joined
from workers.formats.problems import Problem
from workers.formats.rows import Row
from workers.formats.shards import SCHEMA, TURN
from workers.formats.statistics import Statistics
from workers.formats.vectors import bytes_in, digests, in_json, is_said, strings, together


class Columns(NamedTuple):
    """Rows of a piece of a file, column by column in the order of the file: arrays of text, whole numbers or booleans, or plain lists.

    `alone` gives the row at a place by itself (None: a blank line); `others` are what the piece holds besides these rows.
    """

    lines: Any
    values: dict[str, Any]
    alone: Callable[[int], Row | Problem | None]
    others: Sequence[Row | Problem | None] = ()


class Said(NamedTuple):
    """What rows say: (role, texts, which rows have this turn; None for all) of each turn, the JSON of their content, plain rows."""

    turns: list[tuple[str, Any, Any]]
    content: list[Any]
    is_plain: Any


class _Unsuited(Exception):
    """These columns are for `workers.formats.bulk`."""


def convert_columns(held: Columns, mapping: ColumnMapping) -> Part | None:
    """The part that a piece makes; None where its rows have to be looked at one by one."""
    try:
        values, said = held.values, _SAYERS[mapping.layout](held.values, mapping.columns)
        is_plain = said.is_plain
        if not is_plain.any():
            return None
        if not is_plain.all():
            values = _kept(held.values, is_plain)
            said = _SAYERS[mapping.layout](values, mapping.columns)
        statistics = Statistics()
        table, size = _plain_table(held.lines[is_plain], values, said, mapping, statistics)
    except _Unsuited:
        return None
    odd = [held.alone(int(place)) for place in np.flatnonzero(~is_plain)]
    single, problems, blank = list[TrainingRow](), list[Problem](), 0
    for item in [*held.others, *odd]:
        made = map_row(item, mapping) if isinstance(item, Row) else item
        if made is None:
            blank += 1
        elif isinstance(made, Problem):
            problems.append(made)
        else:
            single.append(made)
    return joined(table, size, single, problems, blank, statistics)


def can_convert(mapping: ColumnMapping) -> bool:
    """Whether rows of this mapping may be converted column by column."""
    return mapping.layout in _SAYERS and "history" not in mapping.columns


def _kept(values: Mapping[str, Any], is_kept: Any) -> dict[str, Any]:
    mask, places = pa.array(is_kept), np.flatnonzero(is_kept).tolist()
    return {
        name: column.filter(mask) if isinstance(column, pa.Array) else [column[place] for place in places]
        for name, column in values.items()
    }


def _plain_table(
    lines: Any, values: dict[str, Any], said: Said, mapping: ColumnMapping, statistics: Statistics
) -> tuple[pa.Table, int]:
    """(the rows as a table of the shards' schema, characters of all that they hold)."""
    count = len(lines)
    content = together(*said.content) if said.content else None
    ids = _identities(said, content, count)
    extras = _extras(values, mapping)
    messages, size = _messages(said, count, statistics)
    if not said.turns:
        lengths = _lengths(values[mapping.columns["text"]])
        statistics.merge({"characters": int(lengths.sum()), "most_characters": int(lengths.max())})
    nothing = pa.nulls(count, pa.string())
    columns = [ids, messages, pa.array(lines, pa.int64()), nothing if extras is None else extras, nothing]
    columns += [nothing if content is None else content, nothing]
    for texts in (extras, content):
        size += 0 if texts is None else int(_lengths(texts).sum())
    return pa.Table.from_arrays(columns, schema=SCHEMA), size


def _identities(said: Said, content: Any, count: int) -> pa.Array:
    """The id of each row, as `forms.identity` makes it."""
    if not said.turns:
        found = strings("[]", count)
    else:
        parts, is_first = list[Any](["["]), True
        for role, texts, has in said.turns:
            behind = f'","role":"{role}"}}'
            if has is None:
                parts += ['{"content":"' if is_first else ',{"content":"', in_json(texts), behind]
                is_first = False
            else:  # a system message that some rows have; a turn of everybody's follows
                before = together('{"content":"', in_json(pc.fill_null(texts, "")), f"{behind},")
                parts.append(pc.if_else(pa.array(has), before, ""))
        found = together(*parts, "]")
    ids = digests(found)
    return ids if content is None else digests(together(ids, " ", content))


def _messages(said: Said, count: int, statistics: Statistics) -> tuple[pa.Array, int]:
    """(the messages of each row, the characters of all)."""
    kind = SCHEMA.field("messages").type
    if not said.turns:
        empty = pa.StructArray.from_arrays([pa.array([], pa.string())] * 2, fields=list(TURN))
        return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), empty, type=kind), 0
    width = len(said.turns)
    has = np.ones((count, width), bool)
    lengths = np.zeros((count, width), np.int64)
    for place, (_role, texts, some) in enumerate(said.turns):
        if some is not None:
            has[:, place] = some
        lengths[:, place] = np.where(has[:, place], _lengths(texts), 0)
    order = np.arange(count * width).reshape(width, count).T[has]
    roles = pa.array([role for role, _texts, _has in said.turns], pa.string()).take(pa.array(order // count))
    texts = pa.concat_arrays([texts for _role, texts, _has in said.turns]).take(pa.array(order))
    turns = pa.StructArray.from_arrays([roles, texts], fields=list(TURN))
    ends = np.concatenate([[0], np.cumsum(has.sum(axis=1))])
    characters = lengths.sum(axis=1)
    statistics.merge(
        {
            "turns": int(ends[-1]),
            "characters": int(characters.sum()),
            "answer_characters": int(lengths[:, -1].sum()),
            "most_turns": int(has.sum(axis=1).max()),
            "most_characters": int(characters.max()),
            "with_system": int(has[:, 0].sum()) if said.turns[0][0] == "system" else 0,
        }
    )
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), turns, type=kind), int(characters.sum())


def _lengths(texts: pa.Array) -> Any:
    return pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)


def _extras(values: Mapping[str, Any], mapping: ColumnMapping) -> pa.Array | None:
    """The JSON of the columns that were not mapped, in their order; None where there are none."""
    used = mapping.columns.values()
    parts = list[Any]()
    for name, column in values.items():
        if name not in used:
            parts += [f"{',' if parts else '{'}{quoted(name)}:", _as_json(column)]
    return together(*parts, "}") if parts else None


def _as_json(column: Any) -> pa.Array:
    """Each value of a column as JSON."""
    if not isinstance(column, pa.Array):
        return pa.array(["".join(pieces_of_json(value, 0)) for value in column], pa.string())
    if pa.types.is_string(column.type):
        return pc.fill_null(together('"', in_json(column), '"'), "null")
    return pc.fill_null(column.cast(pa.string()), "null")


def _text(values: Mapping[str, Any], name: str) -> pa.Array:
    """The column of this name, if it holds texts."""
    column = values.get(name)
    if not isinstance(column, pa.Array) or not pa.types.is_string(column.type):
        raise _Unsuited
    return column


def _optional(values: Mapping[str, Any], name: str | None) -> tuple[pa.Array | None, Any]:
    """(the column of this name, which rows have a text there); (None, None) where none has."""
    if name is None or (name not in values and "." not in name):
        return None, None
    column = _text(values, name)
    has = pc.fill_null(pc.greater(pc.binary_length(column), 0), False).to_numpy(zero_copy_only=False)
    return (column, has) if has.any() else (None, None)


def _talk(values: Mapping[str, Any], columns: Mapping[str, str], asked: pa.Array, answered: pa.Array) -> Said:
    """A question and an answer, with what stands in the column of system messages."""
    is_plain = is_said(asked) & is_said(answered)
    turns = [("user", asked, None), ("assistant", answered, None)]
    system, has = _optional(values, columns.get("system"))
    if system is not None:
        is_plain &= is_said(system) | ~has
        turns.insert(0, ("system", system, None if has.all() else has))
    return Said(turns, [], is_plain)


def _pair(values: Mapping[str, Any], columns: Mapping[str, str]) -> Said:
    return _talk(values, columns, _text(values, columns["prompt"]), _text(values, columns["completion"]))


def _alpaca(values: Mapping[str, Any], columns: Mapping[str, str]) -> Said:
    asked = _with_input(_text(values, columns["instruction"]), values, columns)
    return _talk(values, columns, asked, _text(values, columns["output"]))


def _with_input(asked: pa.Array, values: Mapping[str, Any], columns: Mapping[str, str]) -> pa.Array:
    given, has = _optional(values, columns.get("input"))
    if given is None:
        return asked
    return pc.if_else(pa.array(has), together(asked, "\n\n", given), asked)


def _passage(values: Mapping[str, Any], columns: Mapping[str, str]) -> Said:
    text = _text(values, columns["text"])
    return Said([], ['{"text":"', in_json(text), '"}'], is_said(text))


def _class(values: Mapping[str, Any], columns: Mapping[str, str]) -> Said:
    text, label = _text(values, columns["text"]), _text(values, columns["label"])
    classes = label.dictionary_encode()  # few, as a rule
    words = classes.dictionary.to_pylist()
    is_good = pa.array([len(word) <= 200 and bool(word.strip()) for word in words], pa.bool_()).take(classes.indices)
    is_plain = is_said(text) & pc.fill_null(is_good, False).to_numpy(zero_copy_only=False)
    label = pa.array([word.strip() for word in words], pa.string()).take(classes.indices)
    return Said([], ['{"label":"', in_json(label), '","text":"', in_json(text), '"}'], is_plain)


def _preference(values: Mapping[str, Any], columns: Mapping[str, str]) -> Said:
    if "prompt" not in columns:
        raise _Unsuited
    asked, good, bad = (_text(values, columns[role]) for role in ("prompt", "chosen", "rejected"))
    is_plain = is_said(bad) & pc.fill_null(pc.not_equal(good, bad), False).to_numpy(zero_copy_only=False)
    for texts in (asked, good, bad):
        is_plain &= ~_may_be_turns(texts)
    said = _talk(values, columns, _with_input(asked, values, columns), good)
    content = ['{"rejected":[{"content":"', in_json(bad), '","role":"assistant"}]}']
    return Said(said.turns, content, said.is_plain & is_plain)


def _may_be_turns(texts: pa.Array) -> Any:
    """Which texts begin as turns in disguise may: with white space, a bracket, or nothing."""
    data, offsets = bytes_in(texts)
    starts = offsets[:-1]
    first = data[np.minimum(starts, max(len(data) - 1, 0))] if len(data) else np.zeros(len(starts), np.uint8)
    return (offsets[1:] == starts) | (first <= 32) | (first == ord("[")) | (first >= 0xC2) & (first <= 0xE3)


_SAYERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], Said]] = {
    "prompt_completion": _pair,
    "alpaca": _alpaca,
    "text": _passage,
    "classification": _class,
    "preference": _preference,
}
