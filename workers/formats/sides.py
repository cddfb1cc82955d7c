"""Two processes that turn pieces of a file into parts, while this one reads and writes.

    python -m workers.formats.sides        (started by Sides alone)

Each takes pieces from its input, one after the other, and answers on its output; when its input ends, because we are done or dead, it ends.
A message is two blocks, each after its length: a JSON object, and bytes (lines of a file, or Arrow's stream of batches).
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import pyarrow as pa

from workers.formats.layouts import ColumnMapping, read_mapping
from workers.formats.lean import ENVIRONMENT, leave_pandas_out
from workers.formats.parts import Part
from workers.formats.pieces import Piece, convert_piece
from workers.formats.problems import Problem

_ROOT = Path(__file__).resolve().parents[2]
PIECES_EACH = 2  # pieces that a process has at once: one it works on, one that waits
_PIPE = 2**20  # bytes that a pipe holds
_LENGTH = struct.Struct("<Q")


class SideDied(Exception):
    """A process beside this one ended before its work was done."""


class Sides:
    """Some processes, ended when the block is left. They have the limits of this one."""

    def __init__(self, count: int, mapping: ColumnMapping) -> None:
        self._sides = [_Side(mapping) for _ in range(count)]

    def __enter__(self) -> Sides:
        return self

    def __exit__(self, *_error: object) -> None:
        for side in self._sides:
            side.kill()
        for side in self._sides:
            side.close()

    def convert(self, pieces: Iterable[Piece]) -> Iterator[Part]:
        """The parts of all pieces in their order."""
        asked, turns = deque[_Side](), cycle(self._sides)
        for piece in pieces:
            side = next(turns)
            side.give(piece)
            asked.append(side)
            if len(asked) == PIECES_EACH * len(self._sides):
                yield asked.popleft().part()
        while asked:
            yield asked.popleft().part()


class _Side:
    """One process. A thread sends it pieces, so that neither waits for the other to read with both pipes full."""

    def __init__(self, mapping: ColumnMapping) -> None:
        command = [sys.executable, "-m", "workers.formats.sides"]
        kept = {**os.environ, **ENVIRONMENT}
        self._process = subprocess.Popen(command, cwd=_ROOT, env=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # a smaller one does, only slower
                fcntl.fcntl(pipe or 0, fcntl.F_SETPIPE_SZ, _PIPE)
        self._pieces = SimpleQueue[Piece | None]()
        self._sender = threading.Thread(target=self._send_all, args=(mapping,), daemon=True)
        self._sender.start()

    def _send_all(self, mapping: ColumnMapping) -> None:
        with contextlib.suppress(SideDied):  # who waits for its answer is told
            _send(self._process.stdin, mapping.as_dict(), b"")
            while (piece := self._pieces.get()) is not None:
                _send(self._process.stdin, _told(piece), _packed(piece.data))

    def give(self, piece: Piece) -> None:
        """Send a piece, behind those that it has."""
        self._pieces.put(piece)

    def part(self) -> Part:
        """Its next answer. Raises MemoryError or SideDied when it has none."""
        answer = _receive(self._process.stdout)
        if answer is None:
            if self._process.wait() in (0, 1):  # Python's own end of one that could not get memory
                raise MemoryError
            raise SideDied(f"A process that reads rows ended with {self._process.returncode}.")
        told, rows = answer
        problems = [Problem(*problem) for problem in told["problems"]]
        return Part(_table(rows), told["text_bytes"], problems, told["blank_lines"], told["statistics"])

    def kill(self) -> None:
        """End it now; what it was given is lost."""
        self._process.kill()
        self._pieces.put(None)

    def close(self) -> None:
        """Wait for the end of a killed one."""
        self._process.wait()
        self._sender.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                _close(pipe)


def _told(piece: Piece) -> dict[str, Any]:
    about = {"first": piece.first, "names": piece.names, "delimiter": piece.delimiter}
    return {**about, "is_text": isinstance(piece.data, bytes)}


def _packed(data: Any) -> Any:
    return data if isinstance(data, bytes) else _bytes_of(pa.Table.from_batches([data]))


def _bytes_of(table: pa.Table) -> pa.Buffer:
    held = pa.BufferOutputStream()
    with pa.ipc.new_stream(held, table.schema) as writer:
        writer.write_table(table)
    return held.getvalue()


def _table(data: Any) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def _send(pipe: IO[bytes] | None, told: dict[str, Any], data: Any) -> None:
    head = json.dumps(told).encode()
    if pipe is None:
        raise SideDied("A process that reads rows has no input.")
    try:
        for block in (head, memoryview(data)):
            pipe.write(_LENGTH.pack(len(block)))
            pipe.write(block)
        pipe.flush()
    except BrokenPipeError:
        raise SideDied("A process that reads rows has ended.") from None


def _receive(pipe: IO[bytes] | None) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None when there is none any more, or only the beginning of one."""
    head = _block(pipe)
    data = _block(pipe) if head is not None else None
    return None if head is None or data is None else (json.loads(head), data)


def _block(pipe: IO[bytes] | None) -> bytes | None:
    length = pipe.read(_LENGTH.size) if pipe else b""
    if pipe is None or len(length) < _LENGTH.size:
        return None
    wanted = _LENGTH.unpack(length)[0]
    found = pipe.read(wanted)
    return found if len(found) == wanted else None


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def main() -> None:
    """Answer pieces until there are no more."""
    leave_pandas_out()
    gc.set_threshold(100_000)  # rows are many small things and hold no circles
    source, target = sys.stdin.buffer, sys.stdout.buffer
    began = _receive(source)
    mapping = read_mapping(began[0] if began else None, [])
    while (piece := _receive(source)) is not None:
        told, data = piece
        found = Piece(told["first"], data if told["is_text"] else _batch(data), told["names"], told["delimiter"])
        part = convert_piece(found, mapping)
        problems = [(one.line, one.code, one.reason, one.raw) for one in part.problems]
        facts = {"text_bytes": part.text_bytes, "blank_lines": part.blank_lines, "statistics": part.statistics}
        _send(target, {**facts, "problems": problems}, _bytes_of(part.rows))


def _batch(data: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(data).read_next_batch()


if __name__ == "__main__":
    with contextlib.suppress(SideDied):  # who asked is gone
        main()
