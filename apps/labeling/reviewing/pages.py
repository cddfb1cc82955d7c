"""What the pages of review show, put together from the pure parts."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.models import Annotation, AssignmentStatus, Gold, LabelProject, ReviewMode, Task, Verdict
from apps.labeling.models.reviews import plan_of
from apps.labeling.reviewing import comments, deciding, disputes, editing, overlays, showing, wording
from apps.labeling.reviewing.api import number_of
from apps.labeling.reviewing.disputes import Dispute, Wish
from apps.labeling.schema import alike
from apps.labeling.schema.alike import Answers
from apps.labeling.schema.fields import for_screen
from apps.labeling.schema.parts import Shown
from apps.labeling.wording import WORK

PERSON_LIMIT = 200  # names in the filter


def review_page(project: LabelProject, person: Any, query: Mapping[str, str], sent: Any = None) -> dict[str, Any]:
    """The list, and the task that is looked at beside all its answers; `sent` is an own answer that was refused.

    Raises Problem, Http404."""
    wish = Wish.read(query, project)
    current, found = _current(project, wish, query)
    kept = urlencode(wish.as_query())
    return {
        "wish": wish,
        "kept": kept,
        "and_kept": f"&{kept}" if kept else "",
        "shows": disputes.SHOWS.items(),
        "people": _people(project),
        "list": found,
        "did": query.get("did", ""),
        "plan": plan_of(project),
        "modes": ReviewMode.choices,
        "current": task_part(project, person, current, query.get("edit"), sent) if current else None,
        "words": WORK,
    }


def _current(project: LabelProject, wish: Wish, query: Mapping[str, str]) -> tuple[Dispute | None, disputes.Found]:
    if number := query.get("task", ""):
        current = showing.dispute_of(showing.task_or_404(project, number_of(number)))
        return current, disputes.find(project, wish, after=current.task.number)
    if before := query.get("before", ""):
        back = disputes.find(project, wish, after=number_of(before), limit=1, back=True).disputes
        if back:
            return back[0], disputes.find(project, wish, after=back[0].task.number)
    found = disputes.find(project, wish, after=number_of(query.get("after", "") or "0"))
    first = found.disputes[0] if found.disputes else None
    return first, disputes.Found(found.disputes[1:], found.following, found.looked)


def _people(project: LabelProject) -> list[tuple[str, str]]:
    rows = project.shares.filter(submitted__gt=0).exclude(annotator=None).select_related("annotator")[:PERSON_LIMIT]
    return sorted(((str(share.annotator_id), str(share.annotator)) for share in rows), key=lambda one: one[1])


def task_part(
    project: LabelProject, person: Any, dispute: Dispute, edit: str | None = None, sent: Any = None
) -> dict[str, Any]:
    """A task with its answers side by side; with `edit` (the place of an answer) also the sheet of an own answer, which was refused as
    `sent` or begins anew."""
    task = showing.task_or_404(project, dispute.task.number)
    people = [(one.name, one.answers) for one in dispute.task.given]
    own = own_decision(task)
    everybody = [*people, *([own] if own else [])]
    config, best = project.config, majority(project, [answers for _name, answers in people])
    data = for_screen(config, task.data, f"{project.get_absolute_url()}pictures/")
    draft = sent if sent is not None else editing.regions(_start(people, own, edit, best))
    return {
        "task": task,
        "state": deciding.state_of(task),
        "parts": overlays.parts(config, data, everybody),
        "answers": _answers(project, person, task, dispute),
        "own": own and [_line(control, own[1].get(control.name, []), []) for control in config.controls],
        "own_by": own and own[0],
        "best": best,
        "best_answer": dispute.task.given[best] if best is not None else None,
        "questions": dispute.questions,
        "agreement": dispute.agreement,
        "skips": _left(task, AssignmentStatus.SKIPPED),
        "flags": task.assignments.filter(flagged=True).select_related("annotator"),
        "returns": Verdict.objects.filter(assignment__task=task, said="returned").select_related(
            "created_by", "assignment__annotator"
        ),
        "threads": comments.threads(task),
        "gold": Gold.objects.filter(task=task).first(),
        "kinds": {control.kind for control in config.controls},
        "has_marks": any(control.marks for control in config.controls),
        "has_pictures": any(isinstance(shown, Shown) and shown.kind == "Image" for shown in config.parts),
        "form": editing.sheet(config, task.number, data, everybody, draft) if edit is not None else None,
    }


def _left(task: Task, status: str) -> Any:
    return task.assignments.filter(status=status).select_related("annotator")


def own_decision(task: Task) -> tuple[str, Answers] | None:
    """A reviewer's own answer, where the task was decided by one."""
    accepted: Annotation | None = task.accepted
    if accepted is None or accepted.assignment.status != AssignmentStatus.REVIEW:
        return None
    return str(accepted.annotator or accepted.assignment.person), alike.by_question(
        task.project.config, accepted.result
    )


def _start(people: Sequence[tuple[str, Answers]], own: Any, edit: str | None, best: int | None) -> Answers:
    """The answer that the form begins with: the named one, the decision, what most said, or the first."""
    if edit and edit.isascii() and edit.isdigit() and 0 < int(edit) <= len(people):
        return people[int(edit) - 1][1]
    if own:
        answers: Answers = own[1]
        return answers
    return people[best or 0][1] if people else {}


def majority(project: LabelProject, given: Sequence[Answers]) -> int | None:
    """The place of an answer that more people gave than any other; None where they are divided."""
    same = [sum(alike.is_same(project.config, one, other) for other in given) for one in given]
    most = max(same, default=0)
    first = next((place for place, count in enumerate(same) if count == most), None)
    if first is None or any(
        count == most and not alike.is_same(project.config, given[first], given[place])
        for place, count in enumerate(same)
    ):
        return None
    return first


def _answers(project: LabelProject, person: Any, task: Task, dispute: Dispute) -> list[dict[str, Any]]:
    said = showing.verdicts(task)
    rows = {row.pk: row for row in task.annotations.select_related("assignment")}
    return [
        {
            "pk": one.annotation,
            "name": one.name,
            "by": place % overlays.COLOURS + 1,
            "key": place + 1 if place < 9 else "",
            "place": place + 1,
            "is_own": one.person == str(person.pk),
            "is_accepted": one.annotation == task.accepted_id,
            "verdict": said.get(rows[one.annotation].assignment_id, ""),
            "seconds": rows[one.annotation].lead_time,
            "lines": [_line(c, one.answers.get(c.name, []), dispute.questions) for c in project.config.controls],
        }
        for place, one in enumerate(dispute.task.given)
    ]


def _line(control: Any, regions: Sequence[alike.Region], differing: Sequence[str]) -> dict[str, Any]:
    return {"name": control.name, "words": wording.lines(control, regions), "differs": control.name in differing}


def plan_values(posted: Mapping[str, str]) -> dict[str, Any]:
    """The plan as the form says it. Raises Problem naming the field."""
    values: dict[str, Any] = {"mode": posted.get("mode", ""), "gold_counts": posted.get("gold_counts") == "on"}
    for name in ("share", "gold_every", "gold_training", "gold_least", "gold_floor"):
        text = posted.get(name, "").strip()
        if not (text.isascii() and text.isdigit()) or len(text) > 6:
            raise Problem(_("Give a whole number."), field=name)
        values[name] = int(text)
    return values
