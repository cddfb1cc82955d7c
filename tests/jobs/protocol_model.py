"""The job protocol as an explicit-state model: one job, two workers, a lossy broker, a clock, and everything that can go wrong.

Every interleaving of the steps below is visited, breadth first, until nothing new appears; `Design` names each safeguard of the
runner, so a test can switch one off (a mutant) and see which promise breaks. Pure Python, no console code: this is the
specification that `apps.jobs` is written to. Time is a small integer clock. A step that is *due* blocks the clock, so bounds on
time are checked too. The promises are I1-I10 of the reliability notes:

I1 an accepted write comes from the attempt that owns the job      I6 attempts stay within the cap
I2 at most one trainer runs                                        I7 points are accepted once, in order, all of them
I3 a finished job never changes                                    I8 an artifact exists exactly when the job succeeded
I4 every state can still reach an end without a person's help      I9 stop and cancel reach the trainer within a bound
I5 a job whose cancel was acknowledged never succeeds              I10 a queued job with a free worker starts within two sweeps
"""

from dataclasses import dataclass
from typing import NamedTuple

ACTIVE, ENDED = ("running", "cancelling"), ("succeeded", "failed", "cancelled")
HEARTBEAT, LEASE = 1, 2  # ticks
NONE = -9  # no lease, no answer
OLD = -3  # a seq this far behind the row's can only be refused
OWED_BOUND, WAIT_BOUND = HEARTBEAT + 1, 2


@dataclass(frozen=True)
class Design:
    """The safeguards of the runner. The defaults are the design; every mutant changes one or two of them."""

    sweeper: bool = True  # republishes a queued job whose hint was lost
    sweep_ticks: int = 1
    claim_needs_queued: bool = True
    claim_raises_epoch: bool = True
    claim_sets_lease: bool = True
    null_lease_expires: bool = True
    reaper: bool = True
    reap_caps_attempts: bool = True
    reap_raises_epoch: bool = True
    reap_minds_cancel: bool = True
    slack_ticks: int = 1
    fence_ticks: int = 2  # the trainer is dead this long after the *sending* of the last renewal that was answered
    fence_counts_from_sending: bool = True
    first_fence_counts_from_claim: bool = True
    supervisor_fences_itself: bool = True
    supervisor_obeys_refusal: bool = True  # "your epoch is stale" ends the attempt
    child_watches_deadline: bool = True
    child_dies_with_supervisor: bool = True
    start_checks_deadline: bool = True
    deadline_is_set_before_start: bool = True
    renew_needs_epoch: bool = True
    heartbeat_brings_cancel: bool = True
    heartbeat_brings_stop: bool = True
    requeue_keeps_stop: bool = True
    finish_needs_epoch: bool = True
    finish_minds_cancel: bool = True
    finish_waits_for_events: bool = True
    finish_is_one_transaction: bool = True
    crash_caps_attempts: bool = True
    batch_needs_epoch: bool = True
    batch_needs_active: bool = True
    batch_guards_seq: bool = True  # the one guarded UPDATE: last_seq = from - 1
    batch_waits_for_answer: bool = True
    claim_brings_in_leftovers: bool = True  # events that the attempt before wrote and nobody delivered
    refused_batch_rewinds: bool = True  # after a refusal the supervisor goes on from the database's last_seq


@dataclass(frozen=True)
class Scope:
    """How much may happen in one exploration."""

    attempts: int = 2  # the job fails with this many lost or crashed
    points: int = 1  # written by each attempt
    hints: int = 2  # copies of the message in the broker
    partitions: bool = True
    pauses: bool = True
    stray_batches: bool = True
    beat_dies: bool = True
    stops: bool = True  # people ask for stop and save
    impaired: int = 1  # workers paused or cut at the same time


class Worker(NamedTuple):
    """A launcher slot: supervisor and trainer, what they know, and what they hold."""

    supervisor: str = "none"  # none, claimed (trainer not started yet), (starting), up
    asleep: bool = False  # supervisor stopped by SIGSTOP
    child: str = "none"  # none, up, waking (past its deadline: its watchdog ends it first), done, left, dead
    dozing: bool = False  # trainer stopped by SIGSTOP
    cut: bool = False  # no network to database and broker
    epoch: int = 0
    owner: bool = False  # ghost: holds the newest claim, whatever the epochs say
    fence: int = 0  # ticks until the deadline; negative: past
    told: bool = False  # the trainer was told to stop and save
    left: int = 0  # points still to be written
    emitted: int = 0  # last seq in the events file
    sent: int = 0  # last seq the supervisor believes accepted
    answer: int = NONE  # a renewal was granted but its answer not read yet: ticks of life left in it


class Batch(NamedTuple):
    """Events first..last of one attempt, in one request."""

    epoch: int
    owner: bool
    first: int
    last: int


class State(NamedTuple):
    """The job's row, the broker, the workers, and ghosts that only the checks read."""

    status: str = "queued"
    epoch: int = 0
    failures: int = 0  # attempts lost or crashed
    lease: int = NONE  # ticks left; negative: expired
    stop: bool = False  # the column desired = stop
    last_seq: int = 0
    saved: int = 0  # last seq before the newest checkpoint, from which the next attempt goes on
    artifact: bool = False
    hints: int = 0
    beat: bool = True  # the process of sweeper and reaper
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    stray: Batch | None = None  # a second copy of an event batch, still on its way
    asked: str = ""  # ghost: what a person asked for and was promised: stop, cancel
    owed: int = 0  # ghost: ticks since then with the trainer running and its supervisor in contact
    waited: int = 0  # ticks queued beside a free worker
    broken: str = ""  # ghost: a promise broken by the last step


IDLE = Worker()


def alive(w: Worker) -> bool:
    return w.child in ("up", "waking")


def runs(w: Worker) -> bool:
    """The trainer computes. One that wakes past its deadline does not count: its watchdog ends it before a step."""
    return w.child == "up" and not w.dozing


def free(w: Worker) -> bool:
    return w.supervisor == "none" and w.child == "none"


# ---- the database ------------------------------------------------------------------------------------------------


def claim(s: State, d: Design) -> State | None:
    """Guarded UPDATE: queued -> running with a new epoch and a lease. None: the guard refused."""
    if (d.claim_needs_queued and s.status != "queued") or s.status in ENDED:
        return None
    hole = s.saved > s.last_seq  # the trainer was ahead of the database
    return s._replace(
        status="running",
        epoch=s.epoch + d.claim_raises_epoch,
        waited=0,
        lease=LEASE if d.claim_sets_lease else NONE,
        stop=s.stop and d.requeue_keeps_stop,
        last_seq=max(s.last_seq, s.saved),
        broken="I7" if hole and not d.claim_brings_in_leftovers else "",
    )


def accept(s: State, d: Design, batch: Batch) -> State | None:
    """Guarded UPDATE of last_seq; the points are written in the same transaction. None: refused."""
    refused = (
        (d.batch_needs_epoch and batch.epoch != s.epoch)
        or (d.batch_needs_active and s.status not in ACTIVE)
        or (d.batch_guards_seq and batch.first != s.last_seq + 1)
    )
    if refused:
        return None
    broken = "I7" if batch.first != s.last_seq + 1 else ""
    broken = broken if batch.owner and s.status in ACTIVE else "I1"
    return s._replace(last_seq=max(s.last_seq, batch.last), broken="I3" if s.status in ENDED else broken)


def finish(s: State, d: Design, w: Worker) -> State | None:
    """One transaction: register the artifact, running -> succeeded. None: refused."""
    allowed = ("running",) if d.finish_minds_cancel else ACTIVE
    if s.status not in allowed or (d.finish_needs_epoch and w.epoch != s.epoch):
        return None
    broken = "" if s.last_seq == w.emitted else "I7"
    status = "succeeded" if d.finish_is_one_transaction else s.status
    return s._replace(status=status, artifact=True, broken=broken if w.owner else "I1")


def end_attempt(s: State, d: Design, scope: Scope, w: Worker) -> State:
    """The supervisor tells that its trainer is gone without a result: cancelled, queued again, or failed at the cap.

    A trainer that left because its time was over (exit 75) is queued again and counts as no failure.
    """
    if s.status not in ACTIVE or w.epoch != s.epoch:
        return s
    if s.status == "cancelling":
        return s._replace(status="cancelled")
    failures = s.failures + (w.child == "dead")
    capped = d.crash_caps_attempts and w.child == "dead" and failures >= scope.attempts
    return s._replace(status="failed" if capped else "queued", failures=failures)


def reap(s: State, d: Design, scope: Scope) -> State | None:
    """Guarded UPDATE on an expired lease: cancelled, failed at the cap, or queued again, always with a new epoch."""
    expired = d.null_lease_expires if s.lease == NONE else s.lease < -d.slack_ticks
    if s.status not in ACTIVE or not expired:
        return None
    failures = s.failures + 1
    if s.status == "cancelling" and d.reap_minds_cancel:
        to = "cancelled"
    else:
        to = "failed" if d.reap_caps_attempts and failures >= scope.attempts else "queued"
    return s._replace(status=to, epoch=s.epoch + d.reap_raises_epoch, failures=failures)


def starts() -> list[State]:
    """Submitted and published; submitted, then crashed before the publish."""
    return [State(hints=1), State(hints=0)]


# ---- the promises


def broken_promise(s: State, scope: Scope) -> str:
    """The first promise that this state breaks, or ""."""
    if s.broken:
        return s.broken
    if runs(s.workers[0]) and runs(s.workers[1]):
        return "I2"
    if s.asked == "cancel" and s.status == "succeeded":
        return "I5"
    if s.failures > scope.attempts:
        return "I6"
    if s.artifact != (s.status == "succeeded"):
        return "I8"
    if s.owed > OWED_BOUND:
        return "I9"
    return "I10" if s.waited > WAIT_BOUND else ""


def changes_the_end(old: State, new: State) -> bool:
    """I3: nothing that a person can see of a finished job changes."""
    if old.status not in ENDED:
        return False
    return (old.status, old.artifact, old.failures) != (new.status, new.artifact, new.failures)
