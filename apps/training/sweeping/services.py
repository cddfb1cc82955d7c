"""Verbs of sweeps: begin, pause, go on, cancel."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.datasets.models import DatasetVersion
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.training import launching
from apps.training.models import BaseModel, Sweep, SweepStatus, Trial, TrialStatus
from apps.training.sweeping import space


def begin(
    *,
    actor: Any,
    workspace: Workspace,
    base_model: BaseModel,
    dataset_version: DatasetVersion,
    values: Mapping[str, Any],
) -> Sweep:
    """Check the space and the recipe that is varied, then write the sweep down; the keeper launches. Raises Problem with the field."""
    name = launching.checked_name(values["name"])
    if base_model.workspace_id != workspace.pk or dataset_version.workspace_id != workspace.pk:
        raise Problem(_("Model, data and sweep must be in one workspace."), field="dataset_version")
    found = launching.review(base_model=base_model, version=dataset_version, recipe=values["recipe"])
    for problem in found.errors:
        raise problem
    wanted = _checked_space(values)
    with transaction.atomic():
        sweep: Sweep = Sweep.objects.create(
            **{**values, "name": name, "trials_wanted": wanted},
            workspace=workspace,
            created_by=actor,
            base_model=base_model,
            dataset_version=dataset_version,
        )
        ledger.write(row=sweep, verb="sweep.begun", actor=actor, note=f"{sweep.strategy}, {wanted} trials")
    return sweep


def _checked_space(values: Mapping[str, Any]) -> int:
    """How many trials there will be: a grid has no more than its combinations."""
    wanted: int = values["trials_wanted"]
    try:
        axes = space.read(values["space"])
        return min(wanted, len(space.grid(axes))) if values["strategy"] == "grid" else wanted
    except space.SpaceError as error:
        field = f"space.{error.field}" if error.field else "space"
        raise Problem(error.message, field=field, hint=error.hint) from error


def pause(*, actor: Any, sweep: Sweep) -> Sweep:
    """Launch nothing new; what runs goes on."""
    move(sweep, SweepStatus.PAUSED, actor=actor)
    return sweep


def resume(*, actor: Any, sweep: Sweep) -> Sweep:
    if sweep.status != SweepStatus.PAUSED:
        raise Conflict(_("The sweep is not paused."))
    move(sweep, SweepStatus.RUNNING, actor=actor)
    return sweep


@transaction.atomic
def cancel(*, actor: Any, sweep: Sweep) -> Sweep:
    """End it and every trial that runs."""
    sweep = Sweep.objects.select_for_update(of=("self",)).get(pk=sweep.pk)
    move(sweep, SweepStatus.CANCELLED, actor=actor)
    for job in Job.objects.filter(run__trial__sweep=sweep, run__trial__status=TrialStatus.RUNNING):
        jobs.cancel(actor=actor, job=job)
    return sweep


def best_of(sweep: Sweep) -> Trial | None:
    """The completed trial with the best value; of equal ones the first."""
    order = "value" if sweep.direction == "minimize" else "-value"
    found: Trial | None = sweep.trials.filter(status=TrialStatus.COMPLETE).order_by(order, "number").first()
    return found
