"""What the Label Studio tab shows."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.labeling.models import Connection, DisputeKind, LabelProject, SyncConflict
from apps.labeling.reviewing import wording
from apps.labeling.schema.alike import by_question
from apps.labeling.schema.parts import Config
from apps.labeling.syncing import polling, services

MOST = 50  # rows of a list on the page; the rest is told as a number, and read by program


def counts(connection: Connection) -> dict[str, int]:
    """How far both sides are in step."""
    tasks = connection.remote_tasks
    return {
        "tasks": LabelProject.objects.values_list("task_count", flat=True).get(pk=connection.project_id),
        "sent": tasks.count(),
        "gone": tasks.filter(is_gone=True).count(),
        "answers": connection.remote_answers.count(),
        "held": connection.held_answers.count(),
        "conflicts": connection.conflicts.filter(resolved_at=None).count(),
    }


def page(project: LabelProject) -> dict[str, Any]:
    connection = services.connection_of(project)
    if connection is None:
        return {"connection": None, "polls": Connection.POLLS, "hosts": services.hosts()}
    polling.note_failure(connection)
    open_ones = connection.conflicts.filter(resolved_at=None).select_related(
        "task", "annotation__assignment__annotator"
    )
    return {
        "connection": connection,
        "polls": Connection.POLLS,
        "figures": counts(connection),
        "state": _state(connection),
        "runs": [{"run": run, "said": _said(run)} for run in connection.runs.select_related("job")[:8]],
        "held": connection.held_answers.select_related("task")[:MOST],
        "conflicts": [_both(project.config, conflict) for conflict in open_ones[:MOST]],
    }


def _state(connection: Connection) -> tuple[str, str, str]:
    """(tone, icon, words)"""
    if connection.is_running:
        return "info", "loop", _("at work")
    if connection.error:
        return "bad", "alert", _("failed")
    if connection.is_paused:
        return "warn", "pause", _("paused")
    return "good", "check", _("in step") if connection.synced_at else _("connected")


def _said(run: Any) -> str:
    words = {
        "pushed": _("%d tasks sent"),
        "sent": _("%d answers sent"),
        "new": _("%d answers taken"),
        "changed": _("%d answers changed"),
        "held": _("%d held back"),
        "conflicts": _("%d conflicts"),
        "gone": _("%d tasks deleted there"),
        "unknown": _("%d answers to tasks that are not ours"),
        "retries": _("server asked again %d times"),
    }
    lines = [told % run.done[name] for name, told in words.items() if run.done.get(name)]
    return ", ".join(lines) or _("nothing new")


def _both(config: Config, conflict: SyncConflict) -> dict[str, Any]:
    ours = conflict.annotation.result if conflict.annotation else None
    person = conflict.annotation.assignment.person if conflict.annotation else ""
    return {
        "row": conflict,
        "person": person,
        "is_deleted": conflict.kind == DisputeKind.DELETED,
        "ours": _lines(config, ours),
        "theirs": _lines(config, conflict.theirs),
    }


def _lines(config: Config, result: Any) -> list[tuple[str, str]]:
    """(question, answer)"""
    found = by_question(config, result or [])
    controls = [(control, found.get(control.name)) for control in config.controls]
    return [(control.name, "; ".join(wording.lines(control, said))) for control, said in controls if said]


def hook_url(request: HttpRequest | Request, connection: Connection) -> str:
    """Where the server reaches us, as far as the browser's address tells."""
    return request.build_absolute_uri(reverse("api:label-studio-hook", args=[connection.pk]))
