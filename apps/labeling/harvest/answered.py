"""The tasks of a project with what people answered, a portion in memory at a time; and which answers count by a rule."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from apps.labeling.models import AssignmentStatus, Gold, LabelProject, Task
from apps.labeling.models.harvests import Rule
from apps.labeling.models.reviews import plan_of
from apps.labeling.schema.results import answers_of

AT_ONCE = 500
Answers = dict[str, Any]  # question -> answer, as results.answers_of gives it


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of a person: an account's id, or the name that an imported answer came with."""

    person: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Answered:
    """A task, the answer that was accepted, and what people said, the first first. A reviewer's own answer counts when accepted."""

    task: Task
    accepted: Said | None
    said: list[Said]


def each(project: LabelProject) -> Iterator[Answered]:
    """Every task in order, without gold tasks unless the review plan says that they count."""
    tasks = project.tasks.order_by("number")
    if not plan_of(project).gold_counts:
        tasks = tasks.exclude(pk__in=Gold.objects.filter(project=project).values("task"))
    rows = tasks.iterator(chunk_size=AT_ONCE)
    while portion := list(islice(rows, AT_ONCE)):
        yield from _with_answers(project, portion)


def _with_answers(project: LabelProject, tasks: Sequence[Task]) -> Iterator[Answered]:
    found: dict[UUID, list[tuple[UUID, str, Said]]] = defaultdict(list)
    rows = project.annotations.filter(task__in=[task.pk for task in tasks]).order_by("created_at", "pk")
    wanted = ("task_id", "pk", "annotator_id", "assignment__annotator_label", "assignment__status", "result")
    for task_id, pk, annotator, label, status, result in rows.values_list(*wanted):
        found[task_id].append((pk, status, Said(str(annotator or label), answers_of(result))))
    for task in tasks:
        own = found[task.pk]
        accepted = next((said for pk, _status, said in own if pk == task.accepted_id), None)
        yield Answered(task, accepted, [said for _pk, status, said in own if status == AssignmentStatus.SUBMITTED])


def counting(one: Answered, rule: Rule, ranks: dict[str, int]) -> list[Answers]:
    """The answers that count. An accepted one counts alone, by every rule. `ranks` are people by their record, the best first."""
    if one.accepted is not None:
        return [one.accepted.answers]
    if rule == Rule.MAJORITY or not one.said:
        return [said.answers for said in one.said]
    if rule == Rule.ADJUDICATED:
        return []
    if rule == Rule.SINGLE:
        return [one.said[0].answers]
    return [min(one.said, key=lambda said: ranks.get(said.person, len(ranks))).answers]
