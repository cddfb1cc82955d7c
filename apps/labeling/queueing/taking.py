"""Take the next task. Two people who ask at once cannot both take a task's last slot: each locks a task that nobody else has locked,
and lowers `open_slots` only where one is there."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.core.errors import Conflict
from apps.labeling.golden import gold
from apps.labeling.models import Assignment, LabelProject, Share, Task
from apps.labeling.queueing import allowance, counting, leases
from apps.labeling.queueing.choosing import Candidates, candidates, spans_of
from apps.labeling.queueing.situation import Situation, situation

MOST_HELD = 4  # tasks one person may hold: the one on the screen, the next two, one more tab


_TRIES = 5


@dataclass(frozen=True)
class Turn:
    """What a person gets, and what was found out on the way: the person's part, how many tasks are in hand (this one among them)."""

    assignment: Assignment | None
    share: Share
    in_hand: int
    seen: Situation


def take_next(*, actor: Any, project: LabelProject, besides: Sequence[str] = ()) -> Assignment | None:
    """The task to label now: one held already, unless it is in `besides`, else a new one. None when there is none for `actor`
    (`allowance.bar_of` may say why)."""
    return next_turn(actor=actor, project=project, besides=besides).assignment


def next_turn(*, actor: Any, project: LabelProject, besides: Sequence[str] = ()) -> Turn:
    """`take_next`, with what its answer tells beside the task."""
    if not project.is_open:
        raise Conflict(_("The project is not open for labeling."), code="not_open")
    leases.look_for_lapsed(project)
    turn = _until_undisturbed(actor, project, besides)
    if turn.assignment is None and turn.in_hand < MOST_HELD and leases.give_back_lapsed(project):
        turn = _until_undisturbed(actor, project, besides)
    return turn


def _until_undisturbed(actor: Any, project: LabelProject, besides: Sequence[str]) -> Turn:
    """Again, when meanwhile an import brought this person's answer to the task, or another tab took it."""
    for _try in range(_TRIES):
        with suppress(IntegrityError, Conflict):
            return _turn(actor, project, besides)
    return _turn(actor, project, besides)


@transaction.atomic
def _turn(actor: Any, project: LabelProject, besides: Sequence[str]) -> Turn:
    share = counting.share_of(project, actor, lock=True)
    seen, held = situation(project, share), leases.in_hand(actor, project)
    for assignment in held:
        if str(assignment.pk) not in besides:
            leases.keep(assignment=assignment)
            return Turn(assignment, share, len(held), seen)
    if len(held) >= MOST_HELD or allowance.bar_of(project, share, len(held)):
        return Turn(None, share, len(held), seen)
    taken = _take_new(actor, share, seen)
    return Turn(taken, share, len(held) + bool(taken), seen)


def _take_new(actor: Any, share: Share, seen: Situation) -> Assignment | None:
    if seen.is_gold_mixed_in and (again := _take_again(actor, share)):
        return again
    busy: list[Candidates] = []
    for some in candidates(share, actor, seen):
        if not busy and seen.is_gold_mixed_in and (taken := _take_gold(actor, share)):
            return taken
        if taken := _take_one(actor, share, some, skip_locked=True):
            return taken
        busy.append(some)
    for some in busy:  # others were at them at the same moment: now wait for how it ended
        if taken := _take_one(actor, share, some, skip_locked=False):
            return taken
    return None


def _take_again(actor: Any, share: Share) -> Assignment | None:
    """What the person left comes back first, in the order in which it came: gold and all others alike, and with the draft."""
    spans = spans_of(share)
    for assignment in counting.left_behind(actor, share.project).select_related("task").order_by("created_at"):
        task = assignment.task
        is_own = (
            any(first <= task.number <= last for first, last in spans) or share.project.golds.filter(task=task).exists()
        )
        if is_own and leases.take_slot(task.pk):
            task.project = share.project
            return leases.lease(share.project, task, actor, had=True)
    return None


def _take_gold(actor: Any, share: Share) -> Assignment | None:
    """The gold task that is this person's turn, if it is; asked once an ordinary one waits as well."""
    task = gold.due(person=actor, project=share.project, before=share.steps)
    if task is None or not leases.take_slot(task.pk):
        return None
    return _taken(share, leases.lease(share.project, task, actor, had=False), {})


def _take_one(actor: Any, share: Share, some: Candidates, *, skip_locked: bool) -> Assignment | None:
    rows = Task.objects.open().filter(pk__in=some.ids).order_by(*some.by)
    task: Task | None = rows.select_for_update(skip_locked=skip_locked, of=("self",)).first()
    if task is None or not leases.take_slot(task.pk):
        return None
    task.project = share.project
    return _taken(share, leases.lease(share.project, task, actor, had=task.pk in some.lapsed), some.place)


def _taken(share: Share, assignment: Assignment, place: dict[str, Any]) -> Assignment:
    Share.objects.filter(pk=share.pk).update(steps=F("steps") + 1, **place)
    share.steps += 1
    return assignment
