"""Verbs of a reviewer: accept an answer, decide with an own one, send one back to its author, take a decision back.

A reviewer names the state of the task that was on the screen; when somebody else changed it meanwhile nothing is done and
that is said, so of two reviewers at once neither loses a decision.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import workspaces_where
from apps.core import ledger, live, transitions
from apps.core.errors import Conflict, Problem
from apps.jobs.models import in_seconds
from apps.labeling import queue, services
from apps.labeling.golden import gold
from apps.labeling.models import (
    Annotation,
    Assignment,
    AssignmentStatus,
    Gold,
    LabelProject,
    ProjectStatus,
    Said,
    Task,
    Verdict,
)
from apps.labeling.queueing import counting
from apps.labeling.schema import alike
from apps.labeling.schema.results import check_result

MAX_NOTE = 2000


def state_of(task: Task) -> str:
    """A fingerprint of what a reviewer sees of a task: its decision and its answers."""
    answers = sorted(map(str, task.annotations.values_list("pk", flat=True)))
    return hashlib.sha256(f"{task.accepted_id} {answers}".encode()).hexdigest()[:16]


@transaction.atomic
def accept(*, actor: Any, annotation: Annotation, state: str = "") -> None:
    """This answer counts, whatever the others say. Raises Conflict for one's own, or when the task changed meanwhile."""
    if annotation.annotator_id == actor.pk and annotation.assignment.status != AssignmentStatus.REVIEW:
        raise Conflict(_("This is your own answer."), hint=_("Somebody else accepts it."), code="own_answer")
    task = _locked(annotation.task_id, state)
    if not Annotation.objects.filter(pk=annotation.pk).exists():
        raise _changed(task)
    if task.accepted_id != annotation.pk:
        services.accept_annotation(actor=actor, annotation=annotation)
        _drop_own_answers(task, besides=annotation)
        _tell(actor, task, annotation)


@transaction.atomic
def adjudicate(*, actor: Any, task: Task, result: Any, state: str = "") -> Annotation:
    """Decide with an answer of one's own; it is kept with its author, takes no slot and is no part of the agreement.

    Raises Problem for a wrong result, Conflict for who answered the task, or when it changed meanwhile.
    """
    checked = check_result(task.project.config, task.data, result)
    mine = task.assignments.filter(annotator=actor)
    if mine.filter(status__in=[AssignmentStatus.SUBMITTED, AssignmentStatus.LEASED]).exists():
        message = _("You answer this task yourself, so you cannot decide it with an answer of your own.")
        raise Conflict(message, hint=_("Accept the answer of somebody else."), code="own_answer")
    task = _locked(task.pk, state)
    annotation = _own_answer(actor, task, checked)
    services.accept_annotation(actor=actor, annotation=annotation)
    _drop_own_answers(task, besides=annotation)
    _tell(actor, task, annotation)
    return annotation


def _own_answer(actor: Any, task: Task, checked: list[dict[str, Any]]) -> Annotation:
    common = {"workspace_id": task.workspace_id, "created_by": actor, "project": task.project, "task": task}
    now, status = timezone.now(), AssignmentStatus.REVIEW
    assignment = Assignment.objects.create(
        **common, annotator_label=str(actor)[:254], status=status, leased_at=now, finished_at=now
    )
    decided: Annotation = Annotation.objects.create(**common, assignment=assignment, annotator=actor, result=checked)
    return decided


@transaction.atomic
def send_back(*, actor: Any, annotation: Annotation, note: str, state: str = "") -> Verdict:
    """Give an answer back to its author, with words; it is that person's draft again. Raises Problem, Conflict."""
    note = note.strip()
    if not 0 < len(note) <= MAX_NOTE or "\0" in note:
        message = _("Say in up to %(most)d characters what should be different.") % {"most": MAX_NOTE}
        raise Problem(message, field="note", code="required" if not note else "invalid")
    if annotation.annotator:  # the person's share before the task, as who labels locks them
        counting.share_of(annotation.project, annotation.annotator, lock=True)
    task = _locked(annotation.task_id, state)
    _require_returnable(actor, task, annotation)
    assignment = annotation.assignment
    assignment.project = task.project
    verdict = Verdict.objects.create(
        workspace_id=task.workspace_id,
        created_by=actor,
        project=task.project,
        assignment=assignment,
        said=Said.RETURNED,
        note=note,
        result=annotation.result,
        is_open=True,
    )
    _reopen(actor, assignment, annotation)
    ledger.write(row=task.project, verb="labelproject.returned", actor=actor, task=task.number)
    live.ring(task.project)
    return verdict


def _require_returnable(actor: Any, task: Task, annotation: Annotation) -> None:
    author = annotation.annotator
    if task.accepted_id:
        hint = _("Take the decision back first.")
        raise Conflict(_("This task is decided."), hint=hint, code="decided")
    if not Annotation.objects.filter(pk=annotation.pk).exists():
        raise _changed(task)
    if author is not None and author.pk == actor.pk:
        raise Conflict(_("This is your own answer."), hint=_("Take it back by undo."), code="own_answer")
    rooms = workspaces_where(author, "labeling.annotate") if author else None
    if annotation.is_imported or rooms is None or not rooms.filter(pk=task.workspace_id).exists():
        hint = _("Accept another answer, or decide with one of your own.")
        raise Conflict(_("Its author does not label here, so nobody would get it back."), hint=hint, code="no_author")
    if task.project.status not in (ProjectStatus.OPEN, ProjectStatus.PAUSED):
        raise Conflict(_("The project is closed."), hint=_("Open it again to send answers back."), code="not_open")


def _reopen(actor: Any, assignment: Assignment, annotation: Annotation) -> None:
    now = timezone.now()
    transitions.move(
        assignment,
        AssignmentStatus.LEASED,
        actor=actor,
        lease_until=in_seconds(queue.LEASE),
        leased_at=now,
        finished_at=None,
        draft=annotation.result,
        draft_at=now,
    )
    share = counting.share_of(assignment.project, assignment.annotator)
    counting.take_answer_back(share, annotation)
    annotation.delete()
    counting.settle(assignment.task_id, share, answers=-1)


@transaction.atomic
def withdraw(*, actor: Any, task: Task, state: str = "") -> None:
    """Let the majority count again. Raises Conflict for a gold task: its right answer is the decided one."""
    task = _locked(task.pk, state)
    if Gold.objects.filter(task=task).exists():
        raise Conflict(_("This task is gold."), hint=_("Take the gold mark away first."), code="is_gold")
    services.withdraw_acceptance(actor=actor, task=task)
    _drop_own_answers(task)
    _judged(task).delete()


def _locked(pk: Any, state: str) -> Task:
    """The task, held until the end of the transaction. Raises Conflict when it is not as the reviewer saw it."""
    task: Task = Task.objects.select_for_update(of=("self",)).select_related("project").get(pk=pk)
    if state and state != state_of(task):
        raise _changed(task)
    return task


def _changed(task: Task) -> Conflict:
    last = Verdict.objects.filter(assignment__task=task).select_related("created_by").order_by("-created_at").first()
    person = (last and last.created_by) or _("Somebody")
    message = _("%(person)s was faster: task %(number)d changed meanwhile.") % {"person": person, "number": task.number}
    return Conflict(message, hint=_("Nothing was done. Look at it again."), code="changed")


def _drop_own_answers(task: Task, besides: Annotation | None = None) -> None:
    """Answers of reviewers that are not the decided one (any more)."""
    own = task.assignments.filter(status=AssignmentStatus.REVIEW)
    own.exclude(annotation=besides).delete() if besides else own.delete()


def _judged(task: Task) -> Any:
    return Verdict.objects.filter(assignment__task=task, said__in=[Said.ACCEPTED, Said.OVERRULED])


def _tell(actor: Any, task: Task, decided: Annotation) -> None:
    """Keep for every author whether the own answer was accepted: who said the same as the decided one said it too."""
    _judged(task).delete()
    config = task.project.config
    right = alike.by_question(config, decided.result)
    rows = task.annotations.filter(assignment__status=AssignmentStatus.SUBMITTED).select_related("assignment")
    Verdict.objects.bulk_create(_verdicts(actor, task, right, list(rows), decided))


def _verdicts(
    actor: Any, task: Task, right: alike.Answers, rows: Sequence[Annotation], decided: Annotation
) -> list[Verdict]:
    config = task.project.config
    found = []
    for row in rows:
        is_right = row.pk == decided.pk or alike.is_same(config, right, alike.by_question(config, row.result))
        said = Said.ACCEPTED if is_right else Said.OVERRULED
        common = {"workspace_id": task.workspace_id, "project": task.project, "created_by": actor}
        found.append(Verdict(**common, assignment=row.assignment, said=said))
    return found


@transaction.atomic
def make_gold(*, actor: Any, task: Task, result: Any = None, explanation: str = "") -> Gold:
    """Make a task gold by its accepted answer, or by the right one given here. Raises Problem, Conflict."""
    if result is not None:
        adjudicate(actor=actor, task=task, result=result)
    return gold.mark(actor=actor, task=task, explanation=explanation)


def history(project: LabelProject, task: Task) -> list[Verdict]:
    """What reviewers said of the answers to a task, in order."""
    return list(
        Verdict.objects.filter(project=project, assignment__task=task)
        .select_related("created_by", "assignment__annotator")
        .order_by("created_at")
    )
