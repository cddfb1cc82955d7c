"""What the harvest page shows, and the preview for programs."""

from typing import Any

from apps.core.errors import Problem
from apps.labeling import progress
from apps.labeling.harvest import automatic, saying
from apps.labeling.harvest.gathering import Harvest, survey
from apps.labeling.harvest.shapes import SAME, Shape, shape_of, shapes
from apps.labeling.models import LabelProject, Rule


def preview(project: LabelProject, *, form: str = "", question: str = "") -> dict[str, Any]:
    """As the API tells it."""
    shape = shape_of(project, form, question)
    return {
        **_told(shape),
        "rules": [harvest.as_dict() for harvest in survey(project, shape)],
        "forms": [_told(other) for other in shapes(project)],
    }


def _told(shape: Shape) -> dict[str, Any]:
    return {"form": shape.form, "question": shape.question.name if shape.question else None}


def page(project: LabelProject, wanted: str, rule: str) -> dict[str, Any]:
    """`wanted` is a shape as `value_of` writes it, "" for the usual one."""
    form, _colon, question = wanted.partition(":")
    counts = progress.counts(project)
    context: dict[str, Any] = {
        "plan": automatic.plan_of(project),
        "counts": counts,
        "is_settled": not project.is_open or not counts["waiting"],
        "questions": saying.rules(project.config, project.keep),
        "rule": rule if rule in Rule.values else Rule.MAJORITY.value,
        "rules": [(one.value, one.label, saying.RULES[one]) for one in Rule],
    }
    try:
        shape = shape_of(project, form, question)
        found = survey(project, shape)
    except Problem as problem:
        return {**context, "problem": problem, "gives": [], "shapes": _choices(project, None)}
    gives = [_line(one) for one in found]
    return {**context, "shape": shape, "gives": gives, "shapes": _choices(project, shape)}


def _line(one: Harvest) -> dict[str, Any]:
    said = {"label": one.rule.label, "says": saying.RULES[one.rule]}
    return {"rule": one.rule.value, **said, "rows": one.kept, "lost": saying.lost(one.left_out)}


def _choices(project: LabelProject, chosen: Shape | None) -> list[dict[str, Any]]:
    return [{"value": value_of(one), "label": one.words, "is_chosen": one == chosen} for one in shapes(project)]


def value_of(shape: Shape) -> str:
    """A shape as the value of an option: form:question."""
    return f"{SAME if shape.is_same else shape.form}:{shape.question.name if shape.question else ''}"
