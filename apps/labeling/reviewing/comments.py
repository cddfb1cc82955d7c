"""Remarks about a task among those who review it: threads that can be settled. Who labels never sees one."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.labeling.models import Comment, Task

MAX_TEXT = 4000
MOST = 500  # remarks about one task


@transaction.atomic
def say(*, actor: Any, task: Task, text: str, thread: Comment | None = None) -> Comment:
    """A new thread, or a reply to one; a reply opens a settled thread again. Raises Problem, Conflict."""
    text = text.strip()
    if not 0 < len(text) <= MAX_TEXT or "\0" in text:
        raise Problem(_("A comment has from 1 to %(most)d characters.") % {"most": MAX_TEXT}, field="text")
    if thread is not None and (thread.task_id != task.pk or thread.parent_id):
        raise Problem(_("This is no thread of the task."), field="thread")
    if task.comments.count() >= MOST:
        raise Conflict(_("A task has at most %(most)d comments.") % {"most": MOST})
    common = {"workspace_id": task.workspace_id, "created_by": actor, "project": task.project}
    said: Comment = Comment.objects.create(**common, task=task, parent=thread, text=text)
    if thread is not None:
        Comment.objects.filter(pk=thread.pk).update(resolved_at=None, resolved_by=None)
    ledger.write(row=task.project, verb="labelproject.commented", actor=actor, task=task.number)
    live.ring(task.project)
    return said


@transaction.atomic
def settle(*, actor: Any, thread: Comment, is_settled: bool = True) -> None:
    """Close a thread, or open it again. Raises Conflict when it is so already."""
    values = {"resolved_at": timezone.now(), "resolved_by": actor} if is_settled else {"resolved_at": None}
    rows = Comment.objects.filter(pk=thread.pk, parent=None, resolved_at__isnull=is_settled)
    if rows.update(**values) != 1:
        raise Conflict(_("The thread is settled already.") if is_settled else _("The thread is open already."))
    ledger.write(
        row=thread.project,
        verb="labelproject.thread_settled" if is_settled else "labelproject.thread_reopened",
        actor=actor,
        task=thread.task.number,
    )
    live.ring(thread.project)


def threads(task: Task) -> QuerySet[Comment]:
    """Threads about a task with their replies, the oldest first."""
    rows: QuerySet[Comment] = task.comments.filter(parent=None).select_related("created_by", "resolved_by")
    return rows.prefetch_related("replies__created_by")
