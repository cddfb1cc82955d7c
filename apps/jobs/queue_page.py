"""What the page of the queue shows."""

from typing import Any

from apps.accounts.models import Workspace
from apps.jobs import quota, waiting
from apps.jobs.models import ALIVE, QUEUES, TERMINAL, Allowance, Job

LATELY = 10


def context_of(workspace: Workspace, may: dict[str, bool]) -> dict[str, Any]:
    """Slots with what they run (another workspace's jobs have no name here), what waits, what ended lately."""
    running = {job.slot: job for job in Job.objects.filter(status__in=ALIVE).exclude(slot=None)}
    slots = [slot for name, _label in QUEUES for slot in waiting.slots_of(name).order_by("name")]
    own = Job.objects.filter(workspace=workspace)
    return {
        "slots": [{"slot": slot, **_use(running.get(slot.name), workspace)} for slot in slots],
        "waiting": waiting.lines(workspace),
        "ended": own.filter(status__in=TERMINAL).order_by("-finished_at")[:LATELY],
        "paused": Allowance.objects.filter(workspace=workspace).exclude(paused_at=None).first(),
        "minutes": quota.standing(workspace),
        "may": may,
    }


def _use(job: Job | None, workspace: Workspace) -> dict[str, Any]:
    is_own = job is not None and job.workspace_id == workspace.pk
    return {"job": job if is_own else None, "is_others": job is not None and not is_own}
