"""Jobs that wait for other jobs."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.jobs import hints
from apps.jobs.models import Dependency, Desired, Job, Status

CANCELLED = "It was to run after {title}, which ended as {status}."


@transaction.atomic
def add(*, actor: Any, job: Job, on: Job, condition: str = "success", if_failed: str = "cancel") -> Dependency:
    """Let `job` wait for `on`. Raises Problem for another workspace's job or a circle, Conflict when `job` waits no more."""
    Workspace.objects.select_for_update().get(pk=job.workspace_id)  # two at once could close a circle that neither sees
    job.refresh_from_db(fields=["status"])
    if job.status != Status.QUEUED:
        raise Conflict(_("Only a job that has not begun can wait for another one."))
    if on.workspace_id != job.workspace_id:
        raise Problem(_("A job can only wait for a job of its own workspace."), field="job")
    if job.pk in _ancestors(on):
        raise Problem(_("These jobs would wait for each other."), field="job", hint=_("Leave out one of them."))
    values = {"condition": condition, "if_failed": if_failed}
    made, is_new = Dependency.objects.update_or_create(job=job, on=on, defaults=values)
    if is_new:
        ledger.write(row=job, verb="job.after_added", actor=actor, note=on.title)
    live.ring(job)
    return made


@transaction.atomic
def remove(*, actor: Any, job: Job, on: Job) -> None:
    """Let `job` wait for `on` no more. Asked twice, it does nothing."""
    if Dependency.objects.filter(job=job, on=on).delete()[0]:
        ledger.write(row=job, verb="job.after_removed", actor=actor, note=on.title)
        live.ring(job)
        transaction.on_commit(lambda: hints.send(job.queue))


def _ancestors(job: Job) -> set[Any]:
    """The job and all it waits for, through any number of others."""
    seen, fresh = {job.pk}, {job.pk}
    while fresh:
        fresh = set(Dependency.objects.filter(job__in=fresh).values_list("on", flat=True)) - seen
        seen |= fresh
    return seen


def settle() -> int:
    """Cancel waiting jobs whose predecessor ended badly, and those that wait for these. How many."""
    count = 0
    while found := _settle_once():
        count += found
    return count


def _settle_once() -> int:
    hopeless = Dependency.objects.hopeless().filter(if_failed="cancel", job__status=Status.QUEUED)
    done = 0
    for one in hopeless.select_related("job", "on"):
        words = CANCELLED.format(title=one.on.title, status=one.on.status)
        try:
            end: dict[str, Any] = {"desired": Desired.CANCEL, "finished_at": Now(), "failure_message": words}
            move(one.job, Status.CANCELLED, actor="queue", note=words, **end)
        except Conflict:
            continue  # it waited for two of them, or a person was first
        done += 1
    return done
