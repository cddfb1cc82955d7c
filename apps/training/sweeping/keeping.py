"""The upkeep of sweeps (beat): what has ended is noted, what is hopeless is stopped, what is due is launched.

All decisions about a sweep are made one after the other, under its row's lock, from the database alone. A trial, its run and its job
are written in one transaction: a keeper that dies anywhere leaves either all three or none, and the next one decides the same again.
"""

from datetime import timedelta
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from apps.core.errors import Problem
from apps.core.transitions import move
from apps.jobs import services as jobs
from apps.jobs.models import Status as JobStatus
from apps.training import services as training
from apps.training.models import Sweep, SweepStatus, Trial, TrialStatus
from apps.training.sweeping import space
from apps.training.sweeping.proposing import STRATEGIES, Past, Question, is_below_median

KEEPER = "sweep"  # who acts where no person does
ENDED: dict[str, str] = {JobStatus.CANCELLED: TrialStatus.CANCELLED, JobStatus.FAILED: TrialStatus.FAILED}


def keep() -> None:
    """Look after every sweep that is not over, and after trials that were cancelled with theirs."""
    for pk in Sweep.objects.filter(trials__status=TrialStatus.RUNNING).values_list("pk", flat=True).distinct():
        keep_one(pk)
    for pk in Sweep.objects.filter(status=SweepStatus.RUNNING).values_list("pk", flat=True):
        keep_one(pk)


@transaction.atomic
def keep_one(pk: Any) -> None:
    sweep = Sweep.objects.select_for_update(of=("self",)).select_related("workspace", "created_by").get(pk=pk)
    trials = list(sweep.trials.select_related("run__job"))
    for trial in trials:
        _settle(sweep, trial)
    if sweep.status in (SweepStatus.RUNNING, SweepStatus.PAUSED) and sweep.pruning == "median":
        _prune(sweep, trials)
    if sweep.status == SweepStatus.RUNNING:
        _launch_due(sweep, trials)


def _settle(sweep: Sweep, trial: Trial) -> None:
    """A trial whose job is over is over."""
    if trial.status != TrialStatus.RUNNING or trial.run is None or not trial.run.job.is_terminal:
        return None
    job = trial.run.job
    if trial.pruned_at_step is not None:
        return move(trial, TrialStatus.PRUNED, actor=KEEPER, value=_best(sweep, trial))
    if job.status in ENDED:
        return move(trial, ENDED[job.status], actor=KEEPER, reason=job.failure_message[:2000])
    value = _best(sweep, trial)
    if value is None:
        return move(trial, TrialStatus.FAILED, actor=KEEPER, reason=f"The run told no {sweep.metric}.")
    return move(trial, TrialStatus.COMPLETE, actor=KEEPER, value=value)


def curve_of(sweep: Sweep, trial: Trial) -> dict[int, float]:
    """The sweep's metric of a trial, by step."""
    if trial.run is None:
        return {}
    points = trial.run.job.points.filter(name=sweep.metric, value__isnull=False)
    return {step: value for step, value in points.order_by("step").values_list("step", "value") if value is not None}


def _best(sweep: Sweep, trial: Trial) -> float | None:
    values = curve_of(sweep, trial).values()
    return (min if sweep.direction == "minimize" else max)(values, default=None)


def _prune(sweep: Sweep, trials: list[Trial]) -> None:
    others = [curve_of(sweep, trial) for trial in trials if trial.status == TrialStatus.COMPLETE]
    rule: dict[str, Any] = {"direction": sweep.direction, "startup": sweep.startup_trials, "warmup": sweep.warmup_steps}
    for trial in trials:
        if trial.status != TrialStatus.RUNNING or trial.pruned_at_step is not None or trial.run is None:
            continue
        curve = curve_of(sweep, trial)
        if is_below_median(curve, others, **rule):
            trial.pruned_at_step = max(curve)
            trial.reason = f"Worse than the median of {len(others)} trials at step {max(curve)}."
            trial.save(update_fields=["pruned_at_step", "reason"])
            jobs.cancel(actor=KEEPER, job=trial.run.job)


def _launch_due(sweep: Sweep, trials: list[Trial]) -> None:
    is_spent = bool(sweep.budget_minutes) and _time_of(trials) >= timedelta(minutes=sweep.budget_minutes)
    wanted = len(trials) if is_spent else sweep.trials_wanted
    open_ones = sum(trial.status == TrialStatus.RUNNING for trial in trials)
    while open_ones < sweep.parallel and len(trials) < wanted:
        trials.append(_launch(sweep, trials))
        open_ones += trials[-1].status == TrialStatus.RUNNING
    if not open_ones and len(trials) >= wanted:
        move(sweep, SweepStatus.FINISHED, actor=KEEPER)


def _time_of(trials: list[Trial]) -> timedelta:
    now, found = timezone.now(), [trial.run.job for trial in trials if trial.run]
    return sum(((job.finished_at or now) - job.started_at for job in found if job.started_at), timedelta())


def _launch(sweep: Sweep, trials: list[Trial]) -> Trial:
    """The next trial with its run and job; one that no launch would take is written down as failed, with the reason."""
    number = len(trials) + 1
    past = [Past(one.number, one.params, one.status, one.value) for one in trials]
    direction: Literal["minimize", "maximize"] = "maximize" if sweep.direction == "maximize" else "minimize"
    question = Question(space.read(sweep.space), sweep.seed, number, direction, past)
    params = STRATEGIES[sweep.strategy](question)
    values: dict[str, Any] = {"sweep": sweep, "number": number, "params": params}
    try:
        with transaction.atomic():
            run = training.launch_run(
                actor=sweep.created_by,
                workspace=sweep.workspace,
                name=f"{sweep.name} {number}",
                base_model=sweep.base_model,
                dataset_version=sweep.dataset_version,
                recipe={**sweep.recipe, **params},
            )
            made: Trial = Trial.objects.create(**values, run=run)
            return made
    except Problem as problem:
        reason = f"{problem.field}: {problem.message} {problem.hint}"
        refused: Trial = Trial.objects.create(**values, status=TrialStatus.FAILED, reason=reason)
        return refused
