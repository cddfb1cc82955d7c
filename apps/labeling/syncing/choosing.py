"""Conflicts: which of two answers stands. The choice is written here at once; ours goes to the server with the next run."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.labeling.models import (
    Annotation,
    Assignment,
    Choice,
    Connection,
    DisputeKind,
    RemoteAnswer,
    SyncConflict,
    Task,
)
from apps.labeling.queueing import counting, leases
from apps.labeling.schema.results import check_result
from apps.labeling.syncing.digests import digest


@transaction.atomic
def choose(*, actor: Any, conflict: SyncConflict, choice: str) -> SyncConflict:
    """Keep ours or take theirs. Raises Conflict when it was decided already or the answer is accepted."""
    if choice not in (Choice.OURS, Choice.THEIRS):
        raise Problem(_("A choice is one of these."), field="choice", hint="ours, theirs")
    Connection.objects.select_for_update().get(pk=conflict.connection_id)
    conflict = SyncConflict.objects.select_for_update(of=("self",)).select_related("task__project").get(pk=conflict.pk)
    if conflict.resolved_at:
        raise Conflict(_("This was decided already."))
    annotation = Annotation.objects.filter(pk=conflict.annotation_id).first() if conflict.annotation_id else None
    if annotation:
        act = _keep_ours if choice == Choice.OURS else _take_theirs
        act(conflict, annotation)
    conflict.choice, conflict.resolved_at = choice, timezone.now()
    conflict.save(update_fields=["choice", "resolved_at"])
    project = conflict.task.project
    ledger.write(
        row=project, verb="labelproject.conflict_resolved", actor=actor, note=choice, task=conflict.task.number
    )
    live.ring(project)
    return conflict


def _keep_ours(conflict: SyncConflict, annotation: Annotation) -> None:
    rows = RemoteAnswer.objects.filter(annotation=annotation)
    if conflict.kind == DisputeKind.DELETED:
        rows.delete()  # it stays ours alone
        return
    _link(conflict, annotation, agreed="", to_send=True)


def _take_theirs(conflict: SyncConflict, annotation: Annotation) -> None:
    _refuse_accepted(conflict.task, annotation)
    if conflict.kind == DisputeKind.DELETED:
        _take_back(conflict, annotation)
        return
    result = check_result(conflict.task.project.config, conflict.task.data, conflict.theirs)
    Annotation.objects.filter(pk=annotation.pk).update(result=result)
    _link(conflict, annotation, agreed=digest(result), to_send=False)


def _refuse_accepted(task: Task, annotation: Annotation) -> None:
    if Task.objects.filter(pk=task.pk, accepted=annotation).exists():
        hint = _("Take that decision back under Tasks first.")
        raise Conflict(_("Our answer was accepted by a reviewer; it stays."), hint=hint, code="accepted")


def _link(conflict: SyncConflict, annotation: Annotation, *, agreed: str, to_send: bool) -> None:
    common = {"workspace_id": conflict.workspace_id, "task_id": conflict.task_id}
    values = {"connection_id": conflict.connection_id, "remote_id": conflict.remote_id, "seen_at": conflict.seen_at}
    told = {**common, **values, "agreed": agreed, "to_send": to_send}
    RemoteAnswer.objects.update_or_create(annotation=annotation, defaults=told)


def _take_back(conflict: SyncConflict, annotation: Annotation) -> None:
    """Our copy goes too: its slot is free again and somebody else is asked."""
    project, person = conflict.task.project, annotation.annotator
    share = counting.share_of(project, person, lock=True) if person else counting.console_share(project)
    assignment = annotation.assignment_id
    counting.take_answer_back(share, annotation)
    annotation.delete()
    conflict.annotation = None
    conflict.save(update_fields=["annotation"])
    counting.settle(conflict.task_id, share, answers=-1)
    Assignment.objects.filter(pk=assignment).delete()
    leases.give_slot(conflict.task_id)
