"""CSV cut into pieces that other processes read: only where nobody can doubt where a record ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from workers.formats.csv_rows import FIELD_CAP, Record, row_of
from workers.formats.lines import LINE_CAP, PIECE, count_lines
from workers.formats.problems import Problem
from workers.formats.rows import Row, Rows

_LF, _CR, _QUOTE = b'\n\r"'


class Cutter:
    """Cuts what stands below the header of a CSV file into whole records.

    It stops at the first piece in which a quote stands where none belongs, a CR stands alone, or a record is longer than 4 MiB: there
    only `csv_rows` tells what is a record. `rest` and `line` say where that is.
    """

    def __init__(self, stream: io.BufferedReader, delimiter: str, first: int) -> None:
        self._stream, self._delimiter = stream, ord(delimiter)
        self._held, self.line = b"", first

    def pieces(self, size: int = PIECE) -> Iterator[tuple[int, bytes]]:
        """(number of its first line, whole records of about `size` bytes)."""
        has_ended = False
        while not has_ended:
            block = self._stream.read(size)
            has_ended = not block
            self._held += block
            end = len(self._held) if has_ended else self._held.rfind(b"\n") + 1
            if not end or (not has_ended and len(self._held) < size):
                if len(self._held) > LINE_CAP:
                    return
                continue
            cut = self._end_of_records(end)
            if cut is None or (has_ended and cut < len(self._held)) or (not cut and len(self._held) > LINE_CAP):
                return
            if cut:
                piece, self._held = self._held[:cut], self._held[cut:]
                line, self.line = self.line, self.line + count_lines(piece)
                yield line, piece

    def rest(self) -> io.BufferedReader:
        """What was not cut, from the beginning of a record on."""
        return io.BufferedReader(_Behind(self._held, self._stream), PIECE)

    def _end_of_records(self, end: int) -> int | None:
        """The last place up to `end` at which a record ends, None when a quote or CR makes it doubtful."""
        data = np.frombuffer(self._held, np.uint8, end)
        quotes = np.flatnonzero(data == _QUOTE)
        if len(quotes) % 2:  # the last one is open, or the text of a value
            before = self._held.rfind(b"\n", 0, int(quotes[-1])) + 1
            while before and np.searchsorted(quotes, before) % 2:
                before = self._held.rfind(b"\n", 0, before - 1) + 1
            quotes, data = quotes[: np.searchsorted(quotes, before)], data[:before]
        return len(data) if self._is_plain(data, quotes) else None

    def _is_plain(self, data: Any, quotes: Any) -> bool:
        """Whether each value in quotes begins and ends with its value, and no CR stands alone outside quotes."""
        around = np.full(len(data) + 2, _LF, np.uint8)
        around[1:-1] = data
        opening, closing = quotes[::2], quotes[1::2]
        doubled = np.zeros(len(opening), bool)
        doubled[1:] = opening[1:] == closing[:-1] + 1
        before, behind = around[opening], around[closing + 2]
        if not (doubled | (before == self._delimiter) | (before == _LF)).all():
            return False
        if not np.isin(behind, (self._delimiter, _LF, _CR, _QUOTE)).all():
            return False
        returns = np.flatnonzero(data == _CR)
        alone = returns[around[returns + 2] != _LF]
        return not (np.searchsorted(quotes, alone) % 2 == 0).any()


class _Behind(io.RawIOBase):
    """Some bytes, and behind them a stream."""

    def __init__(self, held: bytes, stream: io.BufferedReader) -> None:
        self._held, self._stream = memoryview(held), stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held:
            return self._stream.readinto(buffer)
        part = self._held[: len(buffer)]
        buffer[: len(part)] = part
        self._held = self._held[len(part) :]
        return len(part)


def read_records(data: bytes, first: int, names: Sequence[str], delimiter: str) -> tuple[Rows, list[Problem], int]:
    """(good rows, bad ones, blank lines) of whole records that a `Cutter` cut, the first on line `first`."""
    csv.field_size_limit(LINE_CAP)
    text, is_clean = _decoded(data)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    rows, problems, blank, end = list[Row](), list[Problem](), 0, 0
    width = len(names)
    reader = csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, strict=True)
    for values in reader:
        start, end = end, reader.line_num
        if not any(values):
            blank += 1
        elif is_clean and len(values) == width and max(map(len, values)) <= FIELD_CAP:
            raw = lines[start] if end == start + 1 else "\n".join(lines[start:end])
            rows.append(Row(first + start, dict(zip(names, values, strict=True)), raw.rstrip("\r\n")))
        else:
            found = row_of(Record(first + start, values, "\n".join(lines[start:end]).rstrip("\r\n")), names)
            problems.append(found) if isinstance(found, Problem) else rows.append(found)
    return (
        Rows([row.line for row in rows], [row.values for row in rows], lambda place: rows[place].raw),
        problems,
        blank,
    )


def _decoded(data: bytes) -> tuple[str, bool]:
    """(text, whether all of it can be stored)."""
    try:
        return data.decode(), b"\0" not in data
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape"), False
