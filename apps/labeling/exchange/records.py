"""What every format is made from: the tasks of a project in order, each with its answers. Constant memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from apps.labeling.models import Annotation, Assignment, AssignmentStatus, Gold, LabelProject, Suggestion

_AT_ONCE = 500  # tasks of one look


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said. `result` are Label Studio's regions, `lead_time` is in seconds."""

    id: str
    person: str
    result: list[dict[str, Any]]
    lead_time: float
    created_at: datetime
    is_accepted: bool
    is_review: bool = False
    is_skip: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A task with its answers, the oldest first."""

    number: int
    key: str
    data: dict[str, Any]
    split: str
    answers: list[Answer]
    is_gold: bool = False
    skips: list[Answer] = field(default_factory=list)
    predictions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def decided(self) -> Answer | None:
        """The one answer that counts: the accepted one, else the first."""
        return next(
            (answer for answer in self.answers if answer.is_accepted), self.answers[0] if self.answers else None
        )


def answered(project: LabelProject, *, whole: bool = False) -> Iterator[Answered]:
    """Every task of a project, in order. Each look is a query of its own, so that a slow reader holds nothing open. `whole`: also who
    skipped it, what machines suggest, and whether it is gold."""
    after = 0
    while True:
        rows = project.tasks.filter(number__gt=after).order_by("number")
        tasks = list(rows.values_list("pk", "number", "key", "data", "split", "accepted_id")[:_AT_ONCE])
        if not tasks:
            return
        keys = [task[0] for task in tasks]
        answers = _answers(keys, {accepted for *_, accepted in tasks if accepted})
        skips, predictions = (_skips(keys), _predictions(keys)) if whole else ({}, {})
        golden = set(Gold.objects.filter(task__in=keys).values_list("task", flat=True)) if whole else set()
        after = tasks[-1][1]
        for pk, number, key, data, split, _accepted in tasks:
            more = pk in golden, skips.get(pk, []), predictions.get(pk, [])
            yield Answered(number, key, data, split, answers.get(pk, []), *more)


def _answers(tasks: Sequence[UUID], accepted: set[UUID]) -> dict[UUID, list[Answer]]:
    """The answers that stand to some tasks, by task; a reviewer's own stands where it was accepted."""
    found: dict[UUID, list[Answer]] = {}
    stands = Q(assignment__status=AssignmentStatus.SUBMITTED) | Q(pk__in=accepted)
    rows = Annotation.objects.filter(stands, task__in=tasks).order_by("created_at", "pk")
    whose = ("annotator__email", "assignment__annotator_label", "assignment__status")
    values = ("pk", "task_id", "result", "lead_time", "created_at")
    for email, label, status, pk, task, result, seconds, created in rows.values_list(*whose, *values):
        is_review = status == AssignmentStatus.REVIEW
        answer = Answer(str(pk), email or label, result, seconds, created, pk in accepted, is_review)
        found.setdefault(task, []).append(answer)
    return found


def _skips(tasks: Sequence[UUID]) -> dict[UUID, list[Answer]]:
    """Who skipped some tasks, by task."""
    found: dict[UUID, list[Answer]] = {}
    rows = Assignment.objects.filter(task__in=tasks, status=AssignmentStatus.SKIPPED).order_by("created_at", "pk")
    values = ("pk", "task_id", "annotator__email", "annotator_label", "finished_at", "created_at")
    for pk, task, email, label, ended, created in rows.values_list(*values):
        skip = Answer(str(pk), email or label, [], 0.0, ended or created, is_accepted=False, is_skip=True)
        found.setdefault(task, []).append(skip)
    return found


def _predictions(tasks: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What the last run of each suggester says of some tasks, as Label Studio's predictions, by task."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = Suggestion.objects.filter(task__in=tasks, version=F("suggester__version")).select_related("suggester")
    for row in rows.order_by("suggester__created_at", "pk"):
        if row.result:
            told = {"model_version": row.suggester.model_version, "score": row.score, "result": row.result}
            found.setdefault(row.task_id, []).append(told)
    return found
