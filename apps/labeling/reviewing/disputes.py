"""Which tasks a reviewer looks at: by the project's plan, or by what is asked for. Looking through is bounded; how far is told."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.labeling.models import (
    Annotation,
    Assignment,
    AssignmentStatus,
    Comment,
    LabelProject,
    ReviewMode,
    Task,
    Verdict,
)
from apps.labeling.models.reviews import ReviewPlan, plan_of
from apps.labeling.reviewing.reading import Answered, answered
from apps.labeling.schema import alike

LOOKED_THROUGH = 2000  # tasks a request
LIST = 20

SHOWS = {
    "queue": gettext_lazy("To review"),
    "differ": gettext_lazy("Answered differently"),
    "decided": gettext_lazy("Decided"),
    "flagged": gettext_lazy("Flagged"),
    "skipped": gettext_lazy("Skipped"),
    "returned": gettext_lazy("Sent back"),
    "commented": gettext_lazy("Open comments"),
    "gold": gettext_lazy("Gold"),
    "all": gettext_lazy("All with answers"),
}


@dataclass(frozen=True)
class Wish:
    """What a reviewer asks for."""

    show: str = "queue"
    question: str = ""
    annotator: int = 0
    below: float | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], project: LabelProject) -> "Wish":
        """From an address. Raises Problem naming the field."""
        show = query.get("show") or "queue"
        if show not in SHOWS:
            raise Problem(_("There is no such list."), field="show", hint=", ".join(SHOWS))
        question = query.get("question", "")
        if question and project.config.control(question) is None:
            raise Problem(_("There is no such question."), field="question")
        return cls(show, question, _person(query.get("annotator", "")), _share(query.get("below", "")))

    def as_query(self) -> dict[str, str]:
        below, annotator = "" if self.below is None else f"{self.below:g}", str(self.annotator or "")
        told = {"show": self.show, "question": self.question, "annotator": annotator, "below": below}
        return {name: value for name, value in told.items() if value and (name, value) != ("show", "queue")}


def _person(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise Problem(_("An annotator is named by number."), field="annotator") from None


def _share(text: str) -> float | None:
    if not text:
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise Problem(_("Agreement is a number from 0 to 1."), field="below")
    return share


@dataclass(frozen=True)
class Dispute:
    """A task of the list: its answers, the questions people differ on, and how alike they are in the mean."""

    task: Answered
    questions: list[str]
    agreement: float | None


@dataclass(frozen=True)
class Found:
    """Part of the list. `following` is where to go on, None at the end; `looked` how many tasks were looked through."""

    disputes: list[Dispute]
    following: int | None
    looked: int


def find(project: LabelProject, wish: Wish, *, after: int = 0, limit: int = LIST, back: bool = False) -> Found:
    """Tasks behind number `after` (before it with `back`), in order."""
    plan = plan_of(project)
    rows = _candidates(project, wish, plan)
    rows = (
        rows.filter(number__lt=after).order_by("-number") if back else rows.filter(number__gt=after).order_by("number")
    )
    lines = list(rows.values_list("pk", "number", "accepted_id")[:LOOKED_THROUGH])
    disputes: list[Dispute] = []
    looked = 0
    for task in answered(project, lines):
        looked += 1
        dispute = judge(project, task)
        if _fits(dispute, wish, plan):
            disputes.append(dispute)
        if len(disputes) == limit:
            break
    is_end = looked == len(lines) and len(lines) < LOOKED_THROUGH
    return Found(disputes, None if is_end or not lines else lines[looked - 1][1], looked)


def judge(project: LabelProject, task: Answered) -> Dispute:
    """Where the people who answered a task differ."""
    questions, shares = [], []
    for control in project.config.controls:
        given = [one.answers.get(control.name, []) for one in task.given]
        if alike.differs(control, given):
            questions.append(control.name)
        share = alike.between_people(control, given)
        if share is not None and (control.kind != "TextArea" or control.name == alike.ANSWER):
            shares.append(share)
    return Dispute(task, questions, sum(shares) / len(shares) if shares else None)


def _candidates(project: LabelProject, wish: Wish, plan: ReviewPlan) -> QuerySet[Task]:
    rows: QuerySet[Task] = project.tasks.all()
    rows = rows.filter(gold__isnull=wish.show != "gold")
    if wish.annotator:
        own = Annotation.objects.filter(task=OuterRef("pk"), annotator=wish.annotator)
        rows = rows.filter(Exists(own))
    shown: QuerySet[Task] = _SHOWN[wish.show](rows, project, plan)
    return shown


def _queue(rows: QuerySet[Task], project: LabelProject, plan: ReviewPlan) -> QuerySet[Task]:
    if plan.mode == ReviewMode.NONE:
        return rows.none()
    least = 2 if plan.mode == ReviewMode.DISAGREEMENTS else 1
    return rows.filter(accepted=None, submitted__gte=max(project.overlap, least))


def _held(rows: QuerySet[Task], **which: Any) -> QuerySet[Task]:
    return rows.filter(Exists(Assignment.objects.filter(task=OuterRef("pk"), **which)))


_SHOWN: dict[str, Any] = {
    "queue": _queue,
    "differ": lambda rows, project, plan: rows.filter(submitted__gte=2),
    "decided": lambda rows, project, plan: rows.filter(accepted__isnull=False),
    "flagged": lambda rows, project, plan: _held(rows, flagged=True),
    "skipped": lambda rows, project, plan: _held(rows, status=AssignmentStatus.SKIPPED),
    "returned": lambda rows, project, plan: rows.filter(
        Exists(Verdict.objects.filter(assignment__task=OuterRef("pk"), is_open=True))
    ),
    "commented": lambda rows, project, plan: rows.filter(
        Exists(Comment.objects.filter(task=OuterRef("pk"), parent=None, resolved_at=None))
    ),
    "gold": lambda rows, project, plan: rows,
    "all": lambda rows, project, plan: rows.filter(submitted__gte=1),
}


def _fits(dispute: Dispute, wish: Wish, plan: ReviewPlan) -> bool:
    if wish.question and wish.question not in dispute.questions:
        return False
    if wish.below is not None and not (dispute.agreement is not None and dispute.agreement < wish.below):
        return False
    if wish.show == "differ" or (wish.show == "queue" and plan.mode == ReviewMode.DISAGREEMENTS):
        return bool(dispute.questions)
    return wish.show != "queue" or plan.mode != ReviewMode.SHARE or is_drawn(plan, dispute.task.pk)


def is_drawn(plan: ReviewPlan, task: UUID) -> bool:
    """Whether a task is in the share that is reviewed: the same one each time it is asked."""
    drawn = hmac.digest(plan.seed.encode(), f"review {task}".encode(), "sha256")
    return int.from_bytes(drawn[:4], "big") % 100 < plan.share
