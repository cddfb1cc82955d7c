"""Verbs of who runs a project, about its queue: settings, priorities, the parts of people, the end of a draft."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.accounts.models import Membership
from apps.accounts.roles import roles_with
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.jobs.models import TERMINAL
from apps.labeling.models import MAX_OVERLAP, LabelProject, ProjectStatus, Share, TaskOrder
from apps.labeling.queueing import bell, counting

MAX_GUIDELINES = 20_000
MOST_RANGES = 100
_MOST = 10_000_000


@transaction.atomic
def change_settings(*, actor: Any, project: LabelProject, **values: Any) -> LabelProject:
    """Set what is given of `CHECKS`. Raises Problem naming the field, Conflict where it is too late."""
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    for name, value in values.items():
        values[name] = CHECKS[name](project, value)
    changed = [name for name, value in values.items() if getattr(project, name) != value]
    if not changed:
        return project
    if "overlap" in changed:
        _change_overlap(project, values["overlap"])
    for name in changed:
        setattr(project, name, values[name])
    project.save(update_fields=changed)
    if {"order", "seed", "overlap"} & set(changed):
        Share.objects.filter(project=project).update(cursor=0, cursor_priority=None)
    if "overlap" in changed:
        counting.recount(project)
    ledger.write(row=project, verb="labelproject.settings_changed", actor=actor, changed=changed)
    bell.ring(project)
    return project


def _change_overlap(project: LabelProject, overlap: int) -> None:
    more = overlap - project.overlap
    if not project.is_filled:
        raise Conflict(_("The project's tasks are still being made."), field="overlap")
    if more < 0 and project.status != ProjectStatus.DRAFT:
        message = _(
            "People a task can only be raised once a project is open: answers that are there would be too many."
        )
        raise Conflict(message, field="overlap")
    project.tasks.update(open_slots=F("open_slots") + more)


def _name(project: LabelProject, value: Any) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not 0 < len(name) <= 80 or not name.isprintable():
        raise Problem(_("A name has from 1 to 80 printable characters."), field="name")
    others = LabelProject.objects.filter(workspace=project.workspace_id, name__iexact=name).exclude(pk=project.pk)
    if others.exists():
        message = _("There is already a label project “%(name)s”.") % {"name": name}
        raise Conflict(message, field="name", code="duplicate_name")
    return name


def _guidelines(project: LabelProject, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_GUIDELINES or "\0" in value:
        raise Problem(_("Guidelines have at most %(most)d characters.") % {"most": MAX_GUIDELINES}, field="guidelines")
    return value.strip()


def _overlap(project: LabelProject, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_OVERLAP:
        raise Problem(_("From 1 to %(most)d people label a task.") % {"most": MAX_OVERLAP}, field="overlap")
    return value


def _order(project: LabelProject, value: Any) -> str:
    if value not in TaskOrder.values:
        raise Problem(_("There is no such order."), field="order", hint=", ".join(TaskOrder.values))
    return str(value)


def _number(field: str) -> Callable[[Any, Any], int | None]:
    def check(_row: Any, value: Any) -> int | None:
        if value is None and field != "seed":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
            raise Problem(_("Give a whole number from 1 on."), field=field, hint=_("Leave it empty for no limit."))
        return value

    return check


def _deadline(_project: LabelProject, value: Any) -> datetime | None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise Problem(_("A deadline is a date with a time."), field="deadline")
    return value


def _yes_or_no(field: str) -> Callable[[Any, Any], bool]:
    def check(_row: Any, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Problem(_("Say true or false."), field=field)
        return value

    return check


CHECKS: Mapping[str, Callable[[Any, Any], Any]] = {
    "name": _name,
    "guidelines": _guidelines,
    "overlap": _overlap,
    "order": _order,
    "seed": _number("seed"),
    "quota_total": _number("quota_total"),
    "quota_day": _number("quota_day"),
    "deadline": _deadline,
    "only_named": _yes_or_no("only_named"),
    "needs_skip_reason": _yes_or_no("needs_skip_reason"),
}


@transaction.atomic
def set_priorities(*, actor: Any, project: LabelProject, priorities: Mapping[int, float]) -> int:
    """{number of a task: priority}: the highest comes first where the project's order is by priority. How many tasks there were."""
    count = write_priorities(project, priorities)
    note_priorities(actor=actor, project=project, count=count)
    return count


def write_priorities(project: LabelProject, priorities: Mapping[int, float]) -> int:
    """Only the numbers; whoever has written all of them says so by `note_priorities`. Raises Problem."""
    found = list(project.tasks.filter(number__in=priorities).only("number", "priority"))
    for task in found:
        value = priorities[task.number]
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
            raise Problem(_("A priority is a number; the highest comes first."), field=f"priorities.{task.number}")
        task.priority = float(value)
    project.tasks.bulk_update(found, ["priority"], batch_size=500)
    return len(found)


def note_priorities(*, actor: Any, project: LabelProject, count: int) -> None:
    """Everybody begins again at the top."""
    Share.objects.filter(project=project).update(cursor_priority=None)
    ledger.write(row=project, verb="labelproject.priorities_set", actor=actor, count=count)


# ---- people


def labellers(project: LabelProject) -> list[tuple[Any, Share | None]]:
    """Members of the workspace who may label, and everybody with a part in the project, each with that part."""
    parts = {s.annotator_id: s for s in project.shares.people().select_related("annotator") if s.annotator_id}
    rows = Membership.objects.filter(workspace=project.workspace_id, role__in=roles_with("labeling.annotate"))
    found = {member.user_id: (member.user, parts.get(member.user_id)) for member in rows.select_related("user")}
    gone = {pk: (share.annotator, share) for pk, share in parts.items() if pk not in found}
    return sorted([*found.values(), *gone.values()], key=lambda one: str(one[0]).lower())


@transaction.atomic
def change_part(*, actor: Any, project: LabelProject, person: Any, **values: Any) -> Share:
    """Set what is given of a person's part: is_named, is_paused, pause_note, quota_total, quota_day, ranges. Raises Problem."""
    if not any(found.pk == person.pk for found, _share in labellers(project)):
        message = _("This person may not label in this workspace.")
        raise Problem(message, field="person", hint=_("Give a role that labels, in the settings of the workspace."))
    share = counting.share_of(project, person, lock=True)
    for name, value in values.items():
        values[name] = PART_CHECKS[name](project, value)
    changed = [name for name, value in values.items() if getattr(share, name) != value]
    if changed:
        for name in changed:
            setattr(share, name, values[name])
        share.save(update_fields=changed)
        if "ranges" in changed:
            Share.objects.filter(project=project).update(cursor=0, cursor_priority=None)
        ledger.write(row=project, verb="labelproject.part_changed", actor=actor, person=str(person.pk), changed=changed)
        bell.ring(project)
    return share


def _note(_project: LabelProject, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 300 or "\0" in value:
        raise Problem(_("A note has at most 300 characters."), field="pause_note")
    return value.strip()


def _ranges(project: LabelProject, value: Any) -> list[list[int]]:
    if not isinstance(value, list) or len(value) > MOST_RANGES:
        raise Problem(_("Ranges are a list of at most %(most)d.") % {"most": MOST_RANGES}, field="ranges")
    found = []
    for one in value:
        whole = isinstance(one, Sequence) and len(one) == 2 and all(type(number) is int for number in one)
        if not whole or not 1 <= one[0] <= one[1] <= _MOST:
            raise Problem(
                _("A range is two numbers of tasks, the first and the last."), field="ranges", hint="[[1, 100]]"
            )
        found.append([one[0], one[1]])
    return sorted(found)


PART_CHECKS: Mapping[str, Callable[[Any, Any], Any]] = {
    "is_named": _yes_or_no("is_named"),
    "is_paused": _yes_or_no("is_paused"),
    "pause_note": _note,
    "quota_total": _number("quota_total"),
    "quota_day": _number("quota_day"),
    "ranges": _ranges,
}


def parse_ranges(text: str) -> list[list[int]]:
    """ "1-100, 205" as ranges. Raises Problem."""
    found = []
    for word in text.replace(";", ",").split(","):
        first, dash, last = (part.strip() for part in word.partition("-"))
        if not first and not dash:
            continue
        numbers = [first, last if dash else first]
        if not all(one.isascii() and one.isdigit() and len(one) < 9 for one in numbers):
            raise Problem(_("Say numbers of tasks such as 1-100, 205."), field="ranges")
        found.append([int(one) for one in numbers])
    return found


def warnings(project: LabelProject) -> list[str]:
    """What keeps tasks from ever being finished, in words."""
    named = project.shares.people().filter(is_named=True).count()
    said = []
    if project.only_named and named < project.overlap:
        words = {"named": named, "overlap": project.overlap}
        said.append(_("%(named)d people are named, but each task asks for %(overlap)d.") % words)
    kept: dict[tuple[int, int], int] = {}
    for ranges in project.shares.exclude(ranges=[]).values_list("ranges", flat=True):
        for first, last in ranges:
            kept[first, last] = kept.get((first, last), 0) + 1
    for (first, last), count in kept.items():
        if count < project.overlap:
            words = {"first": first, "last": last, "count": count, "overlap": project.overlap}
            said.append(
                _("Tasks %(first)d to %(last)d are kept for %(count)d people, but each asks for %(overlap)d.") % words
            )
    return said[:10]


# ---- the end of a draft


@transaction.atomic
def delete_draft(*, actor: Any, project: LabelProject, typed: str) -> None:
    """Delete a draft with its tasks; nothing else of the workspace goes. Raises Conflict for others, Problem for a wrong name."""
    project = LabelProject.objects.select_for_update(of=("self",)).select_related("filling").get(pk=project.pk)
    if project.status != ProjectStatus.DRAFT:
        raise Conflict(_("Only a draft can be deleted: this project has been open."), hint=_("Close it instead."))
    if project.filling and project.filling.status not in TERMINAL:
        raise Conflict(_("Tasks are still being added; cancel that first."))
    if typed.strip() != project.name:
        raise Problem(_("Type the project's name to delete it."), field="typed")
    ledger.write(row=project, verb="labelproject.deleted", actor=actor, tasks=project.task_count)
    bell.ring(project)
    files = list(project.imports.exclude(key="").values_list("key", flat=True))
    for key in files:
        transaction.on_commit(partial(storage().delete, key))
    project.tasks.filter(accepted__isnull=False).update(accepted=None, returned_at=Now())
    for rows in (project.annotations, project.assignments, project.tasks):
        rows.all().delete()
    project.delete()
