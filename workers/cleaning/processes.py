"""Row steps on all cores: batches of rows go to child processes and come back in their order, so that the outcome is the same."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from multiprocessing.connection import Connection
from typing import Any

from workers.cleaning.engine import Cleaned, Item, Line, Run, cleaned_row
from workers.formats.chat import TrainingRow
from workers.lifeline import PR_SET_PDEATHSIG

BATCH_ROWS = 250
FEWEST_ROWS = 5_000  # below it, starting processes costs more than they save


class Processes:
    """Child processes that run the row steps of a line, each with one batch at a time. They die with their parent, and leave signals
    to it. No threads: a thread's memory is reserved at once, and this process may have little."""

    def __init__(self, line: Line, count: int) -> None:
        # forked at once, while this process is small and its libraries have begun no work that a fork could catch half done
        fork = multiprocessing.get_context("fork")
        self._ends: list[Connection] = []
        self._children = []
        for _number in range(count):
            here, there = fork.Pipe()
            child = fork.Process(target=_serve, args=(line.runs, there, [*self._ends, here], os.getpid()), daemon=True)
            child.start()
            there.close()
            self._ends.append(here)
            self._children.append(child)

    def clean(self, number: int, items: Iterable[Item]) -> Iterator[tuple[Item, Cleaned]]:
        """The row steps of round `number`, as `Line.clean`."""
        source, waiting = iter(items), deque[tuple[list[Item], Connection]]()
        for end in islice(cycle(self._ends), len(self._ends)):
            _send(end, number, source, waiting)
        while waiting:
            batch, end = waiting.popleft()
            found = _receive(end)
            _send(end, number, source, waiting)
            for item, cleaned in zip(batch, found, strict=True):
                yield item, Cleaned(item.row) if cleaned is None else cleaned

    def close(self) -> None:
        """End the processes."""
        for end in self._ends:
            end.close()
        for child in self._children:
            child.kill()
            child.join()


def cores() -> int:
    """How many processes may compute at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _send(end: Connection, number: int, source: Iterator[Item], waiting: deque[tuple[list[Item], Connection]]) -> None:
    if batch := list(islice(source, BATCH_ROWS)):
        end.send((number, [item.row for item in batch]))
        waiting.append((batch, end))


def _receive(end: Connection) -> list[Cleaned | None]:
    try:
        found = end.recv()
    except EOFError:
        raise MemoryError("A process that cleans rows was killed.") from None
    if isinstance(found, BaseException):
        raise found
    return list(found)


def _serve(runs: list[Run], end: Connection, others: list[Connection], parent: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for other in others:
        other.close()
    while os.getppid() == parent:
        try:
            number, rows = end.recv()
        except EOFError:
            break
        end.send(_cleaned(runs[number], rows))
    os._exit(0)


def _cleaned(run: Run, rows: list[TrainingRow]) -> Any:
    """What became of the rows; None for one that stays as it is, which need not travel back. What goes wrong is sent too."""
    found = list[Cleaned | None]()
    try:
        for row in rows:
            cleaned = cleaned_row(run, row)
            found.append(None if cleaned.row is row else cleaned)
    except Exception as error:
        return error
    return found
