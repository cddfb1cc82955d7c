"""The columns of a row, whatever its form: values of a table, and what is kept beside the messages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from workers.formats.chat import TrainingRow
from workers.formats.forms import canonical, content_of_row, key_of, label_of, make_row, texts_of

LENGTH = "length"  # what steps call the characters of all texts of a row
LABEL = "label"


def columns_of_row(row: TrainingRow) -> dict[str, Any]:
    """Every column and its value; those of the table come after those beside the row, and count where both have one."""
    found = json.loads(row.extra) if row.extra else {}
    found.update(content_of_row(row).get("values", {}))
    return dict(found)


def is_missing(value: Any) -> bool:
    """Whether a value says nothing: none, blank text, or no number."""
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, float) and math.isnan(value))
    )


def number_in(value: Any) -> float | None:
    """The value as a finite number, where it is one or is written as one."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def class_of(row: TrainingRow, column: str) -> str:
    """The class of a row by a column, or its label; "" for none."""
    value = columns_of_row(row).get(column)
    if is_missing(value):
        return label_of(row) if column == LABEL else ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def measure_of(row: TrainingRow, column: str) -> float | None:
    """A number of the row: of a column, or its characters where the column is “length” and it has none of that name."""
    found = columns_of_row(row)
    if column == LENGTH and LENGTH not in found:
        return float(sum(map(len, texts_of(row))))
    return number_in(found.get(column))


def with_columns(row: TrainingRow, values: Mapping[str, Any], form: str) -> TrainingRow:
    """The row with other values in some columns, each where it stands: in the table, or beside the row."""
    content = content_of_row(row)
    table = content.get("values", {})
    inside = {name: value for name, value in values.items() if name in table}
    beside = {name: value for name, value in values.items() if name not in table}
    extra = row.extra
    if beside:
        known = json.loads(extra) if extra else {}
        extra = json.dumps({**known, **beside}, ensure_ascii=False, separators=(",", ":"))
    if not inside:
        return row._replace(extra=extra)
    content["values"] = {**table, **inside}
    if canonical(content) == row.content:
        return row._replace(extra=extra)
    return make_row(
        form, row.messages, content, source_line=row.source_line, extra=extra, split=row.split, key=key_of(row)
    )
