"""What must be true of a job when everything is over, whatever befell it: read from its rows and from its trace."""

from collections.abc import Iterable
from typing import NamedTuple

from apps.jobs.models import Artifact, Job, Status
from tests.faults.fake_trainer import FIRST, MODULUS, next_state
from workers.checkpoints import CheckpointDamaged, verify


class Mark(NamedTuple):
    """One step that a trainer did."""

    at: float
    epoch: int
    pid: int
    step: int


def trace(job: Job) -> list[Mark]:
    """All steps of all attempts, in the order of the clock."""
    path = job.folder / "trace"
    words = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return sorted(Mark(float(at), int(epoch), int(pid), int(step)) for at, epoch, pid, step in words)


def steps_beside_a_newer_attempt(job: Job) -> int:
    """Steps that an attempt did after a newer one had begun: two trainers at work together."""
    newest, count = 0, 0
    for mark in trace(job):
        count += mark.epoch < newest
        newest = max(newest, mark.epoch)
    return count


def most_steps_repeated(job: Job) -> int:
    """The most work that one loss cost: steps done again after a resume."""
    last: dict[int, int] = {}
    most = 0
    for mark in trace(job):
        if mark.epoch not in last:
            before = max((step for epoch, step in last.items() if epoch < mark.epoch), default=0)
            most = max(most, before - mark.step + 1)
        last[mark.epoch] = max(mark.step, last.get(mark.epoch, 0))
    return most


def losses(steps: int) -> dict[int, float]:
    """The curve of an undisturbed run."""
    state, curve = FIRST, {}
    for step in range(1, steps + 1):
        state = next_state(state)
        curve[step] = state / MODULUS
    return curve


def curve(job: Job, name: str = "loss") -> dict[int, float | None]:
    return dict(job.points.filter(name=name).values_list("step", "value"))


def faults_of(job: Job) -> list[str]:
    """Everything that is wrong with the history of a job that has ended; empty when all is well."""
    job.refresh_from_db()
    found = [] if job.is_terminal else [f"is {job.status}"]
    if together := steps_beside_a_newer_attempt(job):
        found.append(f"{together} steps beside a newer attempt")
    found += _wrong_points(job)
    if job.attempts.filter(ended_at=None).exists():
        found.append("an attempt has no end")
    if job.slot or job.lease_until:
        found.append("still holds a slot or a lease")
    return [*found, *_wrong_artifacts(job)]


def _wrong_points(job: Job) -> Iterable[str]:
    told = curve(job)
    steps = job.settings.get("steps", 20) if job.status == Status.SUCCEEDED and not job.result.get("stopped") else 0
    expected = losses(max([*told, steps, 0]))
    if missing := sorted(set(range(1, max([*told, steps, 0]) + 1)) - set(told)):
        yield f"steps without a point: {missing[:10]}"
    wrong = [step for step, value in told.items() if value is not None and value != expected[step]]
    if wrong:
        yield f"wrong values at steps {wrong[:10]}"


def _wrong_artifacts(job: Job) -> Iterable[str]:
    results = Artifact.objects.filter(job=job, kind="result").count()
    if results != (job.status == Status.SUCCEEDED):
        yield f"{results} results of a job that {job.status}"
    if job.status == Status.SUCCEEDED:
        try:
            verify(job.folder / job.result["checkpoint"])
        except CheckpointDamaged as damage:
            yield f"its checkpoint is damaged: {damage}"
    if list((job.folder / "checkpoints").glob(".tmp-*")) and job.status == Status.SUCCEEDED:
        yield "half-written checkpoints are left"
