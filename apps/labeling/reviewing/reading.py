"""Tasks with what people answered to them, read for those who may see it. Gold tasks and answers of reviewers are no part of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as _

from apps.labeling.models import Annotation, AssignmentStatus, LabelProject
from apps.labeling.schema.alike import Answers, by_question
from apps.labeling.schema.parts import Config

_AT_ONCE = 500


@dataclass(frozen=True)
class Given:
    """One person's answer. `person` tells people apart, `name` is for reading."""

    annotation: UUID
    person: str
    name: str
    answers: Answers


@dataclass(frozen=True)
class Answered:
    """A task and its answers in the order of their coming."""

    pk: UUID
    number: int
    accepted: UUID | None
    given: list[Given] = field(default_factory=list)


TaskLine = tuple[UUID, int, UUID | None]


def answered(project: LabelProject, lines: Sequence[TaskLine]) -> Iterator[Answered]:
    """The tasks (pk, number, accepted) with their answers, in their order."""
    config = project.config
    for start in range(0, len(lines), _AT_ONCE):
        part = lines[start : start + _AT_ONCE]
        found = {pk: Answered(pk, number, accepted) for pk, number, accepted in part}
        for task, given in _given(config, [pk for pk, _number, _accepted in part]):
            found[task].given.append(given)
        yield from found.values()


def _given(config: Config, tasks: Iterable[UUID]) -> Iterator[tuple[UUID, Given]]:
    rows = Annotation.objects.filter(task__in=tasks, assignment__status=AssignmentStatus.SUBMITTED)
    values = ("task_id", "pk", "annotator_id", "annotator__name", "annotator__email", "assignment__annotator_label")
    for task, pk, person, name, email, label, result in rows.order_by("created_at").values_list(*values, "result"):
        said = name or email or label or _("somebody")
        yield task, Given(pk, str(person or label), said, by_question(config, result))


def decided_answers(project: LabelProject, tasks: Sequence[Answered]) -> dict[UUID, Answers]:
    """{task: its accepted answer}, also where a reviewer gave it."""
    config = project.config
    accepted = {task.accepted: task.pk for task in tasks if task.accepted}
    found: dict[UUID, Answers] = {}
    keys = list(accepted)
    for start in range(0, len(keys), _AT_ONCE):
        rows = Annotation.objects.filter(pk__in=keys[start : start + _AT_ONCE]).values_list("pk", "result")
        found.update({accepted[pk]: by_question(config, result) for pk, result in rows})
    return found
