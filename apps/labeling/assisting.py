"""Suggestions beside the tasks of who labels: what is shown, how an answer came, and how often suggestions are taken.

Nothing here depends on whether a task is gold, nor on what anybody else answered: the same machine looked at every task.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q

from apps.labeling.models import Annotation, Assignment, AssignmentStatus, Assist, LabelProject, Suggestion, Task
from apps.labeling.schema import alike
from apps.labeling.schema.label_config import Config

Region = dict[str, Any]


def of_task(task: Task) -> Suggestion | None:
    """What is suggested for a task, by the suggester that is shown; None for nothing."""
    rows = Suggestion.objects.filter(
        task=task, suggester__project=task.project_id, suggester__is_shown=True, version=F("suggester__version")
    )
    found: Suggestion | None = rows.exclude(result=[]).select_related("suggester").first()
    return found


def as_dict(suggestion: Suggestion | None) -> dict[str, Any] | None:
    """As the screen shows it."""
    if suggestion is None:
        return None
    shown = {"source": suggestion.suggester.name, "kind": suggestion.suggester.kind}
    return {"id": str(suggestion.pk), **shown, "score": suggestion.score, "result": suggestion.result}


def note(annotation: Annotation, shown: Any, *, is_taken: bool) -> None:
    """Remember how an answer came: `shown` is the id of the suggestion that stood beside it, None for none."""
    rows = Suggestion.objects.filter(pk=shown, task=annotation.task_id, suggester__project=annotation.project_id)
    suggestion = rows.select_related("suggester").first() if shown else None
    if suggestion is None:
        return
    facts = {
        "suggester": suggestion.suggester,
        "version": suggestion.version,
        "is_taken": is_taken,
        "is_same": says_the_same(annotation.project.config, suggestion.result, annotation.result),
        "annotator": annotation.annotator,
    }
    common = {"workspace_id": annotation.workspace_id, "project": annotation.project}
    Assist.objects.update_or_create(
        assignment=annotation.assignment, defaults=facts, create_defaults={**common, **facts}
    )


def says_the_same(config: Config, suggested: list[Region], answered: list[Region]) -> bool:
    """Whether an answer says of the suggested questions what was suggested."""
    wanted, given = alike.by_question(config, suggested), alike.by_question(config, answered)
    asked = [control for control in config.controls if wanted.get(control.name)]
    return all(alike.likeness(control, wanted[control.name], given.get(control.name, [])) == 1.0 for control in asked)


# ---- how often they are taken


@dataclass(frozen=True)
class Taking:
    """Answers beside suggestions: taken as they were; taken and changed; the same said without taking; said otherwise."""

    person: str
    shown: int = 0
    unchanged: int = 0
    changed: int = 0
    same: int = 0

    @property
    def otherwise(self) -> int:
        return self.shown - self.unchanged - self.changed - self.same

    @property
    def rate(self) -> float | None:
        """The share that was accepted unchanged."""
        return self.unchanged / self.shown if self.shown else None

    def as_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("shown", "unchanged", "changed", "same", "otherwise")}
        return {"person": self.person, **counts, "rate": self.rate}


_COUNTS = {
    "shown": Count("pk"),
    "unchanged": Count("pk", filter=Q(is_taken=True, is_same=True)),
    "changed": Count("pk", filter=Q(is_taken=True, is_same=False)),
    "same": Count("pk", filter=Q(is_taken=False, is_same=True)),
}


def _submitted(project: LabelProject) -> Any:
    return Assist.objects.filter(project=project, assignment__status=AssignmentStatus.SUBMITTED)


def own(project: LabelProject, person: Any) -> Taking:
    """One's own."""
    return Taking(str(person), **_submitted(project).filter(annotator=person).aggregate(**_COUNTS))


def by_person(project: LabelProject) -> list[Taking]:
    """Everybody's, who has seen most first; for who runs the project."""
    rows = _submitted(project).order_by().values("annotator__name", "annotator__email").annotate(**_COUNTS)
    found = [Taking(row["annotator__name"] or row["annotator__email"] or "", **_counts(row)) for row in rows]
    return sorted(found, key=lambda one: (-one.shown, one.person))


def by_suggester(project: LabelProject) -> dict[Any, Taking]:
    """{suggester: how it was taken}."""
    rows: Iterable[dict[str, Any]] = _submitted(project).order_by().values("suggester").annotate(**_COUNTS)
    return {row["suggester"]: Taking("", **_counts(row)) for row in rows}


def _counts(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in _COUNTS}


def held(assignment: Assignment) -> dict[str, Any] | None:
    """What is suggested for a task in hand."""
    return as_dict(of_task(assignment.task))
