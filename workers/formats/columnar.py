"""Rows out of Arrow's record batches, as Parquet and Arrow files hold them. Values of unknown kinds are left out, never unpickled (B25)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workers.formats.columns import Columns
from workers.formats.lines import LINE_CAP
from workers.formats.problems import FileRefused, Problem, RowFault
from workers.formats.rows import Row, Rows
from workers.formats.values import MAX_COLUMNS, MAX_DEPTH, check_storable, too_deep
from workers.formats.vectors import bytes_in

BATCH_ROWS = 1000


def usable_columns(schema: pa.Schema) -> tuple[list[str], list[str]]:
    """(columns that can be read, columns left out). Raises FileRefused for too many, two of one name, or none that can be read."""
    if len(schema) > MAX_COLUMNS:
        raise FileRefused("too_many_columns", f"The file has {len(schema)} columns; {MAX_COLUMNS} is the most.")
    if len(set(schema.names)) < len(schema):
        hint = "Give each column its own name."
        raise FileRefused("duplicate_column", "Two columns have the same name.", hint=hint)
    columns = [field.name for field in schema if _is_usable(field.type)]
    if not columns:
        raise FileRefused("no_columns", "No column holds text, numbers or lists of them.")
    return columns, [field.name for field in schema if not _is_usable(field.type)]


def rows_of(batch: pa.RecordBatch, before: int) -> Iterator[Row | Problem]:
    """A Row or a Problem for each row of a batch, numbered from `before` + 1."""
    rows = rows_in(batch, before)
    if rows is not None:
        yield from map(Row, rows.lines, rows.values)
        return
    for index in range(batch.num_rows):
        yield _row(batch, batch.schema.names, index, before + index + 1)


def rows_in(batch: pa.RecordBatch, before: int) -> Rows | None:
    """The rows of a batch at once; None when a value is at fault, so that each row has to be looked at."""
    names, columns = batch.schema.names, list[list[Any]]()
    for index in range(len(names)):
        values = _values(batch.column(index))
        if values is None:
            return None
        columns.append(values)
    numbers = list(range(before + 1, before + batch.num_rows + 1))
    return Rows(numbers, [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])


def columns_in(batch: pa.RecordBatch, before: int) -> Columns | None:
    """The columns of a batch; None when a value is at fault."""
    values = dict[str, Any]()
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        found = _array(column)
        if found is None:
            return None
        values[name] = found
    lines = np.arange(before + 1, before + batch.num_rows + 1)
    names = batch.schema.names
    return Columns(lines, values, lambda place: _row(batch, names, place, before + place + 1))


def _array(column: pa.Array) -> Any:
    """A column of texts, whole numbers or booleans as an array, another one as plain values; None when one of them is at fault."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column
    if not any(is_text(kind) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        return _values(column)
    try:
        column = column.cast(pa.string())
        column.validate(full=True)
    except pa.ArrowInvalid:
        return None
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    return None if longest > LINE_CAP or not bytes_in(column)[0].all() else column


def _values(column: pa.Array) -> list[Any] | None:
    """All values of a column at once; None when one of them is at fault, so that each has to be looked at."""
    kind = column.type
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            longest = pc.max(pc.binary_length(column)).as_py() or 0
            if longest > LINE_CAP or pc.any(pc.match_substring(column, "\0")).as_py():
                return None
            return column.to_pylist()  # type: ignore[no-any-return]
        values = column.to_pylist()
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            return values  # type: ignore[no-any-return]
        return [_plain(value) for value in values]
    except (RowFault, ValueError, OverflowError):
        return None


def _row(batch: pa.RecordBatch, names: Sequence[str], index: int, number: int) -> Row | Problem:
    try:
        return Row(number, {name: _plain(batch.column(i)[index].as_py()) for i, name in enumerate(names)})
    except RowFault as fault:
        return fault.at(number)
    except (ValueError, OverflowError) as error:
        return Problem(number, "bad_value", f"A value cannot be read: {str(error)[:200]}.")


def _is_usable(kind: pa.DataType) -> bool:
    """Text, numbers, times, and lists and structs of them; not binary (pandas keeps pickles there), not extension types."""
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if pa.types.is_dictionary(kind):
        return _is_usable(kind.value_type)
    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_usable(kind.field(i).type) for i in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_usable(kind.value_type)
    return any(test(kind) for test in _PLAIN_KINDS)


_PLAIN_KINDS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_temporal,
    pa.types.is_null,
)


def _plain(value: Any, depth: int = 0) -> Any:
    """A JSON value: NaN (pandas writes it for "missing") becomes None, times and decimals become text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise RowFault("not_finite", "Infinity is not a number that JSON knows.")
        return None if math.isnan(value) else value
    if depth >= MAX_DEPTH:
        raise too_deep()
    if isinstance(value, dict):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    return str(value)


def _text(value: str) -> str:
    if len(value) > LINE_CAP:
        raise RowFault("field_too_long", f"A value has {len(value)} characters; {LINE_CAP} is the most.")
    if not value.isascii() or "\0" in value:
        check_storable(value)
    return value
