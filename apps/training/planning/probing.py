"""A few steps on a training slot, measured, and what they say of a whole run."""

import statistics
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.jobs import services as jobs
from apps.jobs.models import Job, Status
from apps.training import launching, loading
from apps.training.estimating import estimate, key_of
from apps.training.models import BaseModel, Run
from workers.recipes import Recipe

PROBE = "training.probe"
FRESH = timedelta(days=30)  # older measurements say little of the machine as it is
PAST_RUNS = 20


def start_probe(
    *, actor: Any, workspace: Workspace, base_model: BaseModel, version: DatasetVersion, recipe: Any
) -> Job:
    """Measure a few steps of this launch; the job that does so already, or did, is given back. Raises Problem as a launch does."""
    found = launching.review(base_model=base_model, version=version, recipe=recipe)
    for problem in found.errors:
        raise problem
    assert found.recipe is not None  # no errors, so there is a recipe
    key = key_of(str(base_model.pk), str(version.pk), found.recipe)
    known: Job | None = _probes(workspace, key).exclude(status__in=(Status.FAILED, Status.CANCELLED)).first()
    if known is not None:
        return known
    return jobs.submit(
        actor=actor,
        workspace=workspace,
        kind=PROBE,
        title=_("Measure a few steps of %(model)s on %(version)s") % {"model": base_model, "version": version},
        inputs={"base_model": str(base_model.pk), "dataset_version": str(version.pk), "key": key},
        settings=found.recipe.as_dict(),
    )


def _probes(workspace: Workspace, key: str) -> Any:
    since = timezone.now() - FRESH
    rows = Job.objects.filter(workspace=workspace, kind=PROBE, inputs__key=key, created_at__gt=since)
    return rows.order_by("-created_at")


def estimate_of(*, base_model: BaseModel, version: DatasetVersion, recipe: Recipe) -> dict[str, Any] | None:
    """Seconds, memory and cost of a launch: by the newest probe of it, else by past runs of its model, way and rows; None without."""
    key = key_of(str(base_model.pk), str(version.pk), recipe)
    probe = _probes(version.workspace, key).first()
    if probe is not None and probe.status == Status.SUCCEEDED:
        found = estimate(recipe, probe.result)
        return _told("probe", found.seconds, found.peak_bytes, job=str(probe.pk))
    past = _seconds_per_row(base_model, version, recipe)
    waiting = {"job": str(probe.pk)} if probe is not None and not probe.is_terminal else {}
    if (
        probe is not None and probe.status == Status.FAILED
    ):  # such as too little memory: worth knowing before the launch
        waiting = {"problem": f"{probe.failure_message} {probe.failure_hint}".strip()}
    if past:
        learned, _kept = launching.parted_rows(recipe, version)
        rows = recipe.total_steps(max(1, learned)) * recipe.batch_size * recipe.gradient_accumulation
        return _told("runs", statistics.median(past) * rows, None, runs=len(past), **waiting)
    return {"source": "", **waiting} if waiting else None


def _told(source: str, seconds: float, peak_bytes: int | None, **more: Any) -> dict[str, Any]:
    price = settings.TUNELOOP_SLOT_PRICE
    cost = {"cost": round(seconds / 3600 * price, 2), "currency": settings.TUNELOOP_CURRENCY} if price else {}
    return {"source": source, "seconds": round(seconds, 1), "peak_bytes": peak_bytes, **cost, **more}


def _seconds_per_row(base_model: BaseModel, version: DatasetVersion, recipe: Recipe) -> list[float]:
    """Of past runs that ended well: seconds of the whole job over the rows that it saw."""
    same = {
        "recipe__method": recipe.method,
        "recipe__max_length": recipe.max_length,
        "recipe__precision": recipe.precision,
    }
    runs = Run.objects.filter(base_model=base_model, dataset_version=version, job__status=Status.SUCCEEDED, **same)
    found = []
    for run in runs.select_related("job").order_by("-created_at")[:PAST_RUNS]:
        rows = run.job.last_step * run.recipe["batch_size"] * run.recipe["gradient_accumulation"]
        if rows and run.job.started_at and run.job.finished_at:
            found.append((run.job.finished_at - run.job.started_at).total_seconds() / rows)
    return found


def inputs_of(job: Job) -> dict[str, Any]:
    """The spec's inputs, as of a fine-tune. Raises Problem when model or rows are gone."""
    model = BaseModel.objects.filter(pk=job.inputs["base_model"]).first()
    version = DatasetVersion.objects.filter(pk=job.inputs["dataset_version"]).first()
    if model is None or version is None:
        raise Problem(_("The base model or the dataset version was removed."))
    return loading.for_training(model, version)
