"""How far a project is and how well people agree, for who watches it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Avg, Count, Max
from django.utils.translation import gettext as _

from apps.labeling.agreement import Coefficient, krippendorff_alpha, undefined
from apps.labeling.models import AssignmentStatus, LabelProject, Share
from apps.labeling.queueing.counting import counts as counts
from apps.labeling.queueing.counting import own as own
from apps.labeling.schema.label_config import Control
from apps.labeling.schema.results import answers_of

MOST_ANSWERS = 15_000  # answers that the agreement figure looks at, by task


def people(project: LabelProject) -> list[dict[str, Any]]:
    """What each person did, the busiest first; imported answers by the names that came with them."""
    shares = Share.objects.filter(project=project).people().select_related("annotator")
    held = project.assignments.filter(status=AssignmentStatus.LEASED).order_by().values_list("annotator")
    in_hand = dict(held.annotate(count=Count("pk")))
    found = [
        {
            "person": str(share.annotator or _("somebody")),
            "submitted": share.submitted,
            "skipped": share.skipped,
            "held": in_hand.get(share.annotator_id, 0),
            "seconds": share.seconds / share.submitted if share.submitted else None,
            "last": share.last_at,
        }
        for share in shares
        if share.submitted or share.skipped or share.annotator_id in in_hand
    ]
    return sorted(found + _imported(project), key=lambda row: -row["submitted"])


def _imported(project: LabelProject) -> list[dict[str, Any]]:
    nobody = project.assignments.filter(annotator=None).exclude(status=AssignmentStatus.REVIEW)
    rows = nobody.exclude(annotator_label="").order_by().values("annotator_label")
    counted = rows.annotate(count=Count("pk"), seconds=Avg("annotation__lead_time"), last=Max("finished_at"))
    return [
        {
            "person": row["annotator_label"],
            "submitted": row["count"],
            "skipped": 0,
            "held": 0,
            "seconds": row["seconds"],
            "last": row["last"],
        }
        for row in counted
    ]


@dataclass(frozen=True)
class Agreement:
    """The figure for one question."""

    control: str
    kind: str
    coefficient: Coefficient

    def as_dict(self) -> dict[str, Any]:
        return {"control": self.control, "kind": self.kind, **asdict(self.coefficient)}


def agreements(project: LabelProject) -> list[Agreement]:
    """Krippendorff's alpha for each Choices (nominal) and Rating (ordinal), over tasks that two people or more answered."""
    state = project.annotations.aggregate(count=Count("pk"), last=Max("created_at"))
    return list(_measured(project, **state))


@lru_cache(maxsize=64)
def _measured(project: LabelProject, *, count: int, last: datetime | None) -> tuple[Agreement, ...]:
    """The figures of a project as it stood with so many answers: open pages ask at every submit of anybody."""
    controls = [control for control in project.config.controls if control.kind in ("Choices", "Rating")]
    by_task = _answers_by_task(project)
    return tuple(Agreement(control.name, control.kind, _alpha(control, by_task)) for control in controls)


def _answers_by_task(project: LabelProject) -> list[dict[str, dict[str, Any]]]:
    """For each task {person: {question: answer}}."""
    answers = project.annotations.filter(
        task__submitted__gte=2, task__gold=None, assignment__status=AssignmentStatus.SUBMITTED
    )
    rows = answers.order_by("task__number")[:MOST_ANSWERS]
    found: dict[Any, dict[str, dict[str, Any]]] = {}
    for task, annotator, label, result in rows.values_list(
        "task_id", "annotator_id", "assignment__annotator_label", "result"
    ):
        found.setdefault(task, {})[str(annotator or label)] = answers_of(result)
    return list(found.values())


def _alpha(control: Control, by_task: Iterable[dict[str, dict[str, Any]]]) -> Coefficient:
    tasks = list(by_task)
    raters = sorted({person for answers in tasks for person in answers})
    ratings = [[_category(answers.get(person, {}).get(control.name)) for person in raters] for answers in tasks]
    is_rating = control.kind == "Rating"
    categories: list[Any] = list(range(control.max_rating + 1)) if is_rating else [(o,) for o in control.stored]
    if control.multiple:
        categories = sorted({value for row in ratings for value in row if value is not None} | set(categories))
    if len(categories) < 2:
        return undefined(_("only one answer is possible"), 0, len(raters))
    if not any(sum(value is not None for value in row) >= 2 for row in ratings):
        return undefined(_("no task has two answers yet"), 0, len(raters))
    return krippendorff_alpha(ratings, categories, level="ordinal" if is_rating else "nominal")


def _category(answer: Any) -> Any:
    return tuple(answer) if isinstance(answer, list) else answer
