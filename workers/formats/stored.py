"""The rows of a version, read from its files: whole shards, and at most one patch that replaces or takes out some of their rows.

A version that changes few rows keeps its parent's shards and adds a patch, so that storage grows by the change. The patch is the
file named patch-*.parquet: the columns of a shard, `place` (of the row in all shards, from 0, ascending) and `gone`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workers.formats.chat import Message, TrainingRow
from workers.formats.shards import SCHEMA

PATCH_PREFIX = "patch-"
PATCH_SCHEMA = pa.schema(
    [pa.field("place", pa.int64(), nullable=False), pa.field("gone", pa.bool_(), nullable=False), *SCHEMA]
)


def is_patch(path: Path) -> bool:
    """Whether a file of a version is its patch."""
    return path.name.startswith(PATCH_PREFIX)


class Stored:
    """The rows behind `paths`: shards in their order, and the patch where there is one. Reads a row group at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.shards = [path for path in paths if not is_patch(path)]
        self.patch = next((path for path in paths if is_patch(path)), None)

    @cached_property
    def patches(self) -> pa.Table | None:
        """The patch, whole."""
        return pq.read_table(self.patch, use_threads=False) if self.patch else None

    @cached_property
    def _places(self) -> Any:
        return self.patches.column("place").to_numpy() if self.patches is not None else np.zeros(0, np.int64)

    @cached_property
    def _gone(self) -> Any:
        """Places in all shards that the patch takes out, ascending."""
        if self.patches is None:
            return np.zeros(0, np.int64)
        return self._places[self.patches.column("gone").to_numpy(zero_copy_only=False)]

    @cached_property
    def base_rows(self) -> int:
        """Rows of all shards, as if there were no patch."""
        return sum(pq.read_metadata(shard).num_rows for shard in self.shards)

    @property
    def rows(self) -> int:
        """Rows of the version."""
        return self.base_rows - len(self._gone)

    def base_places(self, places: Any) -> Any:
        """The places in all shards (int64) of rows of the version."""
        shifts = self._gone - np.arange(len(self._gone))
        places = np.asarray(places, np.int64)
        return places + np.searchsorted(shifts, places, side="right")

    def groups(self, start: int = 0, *, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """(place of its first row, rows) of each row group from the one that holds place `start`; of `columns`, or of all."""
        first = base = 0
        for path in self.shards:
            with pq.ParquetFile(path, memory_map=False) as file:
                metadata = file.metadata
                if self._kept(base, metadata.num_rows) + first <= start:
                    first += self._kept(base, metadata.num_rows)
                    base += metadata.num_rows
                    continue
                there = set(metadata.schema.to_arrow_schema().names)
                for number in range(metadata.num_row_groups):
                    count = metadata.row_group(number).num_rows
                    kept = self._kept(base, count)
                    if kept and first + kept > start:
                        wanted = [name for name in columns or SCHEMA.names if name in there]
                        rows = file.read_row_group(number, columns=wanted, use_threads=False)
                        yield first, self._patched(_whole(rows, columns), base)
                    first += kept
                    base += count

    def _kept(self, base: int, count: int) -> int:
        low, high = np.searchsorted(self._gone, [base, base + count])
        return count - int(high - low)

    def _patched(self, rows: pa.Table, base: int) -> pa.Table:
        low, high = np.searchsorted(self._places, [base, base + rows.num_rows])
        if low == high or self.patches is None:
            return rows
        changes = self.patches.slice(low, high - low)
        taken = np.arange(rows.num_rows)
        here = self._places[low:high] - base
        taken[here] = rows.num_rows + np.arange(high - low)
        taken = np.delete(taken, here[changes.column("gone").to_numpy(zero_copy_only=False)])
        return (
            pa.concat_tables([rows, changes.select(rows.column_names).cast(rows.schema)]).combine_chunks().take(taken)
        )

    def content_hash(self) -> str:
        """The sha256 that `ShardWriter` gives to these rows."""
        found = hashlib.sha256()
        for _first, rows in self.groups(columns=["row_id", "split"]):
            found.update(_lines(rows))
        return found.hexdigest()


def _whole(rows: pa.Table, columns: Sequence[str] | None) -> pa.Table:
    """The columns that were asked for; those that an older shard lacks are null."""
    for name in columns or SCHEMA.names:
        if name not in rows.column_names:
            rows = rows.append_column(SCHEMA.field(name), pa.nulls(rows.num_rows, SCHEMA.field(name).type))
    return rows.select(list(columns or SCHEMA.names))


def _lines(rows: pa.Table) -> Any:
    """A line for each row: its id and, where it has one, a space and its split."""
    split = pc.fill_null(pc.binary_join_element_wise("", rows.column("split"), " "), "")
    lines = pc.binary_join_element_wise(rows.column("row_id"), split, "\n", "")
    lines = lines.combine_chunks() if isinstance(lines, pa.ChunkedArray) else lines
    return b"".join(lines.to_pylist()) if pa.types.is_binary(lines.type) else "".join(lines.to_pylist()).encode()


def count_rows(paths: Sequence[Path]) -> int:
    """How many rows a version of these files has."""
    return Stored(paths).rows


def read_rows(paths: Sequence[Path], *, batch_rows: int = 500, start: int = 0) -> Iterator[TrainingRow]:
    """The rows of these files in order from place `start` on, a row group at a time in memory."""
    for first, group in Stored(paths).groups(start):
        rows = group.slice(max(start - first, 0))
        for low in range(0, rows.num_rows, batch_rows):
            for row in rows.slice(low, batch_rows).to_pylist():
                yield as_row(row)


def as_row(row: dict[str, Any]) -> TrainingRow:
    """A row of the table as a TrainingRow."""
    messages = [Message(turn["role"], turn["content"]) for turn in row["messages"]]
    split, key = row["split"] or "", row["key"] or ""
    return TrainingRow(row["row_id"], messages, row["source_line"], row["extra"], split, row["content"], key)
