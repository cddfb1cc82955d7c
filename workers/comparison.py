"""What two versions do not share: rows added and removed, by the identity of rows. Memory does not grow with the versions.

Versions keep each other's shards (workers.formats.amending), so a shard of both is not read: only the places that a patch of either
one touches. The identity of a shard is its sha256, under which it is stored; a file of another name is itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workers.formats.chat import SPLITS
from workers.formats.forms import KEY_DIGITS
from workers.formats.stored import is_patch

HELD_ROWS = 4_000_000  # ids of one side in memory at once; above it the ids are looked at in several rounds
_DIGITS = (
    16  # hex digits of an id that are compared: 64 bits, so ten million rows collide with a chance below 1 in 100,000
)
_ID_DIGITS = 64
_NIBBLE = np.zeros(256, np.uint8)
_NIBBLE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Ids:
    """Rows of a version, each an entry of four arrays of one length.

    `places` (int64, from 0), `rows` (uint64: of the id), `keys` (uint64: of the key, or of the column that pairs rows), `splits`
    (int8: index in SPLITS, -1 for none).
    """

    places: Any
    rows: Any
    keys: Any
    splits: Any

    def at(self, wanted: Any) -> Ids:
        """The entries that a mask or an array of numbers names."""
        return Ids(self.places[wanted], self.rows[wanted], self.keys[wanted], self.splits[wanted])

    def __len__(self) -> int:
        return len(self.places)


def compare(before: Sequence[Path], after: Sequence[Path], *, held_rows: int = HELD_ROWS) -> tuple[int, int]:
    """(added, removed): rows of `after` that `before` lacks, and the reverse. Equal rows count as often as they occur,
    so rows(before) + added - removed = rows(after)."""
    pair = Pair(before, after, columns=("row_id",))
    rounds = 1 + pair.most // held_rows
    added = removed = 0
    for number in range(rounds):
        left, right = pair.leftovers(number, rounds)
        ids, counts = np.unique(left.rows, return_counts=True)
        other_ids, other_counts = np.unique(right.rows, return_counts=True)
        _common, place, other_place = np.intersect1d(ids, other_ids, assume_unique=True, return_indices=True)
        kept = int(np.minimum(counts[place], other_counts[other_place]).sum())
        removed += int(counts.sum()) - kept
        added += int(other_counts.sum()) - kept
    return added, removed


class Pair:
    """Two versions beside each other, and which shards are of both.

    `by` names a column beside the rows (in `extra`, else among the values of a table) whose value is taken for the key.
    """

    def __init__(
        self,
        before: Sequence[Path],
        after: Sequence[Path],
        *,
        by: str = "",
        columns: Sequence[str] = ("row_id", "key", "split"),
    ) -> None:
        reader = _Reader(by, [*columns, *(("extra", "content") if by else ())])
        self.before, self.after = _Side(before, reader), _Side(after, reader)
        mine, theirs = _by_identity(self.before.shards), _by_identity(self.after.shards)
        self._shared = [pair for name in mine for pair in zip(mine[name], theirs.get(name, ()), strict=False)]

    @property
    def most(self) -> int:
        """An upper bound of the rows of one side that `leftovers` gives in one round."""
        shared = sum(self.before.counts[one] for one, _other in self._shared)
        most: int = max(side.base_rows - shared + len(side.patched) for side in (self.before, self.after)) + min(
            len(self.before.patched) + len(self.after.patched), shared
        )
        return most

    def leftovers(self, number: int = 0, rounds: int = 1) -> tuple[Ids, Ids]:
        """The rows of each side that are not at an untouched place of a shard of both, in their order; of those, the ones whose
        id falls into round `number` of `rounds`."""
        left, right = list[Ids](), list[Ids]()
        for mine, theirs in self._parts():
            for side, ids in ((left, mine), (right, theirs)):
                side.append(ids.at(ids.rows % np.uint64(rounds) == number) if rounds > 1 else ids)
        return _joined(left), _joined(right)

    def _parts(self) -> Iterator[tuple[Ids, Ids]]:
        for one, other in self._shared:
            if (found := self._touched(one, other)) is not None:
                yield found
        for place in sorted(set(range(len(self.before.shards))) - {one for one, _other in self._shared}):
            yield self.before.whole(place), _NONE
        for place in sorted(set(range(len(self.after.shards))) - {other for _one, other in self._shared}):
            yield _NONE, self.after.whole(place)

    def _touched(self, one: int, other: int) -> tuple[Ids, Ids] | None:
        """What stands at the places of a shared shard that either patch touches."""
        mine, theirs = self.before.touched(one), self.after.touched(other)
        if not len(mine) and not len(theirs):
            return None
        return (
            self.before.around(one, np.setdiff1d(theirs, mine, assume_unique=True)),
            self.after.around(other, np.setdiff1d(mine, theirs, assume_unique=True)),
        )


class _Side:
    """One version: its shards, where each begins, and the ids in its patch."""

    def __init__(self, paths: Sequence[Path], reader: _Reader) -> None:
        self._reader = reader
        self.shards = [path for path in paths if not is_patch(path)]
        self.counts = [pq.read_metadata(shard).num_rows for shard in self.shards]
        self._starts = np.cumsum([0, *self.counts])
        self.patched, self._gone, self._ids = np.zeros(0, np.int64), np.zeros(0, bool), _NONE
        if patch := next((path for path in paths if is_patch(path)), None):
            self._read_patch(patch)

    @property
    def base_rows(self) -> int:
        return int(self._starts[-1])

    def _read_patch(self, path: Path) -> None:
        table = self._reader.read(pq.ParquetFile(path), also=["place", "gone"])
        self.patched = table.column("place").to_numpy()
        self._gone = table.column("gone").to_numpy(zero_copy_only=False)
        self._ids = self._reader.ids(table.filter(pc.invert(table.column("gone"))), self.patched[~self._gone])

    def touched(self, shard: int) -> Any:
        """The places within a shard that the patch replaces or takes out."""
        low, high = np.searchsorted(self.patched, self._starts[shard : shard + 2])
        return self.patched[low:high] - self._starts[shard]

    def whole(self, shard: int) -> Ids:
        """All rows of a shard, as patched."""
        return self._read(shard, None)

    def around(self, shard: int, offsets: Any) -> Ids:
        """The rows at these places of a shard, which the patch leaves alone, and those that the patch put there."""
        return self._read(shard, offsets)

    def _read(self, shard: int, offsets: Any) -> Ids:
        start, end = self._starts[shard], self._starts[shard + 1]
        low, high = np.searchsorted(self._ids.places, [start, end])
        new = self._ids.at(slice(low, high))
        if offsets is None:
            offsets = np.setdiff1d(np.arange(self.counts[shard]), self.touched(shard), assume_unique=True)
        found = _joined([self._reader.rows_at(self.shards[shard], offsets, start), new])
        return Ids(self._place(found.places), found.rows, found.keys, found.splits)

    def _place(self, base: Any) -> Any:
        """Places in the version of places in all its shards."""
        return base - np.searchsorted(self.patched[self._gone], base)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the columns that tell what a row is."""

    by: str
    columns: Sequence[str]

    def rows_at(self, path: Path, offsets: Any, start: int) -> Ids:
        """The rows at these places of a shard, reading the row groups that hold one of them."""
        if not len(offsets):
            return _NONE
        with pq.ParquetFile(path) as file:
            counts = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
            ends = np.cumsum(counts)
            of = np.searchsorted(ends, offsets, side="right")
            groups = np.unique(of)
            table = self.read(file, groups=groups.tolist())
        sizes = np.asarray(counts)[groups]
        shifts = (ends - counts)[groups] - (np.cumsum(sizes) - sizes)  # rows before each group that were not read
        local = offsets - shifts[np.searchsorted(groups, of)]
        return self.ids(table if len(local) == table.num_rows else table.take(local), offsets + start)

    def read(self, file: Any, *, groups: Sequence[int] | None = None, also: Sequence[str] = ()) -> pa.Table:
        there = set(file.schema_arrow.names)
        wanted = [*also, *(name for name in self.columns if name in there)]
        groups = range(file.metadata.num_row_groups) if groups is None else groups
        return file.read_row_groups(list(groups), columns=wanted)

    def ids(self, table: pa.Table, places: Any) -> Ids:
        """The rows of a table, which stand at `places`."""
        if not table.num_rows:
            return _NONE
        rows = first_64_bits(table.column("row_id").combine_chunks())
        return Ids(np.asarray(places, np.int64), rows, self._keys(table, rows), _splits(table))

    def _keys(self, table: pa.Table, rows: Any) -> Any:
        keys = rows
        if "key" in table.column_names and table.column("key").null_count < table.num_rows:
            column = table.column("key").combine_chunks()
            keys = rows.copy()
            keys[column.is_valid().to_numpy(zero_copy_only=False)] = first_64_bits(
                column.drop_null(), digits=KEY_DIGITS
            )
        return _values(table, self.by, keys) if self.by else keys


def _splits(table: pa.Table) -> Any:
    if "split" not in table.column_names:
        return np.full(table.num_rows, -1, np.int8)
    found = pc.index_in(table.column("split").combine_chunks(), pa.array(SPLITS))
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int8)


def _values(table: pa.Table, by: str, keys: Any) -> Any:
    """A number for the value of column `by` in each row; the row's own key where it has none."""
    import duckdb  # five times faster than the standard library at JSON, and wanted here only

    name = by.replace("~", "~0").replace("/", "~1")  # as RFC 6901 writes it in a pointer
    places = {"extra": f"/{name}", "content": f"/values/{name}"}
    there = [column for column in places if column in table.column_names]
    if not there:
        return keys
    value = f"coalesce({', '.join(f'json_extract({column}, ${column})' for column in there)}, NULL)"
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("shard", table.select(there))
        query = f"SELECT hash({value}) AS number, {value} IS NULL OR {value} = 'null' AS is_none FROM shard"  # noqa: S608
        found = connection.execute(query, {column: places[column] for column in there}).fetchnumpy()
    return np.where(np.asarray(found["is_none"], bool), keys, np.asarray(found["number"], np.uint64))


def first_64_bits(ids: pa.Array, *, digits: int = _ID_DIGITS) -> Any:
    """uint64 of the first 16 hex digits of each id (all have `digits` characters; a row's is a sha256 in hex: 64)."""
    offset, data = ids.offset, np.frombuffer(ids.buffers()[2], np.uint8)
    start = int(np.frombuffer(ids.buffers()[1], np.int32)[offset])
    found = _NIBBLE[data[start : start + digits * len(ids)].reshape(len(ids), digits)[:, :_DIGITS]]
    return np.ascontiguousarray(found[:, 0::2] << 4 | found[:, 1::2]).view(">u8").ravel().astype(np.uint64)


def identity_of(path: Path) -> str:
    """What two files of versions have in common when they hold the same rows: their sha256, where they are named by it."""
    return path.stem if _SHA256.fullmatch(path.stem) else str(path.absolute())


def _by_identity(shards: Sequence[Path]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number, path in enumerate(shards):
        found[identity_of(path)].append(number)
    return found


def _joined(parts: Sequence[Ids]) -> Ids:
    """All entries, in the order of their places."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return _NONE
    if len(parts) == 1:
        return parts[0]
    columns = [(part.places, part.rows, part.keys, part.splits) for part in parts]
    whole = Ids(*(np.concatenate(arrays) for arrays in zip(*columns, strict=True)))
    return whole if np.all(whole.places[:-1] <= whole.places[1:]) else whole.at(np.argsort(whole.places, kind="stable"))


_NONE = Ids(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int8))
