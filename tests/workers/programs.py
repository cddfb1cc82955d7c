"""Small programs for tests of the runner: `{"program": "tests.workers.programs"}` with settings {"act": ...}."""

import ctypes
import errno
import time
from typing import Any

from workers import lifeline
from workers.context import Context, Wish
from workers.failures import UserError


def main(context: Context) -> dict[str, Any]:
    act = str(context.spec.settings["act"])
    if act.startswith("sleep"):
        return _sleep(context, act)
    if act == "refuse":
        raise UserError("The number is too large.", "Use a smaller one.", "number")
    if act == "disk_full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if act == "crash":
        raise ValueError("unexpected")
    return {"act": act}


def _sleep(context: Context, act: str) -> dict[str, Any]:
    """Works until told otherwise. "sleep unwatched" is without the lifeline's thread, "sleep untied" without PDEATHSIG."""
    if act == "sleep unwatched":
        lifeline.LOOK_EVERY_S = 60.0
        time.sleep(0.6)  # the thread's present look ends
    if act == "sleep untied":
        ctypes.CDLL(None).prctl(lifeline.PR_SET_PDEATHSIG, 0, 0, 0, 0)
    context.reporter.fact("awake", True)
    while context.wish != Wish.STOP_AND_SAVE:
        context.check()
        context.should_stop()
        time.sleep(0.01)
    return {"stopped": True}
