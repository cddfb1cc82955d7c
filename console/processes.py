"""Keeps the console's processes alive: starts them, starts again what died, stops all on Ctrl-C.

A process that dies is started again after a pause that doubles (0.2 s to 10 s), because one fault must not end the rest.
Each has its own session and dies with this one, even when this one is killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
POLL = 0.1
HEALTHY_AFTER = 20.0  # seconds of life after which the next death counts as the first again
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Process:
    """One process to keep: its command, and how long it may take to stop."""

    name: str
    argv: list[str]
    env: Mapping[str, str]
    stop_wait: float = 8.0
    stage: int = 1  # stopped from high to low: workers before the broker they speak to
    popen: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = 0.2
    due_at: float = field(default=0.0)

    def start(self, log_folder: Path) -> None:
        with open(log_folder / f"{self.name}.log", "ab") as log:
            self.popen = subprocess.Popen(
                self.argv, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=_die_with_parent,
            )  # fmt: skip
        self.started_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def note_death(self) -> None:
        """Decide when to start again."""
        lived = time.monotonic() - self.started_at
        self.pause = 0.2 if lived > HEALTHY_AFTER else min(self.pause * 2, 10.0)
        self.due_at = time.monotonic() + self.pause
        self.popen = None

    def signal(self, number: int) -> None:
        if self.popen is not None and self.is_alive:
            self.popen.send_signal(number)


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Keeper:
    """All processes of one console."""

    def __init__(self, processes: list[Process], *, log_folder: Path, say: Callable[[str], None]) -> None:
        self.processes, self.log_folder, self.say = processes, log_folder, say
        self.is_stopping = False
        self.fault: Exception | None = None
        log_folder.mkdir(parents=True, exist_ok=True)

    def run(self, when_started: Callable[[], None]) -> None:
        """Start all, call `when_started` beside them, keep them until SIGINT or SIGTERM, then stop all. Raises what it raised."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        try:
            for process in self.processes:
                process.start(self.log_folder)
            threading.Thread(target=self._call, args=(when_started,), daemon=True).start()
            while not self.is_stopping:
                self._look_after_all()
                time.sleep(POLL)
        finally:
            self.stop_all()
        if self.fault is not None:
            raise self.fault

    def _call(self, when_started: Callable[[], None]) -> None:
        try:
            when_started()
        except Exception as exc:  # told by the main thread once all is stopped
            self.fault, self.is_stopping = exc, True

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.is_stopping = True

    def _look_after_all(self) -> None:
        now = time.monotonic()
        for process in self.processes:
            if process.popen is None:
                if now >= process.due_at:
                    process.start(self.log_folder)
            elif not process.is_alive:
                code = process.popen.returncode
                process.note_death()
                self.say(
                    f"{process.name} ended ({code}); it is started again. Its log: {self.log_folder / process.name}.log"
                )

    def stop_all(self) -> None:
        """Ask stage by stage, from the workers down to the broker; kill what does not leave in its time."""
        for stage in sorted({process.stage for process in self.processes}, reverse=True):
            group = [process for process in self.processes if process.stage == stage and process.is_alive]
            for process in group:
                process.signal(signal.SIGTERM)
            until = time.monotonic() + max((process.stop_wait for process in group), default=0)
            while any(process.is_alive for process in group) and time.monotonic() < until:
                time.sleep(POLL)
            for process in group:
                if process.is_alive and process.popen is not None:
                    self.say(f"{process.name} did not stop in time; killed.")
                    os.killpg(process.popen.pid, signal.SIGKILL)
                    process.popen.wait()


def python(*words: str) -> list[str]:
    return [sys.executable, *words]
