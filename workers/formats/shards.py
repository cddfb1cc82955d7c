"""Training rows as Parquet shards, written and hashed at constant memory."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workers.formats.chat import TrainingRow
from workers.formats.vectors import bytes_in

SHARD_ROWS = 50_000
SHARD_BYTES = 64 * 2**20  # of text, before compression
GROUP_ROWS = 2_000  # rows of a row group: what a page of the console reads at once
GROUP_BYTES = 8 * 2**20

TURN = pa.struct([pa.field("role", pa.string(), nullable=False), pa.field("content", pa.string(), nullable=False)])
SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("messages", pa.list_(TURN), nullable=False),
        pa.field("source_line", pa.int64(), nullable=False),
        pa.field("extra", pa.string()),
        pa.field(
            "split", pa.string()
        ),  # null where the version has no split; older shards lack this column and those after it
        pa.field("content", pa.string()),
        pa.field("key", pa.string()),  # null where it is that of the id: the row was never edited
    ]
)


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a version: its name, rows, size in bytes and sha256 (hex)."""

    name: str
    rows: int
    bytes: int
    sha256: str


class ShardWriter:
    """Appends rows to `folder`/shard-00000.parquet and so on; a new file every 50,000 rows or 64 MiB of text.

    The content hash is the sha256 over a line for each row in their order: its id (ASCII hex) and, where it has one, a space
    and its split, each line ended by a line feed. It depends on the rows, their order and their splits alone: not on the format
    they came from, the size of batches and shards, or the machine.
    """

    shards: list[Shard]  # of a closed writer

    def __init__(self, folder: Path, *, shard_rows: int = SHARD_ROWS) -> None:
        self._folder, self._shard_rows = folder, shard_rows
        self._hash = hashlib.sha256()
        self._rows: list[TrainingRow] = []
        self._tables: list[pa.Table] = []
        self._row_bytes = self._shard_bytes = self._rows_in_shard = 0
        self._writer: pq.ParquetWriter | None = None
        self._finisher: ThreadPoolExecutor | None = None
        self._finished: list[Future[Shard]] = []
        self.rows = 0

    def add(self, row: TrainingRow) -> None:
        """Append one row. Raises OSError when the disk is full."""
        self._hash.update(f"{row.row_id} {row.split}\n".encode() if row.split else f"{row.row_id}\n".encode())
        self._rows.append(row)
        self._row_bytes += text_bytes(row)
        self.rows += 1
        if len(self._rows) >= min(GROUP_ROWS, self._shard_rows) or self._row_bytes >= GROUP_BYTES:
            self._write_group()

    def add_table(self, rows: pa.Table, size: int) -> None:
        """Append the rows of a table that `as_table` made, with `size` bytes of text; do not mix with `add`."""
        ids, splits = rows.column("row_id"), rows.column("split")
        if splits.null_count == rows.num_rows:
            lines = pc.binary_join_element_wise(ids, "\n", "")
        else:
            after = pc.if_else(
                pc.fill_null(pc.not_equal(splits, ""), False), pc.binary_join_element_wise(" ", splits, ""), ""
            )
            lines = pc.binary_join_element_wise(ids, after, "\n", "")
        for chunk in lines.chunks:
            self._hash.update(bytes_in(chunk)[0])
        self.rows += rows.num_rows
        self._tables.append(rows)
        self._row_bytes += size
        waiting, most = sum(table.num_rows for table in self._tables), min(GROUP_ROWS, self._shard_rows)
        while waiting >= most or (waiting and self._row_bytes >= GROUP_BYTES):
            waiting = self._write_tables(min(waiting, most))

    def _write_tables(self, count: int) -> int:
        """Write the first rows of those that wait as a group; how many go on waiting."""
        held = pa.concat_tables(self._tables)
        size = self._row_bytes * count // held.num_rows
        self._put(held.slice(0, count).combine_chunks(), size)
        self._row_bytes -= size
        rest = held.slice(count)
        self._tables = [rest] if rest.num_rows else []
        self._finish_full()
        return int(rest.num_rows)

    def close(self) -> str:
        """Finish the last shard, bring all to the disk, and return the content hash."""
        if self._rows:
            self._write_group()
        if self._tables:
            self._write_tables(sum(table.num_rows for table in self._tables))
        self._finish_shard()
        if self._finisher:
            self._finisher.shutdown(wait=True)
        self.shards = [finished.result() for finished in self._finished]
        return self._hash.hexdigest()

    def _write_group(self) -> None:
        self._put(as_table(self._rows), self._row_bytes)
        self._rows, self._row_bytes = [], 0
        self._finish_full()

    def _put(self, group: pa.Table, size: int) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path(), SCHEMA, compression="zstd", use_dictionary=["messages.list.element.role", "split"]
            )
        self._writer.write_table(group)
        self._rows_in_shard += group.num_rows
        self._shard_bytes += size

    def _finish_full(self) -> None:
        if self._rows_in_shard >= self._shard_rows or self._shard_bytes >= SHARD_BYTES:
            self._finish_shard()

    def _path(self) -> Path:
        return self._folder / f"shard-{len(self._finished):05d}.parquet"

    def _finish_shard(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        if self._finisher is None:
            self._finisher = ThreadPoolExecutor(1)
        for finished in self._finished[-1:]:  # a full disk is told at the next shard
            if finished.done():
                finished.result()
        self._finished.append(self._finisher.submit(_finish, self._path(), self._rows_in_shard))
        self._writer, self._rows_in_shard, self._shard_bytes = None, 0, 0

    def as_dicts(self) -> list[dict[str, Any]]:
        """The shards as plain values, once all are finished (`close`)."""
        return [asdict(shard) for shard in self.shards]


def _finish(path: Path, rows: int) -> Shard:
    """Bring a file to the disk and take its sum, while the next one is written: the disk may take its time."""
    sync(path)
    return Shard(path.name, rows, path.stat().st_size, file_sha256(path))


def text_bytes(row: TrainingRow) -> int:
    """Characters of all that a row holds: what its bytes are reckoned by."""
    said = sum([len(message.content) for message in row.messages])
    return said + len(row.extra or "") + len(row.content or "")


def as_table(rows: list[TrainingRow]) -> pa.Table:
    """The rows as an Arrow table of SCHEMA."""
    offsets, roles, contents = [0], [], []
    for row in rows:
        for role, content in row.messages:
            roles.append(role)
            contents.append(content)
        offsets.append(len(roles))
    turns = pa.StructArray.from_arrays(
        [pa.array(roles, pa.string()), pa.array(contents, pa.string())], fields=list(TURN)
    )
    columns = [
        pa.array([row.row_id for row in rows], pa.string()),
        pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), turns, type=SCHEMA.field("messages").type),
        pa.array([row.source_line for row in rows], pa.int64()),
        pa.array([row.extra for row in rows], pa.string()),
        pa.array([row.split or None for row in rows], pa.string()),
        pa.array([row.content for row in rows], pa.string()),
        pa.array([row.key if row.key and not row.row_id.startswith(row.key) else None for row in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def file_sha256(path: Path) -> str:
    """sha256 (hex) of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
