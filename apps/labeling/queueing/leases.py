"""Slots of tasks and leases on them. Leases are judged by the database's clock.

Locks are always taken in this order, so that nobody waits in a circle: the person's share, the assignment, the task.
"""

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import transitions
from apps.core.errors import Conflict
from apps.jobs.models import in_seconds
from apps.labeling.models import Assignment, AssignmentStatus, LabelProject, Task, Verdict
from apps.labeling.models.reviews import words_of_return
from apps.labeling.queueing import allowance, counting

RETURN_KEPT = timedelta(days=7)
LEASE = 300  # seconds without a sign of life until a task goes back
_LATE_AT_ONCE = 50
LOOK_EVERY = 3.0  # seconds between two looks for lapsed leases of a project, in one process
_looked: dict[Any, float] = {}
_MOST = 1000  # projects remembered

LEASED, SUBMITTED = AssignmentStatus.LEASED, AssignmentStatus.SUBMITTED
SKIPPED, LAPSED = AssignmentStatus.SKIPPED, AssignmentStatus.LAPSED


def held_by(actor: Any, project: LabelProject) -> QuerySet[Assignment]:
    rows: QuerySet[Assignment] = Assignment.objects.filter(project=project, annotator=actor, status=LEASED)
    return rows.select_related("task", "project").order_by("leased_at", "task__number")


def in_hand(actor: Any, project: LabelProject) -> list[Assignment]:
    """What the person holds, with what its screen shows."""
    rows = (
        held_by(actor, project).select_related(None).select_related("task").annotate(returned_words=words_of_return())
    )
    found: list[Assignment] = list(rows)
    for assignment in found:
        assignment.project = assignment.task.project = project
        assignment.annotator = actor
    return found


def take_slot(task_id: Any) -> bool:
    return Task.objects.filter(pk=task_id, open_slots__gt=0).update(open_slots=F("open_slots") - 1) == 1


def give_slot(task_id: Any) -> None:
    """A slot is free again; `returned_at` shows it to people who are past this task."""
    Task.objects.filter(pk=task_id).update(open_slots=F("open_slots") + 1, returned_at=Now())


def lease(project: LabelProject, task: Task, actor: Any, *, had: bool) -> Assignment:
    """A lease on a task whose slot was taken: the person's old one where it `had` lapsed, else a new one."""
    if had:
        lapsed: Assignment = Assignment.objects.get(task=task, annotator=actor)
        lapsed.task, lapsed.project = task, project
        lease_again(lapsed, actor)
        return lapsed
    made: Assignment = Assignment.objects.create(
        workspace_id=project.workspace_id,
        created_by=actor,
        project=project,
        task=task,
        annotator=actor,
        leased_at=timezone.now(),
        lease_until=in_seconds(LEASE),
    )
    made.returned_words = None  # type: ignore[attr-defined]  # nobody can have sent it back
    return made


def lease_again(assignment: Assignment, actor: Any) -> None:
    transitions.move(
        assignment,
        LEASED,
        actor=actor,
        is_quiet=True,
        lease_until=in_seconds(LEASE),
        leased_at=timezone.now(),
        finished_at=None,
        reason="",
    )


def kept_for_author() -> Exists:
    """Answers that a reviewer sent back wait for their author longer than a lease."""
    since = timezone.now() - RETURN_KEPT
    return Exists(Verdict.objects.filter(assignment=OuterRef("pk"), is_open=True, created_at__gt=since))


def look_for_lapsed(project: LabelProject) -> None:
    """`give_back_lapsed`, unless this process looked a moment ago."""
    now = time.monotonic()
    if now - _looked.get(project.pk, -LOOK_EVERY) < LOOK_EVERY:
        return
    if len(_looked) >= _MOST:
        _looked.clear()
    _looked[project.pk] = now
    give_back_lapsed(project)


def give_back_lapsed(project: LabelProject) -> int:
    """Slots of people who went away are free again; their drafts stay for when they come back."""
    late = Assignment.objects.filter(project=project, status=LEASED, lease_until__lt=Now()).exclude(kept_for_author())
    if not late.exists():
        return 0
    with transaction.atomic():
        rows = list(
            late.select_for_update(skip_locked=True, of=("self",)).select_related("task__project")[:_LATE_AT_ONCE]
        )
        for assignment in rows:
            _lapse(assignment, "lease")
    return len(rows)


def _lapse(assignment: Assignment, actor: Any) -> None:
    transitions.move(assignment, LAPSED, actor=actor, is_quiet=True, lease_until=None)
    give_slot(assignment.task_id)


def keep(*, assignment: Assignment) -> None:
    """A sign of life. Raises Conflict when the task was given to somebody else."""
    held = Assignment.objects.filter(pk=assignment.pk, status=LEASED)
    if held.update(lease_until=in_seconds(LEASE)) != 1:
        assignment.refresh_from_db()
        if assignment.status != LAPSED:
            raise not_held(assignment)
        take_back(assignment, assignment.annotator)


@transaction.atomic
def take_back(assignment: Assignment, actor: Any) -> None:
    """A lapsed task once more, if its slot is still free and the person may have one more."""
    share = counting.share_of(assignment.project, actor, lock=True)
    in_hand = held_by(actor, assignment.project).count()
    if allowance.over_quota(share, in_hand) or not take_slot(assignment.task_id):
        raise not_held(assignment)
    lease_again(assignment, actor)


def not_held(assignment: Assignment) -> Conflict:
    said = {
        SUBMITTED: _("You have submitted this task already."),
        SKIPPED: _("You have skipped this task."),
        LAPSED: _("Your lease ended and somebody else labels this task now."),
    }
    hint = _("Your draft is kept. Take the next task.")
    return Conflict(said.get(assignment.status, _("You do not hold this task.")), hint=hint, code="not_held")  # type: ignore[call-overload]


def release_all(*, actor: Any, project: LabelProject) -> None:
    """Leave: what is held goes back at once, drafts stay."""
    for assignment in held_by(actor, project).exclude(kept_for_author()):
        with transaction.atomic():
            _lapse(assignment, actor)
