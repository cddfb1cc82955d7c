"""Rows of an Arrow file (IPC file or Feather 2) or stream, as `datasets` and pandas save them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from workers.formats.columnar import BATCH_ROWS, rows_of, usable_columns
from workers.formats.problems import FileRefused, Problem
from workers.formats.rows import Row

FILE_MARK = b"ARROW1\x00\x00"
STREAM_MARK = b"\xff\xff\xff\xff"  # of every message since Arrow 0.15


class ArrowTable:
    """An Arrow file opened for streaming. Raises FileRefused when it is damaged, too wide or has no usable column.

    Every batch is validated whole before a value is read: the offsets in a file are whatever its maker wrote (B25).
    """

    def __init__(self, path: Path) -> None:
        try:
            self._source = pa.OSFile(str(path))
            is_file = self._source.read(len(FILE_MARK)) == FILE_MARK
            self._source.seek(0)
            self._reader: Any = pa.ipc.open_file(self._source) if is_file else pa.ipc.open_stream(self._source)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(error) from None
        self._count = self._reader.num_record_batches if is_file else None
        self.columns, self.left_out = usable_columns(self._reader.schema)
        self._size = path.stat().st_size
        self.done = self._batches = 0

    def position(self) -> int:
        """Bytes read so far (of a file: in proportion to its batches)."""
        if self._count is None:
            return int(self._source.tell())
        return int(self._size * self._batches // max(self._count, 1))

    def rows(self) -> Iterator[Row | Problem | None]:
        """Yield a Row or a Problem for each row, numbered from 1."""
        for before, batch in self.batches():
            yield from rows_of(batch, before)

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The rows as batches of at most 1,000, each with the number of rows before it."""
        while (batch := self._next()) is not None:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                part = batch.slice(start, BATCH_ROWS)
                yield self.done, part
                self.done += part.num_rows

    def _next(self) -> pa.RecordBatch | None:
        try:
            if self._count is None:
                batch = self._reader.read_next_batch()
            elif self._batches < self._count:
                batch = self._reader.get_batch(self._batches)
            else:
                return None
            batch.validate(full=True)
        except StopIteration:
            return None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(error, self.done + 1) from None
        self._batches += 1
        return batch.select(self.columns)


def _damaged(error: Exception, row: int = 0) -> FileRefused:
    if isinstance(error, MemoryError):
        raise MemoryError from None
    where = f" at row {row}" if row else ""
    return FileRefused("damaged", f"The Arrow file cannot be read{where}: {str(error)[:200]}", line=row)
