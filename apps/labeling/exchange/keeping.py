"""Answers of others into the table, many at once: who answered a task already is not doubled, and no task gets more people than asked for.

All of a portion is decided under the locks of the shares and of the tasks, in this order (queueing.leases), and written together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.labeling.exchange.writing import write_rows
from apps.labeling.models import Annotation, Assignment, AssignmentStatus, LabelProject, Task
from apps.labeling.queueing import counting

ADDED, REPEATED, CHANGED, HELD, SURPLUS = "added", "repeated", "changed", "held", "surplus"
SKIPPED = "skipped"
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
    is_skip: bool = False

    @property
    def who(self) -> Who:
        return (self.person.pk, "") if self.person else (None, self.label)


@dataclass(slots=True)
class Standing:
    """What there is of some tasks: free places, and each person's answer (None while it is open or was skipped)."""

    slots: dict[UUID, int]
    answers: dict[tuple[UUID, Who], list[dict[str, Any]] | None]

    def repeats(self, task: UUID, who: Who, told: Any) -> list[dict[str, Any]] | None:
        """The answer of a person that stands, where unchecked regions hold it word for word: what was checked then need not be again."""
        stands = self.answers.get((task, who))
        if not stands or not isinstance(told, list) or len(told) != len(stands):
            return None
        pairs = zip(stands, told, strict=True)
        is_there = all(isinstance(b, dict) and all(b.get(name) == a[name] for name in a) for a, b in pairs)
        return stands if is_there else None

    def weigh(self, given: Given) -> str:
        """What becomes of an answer; one that is added stands from now on."""
        place = given.task, given.who
        if given.is_skip:
            is_new = place not in self.answers
            self.answers.setdefault(place, None)
            return SKIPPED if is_new else REPEATED
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
    return one == other or _told(one, questions) == _told(other, questions)


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


def standing(tasks: Iterable[UUID], *, lock: bool = False) -> Standing:
    """What there is of these tasks now. `lock`: nobody changes it until this transaction ends."""
    wanted = sorted(set(tasks))
    found = Standing({}, {})
    for start in range(0, len(wanted), _AT_ONCE):
        rows = Task.objects.filter(pk__in=wanted[start : start + _AT_ONCE]).order_by("pk")
        found.slots.update((rows.select_for_update() if lock else rows).values_list("pk", "open_slots"))
    values = ("task_id", "annotator_id", "annotator_label", "status", "annotation__result")
    for start in range(0, len(wanted), _AT_ONCE):
        answers = Assignment.objects.filter(task__in=wanted[start : start + _AT_ONCE])
        for task, person, label, status, result in answers.order_by().values_list(*values):
            if status != AssignmentStatus.REVIEW:
                stands = result if status == AssignmentStatus.SUBMITTED else None
                found.answers[task, (person, "" if person else label)] = stands
    return found


def locked(project: LabelProject, tasks: Iterable[UUID], people: Iterable[User]) -> Standing:
    """What there is of these tasks, which nobody else changes until this transaction ends."""
    known = {person.pk: person for person in people}
    for pk in sorted(known):
        counting.share_of(project, known[pk], lock=True)
    return standing(tasks, lock=True)


@transaction.atomic
def keep(project: LabelProject, given: Sequence[Given]) -> list[str]:
    """Write what is new. For each answer what became of it."""
    people = [one.person for one in given if one.person]
    return write(project, given, locked(project, [one.task for one in given], people))


def write(project: LabelProject, given: Sequence[Given], there: Standing) -> list[str]:
    """The same of answers to tasks that are `locked`."""
    outcomes = [there.weigh(one) for one in given]
    _write_skips(project, [one for one, outcome in zip(given, outcomes, strict=True) if outcome == SKIPPED])
    added = [one for one, outcome in zip(given, outcomes, strict=True) if outcome == ADDED]
    if added:
        _write(project, added)
        counting.count_imports(project, [(one.task, one.person) for one in added])
    return outcomes


_OF_BOTH = ("created_at", "task", "annotator")


def _write(project: LabelProject, added: Sequence[Given]) -> None:
    now, common = timezone.now(), {"workspace": project.workspace_id, "project": project.pk}
    held = [uuid4() for _one in added]
    who = [one.person.pk if one.person else None for one in added]
    told = list(zip(held, added, who, strict=True))
    assignments = ((pk, now, one.task, person, one.label[:254], one.created_at or now) for pk, one, person in told)
    as_held = {**common, "status": AssignmentStatus.SUBMITTED, "leased_at": now}
    write_rows(Assignment, (*_OF_BOTH, "annotator_label", "finished_at"), assignments, **as_held)
    answers = (
        (uuid4(), one.created_at or now, one.task, person, pk, one.result, one.seconds) for pk, one, person in told
    )
    write_rows(Annotation, (*_OF_BOTH, "assignment", "result", "lead_time"), answers, **common, is_imported=True)
    for count, tasks in _by_count(added).items():
        for start in range(0, len(tasks), _AT_ONCE):
            rows = Task.objects.filter(pk__in=tasks[start : start + _AT_ONCE])
            rows.update(open_slots=F("open_slots") - count)


def _write_skips(project: LabelProject, skips: Sequence[Given]) -> None:
    """Who passed a task by is not asked for it again; it takes no slot."""
    now, common = timezone.now(), {"workspace": project.workspace_id, "project": project.pk, "status": SKIPPED}
    rows = (
        (uuid4(), now, one.task, one.person.pk if one.person else None, one.label[:254], one.created_at or now)
        for one in skips
    )
    if skips:
        write_rows(Assignment, (*_OF_BOTH, "annotator_label", "finished_at"), rows, **common, leased_at=now)
    people = {one.person.pk: one.person for one in skips if one.person}
    counts = Counter(one.person.pk for one in skips if one.person)
    for pk, count in counts.items():
        counting.add_skips(counting.share_of(project, people[pk]), count)


def _by_count(added: Sequence[Given]) -> dict[int, list[UUID]]:
    counts: dict[int, list[UUID]] = {}
    for task, count in Counter(one.task for one in added).items():
        counts.setdefault(count, []).append(task)
    return counts
