"""A server that is away for a while, because it restarts for one: ask again, with growing pauses."""

import time
from collections.abc import Callable
from typing import TypeVar

from workers.studio.client import Away

T = TypeVar("T")
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0)  # three and a half minutes


def patiently(ask: Callable[[], T], *, check: Callable[[], None], tell: Callable[[str], None]) -> T:
    """What `ask` gives in the end. `check` may raise while we wait. Raises Away when the last pause is over."""
    for pause in PAUSES:
        try:
            return ask()
        except Away as away:
            tell(f"{away.message} Asking again in {pause:.0f} s.")
        until = time.monotonic() + pause
        while time.monotonic() < until:
            check()
            time.sleep(min(0.2, pause))
    return ask()
