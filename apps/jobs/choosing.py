"""Which job a free slot takes next. The answer is only a proposal: the guarded UPDATE of `protocol.claim` decides."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from apps.jobs import quota, usage
from apps.jobs.models import Allowance, Job, JobQuerySet
from apps.jobs.sharing import in_turn

FROM_EACH = 5  # of a workspace: enough to find one that no other worker has just taken


def ready(queue: str) -> JobQuerySet:
    """Jobs that a free slot may take now: nothing keeps them back, and their workspace has minutes left."""
    return Job.objects.ready(queue).exclude(workspace__in=quota.used_up(queue))


def candidates(queue: str) -> list[Job]:
    """The jobs to try, best first: by turns of the workspaces, and by the order inside each."""
    order = [F("priority").desc(), F("place").asc(), F("created_at").asc()]
    nth = Window(RowNumber(), partition_by=F("workspace"), order_by=order)
    first_ones = ready(queue).annotate(nth=nth).filter(nth__lte=FROM_EACH)
    lines: dict[UUID, list[Any]] = {}  # jobs with their `nth`
    for job in sorted(first_ones, key=lambda job: (job.place, job.created_at)):
        lines.setdefault(job.workspace_id, []).append(job)
    for line in lines.values():
        line.sort(key=lambda job: job.nth)
    if len(lines) < 2:
        return [job for line in lines.values() for job in line]
    used = usage.recent(queue, lines, now=timezone.now())
    return list(in_turn(lines, used=used, weights=weights_of(lines)))[:FROM_EACH]


def weights_of(rooms: Iterable[UUID]) -> dict[UUID, float]:
    return dict(Allowance.objects.filter(workspace__in=list(rooms)).values_list("workspace", "weight"))
