"""The program never outlives its right to run.

Four ways, each covering a hole of the others: the kernel kills it when its supervisor's thread ends (PDEATHSIG); it looks
whether its parent is still the supervisor; a thread ends it when the deadline file has passed, which also holds when the
supervisor is frozen; and an alarm of the kernel ends it should that thread not get its turn.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workers.failures import EXIT_INTERRUPTED

PR_SET_PDEATHSIG = 1
LOOK_EVERY_S = 0.5
ALARM_SLACK_S = 2.0


def tie_to_supervisor(supervisor_pid: int | None) -> None:
    """Die with the supervisor. Exits at once when it is already gone. Does nothing for a run by hand (None)."""
    if supervisor_pid is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor_pid:  # it died between fork and prctl
        os._exit(EXIT_INTERRUPTED)


def watch(folder: Path, supervisor_pid: int | None) -> threading.Thread:
    """Start the thread that ends this process when its deadline passes or its parent changes."""
    thread = threading.Thread(target=_watch, args=(folder / "deadline", supervisor_pid), name="lifeline", daemon=True)
    thread.start()
    return thread


def on_terminate(ask_to_leave: Callable[[], None]) -> None:
    """SIGTERM (and the first Ctrl-C) asks the program to save and leave; a second Ctrl-C ends it at once."""

    def handle(number: int, _frame: object) -> None:
        ask_to_leave()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def read_deadline(path: Path) -> float | None:
    """The moment (CLOCK_MONOTONIC, seconds) until which the program may live; None when none is set."""
    try:
        return float(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _watch(deadline_path: Path, supervisor_pid: int | None) -> None:
    while True:
        deadline = read_deadline(deadline_path)
        left = 0.0 if deadline is None else deadline - time.monotonic()
        if deadline is not None and left <= 0:
            os._exit(EXIT_INTERRUPTED)
        signal.setitimer(signal.ITIMER_REAL, 0 if deadline is None else left + ALARM_SLACK_S)
        if supervisor_pid is not None and os.getppid() != supervisor_pid:
            os._exit(EXIT_INTERRUPTED)
        time.sleep(LOOK_EVERY_S)
