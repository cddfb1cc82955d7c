"""What every format is made from: the tasks of a project in order, each with its answers. Constant memory; no model instances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.labeling.models import Annotation, AssignmentStatus, LabelProject

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


@dataclass(frozen=True, slots=True)
class Answered:
    """A task with its answers, the oldest first."""

    number: int
    key: str
    data: dict[str, Any]
    split: str
    answers: list[Answer]

    @property
    def decided(self) -> Answer | None:
        """The one answer that counts: the accepted one, else the first."""
        return next(
            (answer for answer in self.answers if answer.is_accepted), self.answers[0] if self.answers else None
        )


def answered(project: LabelProject) -> Iterator[Answered]:
    """Every task of a project, in order. Each look is a query of its own, so that a slow reader holds nothing open."""
    after = 0
    while True:
        rows = project.tasks.filter(number__gt=after).order_by("number")
        tasks = list(rows.values_list("pk", "number", "key", "data", "split", "accepted_id")[:_AT_ONCE])
        if not tasks:
            return
        answers = _answers([task[0] for task in tasks], {accepted for *_, accepted in tasks if accepted})
        after = tasks[-1][1]
        for pk, number, key, data, split, _accepted in tasks:
            yield Answered(number, key, data, split, answers.get(pk, []))


def _answers(tasks: Sequence[UUID], accepted: set[UUID]) -> dict[UUID, list[Answer]]:
    """The answers that stand to some tasks, by task; a reviewer's own stands where it was accepted."""
    found: dict[UUID, list[Answer]] = {}
    stands = Q(assignment__status=AssignmentStatus.SUBMITTED) | Q(pk__in=accepted)
    rows = Annotation.objects.filter(stands, task__in=tasks).order_by("created_at", "pk")
    values = ("pk", "task_id", "annotator__email", "assignment__annotator_label", "result", "lead_time", "created_at")
    for pk, task, email, label, result, seconds, created in rows.values_list(*values):
        answer = Answer(str(pk), email or label, result, seconds, created, pk in accepted)
        found.setdefault(task, []).append(answer)
    return found
