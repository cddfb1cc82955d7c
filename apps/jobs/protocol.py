"""The worker's side of a job: claim, renew, record, finish. Every write carries the fencing epoch; a stale one is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from apps.core import live
from apps.core.errors import Conflict
from apps.core.transitions import move
from apps.jobs import choosing, curves, hints, kinds
from apps.jobs.events import clean
from apps.jobs.models import (
    ALIVE,
    Artifact,
    Attempt,
    Desired,
    FailureClass,
    Job,
    LogLine,
    MetricPoint,
    Slot,
    Status,
    in_seconds,
)
from apps.jobs.timing import TIMING

RETRYABLE = {FailureClass.CRASHED, FailureClass.STALLED}
GO = (Desired.RUN, Desired.STOP)  # a stop that outlived its worker is carried out by the next attempt
POINT_LIMIT = 500  # points sent in one live message; a longer batch is read from the API


class Fenced(Exception):
    """Somebody else owns the job now: stop writing and kill the program."""


def claim(*, queue: str, slot: str, worker: str) -> Job | None:
    """Take the next ready job for a slot: one guarded UPDATE that raises the epoch. None when there is nothing to take."""
    if Slot.objects.filter(name=slot).exclude(drained_at=None).exists():
        return None
    for job in choosing.candidates(queue):
        try:
            with transaction.atomic():
                move(
                    job,
                    Status.RUNNING,
                    actor=worker,
                    note=slot,
                    guard={"epoch": job.epoch, "desired__in": GO, "held_at": None},
                    slot=slot,
                    worker=worker,
                    epoch=job.epoch + 1,
                    lease_until=in_seconds(TIMING.lease),
                    claimed_at=Now(),
                    started_at=Coalesce(F("started_at"), Now()),
                )
                Attempt.objects.create(job=job, epoch=job.epoch, worker=worker, slot=slot)
        except Conflict:
            continue  # another worker was first
        except IntegrityError:
            return None  # the slot is taken
        job.refresh_from_db()
        return job
    return None


def renew(*, job: Job, epoch: int) -> str:
    """Extend the lease; the answer is what the users want of the job. Raises Fenced."""
    mine = Job.objects.filter(pk=job.pk, epoch=epoch, status__in=ALIVE)
    if not mine.update(lease_until=in_seconds(TIMING.lease)):
        raise Fenced
    return wishes(job=job, epoch=epoch)


def wishes(*, job: Job, epoch: int) -> str:
    """What the users want of the job now. Raises Fenced when it is no longer ours."""
    desired = Job.objects.filter(pk=job.pk, epoch=epoch, status__in=ALIVE).values_list("desired", flat=True).first()
    if desired is None:
        raise Fenced
    return str(desired)


@transaction.atomic
def record_events(*, job: Job, epoch: int, events: Sequence[dict[str, Any]]) -> int:
    """Accept a batch of consecutive events; the new last seq. A batch sent twice is accepted once.

    Raises Fenced when the epoch is not current, ValueError when events are missing before or within the batch.
    """
    first, last = events[0]["seq"], events[-1]["seq"]
    if [event["seq"] for event in events] != list(range(first, last + 1)):
        raise ValueError(f"events are missing between {first} and {last}")
    mine = Job.objects.filter(pk=job.pk, epoch=epoch, status__in=ALIVE)
    if not mine.filter(last_seq=first - 1).update(last_seq=last):
        known = mine.values_list("last_seq", flat=True).first()
        if known is None:
            raise Fenced
        if known < first - 1:
            raise ValueError(f"events {known + 1} to {first - 1} are missing")
        fresh = [event for event in events if event["seq"] > known]
        return record_events(job=job, epoch=epoch, events=fresh) if fresh else known
    job.last_seq = last
    _apply(job, epoch, events)
    return int(last)


def _apply(job: Job, epoch: int, events: Sequence[dict[str, Any]]) -> None:
    """Write what the events tell, in their order where the order matters."""
    kind = kinds.get(job.kind)
    points: dict[tuple[str, int], MetricPoint] = {}
    lines: list[LogLine] = []
    changed: dict[str, Any] = {}
    is_whole = True  # whether the live message can carry all points
    for event in events:
        if event["type"] == "metric":
            point = MetricPoint(job=job, seq=event["seq"], step=event["step"], name=event["name"], value=event["value"])
            points[point.name, point.step] = point
            changed["last_step"] = max(point.step, changed.get("last_step", job.last_step))
        elif event["type"] == "log":
            at = datetime.fromtimestamp(event["at"], UTC)
            lines.append(
                LogLine(
                    job=job,
                    seq=event["seq"],
                    at=at,
                    level=str(event.get("level") or "info")[:8],
                    text=clean(event["text"]),
                )
            )
        elif event["type"] == "progress":
            changed["progress"] = {k: event.get(k) for k in ("done", "total", "unit", "phase", "eta_s")}
        elif event["type"] == "fact":
            changed["facts"] = {**changed.get("facts", job.facts), event["name"]: event["value"]}
        elif event["type"] == "resumed":
            is_whole = not points
            _write_points(job, points)
            points.clear()
            curves.truncate(job, after_step=event["step"])
            changed["last_step"] = event["step"]
        elif event["type"] == "checkpoint":
            _keep_artifact(job, epoch, event)
        kind.on_event(job, event)
    _write_points(job, points)
    LogLine.objects.bulk_create(lines)
    if changed:
        Job.objects.filter(pk=job.pk).update(**changed)
        for name, value in changed.items():
            setattr(job, name, value)
    _tell(job, events, list(points.values()), lines, is_whole=is_whole)


def _write_points(job: Job, points: dict[tuple[str, int], MetricPoint]) -> None:
    """A value told twice for one step counts as its last telling."""
    MetricPoint.objects.bulk_create(
        points.values(), update_conflicts=True, unique_fields=["job", "name", "step"], update_fields=["seq", "value"]
    )
    touched: dict[str, set[int]] = {}
    for name, step in points:
        touched.setdefault(name, set()).add(step)
    curves.update_blocks(job, touched)


def _keep_artifact(job: Job, epoch: int, event: dict[str, Any]) -> None:
    manifest = {**(event.get("manifest") or {}), "metrics": event.get("metrics") or {}, "best": bool(event.get("best"))}
    Artifact.objects.update_or_create(
        job=job,
        kind="checkpoint",
        name=event["folder"],
        defaults={"step": event["step"], "epoch": epoch, "manifest": manifest},
    )


def _tell(
    job: Job, events: Sequence[dict[str, Any]], points: list[MetricPoint], lines: list[LogLine], *, is_whole: bool
) -> None:
    """On commit, the batch goes to open pages with its range of seq; what was lost on the way they fetch."""
    passed_on = [e for e in events if e["type"] in ("sample", "checkpoint", "fact", "reply", "resumed")]
    message = {
        "type": "events",
        "from_seq": events[0]["seq"],
        "to_seq": events[-1]["seq"],
        "points": [[p.seq, p.step, p.name, p.value] for p in points[:POINT_LIMIT]],
        "partial": len(points) > POINT_LIMIT or not is_whole,
        "logs": [[line.seq, line.at.isoformat(), line.level, line.text] for line in lines[-200:]],
        "events": [{k: v for k, v in event.items() if k != "manifest"} for event in passed_on],
        "progress": job.progress,
        "step": job.last_step,
    }
    transaction.on_commit(lambda: live.send(live.topic_of(job), message))


def succeed(*, job: Job, epoch: int, result: dict[str, Any]) -> None:
    """End with the result, if nobody cancelled it and the epoch is ours: result, objects and status in one transaction.

    Raises Conflict when it was cancelled, Fenced when it is not ours, Problem when the result does not hold.
    """
    kind = kinds.get(job.kind)
    kind.verify(job, result)
    forgiven = {"failure_class": "", "failure_message": "", "failure_hint": ""}  # of attempts before this one
    with transaction.atomic():
        _hold(job, epoch)
        _end(job, epoch, Status.SUCCEEDED, "succeeded", result=result, **forgiven)
        kind.on_success(job, result)


@transaction.atomic
def fail(*, job: Job, epoch: int, failure: dict[str, Any]) -> None:
    """End an attempt that went wrong. A crash is tried again from the last checkpoint, up to the kind's cap."""
    _hold(job, epoch)
    told_class = failure.get("class")
    failure_class = FailureClass(told_class) if told_class in FailureClass.values else FailureClass.CRASHED
    crashes = job.crashes + 1
    told = {
        "failure_class": failure_class,
        "failure_message": clean(str(failure.get("message") or "")),
        "failure_hint": clean(str(failure.get("hint") or "")),
        "crashes": crashes,
    }
    kind = kinds.find(job.kind)
    if job.status == Status.CANCELLING:
        _end(job, epoch, Status.CANCELLED, "cancelled")
    elif failure_class in RETRYABLE and kind is not None and crashes < kind.max_crashes:
        wait = TIMING.retry * 2 ** (crashes - 1)
        _end(job, epoch, Status.QUEUED, failure_class, not_before=in_seconds(wait), **told)
    else:
        _end(job, epoch, Status.FAILED, failure_class, **told)


@transaction.atomic
def release(*, job: Job, epoch: int) -> None:
    """Give a job back unharmed (the worker shuts down): the next slot resumes it. It counts as neither crash nor loss."""
    _hold(job, epoch)
    if job.status == Status.CANCELLING:
        _end(job, epoch, Status.CANCELLED, "cancelled")
    else:
        _end(job, epoch, Status.QUEUED, "released")


@transaction.atomic
def end_cancelled(*, job: Job, epoch: int) -> None:
    """End without a result: it was cancelled, or stopped before there was anything to save."""
    _hold(job, epoch)
    _end(job, epoch, Status.CANCELLED, "cancelled")


def _hold(job: Job, epoch: int) -> None:
    """Lock the row until the transaction ends and read it anew, so that what is decided now still holds when written."""
    mine = Job.objects.select_for_update().filter(pk=job.pk, epoch=epoch, status__in=ALIVE)
    if not list(mine.values_list("pk", flat=True)):
        raise Fenced
    job.refresh_from_db()


def _end(job: Job, epoch: int, status: str, outcome: str, **values: Any) -> None:
    """Leave the slot with this status. Raises Conflict when the present one forbids it."""
    if status != Status.QUEUED:
        values["finished_at"] = Now()
    elif job.desired == Desired.PAUSE:
        values["desired"] = Desired.RUN  # done: what keeps it now is its hold, if anything
    move(job, status, actor=job.worker, note=outcome, guard={"epoch": epoch}, slot=None, lease_until=None, **values)
    Attempt.objects.filter(job=job, epoch=epoch).update(ended_at=Now(), outcome=outcome)
    after = Job.objects.filter(waits_for__on=job, status=Status.QUEUED).values_list("queue", flat=True)
    queues = {job.queue, *after} if status != Status.QUEUED else {job.queue}
    transaction.on_commit(lambda: [hints.send(queue) for queue in sorted(queues)])
