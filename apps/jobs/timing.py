"""Every period of the job protocol, in seconds, in one place. TUNELOOP_TIMING (JSON) overrides; tests use short ones."""

import json
import os
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Timing:
    """The safe order is heartbeat < fence < kill < lease: a worker that cannot renew is dead before its lease is."""

    lease: float = 60.0  # the right to run, on the database's clock
    heartbeat: float = 10.0  # between two renewals
    fence: float = 30.0  # without a renewal, on the worker's monotonic clock: ask the program to save and leave
    kill: float = 50.0  # without a renewal: kill it; the program's own deadline is the same
    slack: float = 15.0  # the reaper waits this much longer than the lease
    sweep: float = 5.0  # between two looks of sweeper and reaper
    poll: float = 0.05  # between two looks of the supervisor at its program
    batch: float = 0.2  # between two batches of events: at most five a second; the first after a pause goes at once
    grace: float = 10.0  # from asking a cancelled program to leave to killing it
    stall: float = 600.0  # without any event the program counts as stalled
    retry: float = 5.0  # before the second attempt after a crash; doubles each time

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat < self.fence < self.kill < self.lease:
            raise ValueError("timing must keep heartbeat < fence < kill < lease")


def from_environment() -> Timing:
    """The defaults with what TUNELOOP_TIMING says. Raises ValueError for an unknown name or an unsafe order."""
    given = json.loads(os.environ.get("TUNELOOP_TIMING", "{}"))
    if unknown := set(given) - {field.name for field in fields(Timing)}:
        raise ValueError(f"TUNELOOP_TIMING: unknown {', '.join(sorted(unknown))}")
    return Timing(**given)


TIMING = from_environment()
