"""What a program says, one JSON object a line, in a file that its supervisor reads.

A file and not a pipe: nobody has to read for the program to go on. Lines carry a `seq` without gaps. When the disk is full
the lines wait in memory, a small reserve file is given up, and the reason for the end can still be written.
"""

import json
import math
import os
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

RESERVE_BYTES = 65_536
WAITING_LINES = 100_000
QUIET_S = 30.0  # silence after which slow work says that it goes on


class Reporter:
    """Writes the events of one attempt to `path`, numbered from `first_seq`. Safe to call from several threads."""

    def __init__(self, path: Path, first_seq: int = 1, goes_on: bool = False) -> None:
        """`goes_on`: behind what the file holds already, else it begins anew."""
        self.path = path
        self.seq = first_seq - 1  # of the last event emitted
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque(maxlen=WAITING_LINES)
        self._reserve = path.with_name(f".reserve-{path.stem}")
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (0 if goes_on else os.O_TRUNC), 0o644)
        self._size = os.lseek(self._file, 0, os.SEEK_END)
        self._progress: dict[str, Any] | None = None
        self._told_at = time.monotonic()
        self._make_reserve()

    def emit(self, event_type: str, **fields: Any) -> int:
        """Write one event and return its seq. Never raises for a full disk; numbers that JSON lacks become null."""
        with self._lock:
            self.seq += 1
            event = {"seq": self.seq, "at": round(time.time(), 3), "type": event_type, **_plain(fields)}
            line = json.dumps(event, ensure_ascii=False, allow_nan=False)
            self._waiting.append(line.encode(errors="replace") + b"\n")  # an answer may hold half of a surrogate pair
            self._told_at = time.monotonic()
            self._flush()
            return self.seq

    def metric(self, step: int, name: str, value: float) -> None:
        """One point of a curve. A value that is no number is kept as null with its kind, so that the gap shows."""
        number = float(value)
        if math.isfinite(number):
            self.emit("metric", step=step, name=name, value=number)
        else:
            self.emit("metric", step=step, name=name, value=None, nonfinite="nan" if math.isnan(number) else "inf")

    def log(self, level: str, text: str) -> None:
        """A line for the log tail of the page; also on stderr, for who runs the program by hand."""
        print(f"{level}: {text}", file=sys.stderr, flush=True)
        self.emit("log", level=level, text=text)

    def progress(self, done: int, total: int, unit: str, phase: str, eta_s: float | None = None) -> None:
        """How far the present phase is."""
        self._progress = {"done": done, "total": total, "unit": unit, "phase": phase, "eta_s": eta_s}
        self.emit("progress", **self._progress)

    def still_at_work(self) -> None:
        """Call often in slow work: after half a minute of silence the last progress is said again, lest it look like a standstill."""
        if self._progress is not None and time.monotonic() - self._told_at > QUIET_S:
            self.emit("progress", **self._progress)

    def fact(self, name: str, value: Any) -> None:
        """Something that is known once and stays so, such as the number of trainable parameters."""
        self.emit("fact", name=name, value=value)

    def close(self) -> None:
        """Give the disk a last chance, then let go of the files."""
        with self._lock:
            self._flush()
            os.close(self._file)
            self._reserve.unlink(missing_ok=True)

    def _flush(self) -> None:
        while self._waiting:
            try:
                self._write(self._waiting[0])
            except OSError:
                if not self._give_up_reserve():
                    return
            else:
                self._waiting.popleft()

    def _write(self, line: bytes) -> None:
        """The whole line or nothing: a torn line would stop the reader."""
        try:
            written = os.write(self._file, line)
            if written < len(line):
                os.write(self._file, line[written:])
                if os.lseek(self._file, 0, os.SEEK_CUR) != self._size + len(line):
                    raise OSError("short write")
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += len(line)

    def _make_reserve(self) -> None:
        try:
            self._reserve.write_bytes(b"\0" * RESERVE_BYTES)
        except OSError:
            self._reserve.unlink(missing_ok=True)

    def _give_up_reserve(self) -> bool:
        if not self._reserve.exists():
            return False
        self._reserve.unlink(missing_ok=True)
        return True


def _plain(value: Any) -> Any:
    """The value as JSON knows it: no NaN, no infinity, no numpy scalars, no paths."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)
