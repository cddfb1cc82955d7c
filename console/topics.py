"""Which live topics exist and who may watch them: the composition root's table for apps.core.consumers."""

from typing import Any

from django.core.exceptions import ValidationError

from apps.accounts.models import User, Workspace, workspaces_where
from apps.jobs.models import Job
from apps.labeling.models import LabelProject


def look_up(user: User, topic: str) -> dict[str, Any] | None:
    """The state a watcher starts from, or None when there is no such topic for this person."""
    kind, _dot, pk = topic.partition(".")
    try:
        return TOPICS[kind](User.objects.get(pk=user.pk, is_active=True), pk) if kind in TOPICS else None
    except (ValidationError, ValueError, User.DoesNotExist):
        return None


def _job(user: User, pk: str) -> dict[str, Any] | None:
    row = Job.objects.visible_to(user).filter(pk=pk).values("last_seq", "status").first()
    return row and {"to_seq": row["last_seq"], "status": row["status"]}


def _workspace(user: User, pk: str) -> dict[str, Any] | None:
    return {} if workspaces_where(user, "workspace.view").filter(pk=pk).exists() else None


def _label_project(user: User, pk: str) -> dict[str, Any] | None:
    """Only that something changed: an annotator may not even count others' answers."""
    return {} if LabelProject.objects.visible_to(user).filter(pk=pk).exists() else None


TOPICS = {
    Job._meta.model_name: _job,
    Workspace._meta.model_name: _workspace,
    LabelProject._meta.model_name: _label_project,
}
