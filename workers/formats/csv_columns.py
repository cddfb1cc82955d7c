"""Records of CSV read as columns, where all of a piece are plain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from workers.formats.columns import Columns
from workers.formats.csv_pieces import read_records
from workers.formats.csv_rows import FIELD_CAP
from workers.formats.problems import Problem
from workers.formats.rows import Row
from workers.formats.vectors import only_chunk


def read_columns_of_csv(data: bytes, first: int, names: Sequence[str], delimiter: str) -> Columns | None:
    """The columns of whole records that a `Cutter` cut, the first on line `first`; None where one is not plain."""
    if len(names) < 2 or b"\0" in data:
        return None
    try:
        if not data.isascii():
            data.decode()
    except UnicodeDecodeError:
        return None
    table = _table(data, names, delimiter)
    if table is None or not table.num_rows:
        return None
    values = {name: only_chunk(table.column(name)) for name in names}
    if any((pc.max(pc.binary_length(column)).as_py() or 0) > FIELD_CAP for column in values.values()):
        return None
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    if not len(ends) or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    begins = _first_lines(values, table.num_rows, len(ends), b'"' in data)
    if begins is None:
        return None

    def alone(place: int) -> Row | Problem | None:
        start, stop = begins[place], begins[place + 1]
        text = data[ends[start - 1] + 1 if start else 0 : ends[stop - 1] + 1]
        rows, problems, _blank = read_records(text, first + int(start), names, delimiter)
        return problems[0] if problems else rows.row(0) if rows.lines else None

    return Columns(begins[:-1] + first, values, alone)


def _table(data: bytes, names: Sequence[str], delimiter: str) -> pa.Table | None:
    try:
        return pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(names)),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in data),
            convert_options=pa.csv.ConvertOptions(
                check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None


def _first_lines(values: dict[str, Any], rows: int, lines: int, may_span: bool) -> Any:
    """On which line each row begins, counted from 0, and behind them the number of lines; None where blank lines are between them."""
    spans = np.ones(rows, np.int64)
    if may_span:
        for column in values.values():
            spans += pc.count_substring(column, "\n").to_numpy()
    begins = np.concatenate([[0], np.cumsum(spans)])
    return begins if begins[-1] == lines else None
