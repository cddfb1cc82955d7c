"""Many rows of a file turned into a part at once: the plain ones together, the others one by one.

The part is the same that `workers.formats.parts.convert` makes of the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from json.encoder import encode_basestring as quoted
from typing import Any

import numpy as np
import pyarrow as pa

from workers.formats.bulk_layouts import Bulk, Said, bulk_of
from workers.formats.chat import TrainingRow
from workers.formats.layouts import ColumnMapping, extra_of, map_row, pieces_of_json
from workers.formats.parts import Part
from workers.formats.problems import Problem
from workers.formats.rows import Rows
from workers.formats.shards import SCHEMA, TURN, as_table, text_bytes
from workers.formats.statistics import Statistics


def convert_rows(rows: Rows, mapping: ColumnMapping, problems: Sequence[Problem] = (), blank_lines: int = 0) -> Part:
    """The part that good rows of a piece make, with the problems and blank lines that its reading found."""
    plain, odd = _sorted_out(rows, mapping)
    found, single = list(problems), list[tuple[int, TrainingRow]]()
    for place in odd:
        made = map_row(rows.row(place), mapping)
        if isinstance(made, Problem):
            found.append(made)
        else:
            single.append((place, made))
    found.sort(key=lambda problem: problem.line)
    statistics, size = Statistics(), 0
    tables, order = list[pa.Table](), list[int]()
    bulk = bulk_of(mapping)
    if plain and bulk:
        places = [place for place, _said in plain]
        table, size = _plain_table(rows, places, [said for _place, said in plain], bulk, mapping, statistics)
        tables.append(table)
        order += places
    if single or not tables:
        tables.append(as_table([row for _place, row in single]))
        order += [place for place, _row in single]
        for _place, row in single:
            size += text_bytes(row)
            statistics.add(row)
    whole = (
        tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks().take(pa.array(np.argsort(order)))
    )
    return Part(whole, size, found, blank_lines, statistics.as_dict())


def _sorted_out(rows: Rows, mapping: ColumnMapping) -> tuple[list[tuple[int, Said]], list[int]]:
    """(place and what it says of each plain row, places of the others)."""
    bulk = bulk_of(mapping)
    if bulk is None:
        return [], list(range(len(rows.lines)))
    plain, odd = list[tuple[int, Said]](), list[int]()
    for place, said in enumerate(map(bulk.build, rows.values)):
        if said is None or not all(map(str.strip, said.texts)):
            odd.append(place)
        else:
            plain.append((place, said))
    return plain, odd


def _plain_table(
    rows: Rows, places: list[int], said: list[Said], bulk: Bulk, mapping: ColumnMapping, statistics: Statistics
) -> tuple[pa.Table, int]:
    """(the plain rows as a table of the shards' schema, characters of all that they hold)."""
    texts = list(chain.from_iterable([one.texts for one in said]))
    written = in_json(texts)
    ids, contents = _identities(said, written, bulk)
    values = rows.values if len(places) == len(rows.values) else [rows.values[place] for place in places]
    extras = _extras(values, mapping)
    turns = [len(one.roles) for one in said]
    roles = list(chain.from_iterable([one.roles for one in said]))
    if bulk.write is not None:
        texts = list(chain.from_iterable([one.texts[: len(one.roles)] for one in said]))
    structs = pa.StructArray.from_arrays(
        [pa.array(roles, pa.string()), pa.array(texts, pa.string())], fields=list(TURN)
    )
    offsets = pa.array(np.concatenate([[0], np.cumsum(turns)]), pa.int32())
    count = len(said)
    columns = [
        pa.array(ids, pa.string()),
        pa.ListArray.from_arrays(offsets, structs, type=SCHEMA.field("messages").type),
        pa.array([rows.lines[place] for place in places], pa.int64()),
        pa.array(extras, pa.string()),
        pa.nulls(count, pa.string()),
        pa.array(contents, pa.string()),
        pa.nulls(count, pa.string()),
    ]
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    _count(said, np.array(turns), roles, lengths, statistics)
    size = int(lengths.sum()) + sum(map(len, filter(None, extras))) + sum(map(len, filter(None, contents)))
    return pa.Table.from_arrays(columns, schema=SCHEMA), size


def in_json(texts: list[str]) -> list[str]:
    """The texts as they stand in JSON between their quotes, written as `json.dumps(ensure_ascii=False)` does.

    All of them are searched at once for what has to be written otherwise, which few kinds of characters do.
    """
    if not texts:
        return []
    joined = "\0".join(texts)
    if _has_rare(joined, len(texts) - 1):
        return [quoted(text)[1:-1] for text in texts]
    for mark, instead in _WRITTEN:
        if mark in joined:
            joined = joined.replace(mark, instead)
    return joined.split("\0")


def _has_rare(joined: str, separators: int) -> bool:
    """Whether a text holds control characters other than \\n, \\r, \\t and so many NULs."""
    data = np.frombuffer(joined.encode(), np.uint8)
    controls = data[data < 32]
    counts = np.bincount(controls, minlength=32)
    return bool(counts[0] != separators or counts[[0, 9, 10, 13]].sum() != len(controls))


_WRITTEN = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))  # the backslash first


def _identities(said: list[Said], written: list[str], bulk: Bulk) -> tuple[list[str], list[str | None]]:
    """(id, content) of each row, from its texts as they stand in JSON; ids as `forms.identity` makes them."""
    sha, write, patterns = hashlib.sha256, bulk.write, dict[tuple[str, ...], str]()
    ids, contents, end = list[str](), list[str | None](), 0
    for roles, texts in said:
        start, end = end, end + len(texts)
        if roles not in patterns:
            patterns[roles] = _pattern(roles)
        middle = start + len(roles)
        found = sha((patterns[roles] % tuple(written[start:middle])).encode()).hexdigest()
        if write is not None:
            content = write(written[middle:end])
            contents.append(content)
            found = sha(f"{found} {content}".encode()).hexdigest()
        ids.append(found)
    return ids, contents or [None] * len(ids)


def _pattern(roles: tuple[str, ...]) -> str:
    """The canonical JSON of messages with these roles (`chat.row_id`), with %s where their texts belong."""
    turns = [f'{{"content":"%s","role":"{role}"}}' for role in roles]
    return f"[{','.join(turns)}]"


def _extras(values: list[dict[str, Any]], mapping: ColumnMapping) -> list[str | None]:
    """The JSON of the columns that were not mapped: column by column where the rows have the same ones in the same order."""
    names = tuple(values[0])
    if any(tuple(row) != names for row in values):
        return [extra_of(row, mapping) for row in values]
    used = mapping.columns.values()
    rest = [name for name in names if name not in used]
    if not rest:
        return [None] * len(values)
    parts = [_members(name, [row[name] for row in values]) for name in rest]
    return [f"{{{','.join(row)}}}" for row in zip(*parts, strict=True)]


def _members(name: str, column: list[Any]) -> Iterable[str]:
    """ "name":value as JSON, for each value of a column."""
    before, kinds = f"{quoted(name)}:", set(map(type, column))
    if kinds == {str}:
        return [f'{before}"{text}"' for text in in_json(column)]
    if kinds == {int}:
        return [f"{before}{number}" for number in column]
    return [before + "".join(pieces_of_json(value, 0)) for value in column]


def _count(said: list[Said], turns: Any, roles: list[str], lengths: Any, statistics: Statistics) -> None:
    """Count plain rows into the statistics, as `Statistics.add` does one by one."""
    if roles:
        ends = np.cumsum(turns)
        characters = np.add.reduceat(lengths, ends - turns)
        is_answer = np.array([role == "assistant" for role in roles])
        answers = int(lengths[is_answer].sum())
    else:
        characters, answers = np.array([len(one.texts[0]) for one in said]), 0
    statistics.merge(
        {
            "turns": int(turns.sum()),
            "characters": int(characters.sum()),
            "answer_characters": answers,
            "most_turns": int(turns.max()),
            "most_characters": int(characters.max()),
            "with_system": sum([one.roles[:1] == ("system",) for one in said]),
        }
    )
