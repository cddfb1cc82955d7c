"""A file as parts: made here, or for a big file in two processes beside this one.

Parts come in the order of the file whoever made them, so the rows and their hash are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from workers.formats.layouts import ColumnMapping
from workers.formats.parts import Part, convert
from workers.formats.pieces import Piece
from workers.formats.problems import Problem
from workers.formats.rows import Row
from workers.formats.sides import Sides
from workers.formats.table import Table

PART_ROWS = 500
SIDES = 2  # processes
WORTH_IT = 16 * 2**20  # bytes of a file from which on other processes pay for their start


def parts_of(table: Table, mapping: ColumnMapping, watch: Callable[[Table], None]) -> Iterator[Part]:
    """All parts of a file in order. `watch` is called before each; what it raises ends the reading."""
    if table.size >= WORTH_IT and table.has_pieces:
        with Sides(SIDES, mapping) as sides:
            items = _watched(table.pieces(), table, watch, PART_ROWS)
            behind = deque[Row | Problem]()
            yield from sides.convert(_pieces(items, behind))
        yield from _converted(chain(behind, items), mapping)
        return
    every = 1 if table.facts.format == "images" else PART_ROWS
    yield from _converted(_watched(table.rows(), table, watch, every), mapping)


def _pieces(items: Iterator[Any], behind: deque[Any]) -> Iterator[Piece]:
    """The pieces that come first; the first row behind them is kept in `behind`."""
    for item in items:
        if not isinstance(item, Piece):
            behind.append(item)
            return
        yield item


def _converted(items: Iterator[Row | Problem], mapping: ColumnMapping) -> Iterator[Part]:
    while some := list(islice(items, PART_ROWS)):
        yield convert(some, mapping)


def _watched(items: Iterable[Any], table: Table, watch: Callable[[Table], None], every: int) -> Iterator[Any]:
    for number, item in enumerate(items):
        if isinstance(item, Piece) or number % every == 0:
            watch(table)
        yield item
