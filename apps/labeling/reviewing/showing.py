"""Rows of review as plain data, for programs and pages."""

from typing import Any

from django.http import Http404

from apps.labeling.models import Gold, LabelProject, Said, Task, Verdict
from apps.labeling.reviewing import deciding, disputes
from apps.labeling.reviewing.figures import Figures
from apps.labeling.reviewing.reading import answered


def task_or_404(project: LabelProject, number: int) -> Task:
    found: Task | None = project.tasks.filter(number=number).select_related("project", "accepted__annotator").first()
    if found is None:
        raise Http404
    return found


def dispute_as_dict(one: disputes.Dispute) -> dict[str, Any]:
    task = {"task": one.task.pk, "number": one.task.number, "accepted": one.task.accepted}
    return {**task, "questions": one.questions, "agreement": one.agreement}


def dispute_of(task: Task) -> disputes.Dispute:
    [read] = answered(task.project, [(task.pk, task.number, task.accepted_id)])
    return disputes.judge(task.project, read)


def task_as_dict(task: Task) -> dict[str, Any]:
    one, said = dispute_of(task), verdicts(task)
    rows = {row.pk: row for row in task.annotations.all()}
    given = [
        {
            "annotation": answer.annotation,
            "annotator": answer.name,
            "result": rows[answer.annotation].result,
            "verdict": said.get(rows[answer.annotation].assignment_id, ""),
        }
        for answer in one.task.given
    ]
    fields = {field: task.data.get(field) for field in task.project.config.fields}
    is_gold = Gold.objects.filter(task=task).exists()
    state = deciding.state_of(task)
    return {**dispute_as_dict(one), "state": state, "data": fields, "annotations": given, "is_gold": is_gold}


def verdicts(task: Task) -> dict[Any, str]:
    """{assignment: accepted or overruled} as it stands."""
    rows = Verdict.objects.filter(assignment__task=task, said__in=[Said.ACCEPTED, Said.OVERRULED])
    return dict(rows.values_list("assignment", "said"))


def figures_as_dict(found: Figures) -> dict[str, Any]:
    return {
        "looked": found.looked,
        "questions": [
            {
                "control": one.control.name,
                "kind": one.control.kind,
                "measure": one.measure,
                **{name: getattr(one.coefficient, name) for name in _FIGURE},
                "confusion": [[*pair, times] for pair, times in one.confusion.items()],
                "overlapping": one.overlapping.value if one.overlapping else None,
            }
            for one in found.questions
        ],
        "people": [
            {
                "person": name,
                "with_rest": found.with_rest[key].value,
                "n_rest": found.with_rest[key].n,
                "with_decided": found.with_decided[key].value,
                "n_decided": found.with_decided[key].n,
            }
            for key, name in found.names.items()
        ],
        "pairs": [
            {"people": [found.names[key] for key in pair], "question": question, "value": mean.value, "n": mean.n}
            for question, pairs in found.pairs.items()
            for pair, mean in pairs.items()
        ],
    }


_FIGURE = ("value", "se", "low", "high", "n_items", "n_raters", "undefined")
