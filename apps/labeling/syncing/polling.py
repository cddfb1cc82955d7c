"""The look that comes by itself: a webhook is only a hint, so every connection is asked again after a while, and a failed run later."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import workspaces_where
from apps.core import live
from apps.core.errors import Conflict
from apps.jobs.models import Status
from apps.labeling.models import Connection, SyncRun
from apps.labeling.syncing import services

MIN_GAP = timedelta(seconds=10)  # between a run and the next one that a hint begins
PAUSES = (1, 5, 15, 60, 240)  # minutes after so many failures in a row


def look(*, now: datetime | None = None) -> int:
    """Note runs that failed, begin those that are due; how many began."""
    now = now or timezone.now()
    rows = Connection.objects.select_related("job", "project", "created_by")
    return sum(_tend(connection, now) for connection in rows)


def _tend(connection: Connection, now: datetime) -> bool:
    note_failure(connection, now=now)
    if connection.is_running or not connection.is_due(now) or not connection.project.is_filled:
        return False
    cause = "hint" if connection.hinted_at else "poll"
    if cause == "hint" and connection.synced_at and now < connection.synced_at + MIN_GAP:
        return False
    return _begin(connection, cause)


def _begin(connection: Connection, cause: str) -> bool:
    person = connection.created_by
    if not person or not workspaces_where(person, "labeling.manage").filter(pk=connection.workspace_id).exists():
        told = {"error": _("Who connected this may not run the project any more."), "is_paused": True}
        Connection.objects.filter(pk=connection.pk).update(**told, error_hint=_("Disconnect, and connect it yourself."))
        live.ring(connection.project)
        return False
    try:
        services.begin(actor=person, connection=connection, cause=cause)
    except Conflict:  # somebody was quicker
        return False
    return True


def note_failure(connection: Connection, *, now: datetime | None = None) -> None:
    """A run that ended badly: its words, and when to try again. Each run once."""
    job = connection.job
    if job is None or job.status not in (Status.FAILED, Status.CANCELLED):
        return
    now = now or timezone.now()
    message = job.failure_message or _("The run was cancelled.")
    with transaction.atomic():
        if not SyncRun.objects.filter(job=job, ended_at=None).update(ended_at=now, error=message[:500]):
            return
        failures = connection.failures + 1
        pause = timedelta(minutes=PAUSES[min(failures, len(PAUSES)) - 1])
        values: dict[str, Any] = {"failures": failures, "not_before": now + pause, "error": message[:500]}
        values["error_hint"] = job.failure_hint[:500]
        Connection.objects.filter(pk=connection.pk).update(**values)
        for name, value in values.items():
            setattr(connection, name, value)
        live.ring(connection.project)


def hint(connection: Connection) -> None:
    """The server says that something changed: begin now, or remember it for when the present run ends. However often it says so,
    at most one run in ten seconds comes of it."""
    now = timezone.now()
    if connection.hinted_at is None:
        Connection.objects.filter(pk=connection.pk).update(hinted_at=now)
        connection.hinted_at = now
    _tend(connection, now)
