"""What the pages of the queue show, and what their forms say."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.jobs.models import TERMINAL
from apps.labeling.models import MAX_OVERLAP, LabelProject, TaskOrder
from apps.labeling.queueing import allowance, foreseeing, settings


def filling_page(project: LabelProject) -> dict[str, Any]:
    """How far the making of tasks is, for the head of each page; empty once all are there."""
    if project.is_filled:
        return {}
    job = project.filling
    is_over = job is None or job.status in TERMINAL
    return {"filling": job, "filling_is_over": is_over, "filling_all": max(project.wanted_tasks, project.task_count, 1)}


def settings_page(project: LabelProject, posted: Mapping[str, str] | None, problem: Problem | None) -> dict[str, Any]:
    return {
        "orders": TaskOrder.choices,
        "overlaps": range(project.overlap if project.status != "draft" else 1, MAX_OVERLAP + 1),
        "deadline": timezone.localtime(project.deadline).strftime("%Y-%m-%dT%H:%M") if project.deadline else "",
        "zone": timezone.get_current_timezone_name(),
        "posted": posted,
        "problem": problem,
        "warnings": settings.warnings(project),
    }


def settings_of(posted: QueryDict) -> dict[str, Any]:
    """The form as settings. Raises Problem naming the field."""
    return {
        "name": posted.get("name", ""),
        "guidelines": posted.get("guidelines", ""),
        "overlap": _number(posted, "overlap"),
        "order": posted.get("order", ""),
        "seed": _number(posted, "seed"),
        "quota_total": _number(posted, "quota_total"),
        "quota_day": _number(posted, "quota_day"),
        "deadline": _moment(posted.get("deadline", "")),
        "only_named": "only_named" in posted,
        "needs_skip_reason": "needs_skip_reason" in posted,
    }


def part_of(posted: QueryDict) -> dict[str, Any]:
    return {
        "is_named": "is_named" in posted,
        "is_paused": "is_paused" in posted,
        "quota_total": _number(posted, "quota_total"),
        "quota_day": _number(posted, "quota_day"),
        "ranges": settings.parse_ranges(posted.get("ranges", "")),
    }


def _number(posted: QueryDict, name: str) -> int | None:
    text = posted.get(name, "").strip()
    if text and (not (text.isascii() and text.isdigit()) or len(text) > 9):
        raise Problem(_("Give a whole number."), field=name)
    return int(text) if text else None


def _moment(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise Problem(_("A deadline is a date with a time."), field="deadline")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def people_page(project: LabelProject) -> dict[str, Any]:
    """Everybody who may label here, with what is theirs and how fast they are."""
    paces = foreseeing.paces(project)
    rows = []
    for person, share in settings.labellers(project):
        if share:
            share.project = project
        rows.append(
            {
                "person": person,
                "share": share,
                "pace": paces.get(share.pk) if share else None,
                "today": allowance.done_today(share) if share else 0,
                "ranges": ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in share.ranges) if share else "",
            }
        )
    return {"rows": rows, "warnings": settings.warnings(project)}
