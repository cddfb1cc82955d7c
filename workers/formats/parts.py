"""Rows of a file turned into training rows, some hundreds at a time. A part is self-contained: any process may make it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from workers.formats.chat import TrainingRow
from workers.formats.layouts import ColumnMapping, map_row
from workers.formats.problems import Problem
from workers.formats.rows import Row
from workers.formats.shards import as_table, text_bytes
from workers.formats.statistics import Statistics


class Part(NamedTuple):
    """Good rows as a table of the shards' schema, the bytes of their text, and what was not good."""

    rows: pa.Table
    text_bytes: int
    problems: list[Problem]
    blank_lines: int
    statistics: dict[str, int]


def joined(
    table: pa.Table,
    size: int,
    single: Sequence[TrainingRow],
    problems: list[Problem],
    blank: int,
    statistics: Statistics,
) -> Part:
    """The part of rows that were made together (`size` characters, counted already) and others made one by one, in their order."""
    if single:
        table = pa.concat_tables([table, as_table(list(single))]).combine_chunks()
        table = table.take(pc.sort_indices(table.column("source_line")))
        for row in single:
            size += text_bytes(row)
            statistics.add(row)
    return Part(table, size, sorted(problems, key=lambda problem: problem.line), blank, statistics.as_dict())


def convert(items: Iterable[Row | Problem | None], mapping: ColumnMapping) -> Part:
    """The part that some items of a file make; None stands for a blank line."""
    rows, problems, blank, size, statistics = list[TrainingRow](), list[Problem](), 0, 0, Statistics()
    for item in items:
        made = map_row(item, mapping) if isinstance(item, Row) else item
        if made is None:
            blank += 1
        elif isinstance(made, Problem):
            problems.append(made)
        else:
            rows.append(made)
            size += text_bytes(made)
            statistics.add(made)
    return Part(as_table(rows), size, problems, blank, statistics.as_dict())
