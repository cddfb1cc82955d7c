"""Answers of others into the table, many at once: who answered a task already is not doubled, and no task gets more people than asked for.

All of a portion is decided under the locks of the shares and of the tasks, in this order (queueing.leases), and written together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.labeling.models import Annotation, Assignment, AssignmentStatus, LabelProject, Task
from apps.labeling.queueing import counting

ADDED, REPEATED, CHANGED, HELD, SURPLUS = "added", "repeated", "changed", "held", "surplus"
_AT_ONCE = 500
Who = tuple[Any, str]  # (account or None, the name that stands for none)


@dataclass(frozen=True, slots=True)
class Given:
    """A checked answer of somebody to a task. `questions` are those that the file could speak of at all."""

    task: UUID
    result: list[dict[str, Any]]
    person: User | None
    label: str
    questions: frozenset[str]
    seconds: float = 0
    created_at: datetime | None = None

    @property
    def who(self) -> Who:
        return (self.person.pk, "") if self.person else (None, self.label)


@dataclass(slots=True)
class Standing:
    """What there is of some tasks: free places, and each person's answer (None while it is open or was skipped)."""

    slots: dict[UUID, int]
    answers: dict[tuple[UUID, Who], list[dict[str, Any]] | None]

    def weigh(self, given: Given) -> str:
        """What becomes of an answer; one that is added stands from now on."""
        place = given.task, given.who
        if place in self.answers:
            there = self.answers[place]
            if there is None:
                return HELD
            return REPEATED if is_same(there, given.result, given.questions) else CHANGED
        if self.slots[given.task] <= 0:
            return SURPLUS
        self.slots[given.task] -= 1
        self.answers[place] = given.result
        return ADDED


def is_same(one: Sequence[Any], other: Sequence[Any], questions: Iterable[str]) -> bool:
    """Whether two results say the same, as far as these questions go; ids of regions and their order do not count."""
    return _told(one, questions) == _told(other, questions)


def _told(result: Sequence[Mapping[str, Any]], questions: Iterable[str]) -> Counter[str]:
    ids = {region["id"]: repr(sorted(region["value"].items())) for region in result if "id" in region}
    told: Counter[str] = Counter()
    for region in result:
        if region["type"] == "relation":
            if "relations" in questions:
                ends = ids.get(region["from_id"]), ids.get(region["to_id"])
                told[repr(("relation", ends, region.get("direction"), region.get("labels")))] += 1
        elif region["from_name"] in questions:
            told[repr((region["from_name"], ids.get(region.get("id"), repr(sorted(region["value"].items())))))] += 1
    return told


def people_of(project: LabelProject) -> dict[str, User]:
    """The members of the workspace by their addresses."""
    members = Membership.objects.filter(workspace=project.workspace_id).select_related("user")
    return {member.user.email.lower(): member.user for member in members}


def standing(tasks: Iterable[UUID]) -> Standing:
    """What there is of these tasks now."""
    wanted = sorted(set(tasks))
    found = Standing({}, {})
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        found.slots.update(Task.objects.filter(pk__in=part).values_list("pk", "open_slots"))
        rows = Assignment.objects.filter(task__in=part).exclude(status=AssignmentStatus.REVIEW)
        values = ("task_id", "annotator_id", "annotator_label", "status", "annotation__result")
        for task, person, label, status, result in rows.values_list(*values):
            stands = result if status == AssignmentStatus.SUBMITTED else None
            found.answers[task, (person, "" if person else label)] = stands
    return found


@transaction.atomic
def keep(project: LabelProject, given: Sequence[Given]) -> list[str]:
    """Write what is new. For each answer what became of it."""
    people = {one.person.pk: one.person for one in given if one.person}
    for pk in sorted(people):
        counting.share_of(project, people[pk], lock=True)
    tasks = sorted({one.task for one in given})
    for start in range(0, len(tasks), _AT_ONCE):
        list(
            Task.objects.select_for_update().filter(pk__in=tasks[start : start + _AT_ONCE]).order_by("pk").values("pk")
        )
    found = standing(tasks)
    outcomes = [found.weigh(one) for one in given]
    added = [one for one, outcome in zip(given, outcomes, strict=True) if outcome == ADDED]
    if added:
        _write(project, added)
        counting.count_imports(project, [(one.task, one.person) for one in added])
    return outcomes


def _write(project: LabelProject, added: Sequence[Given]) -> None:
    now = timezone.now()
    held, answers, moments = [], [], []
    for one in added:
        common = {
            "workspace_id": project.workspace_id,
            "project": project,
            "task_id": one.task,
            "annotator": one.person,
        }
        label = one.label[:254]
        held.append(
            Assignment(
                **common,
                annotator_label=label,
                status=AssignmentStatus.SUBMITTED,
                leased_at=now,
                finished_at=one.created_at or now,
            )
        )
        answers.append(
            Annotation(**common, assignment=held[-1], result=one.result, lead_time=one.seconds, is_imported=True)
        )
        moments.append(one.created_at)
    Assignment.objects.bulk_create(held, batch_size=_AT_ONCE)
    Annotation.objects.bulk_create(answers, batch_size=_AT_ONCE)
    dated = []
    for answer, moment in zip(answers, moments, strict=True):
        if moment:
            answer.created_at = moment
            dated.append(answer)
    Annotation.objects.bulk_update(dated, ["created_at"], batch_size=_AT_ONCE)
    for count, tasks in _by_count(added).items():
        for start in range(0, len(tasks), _AT_ONCE):
            rows = Task.objects.filter(pk__in=tasks[start : start + _AT_ONCE])
            rows.update(open_slots=F("open_slots") - count)


def _by_count(added: Sequence[Given]) -> dict[int, list[UUID]]:
    counts: dict[int, list[UUID]] = {}
    for task, count in Counter(one.task for one in added).items():
        counts.setdefault(count, []).append(task)
    return counts
