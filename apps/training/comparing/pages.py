"""What a comparison shows: curves, outcomes, settings, data, answers."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.training import wording
from apps.training.comparing import differing, outcomes
from apps.training.launch_page import LABELS
from apps.training.models import Run, RunView

METRICS = (
    ("loss", _("Loss")),
    ("eval_loss", _("Evaluation loss")),
    ("learning_rate", _("Learning rate")),
    ("grad_norm", _("Gradient norm")),
    ("tokens_per_second", _("Tokens per second")),
    ("memory_mb", _("Memory, MB")),
    ("gpu_memory_mb", _("GPU memory, MB")),
    ("cpu_percent", _("Processor, %")),
    ("gpu_percent", _("GPU, %")),
)
AXES = (("step", _("Step")), ("tokens", _("Tokens")), ("time", _("Time")))


def comparison(runs: Sequence[Run]) -> dict[str, Any]:
    """The facts, for the API."""
    found = differing.settings_of([run.recipe for run in runs])
    settings = [{"name": one.name, "values": list(one.values), "differs": one.differs} for one in found]
    return {"outcomes": outcomes.outcomes(runs), "settings": settings, "data": [data_of(run, runs[0]) for run in runs]}


def data_of(run: Run, first: Run) -> dict[str, Any]:
    """What it learned from, and where it is told what differs from what the first one learned from."""
    version, other = run.dataset_version, first.dataset_version
    return {
        "run": str(run.pk),
        "version": str(version.pk),
        "name": str(version),
        "rows": version.row_count,
        "url": version.get_absolute_url(),
        "changes": _changes_url(version, other),
    }


def _changes_url(version: Any, other: Any) -> str | None:
    if version.pk == other.pk or version.dataset_id != other.dataset_id:
        return None
    newer, older = max(version.number, other.number), min(version.number, other.number)
    return f"{reverse('datasets:changes', args=[version.dataset_id, newer])}?against={older}"


def context_of(runs: Sequence[Run], *, views: QuerySet[RunView], view: RunView | None, user: Any) -> dict[str, Any]:
    """All of the page."""
    found = differing.settings_of([run.recipe for run in runs])
    rows = [{"label": LABELS.get(one.name, one.name), "setting": one} for one in found]
    return {
        "runs": [{"run": run, "ink": place + 1, "data": data_of(run, runs[0])} for place, run in enumerate(runs)],
        "ids": ",".join(str(run.pk) for run in runs),
        "settings": rows,
        "different": sum(one.differs for one in found),
        "columns": outcomes.COLUMNS,
        "metrics": METRICS,
        "axes": AXES,
        "views": [{"view": one, "is_own": one.created_by_id == user.pk} for one in views],
        "view": view,
        "data": _data(runs, view),
        "words": {**wording.RUN, **WORDS},
    }


def _data(runs: Sequence[Run], view: RunView | None) -> dict[str, Any]:
    """What compare.js needs to draw, to heal, and to save."""
    return {
        "runs": [_script_run(run) for run in runs],
        "api": f"{reverse('api:runs-compare')}?runs={','.join(str(run.pk) for run in runs)}",
        "views": reverse("api:run-views"),
        "chosen": {"metric": view.metric, "axis": view.axis, "smoothing": view.smoothing, "columns": view.columns}
        if view
        else {},
    }


def _script_run(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "job": str(run.job_id),
        "label": f"{run.code} {run.name}",
        "isTerminal": run.job.is_terminal,
        "samples": reverse("api:run-samples", args=[run.pk]),
    }


WORDS = {
    "no_points": _("None of these runs has told this"),
    "saved": _("The view was saved."),
    "deleted": _("The view was deleted."),
    "tokens": _("{step} tokens"),
    "time": _("{step} s"),
    "steps": _("Step {step}"),
}
