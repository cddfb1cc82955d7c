"""The row that every reader yields, and many of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One row of a file: where it begins, its columns, and its text as it stands in the file ("" in Parquet)."""

    line: int
    values: dict[str, Any]
    raw: str = ""


class Rows(NamedTuple):
    """Good rows of a piece of a file, side by side. No text in `values` holds NUL or half of a surrogate pair.

    `raw` gives the text of the row at a place, as `Row` has it.
    """

    lines: list[int]
    values: list[dict[str, Any]]
    raw: Callable[[int], str] = lambda place: ""

    def row(self, place: int) -> Row:
        """One of the rows by itself."""
        return Row(self.lines[place], self.values[place], self.raw(place))
