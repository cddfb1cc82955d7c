"""What waits for what, in plain words, and when it will begin as far as that can be known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.jobs import quota
from apps.jobs.models import Allowance, Dependency, Job, Slot, Status, in_seconds

SEEN_S = 60  # a slot that was not heard of for so long is gone


@dataclass(frozen=True)
class Waiting:
    """A waiting job, why it waits, and the seconds until a slot is free for it; None where nobody can know."""

    job: Job
    reason: str
    starts_in_s: float | None


def lines(workspace: Workspace) -> list[Waiting]:
    """The workspace's waiting jobs in their order, each with its reason."""
    jobs = list(Job.objects.filter(workspace=workspace, status=Status.QUEUED).select_related("held_by").in_order())
    paused = Allowance.objects.filter(workspace=workspace).exclude(paused_at=None).first()
    now = quota.standing(workspace)
    held_back = _blocked(jobs, paused, now)
    ahead: dict[str, int] = {}
    found = []
    for job in jobs:
        if reason := held_back.get(job.pk, ""):
            found.append(Waiting(job, reason, None))
            continue
        place = ahead.get(job.queue, 0)
        ahead[job.queue] = place + 1
        found.append(Waiting(job, _of_turn(job.queue, place), _free_in(job.queue, place)))
    return found


def _blocked(jobs: Sequence[Job], paused: Allowance | None, now: quota.Standing) -> dict[Any, str]:
    """Jobs that no slot would take, with the reason."""
    unmet = Dependency.objects.unmet().filter(job__in=[job.pk for job in jobs]).select_related("on")
    after = {one.job_id: _("Waits for “%(job)s”.") % {"job": one.on.title} for one in unmet}
    found = {}
    for job in jobs:
        if job.held_at is not None:
            found[job.pk] = _paused_by(job.held_by, job.held_why)
        elif paused is not None:
            found[job.pk] = _("The queue of the workspace is paused.")
        elif job.pk in after:
            found[job.pk] = after[job.pk]
        elif job.queue == "gpu" and now.is_used_up:
            day = date_format(now.renews_at, "j F Y")
            found[job.pk] = _("The GPU-minutes of this month are used up; they renew on %(day)s (UTC).") % {"day": day}
        elif job.not_before and job.not_before > timezone.now():
            found[job.pk] = _("Not before %(time)s.") % {"time": date_format(job.not_before, "j M H:i")}
    return found


def _paused_by(person: Any, why: str) -> str:
    told = _("Paused by %(person)s.") % {"person": person} if person else _("Paused.")
    return f"{told} {why}".strip()


def slots_of(queue: str) -> QuerySet[Slot]:
    """Slots that have been heard of lately."""
    return Slot.objects.filter(queue=queue, seen_at__gt=in_seconds(-SEEN_S))


def _of_turn(queue: str, place: int) -> str:
    here = slots_of(queue)
    if not here.exists():
        return _("No worker for this queue is running.")
    if not here.filter(drained_at=None).exists():
        return _("Every slot is being drained.")
    if not place:
        return _("Next, as soon as a slot is free.")
    return _("No slot is free; %(count)s of this workspace before it.") % {"count": place}


def _free_in(queue: str, place: int) -> float | None:
    """Seconds until a slot is free, by what the jobs on the slots say of their own end; known for the first in line only."""
    if place:
        return None
    running = Job.objects.alive().filter(queue=queue).values_list("progress", flat=True)
    ends = [progress.get("eta_s") for progress in running]
    return min(ends) if ends and all(isinstance(end, int | float) for end in ends) else None
