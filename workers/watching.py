"""Progress of a long piece of work, told to the reporter, with the wishes of the supervisor obeyed on the way."""

from __future__ import annotations

import time
from collections.abc import Callable

from workers.context import Context

Watch = Callable[[int, int, str], None]  # (done, total, phase): called often; raises Interrupted
_TELL_EVERY_S = 0.5


def silent(done: int, total: int, phase: str) -> None:
    """Nobody watches."""


class Clock:
    """Tells the progress twice a second, with the time that is left, and obeys wishes (raises Interrupted)."""

    def __init__(self, context: Context, unit: str = "rows") -> None:
        self._context, self._unit, self._told, self._phase = context, unit, 0.0, ""
        self._began = time.monotonic()

    def __call__(self, done: int, total: int, phase: str) -> None:
        self._context.check()
        now = time.monotonic()
        if phase == self._phase and now - self._told < _TELL_EVERY_S and done < total:
            return
        self._phase, self._told = phase, now
        eta = (now - self._began) * (total - done) / done if done else None
        self._context.reporter.progress(done, total, self._unit, phase, eta)
