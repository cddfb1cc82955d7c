"""A piece of a file as a part: read as many rows at once as are plain. A piece is self-contained, so any process may convert it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from workers.formats.bulk import convert_rows
from workers.formats.columns import Columns, can_convert, convert_columns
from workers.formats.csv_columns import read_columns_of_csv
from workers.formats.csv_pieces import read_records
from workers.formats.json_columns import read_columns_of_json
from workers.formats.json_pieces import read_lines_of_json
from workers.formats.layouts import ColumnMapping
from workers.formats.parts import Part, convert


class Piece(NamedTuple):
    """Lines of JSON or records of CSV as bytes, or a batch of columns.

    `first` is the number of its first line, of a batch the number of rows before it. `names` and `delimiter` are those of a CSV file.
    """

    first: int
    data: Any
    names: Sequence[str] = ()
    delimiter: str = ""


def convert_piece(piece: Piece, mapping: ColumnMapping) -> Part:
    """The part that a piece of a file makes."""
    if can_convert(mapping):
        held = _columns(piece, mapping)
        part = convert_columns(held, mapping) if held else None
        if part:
            return part
    if isinstance(piece.data, pa.RecordBatch):
        from workers.formats.columnar import rows_in, rows_of

        whole = rows_in(piece.data, piece.first)
        return convert(rows_of(piece.data, piece.first), mapping) if whole is None else convert_rows(whole, mapping)
    if piece.names:
        rows, problems, blank = read_records(piece.data, piece.first, piece.names, piece.delimiter)
    else:
        rows, problems, blank = read_lines_of_json(piece.data, piece.first)
    return convert_rows(rows, mapping, problems, blank)


def _columns(piece: Piece, mapping: ColumnMapping) -> Columns | None:
    if isinstance(piece.data, pa.RecordBatch):
        from workers.formats.columnar import columns_in

        return columns_in(piece.data, piece.first)
    if piece.names:
        return read_columns_of_csv(piece.data, piece.first, piece.names, piece.delimiter)
    return read_columns_of_json(piece.data, piece.first, mapping)
