"""Gold tasks: who gets which of them when, and how an answer to one compares.

To a person who labels a gold task is like any other. Its right answer is the task's accepted one, so the ordinary queue never
offers it; it is dealt at places that only the project's seed knows, one in every `gold_every` tasks. What a person is told
(numbers, counts) comes from here too, where it would tell gold from the rest.
"""

import hmac
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.labeling.models import Assignment, AssignmentStatus, Gold, GoldAnswer, LabelProject, ReviewPlan, Task
from apps.labeling.schema import alike

MOST = 1000  # gold tasks of a project
MAX_EXPLANATION = 2000
EVERYBODY = 30_000  # slots of a gold task: there is always one more


def active_plan(project: LabelProject) -> ReviewPlan | None:
    """The plan, when gold is mixed in."""
    found: ReviewPlan | None = ReviewPlan.objects.filter(project=project, gold_every__gt=0).first()
    return found


def due(*, person: Any, project: LabelProject, before: int) -> Task | None:
    """The gold task that comes next for a person who took `before` tasks, if one does. To be asked only while an ordinary task
    waits as well."""
    plan = active_plan(project)
    if plan is None:
        return None
    best = sorted(_unseen(project, person), key=lambda pk: _draw(plan, person, pk))[:1]
    found: Task | None = project.tasks.filter(pk__in=best).first()  # at every place: else those of gold took longer
    return found if _is_place(plan, person, before) else None


def to_come(*, person: Any, project: LabelProject, before: int, free: int) -> int:
    """Gold tasks among what is left for a person who took `before` tasks: those dealt while `free` ordinary tasks last."""
    plan = active_plan(project)
    if plan is None or free <= 0:
        return 0
    training = max(0, plan.gold_training - before)
    return min(
        training + _places(plan, person, max(0, before - plan.gold_training), free), len(_unseen(project, person))
    )


def _touched(project: LabelProject, person: Any) -> Any:
    return Assignment.objects.filter(project=project, annotator=person)


def _unseen(project: LabelProject, person: Any) -> list[Any]:
    """Keys of gold tasks that were never this person's; one that lapsed comes back as every other task does (`counting.left_behind`)."""
    seen = _touched(project, person).filter(task__gold__isnull=False).values("task")
    ready = project.tasks.filter(gold__isnull=False, accepted__isnull=False)
    return list(ready.exclude(pk__in=seen).order_by().values_list("pk", flat=True)[:MOST])


def _draw(plan: ReviewPlan, *what: Any) -> int:
    """A number that only who has the seed can foretell."""
    said = " ".join(str(getattr(one, "pk", one)) for one in what)
    return int.from_bytes(hmac.digest(plan.seed.encode(), said.encode(), "sha256")[:8], "big")


def _offset(plan: ReviewPlan, person: Any, block: int) -> int:
    return _draw(plan, person, block) % plan.gold_every


def _is_place(plan: ReviewPlan, person: Any, before: int) -> bool:
    """Whether gold comes after `before` tasks: first those to train on, then one at some place of every block."""
    if before < plan.gold_training:
        return True
    block, place = divmod(before - plan.gold_training, plan.gold_every)
    return place == _offset(plan, person, block)


def _places(plan: ReviewPlan, person: Any, before: int, free: int) -> int:
    """Places of gold from the `before`-th task on, as long as ordinary tasks are free beside."""
    block, place = divmod(before, plan.gold_every)
    offset, found = _offset(plan, person, block), 0
    if place:  # in the middle of a block
        found = int(offset >= place and free > offset - place)
        free -= plan.gold_every - place - int(offset >= place)
        block += 1
    if free <= 0:
        return found
    whole = (free - 1) // (plan.gold_every - 1)  # blocks that end before the ordinary tasks do
    rest = free - whole * (plan.gold_every - 1)
    return found + whole + int(rest > _offset(plan, person, block + whole))


# ---- what a person is told


def number_for(assignment: Assignment) -> int:
    """The number of a task on its annotator's screen: where gold is mixed in, how manyth it is for this person."""
    if active_plan(assignment.project) is None:
        return assignment.task.number
    rows = Assignment.objects.filter(project=assignment.project_id, annotator=assignment.annotator_id)
    return rows.filter(created_at__lte=assignment.created_at).count()


def numbers_for(project: LabelProject, person: Any) -> dict[Any, int] | None:
    """{assignment: its number} for all of a person's, None where the tasks' own numbers are told."""
    if active_plan(project) is None:
        return None
    rows = _touched(project, person).order_by("created_at").values_list("pk", flat=True)
    return {pk: place for place, pk in enumerate(rows, start=1)}


# ---- the right answers


@transaction.atomic
def mark(*, actor: Any, task: Task, explanation: str = "") -> Gold:
    """Make a decided task gold. Raises Conflict when it is not decided, or the project has very many."""
    explanation = explanation.strip()
    if len(explanation) > MAX_EXPLANATION or "\0" in explanation:
        message = _("An explanation has at most %(most)d characters.") % {"most": MAX_EXPLANATION}
        raise Problem(message, field="explanation")
    task = Task.objects.select_for_update(of=("self",)).select_related("project").get(pk=task.pk)
    if task.accepted_id is None:
        hint = _("Accept one of its answers first, or decide it with your own.")
        raise Conflict(_("Nobody has decided what is right for this task."), hint=hint, code="undecided")
    if task.project.golds.count() >= MOST and not Gold.objects.filter(task=task).exists():
        raise Conflict(_("A project has at most %(most)d gold tasks.") % {"most": MOST})
    common = {"workspace_id": task.workspace_id, "project": task.project, "created_by": actor}
    gold, is_new = Gold.objects.update_or_create(
        task=task, defaults={"explanation": explanation}, create_defaults={**common, "explanation": explanation}
    )
    if is_new:
        Task.objects.filter(pk=task.pk).update(open_slots=EVERYBODY)
        ledger.write(row=task.project, verb="labelproject.gold_marked", actor=actor, task=task.number)
        live.ring(task.project)
    return gold


@transaction.atomic
def unmark(*, actor: Any, task: Task) -> None:
    """An ordinary, decided task again; what people answered to it stays. Raises Conflict when it is none."""
    task = Task.objects.select_for_update(of=("self",)).select_related("project").get(pk=task.pk)
    if not Gold.objects.filter(task=task).delete()[0]:
        raise Conflict(_("This task is no gold task."))
    taken = task.assignments.filter(status__in=[AssignmentStatus.LEASED, AssignmentStatus.SUBMITTED]).count()
    Task.objects.filter(pk=task.pk).update(open_slots=max(0, task.project.overlap - taken))
    ledger.write(row=task.project, verb="labelproject.gold_unmarked", actor=actor, task=task.number)
    live.ring(task.project)


def is_right(gold: Gold, result: list[dict[str, Any]]) -> bool:
    """Whether an answer says what the right one says; questions that the right one leaves open are not judged."""
    config, right = gold.project.config, gold.task.accepted
    wanted = alike.by_question(config, right.result if right else [])
    given = alike.by_question(config, result)
    asked = [control for control in config.controls if wanted.get(control.name)]
    return all(alike.likeness(control, wanted[control.name], given.get(control.name, [])) == 1.0 for control in asked)


def accuracy(project: LabelProject, person: Any) -> tuple[int, int]:
    """(right, judged) of a person's answers to gold tasks, those to train on left out."""
    rows = GoldAnswer.objects.filter(
        project=project, annotator=person, is_training=False, assignment__status=AssignmentStatus.SUBMITTED
    )
    return rows.filter(is_right=True).count(), rows.count()
