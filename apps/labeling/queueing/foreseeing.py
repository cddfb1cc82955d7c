"""The forecast of a project and the pace of its people, from their days of work."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.labeling.models import LabelProject, WorkDay
from apps.labeling.queueing.forecast import WINDOW, Forecast, Worked, forecast, pace


def days_of(project: LabelProject) -> dict[Any, list[Worked]]:
    """The last eight days of each person with a share."""
    since = timezone.localdate() - WINDOW - timedelta(days=1)
    rows = WorkDay.objects.filter(share__project=project, day__gte=since).order_by("day")
    found: dict[Any, list[Worked]] = {}
    for share, submitted, began, last in rows.values_list("share", "submitted", "began_at", "last_at"):
        found.setdefault(share, []).append(Worked(submitted, began, last))
    return found


def foresee(project: LabelProject, counts: dict[str, int]) -> Forecast:
    """When the last answer comes. Answers that are missing: those of tasks that are neither full nor decided."""
    whole = counts["done"] * project.overlap
    begun = max(0, counts["annotations"] - whole)
    missing = max(0, counts["waiting"] * project.overlap - begun)
    days = [day for worked in days_of(project).values() for day in worked]
    return forecast(days, missing if counts["waiting"] else 0, timezone.now())


def paces(project: LabelProject) -> dict[Any, float | None]:
    """Answers an hour of each share."""
    return {share: pace(worked) for share, worked in days_of(project).items()}
