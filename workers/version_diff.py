"""Program, and the pure part of it: what differs between any two versions, row by row.

A row is followed by its key, which stays the same when it is edited, or by a column that names it when files were imported anew. Of
equal rows each is paired once, in the order of their places:

    same      as many rows of one id and split as both have
    moved     same id, another split
    changed   same key (or value of the column), another id: its text or label was edited
    removed   what is left of the one, added: what is left of the other

So without a column, added + changed and removed + changed are what `comparison.compare` counts.

It holds 25 bytes of each row that the versions do not share, and as much again while it pairs them.

Inputs: {"before": [paths], "after": [paths]}. Settings: {"by": column or ""}. Leaves artifacts/diff.parquet (SCHEMA).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workers.comparison import HELD_ROWS, Ids, Pair
from workers.context import Context
from workers.formats.shards import sync

KINDS = ("changed", "moved", "added", "removed")  # in the order in which they are listed
OUTPUT = "diff.parquet"
SCHEMA = pa.schema(
    [
        pa.field("kind", pa.int8()),  # index in KINDS
        pa.field("before", pa.int64()),  # place in that version from 0, -1 where the row is not in it
        pa.field("after", pa.int64()),
        pa.field("split_before", pa.int8()),  # index in SPLITS, -1 for none
        pa.field("split_after", pa.int8()),
    ]
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows that differ (a table of SCHEMA: by kind, then by place), and how many there are of each kind."""

    table: pa.Table
    counts: dict[str, int]

    def write(self, path: Path) -> None:
        """Write the table to `path`. Raises OSError."""
        pq.write_table(self.table, path, compression="zstd")
        sync(path)


def read(path: Path) -> Difference:
    """A difference that was written."""
    table = pq.read_table(path, memory_map=False)
    return Difference(table, _counts(table))


def diff(before: Sequence[Path], after: Sequence[Path], *, by: str = "", held_rows: int = HELD_ROWS) -> Difference:
    """Compare two versions by their files (shards in order, and the patch where there is one).

    `by` is a column that names rows: then a row is the same where its value there and its id are, and changed where only the value is;
    rows without the column are followed by their key.
    """
    pair = Pair(before, after, by=by)
    rounds = 1 + pair.most // held_rows
    moved, lefts, rights = list[pa.Table](), list[Ids](), list[Ids]()
    for number in range(rounds):
        left, right, found = _without_same(*pair.leftovers(number, rounds), strict=bool(by))
        moved.append(found)
        lefts.append(left)
        rights.append(right)
    left, right, changed = _taken("changed", _whole(lefts), _whole(rights), lambda ids: ids.keys)
    rest = [_table("added", None, right), _table("removed", left, None)]
    table = pa.concat_tables([changed, *moved, *rest]).combine_chunks()
    table = table.sort_by([("kind", "ascending"), ("after", "ascending"), ("before", "ascending")])
    return Difference(table, _counts(table))


def _without_same(left: Ids, right: Ids, *, strict: bool) -> tuple[Ids, Ids, pa.Table]:
    """What is left of both sides when rows of one id have been paired, and those of them that are in another split."""
    left, right, _same = _taken("", left, right, lambda ids: _mixed(ids.rows, ids.keys, ids.splits))
    if strict:
        return _taken("moved", left, right, lambda ids: _mixed(ids.rows, ids.keys))
    left, right, _same = _taken("", left, right, lambda ids: _mixed(ids.rows, ids.splits))
    return _taken("moved", left, right, lambda ids: ids.rows)


def _taken(kind: str, left: Ids, right: Ids, label: Any) -> tuple[Ids, Ids, pa.Table]:
    """What is left of both when rows with the same label have been paired, and these pairs as rows of the table."""
    one, other = _pairs(label(left), label(right))
    found = _table(kind, left.at(one), right.at(other)) if kind else SCHEMA.empty_table()
    return left.at(_others(one, len(left))), right.at(_others(other, len(right))), found


def _pairs(left: Any, right: Any) -> tuple[Any, Any]:
    """Numbers of the entries of both arrays that pair up: equal ones, each once, in their order."""
    mine, theirs = np.argsort(left, kind="stable"), np.argsort(right, kind="stable")
    left, right = left[mine], right[theirs]
    rank = np.arange(len(left)) - np.searchsorted(left, left)  # the how-many-th of its kind
    place = np.searchsorted(right, left) + rank
    is_there = place < len(right)
    is_there[is_there] = right[place[is_there]] == left[is_there]
    return mine[is_there], theirs[place[is_there]]


def _others(taken: Any, count: int) -> Any:
    left = np.ones(count, bool)
    left[taken] = False
    return left


def _mixed(*parts: Any) -> Any:
    """One number for several: equal parts give equal numbers, others do but once in 2^63 pairs."""
    mixed = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        mixed ^= part.astype(np.int64).view(np.uint64) if part.dtype == np.int8 else part
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _whole(parts: Sequence[Ids]) -> Ids:
    """Of several rounds one, in the order of places."""
    if len(parts) == 1:
        return parts[0]
    arrays = zip(*((part.places, part.rows, part.keys, part.splits) for part in parts), strict=True)
    whole = Ids(*(np.concatenate(array) for array in arrays))
    return whole.at(np.argsort(whole.places))


def _table(kind: str, left: Ids | None, right: Ids | None) -> pa.Table:
    """Rows of the result, by place; None for the side that does not have them."""
    there = left or right
    none = np.full(len(there or ()), -1)
    before, split_before = (left.places, left.splits) if left else (none, none)
    after, split_after = (right.places, right.splits) if right else (none, none)
    columns = [np.full(len(none), KINDS.index(kind)), before, after, split_before, split_after]
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def _counts(table: pa.Table) -> dict[str, int]:
    found = np.bincount(table.column("kind").to_numpy(), minlength=len(KINDS))
    return {kind: int(found[number]) for number, kind in enumerate(KINDS)}


def main(context: Context) -> dict[str, Any]:
    """Compare the versions and leave the result as a file."""
    inputs = context.spec.inputs
    context.reporter.progress(0, 1, "versions", "Comparing the rows")
    found = diff(
        [Path(path) for path in inputs["before"]],
        [Path(path) for path in inputs["after"]],
        by=context.spec.settings.get("by", ""),
    )
    folder = context.folder / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    found.write(folder / OUTPUT)
    context.reporter.progress(1, 1, "versions", "Comparing the rows")
    return {"counts": found.counts}
