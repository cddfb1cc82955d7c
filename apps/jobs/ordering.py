"""The order of a workspace's own waiting jobs, as its people want it."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.jobs.models import Job, Status

PRIORITIES = {"low": -10, "normal": 0, "high": 10}
MOST = 100


@transaction.atomic
def set_priority(*, actor: Any, job: Job, priority: int) -> Job:
    """Raises Problem outside -100..100, Conflict for a job that has ended."""
    if not -MOST <= priority <= MOST:
        raise Problem(_("A priority is a whole number from -100 to 100."), field="priority", hint="low, normal, high")
    _locked(job)
    if job.is_terminal:
        raise Conflict(_("The job has ended."))
    if job.priority != priority:
        Job.objects.filter(pk=job.pk).update(priority=priority)
        ledger.write(row=job, verb="job.priority", actor=actor, note=f"{job.priority} to {priority}")
        live.ring(job)
        job.priority = priority
    return job


@transaction.atomic
def move_to(*, actor: Any, job: Job, position: int) -> Job:
    """Put a waiting job at this position (from 0) among those of its workspace and queue that wait.

    Between jobs of other priorities it takes the nearest that fits there. Raises Conflict for a job that waits no more.
    """
    _locked(job)
    if job.status != Status.QUEUED:
        raise Conflict(_("Only a waiting job can change places."))
    line = line_of(job)
    here = line.index(job)
    del line[here]
    line.insert(min(max(position, 0), len(line)), job)
    now = line.index(job)
    if now == here:
        return job
    above = line[now - 1].priority if now else max(job.priority, line[1].priority)
    below = line[now + 1].priority if now + 1 < len(line) else min(job.priority, above)
    job.priority = min(max(job.priority, below), above)
    _renumber([one for one in line if one.priority == job.priority])
    Job.objects.filter(pk=job.pk).update(priority=job.priority)
    ledger.write(row=job, verb="job.moved", actor=actor, note=f"{here + 1} to {now + 1}")
    live.ring(job)
    return job


def step(*, actor: Any, job: Job, by: int) -> Job:
    """One place up (-1) or down (1). Raises Conflict when the job waits no more."""
    line = line_of(job)
    here = next((place for place, one in enumerate(line) if one.pk == job.pk), 0)
    return move_to(actor=actor, job=job, position=here + by)


def line_of(job: Job) -> list[Job]:
    """What waits in the job's workspace for slots of its queue, the next one first."""
    return list(Job.objects.filter(workspace=job.workspace_id, queue=job.queue, status=Status.QUEUED).in_order())


def _renumber(group: list[Job]) -> None:
    """Deal the places that the group has out anew, in its present order; equal ones are spread."""
    last = -1
    for job, place in zip(group, sorted(one.place for one in group), strict=True):
        last = max(place, last + 1)
        if job.place != last:
            Job.objects.filter(pk=job.pk).update(place=last)
            job.place = last


def _locked(job: Job) -> None:
    """Lock the workspace's order and read the job anew."""
    Workspace.objects.select_for_update().get(pk=job.workspace_id)
    job.refresh_from_db()
