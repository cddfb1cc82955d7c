"""Rows of a Parquet file, streamed batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workers.formats.columnar import BATCH_ROWS, rows_of, usable_columns
from workers.formats.problems import FileRefused, Problem
from workers.formats.rows import Row

FOOTER_CAP = 64 * 2**20  # bytes of metadata
BATCH_BYTES = 8 * 2**20  # decoded at once, by the average row that the metadata promises


class ParquetTable:
    """A Parquet file opened for streaming. Raises FileRefused when it is damaged, too wide or has no usable column."""

    def __init__(self, path: Path) -> None:
        _check_footer(path)
        try:
            self._file = pq.ParquetFile(path, memory_map=False, buffer_size=2**20, pre_buffer=False)
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(error) from None
        self.columns, self.left_out = usable_columns(schema)
        self._size, self._total = path.stat().st_size, self._file.metadata.num_rows
        self._batch = _batch_rows(self._file.metadata)
        self.done = 0

    @property
    def count(self) -> int:
        """Rows, as the metadata says."""
        return int(self._total)

    def position(self) -> int:
        """Bytes read so far, in proportion to the rows."""
        return int(self._size * self.done // max(self._total, 1))

    def rows(self) -> Iterator[Row | Problem | None]:
        """Yield a Row or a Problem for each row, numbered from 1."""
        for before, batch in self.batches():
            yield from rows_of(batch, before)

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The rows as batches, each with the number of rows before it."""
        batches = self._file.iter_batches(batch_size=self._batch, columns=self.columns, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise _damaged(error, self.done + 1) from None
            if batch is None:
                return
            yield self.done, batch
            self.done += batch.num_rows


def _check_footer(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - 8, 0))
        tail = file.read(8)
    if size < 12 or tail[4:] != b"PAR1":
        message = "The Parquet file ends too early: its end mark is missing."
        raise FileRefused("truncated", message, hint="The upload or the export was cut off.")
    length = int.from_bytes(tail[:4], "little")
    if length > min(FOOTER_CAP, size - 12):
        raise FileRefused("damaged", f"The Parquet file says its metadata has {length} bytes, which cannot be.")


def _batch_rows(metadata: pq.FileMetaData) -> int:
    groups = [metadata.row_group(index) for index in range(min(metadata.num_row_groups, 1000))]
    heaviest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(heaviest, 1)))


def _damaged(error: Exception, row: int = 0) -> FileRefused:
    if isinstance(error, MemoryError):  # pyarrow's own is an ArrowException too
        raise MemoryError from None
    where = f" at row {row}" if row else ""
    return FileRefused("damaged", f"The Parquet file cannot be read{where}: {str(error)[:200]}", line=row)
