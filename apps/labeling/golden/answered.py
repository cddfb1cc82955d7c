"""What follows from an answer, in the transaction that keeps it: a return is settled, a gold answer is judged."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict
from apps.labeling.golden import gold
from apps.labeling.models import Annotation, Gold, GoldAnswer, Hold, LabelProject, Share, Verdict
from apps.labeling.models.reviews import plan_of


@dataclass(frozen=True)
class Lesson:
    """What a person is shown after an answer to a gold task to train on."""

    is_right: bool
    result: list[dict[str, Any]]
    explanation: str


def note(annotation: Annotation) -> None:
    """To be called once for each answer, after it is counted."""
    known = annotation.assignment
    if getattr(known, "returned_words", "") is not None:  # None: it was looked up, and nobody sent it back
        Verdict.objects.filter(assignment=annotation.assignment_id, is_open=True).update(is_open=False)
    if annotation.annotator_id is None or not getattr(known, "has_gold", True):
        return
    golds = Gold.objects.filter(project=annotation.project_id).select_related("project", "task__accepted")
    found, some = golds.filter(task=annotation.task_id).first(), golds.first()
    if some is None:
        return
    with (
        transaction.atomic()
    ):  # every task is the same work, though of most nothing is kept: else the time would tell gold
        _judge(found or some, annotation)
        transaction.set_rollback(found is None)
    _hold_at_end_of_block(annotation)


def _judge(found: Gold, annotation: Annotation) -> None:
    plan = plan_of(found.project)
    before = GoldAnswer.objects.filter(project=found.project, annotator=annotation.annotator_id)
    count = before.exclude(assignment=annotation.assignment_id).count()
    GoldAnswer.objects.update_or_create(
        assignment=annotation.assignment,
        defaults={
            "workspace_id": found.workspace_id,
            "project": found.project,
            "gold": found,
            "annotator": annotation.annotator,
            "is_right": gold.is_right(found, annotation.result),
            "is_training": count < plan.gold_training,
        },
    )


def _hold_at_end_of_block(annotation: Annotation) -> None:
    """People are stopped between blocks of tasks only: right after a wrong answer it would tell that the task was gold."""
    project, person = annotation.project, annotation.annotator
    plan = plan_of(project)
    if not plan.gold_floor or not plan.gold_every:
        return
    done = Share.objects.filter(project=project, annotator=person).values_list("submitted", flat=True).get()
    if done % plan.gold_every:
        return
    right, judged = gold.accuracy(project, person)
    if judged >= plan.gold_least and right * 100 < plan.gold_floor * judged:
        _hold(project, person, right, judged)


def _hold(project: LabelProject, person: Any, right: int, judged: int) -> None:
    """No new task for this person; who was let on again is judged anew after as many more gold answers as the plan asks."""
    last = Hold.objects.filter(project=project, annotator=person).first()
    if last is not None and judged < last.judged + plan_of(project).gold_least:
        return
    note = _("Who runs the project looks at your answers first. What you have in hand can still be submitted.")
    Share.objects.filter(project=project, annotator=person).update(is_paused=True, pause_note=note)
    Hold.objects.filter(project=project, annotator=person, lifted_at=None).update(lifted_at=timezone.now())
    common = {"workspace_id": project.workspace_id, "project": project}
    Hold.objects.create(**common, annotator=person, right=right, judged=judged)
    ledger.write(
        row=project, verb="labelproject.person_held", actor="gold", person=str(person), right=right, judged=judged
    )
    live.ring(project)


def on_hold(project: LabelProject) -> list[Hold]:
    """People whom gold stopped and nobody let on again, by this or by the project's People page."""
    held = project.holds.filter(lifted_at=None).select_related("annotator")
    paused = Share.objects.filter(project=project, is_paused=True).values("annotator")
    return list(held.filter(annotator__in=paused))


@transaction.atomic
def lift_hold(*, actor: Any, project: LabelProject, person: Any) -> None:
    """Let a person label again; judged anew after as many more gold answers as the plan asks. Raises Conflict."""
    held = Hold.objects.filter(project=project, annotator=person, lifted_at=None)
    if not held.update(lifted_at=timezone.now()):
        raise Conflict(_("This person is not on hold."))
    Share.objects.filter(project=project, annotator=person).update(is_paused=False, pause_note="")
    ledger.write(row=project, verb="labelproject.hold_lifted", actor=actor, person=str(person))
    live.ring(project)


def lesson_of(annotation: Annotation) -> Lesson | None:
    """What a training answer is told: None for every other answer, gold or not."""
    rows = GoldAnswer.objects.filter(assignment=annotation.assignment_id, is_training=True)
    found = rows.select_related("gold__task__accepted").first()
    right = found and found.gold.task.accepted
    if found is None or right is None:
        return None
    return Lesson(is_right=found.is_right, result=right.result, explanation=found.gold.explanation)
