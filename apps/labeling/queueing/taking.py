"""Take the next task. Two people who ask at once cannot both take a task's last slot: each locks a task that nobody else has locked,
and lowers `open_slots` only where one is there."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.core.errors import Conflict
from apps.labeling.golden import gold
from apps.labeling.models import Assignment, LabelProject, Share, Task
from apps.labeling.queueing import allowance, counting, leases
from apps.labeling.queueing.choosing import Candidates, candidates

MOST_HELD = 4  # tasks one person may hold: the one on the screen, the next two, one more tab


def take_next(*, actor: Any, project: LabelProject, besides: Sequence[str] = ()) -> Assignment | None:
    """The task to label now: one held already, unless it is in `besides`, else a new one. None when there is none for `actor`
    (`allowance.bar_of` may say why)."""
    if not project.is_open:
        raise Conflict(_("The project is not open for labeling."), code="not_open")
    leases.give_back_lapsed(project)
    held = list(leases.held_by(actor, project))
    for assignment in held:
        if str(assignment.pk) not in besides:
            with suppress(Conflict):  # submitted meanwhile in another tab
                leases.keep(assignment=assignment)
                return assignment
    return None if len(held) >= MOST_HELD else _take_new(actor, project)


@transaction.atomic
def _take_new(actor: Any, project: LabelProject) -> Assignment | None:
    share = counting.share_of(project, actor, lock=True)
    in_hand = leases.held_by(actor, project).count()
    if in_hand >= MOST_HELD or allowance.bar_of(project, share, in_hand):
        return None
    busy: list[Candidates] = []
    for some in candidates(share, actor):
        if not busy and (taken := _take_gold(actor, share)):
            return taken
        if taken := _take_one(actor, share, some, skip_locked=True):
            return taken
        busy.append(some)
    for some in busy:  # others were at them at the same moment: now wait for how it ended
        if taken := _take_one(actor, share, some, skip_locked=False):
            return taken
    return None


def _take_gold(actor: Any, share: Share) -> Assignment | None:
    """The gold task that is this person's turn, if it is; asked once an ordinary one waits as well."""
    task = gold.due(person=actor, project=share.project, before=share.steps)
    taken = _lease(actor, share.project, task) if task else None
    if taken:
        Share.objects.filter(pk=share.pk).update(steps=F("steps") + 1)
    return taken


def _take_one(actor: Any, share: Share, some: Candidates, *, skip_locked: bool) -> Assignment | None:
    tried: list[Any] = []
    for _try in range(len(some.ids)):
        rows = Task.objects.open().filter(pk__in=some.ids).exclude(pk__in=tried).order_by(*some.by)
        task: Task | None = rows.select_for_update(skip_locked=skip_locked, of=("self",)).first()
        if task is None:
            return None
        if taken := _lease(actor, share.project, task):
            Share.objects.filter(pk=share.pk).update(steps=F("steps") + 1, **some.place)
            return taken
        tried.append(task.pk)
    return None


def _lease(actor: Any, project: LabelProject, task: Task) -> Assignment | None:
    try:
        with transaction.atomic():
            return leases.lease(project, task, actor) if leases.take_slot(task.pk) else None
    except (IntegrityError, Conflict):  # an import brought this person's answer meanwhile
        return None
