"""Verbs of the job protocol that people and the console use: submit, cancel, stop, sweep, reap.

What the worker side uses (claim, renew, record, finish) is in `apps.jobs.protocol`.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, F, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict
from apps.core.transitions import move
from apps.jobs import choosing, curves, depending, hints, kinds, quota
from apps.jobs.models import (
    Attempt,
    Desired,
    FailureClass,
    Job,
    LogLine,
    Message,
    MetricBlock,
    MetricPoint,
    Slot,
    Status,
    in_seconds,
)
from apps.jobs.timing import TIMING

log = logging.getLogger(__name__)
MAX_HINTS = 8  # per queue and sweep: enough to fill every slot of a host, too few to flood a broker
BLOCK_COLUMNS = ("name", "block", "first_step", "last_step", "low", "high", "nulls")
LOST = "The worker that ran this job disappeared {count} times (power, network, or it was killed)."
LOST_HINT = "Look at the worker's host and its memory, then resume from the last checkpoint."


@transaction.atomic
def submit(
    *,
    actor: Any,
    workspace: Workspace,
    kind: str,
    title: str,
    inputs: dict[str, Any],
    settings: dict[str, Any],
    priority: int = 0,
    not_before: datetime | None = None,
    after: Sequence[Job] = (),
) -> Job:
    """Write the job down; on commit tell the workers. A lost hint costs at most one sweep. Nobody takes it `not_before`,
    nor before all jobs `after` have succeeded. Raises Conflict when the workspace's minutes are used up."""
    quota.check(workspace, kinds.get(kind).queue)
    job: Job = Job.objects.create(
        workspace=workspace, created_by=actor, kind=kind, title=title[:200], queue=kinds.get(kind).queue, inputs=inputs,
        settings=settings, priority=priority, not_before=not_before,
    )  # fmt: skip
    ledger.write(row=job, verb="job.queued", actor=actor)
    for earlier in after:
        depending.add(actor=actor, job=job, on=earlier)
    live.ring(job)
    transaction.on_commit(lambda: hints.send(job.queue))
    return job


def cancel(*, actor: Any, job: Job) -> Job:
    """End a job without its result. A running one is asked to leave, then killed; after this it can never succeed."""
    for _try in range(5):
        job.refresh_from_db()
        if job.is_terminal or job.status == Status.CANCELLING:
            return job
        try:
            if job.status == Status.QUEUED:
                move(job, Status.CANCELLED, actor=actor, desired=Desired.CANCEL, finished_at=Now())
            else:
                move(job, Status.CANCELLING, actor=actor, desired=Desired.CANCEL)
        except Conflict:
            continue  # it was claimed or it ended between our look and our write: look again
        return job
    raise Conflict(_("The job is changing quickly; try again."))


@transaction.atomic
def stop_and_save(*, actor: Any, job: Job) -> Job:
    """Ask a job to end with what it has. One that waits and has nothing yet is cancelled; one that waits for its next
    attempt resumes, saves and ends."""
    job.refresh_from_db(from_queryset=Job.objects.select_for_update())
    if job.status == Status.QUEUED and not job.artifacts.exists():
        return cancel(actor=actor, job=job)
    if job.status not in (Status.QUEUED, Status.RUNNING):
        raise Conflict(_("Only a running job can be stopped."))
    if job.desired != Desired.STOP:
        Job.objects.filter(pk=job.pk).update(desired=Desired.STOP, held_at=None, held_by=None, held_why="")
        ledger.write(row=job, verb="job.stop", actor=actor)
        live.ring(job)
        job.desired = Desired.STOP
    return job


def send_message(*, job: Job, payload: dict[str, Any]) -> Message:
    """Hand a word to the job's program; it is delivered once the program runs. Raises Conflict when the job has ended."""
    if Job.objects.unfinished().filter(pk=job.pk).exists():
        return Message.objects.create(job=job, payload=payload)
    raise Conflict(_("The job has ended; it hears nothing any more."))


@transaction.atomic
def copy_history(*, source: Job, target: Job, up_to_step: int) -> None:
    """Give a job that continues another one the curve so far, so that it is whole on one page."""
    source.refresh_from_db(fields=["last_seq"])
    _copy_points(source, target, up_to_step)
    whole_blocks = source.blocks.filter(last_step__lte=up_to_step)
    copies = [MetricBlock(**{**block, "job": target}) for block in whole_blocks.values(*BLOCK_COLUMNS)]
    MetricBlock.objects.bulk_create(copies, batch_size=2000)
    cut = source.blocks.filter(first_step__lte=up_to_step, last_step__gt=up_to_step)
    curves.update_blocks(target, {name: {step} for name, step in cut.values_list("name", "first_step")})
    line = f"Continues {source.title} after step {up_to_step}."
    LogLine.objects.create(job=target, seq=source.last_seq + 1, at=timezone.now(), text=line)
    Job.objects.filter(pk=target.pk).update(last_seq=source.last_seq + 1, last_step=up_to_step)


def _copy_points(source: Job, target: Job, up_to_step: int) -> None:
    """In the database itself: a curve can have millions of points."""
    table = connection.ops.quote_name(MetricPoint._meta.db_table)
    as_stored = MetricPoint._meta.get_field("job").get_db_prep_value
    sql = f"""
        INSERT INTO {table} (job_id, seq, step, name, value)
        SELECT %s, seq, step, name, value FROM {table} WHERE job_id = %s AND step <= %s
    """  # noqa: S608 - the table's name is ours
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_stored(target.pk, connection), as_stored(source.pk, connection), up_to_step])


def sweep() -> int:
    """Repeat hints that may have been lost: for every queue one per waiting job, as far as slots are free."""
    here = Slot.objects.filter(seen_at__gt=in_seconds(-60), drained_at=None)
    free = here.exclude(name__in=Job.objects.alive().filter(slot__isnull=False).values("slot"))
    sent = 0
    depending.settle()
    quota.end_running()
    for queue, slots in free.values_list("queue").annotate(Count("name")).order_by("queue"):
        waiting = choosing.ready(queue)[: min(slots, MAX_HINTS)].count()
        sent += sum(hints.send(queue) for _number in range(waiting))
    return sent


def reap() -> int:
    """Take back jobs whose lease ended: cancelled, failed at the cap, or queued again; always with a new epoch."""
    return sum(_reap_one(job) for job in Job.objects.expired())


def _reap_one(job: Job) -> bool:
    common: dict[str, Any] = {"epoch": job.epoch + 1, "losses": job.losses + 1, "slot": None, "lease_until": None}
    paused_is_done = Case(When(desired=Desired.PAUSE, then=Value(Desired.RUN)), default=F("desired"))
    lease = {"lease_until": None} if job.lease_until is None else {"lease_until__lt": in_seconds(-TIMING.slack)}
    guard: dict[str, Any] = {"epoch": job.epoch, **lease}
    kind = kinds.find(job.kind)
    at_cap = kind is None or job.losses + 1 >= kind.max_losses
    try:
        with transaction.atomic():
            if job.status == Status.CANCELLING:
                move(job, Status.CANCELLED, actor="reaper", guard=guard, finished_at=Now(), **common)
            elif at_cap:
                failure: dict[str, Any] = {
                    "failure_class": FailureClass.LOST_WORKER,
                    "failure_message": LOST.format(count=job.losses + 1),
                    "failure_hint": LOST_HINT,
                }
                move(job, Status.FAILED, actor="reaper", guard=guard, finished_at=Now(), **common, **failure)
            else:
                move(
                    job,
                    Status.QUEUED,
                    actor="reaper",
                    guard=guard,
                    note="lease ended",
                    desired=paused_is_done,
                    **common,
                )
            Attempt.objects.filter(job=job, epoch=guard["epoch"]).update(ended_at=Now(), outcome="lost")
            transaction.on_commit(lambda: hints.send(job.queue))
    except Conflict:
        return False  # it was renewed, finished or reaped meanwhile
    return True
