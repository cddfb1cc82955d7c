"""Pause and resume: of one job, and of all that a workspace has waiting."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict
from apps.jobs import hints
from apps.jobs.models import PAUSABLE, Allowance, Desired, Job, Status

FREE: dict[str, Any] = {"held_at": None, "held_by": None, "held_why": ""}


@transaction.atomic
def hold(*, actor: Any, job: Job, why: str = "") -> Job:
    """Keep a waiting job back; a running one saves, gives its slot back and waits. It counts as no attempt lost.

    Asked twice, it answers the same. Raises Conflict for a job that has ended, is being stopped, or has nothing to save.
    """
    job.refresh_from_db(from_queryset=Job.objects.select_for_update())
    if job.held_at is not None and not job.is_terminal:
        return job
    if job.queue not in PAUSABLE:
        raise Conflict(_("Chats and engines cannot be paused."), hint=_("Stop it instead."))
    if job.status not in (Status.QUEUED, Status.RUNNING) or job.desired not in (Desired.RUN, Desired.PAUSE):
        raise Conflict(_("Only a job that waits or runs can be paused."))
    wish = {"desired": Desired.PAUSE} if job.status == Status.RUNNING else {}
    ledger.write(row=job, verb="job.held", actor=actor, note=why)
    return _written(job, held_at=Now(), held_by=actor, held_why=why[:200], **wish)


@transaction.atomic
def release(*, actor: Any, job: Job) -> Job:
    """Let a paused job go on: the next free slot resumes it from its checkpoint. Asked twice, it answers the same."""
    job.refresh_from_db(from_queryset=Job.objects.select_for_update())
    if job.held_at is None or job.is_terminal:
        return job
    wish = {"desired": Desired.RUN} if job.desired == Desired.PAUSE else {}
    ledger.write(row=job, verb="job.released", actor=actor)
    return _written(job, **FREE, **wish)


def _written(job: Job, **values: Any) -> Job:
    """Under the row's lock."""
    Job.objects.filter(pk=job.pk).update(**values)
    job.refresh_from_db()
    live.ring(job)
    transaction.on_commit(lambda: hints.send(job.queue))
    return job


def give_back(job: Job) -> bool:
    """Ask a running job to save and leave its slot; it waits for the next one. False when it runs no more."""
    asked = Job.objects.filter(pk=job.pk, status=Status.RUNNING, desired=Desired.RUN, queue__in=PAUSABLE)
    return bool(asked.update(desired=Desired.PAUSE))


@transaction.atomic
def pause_queue(*, actor: Any, workspace: Workspace, why: str = "") -> Allowance:
    """Let no waiting job of the workspace begin; what runs goes on."""
    rule, _new = Allowance.objects.get_or_create(workspace=workspace)
    if rule.paused_at is None:
        Allowance.objects.filter(pk=rule.pk).update(paused_at=Now(), paused_by=actor, paused_why=why[:200])
        ledger.write(row=workspace, verb="queue.paused", actor=actor, note=why)
        live.ring(workspace)
    rule.refresh_from_db()
    return rule


@transaction.atomic
def resume_queue(*, actor: Any, workspace: Workspace) -> Allowance:
    rule, _new = Allowance.objects.get_or_create(workspace=workspace)
    if rule.paused_at is not None:
        Allowance.objects.filter(pk=rule.pk).update(paused_at=None, paused_by=None, paused_why="")
        ledger.write(row=workspace, verb="queue.resumed", actor=actor)
        live.ring(workspace)
        transaction.on_commit(lambda: [hints.send(queue) for queue in PAUSABLE])
    rule.refresh_from_db()
    return rule
