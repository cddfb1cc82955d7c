"""Sweeps: the space, what is proposed, when a trial is stopped, and that nothing is lost or done twice."""

import threading
from collections.abc import Callable
from typing import Any, Literal

import optuna
import pytest
from django.db import connections
from django.test import Client

from apps.jobs import protocol
from apps.jobs.models import Job
from apps.training.models import BaseModel, Run, Sweep, SweepStatus, Trial, TrialStatus
from apps.training.sweeping import keeping, proposing, services, space
from tests.training.conftest import claim, tell

SPACE = {"learning_rate": {"log": [1e-5, 1e-3]}, "lora_r": {"values": [8, 16]}}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, ""),
        ({"no": {"values": [1]}}, "no"),
        ({"lora_r": {"values": [0]}}, "lora_r"),
        ({"lora_r": {"values": []}}, "lora_r"),
        ({"learning_rate": {"log": [0, 1]}}, "learning_rate"),
        ({"warmup_ratio": {"range": [0.2, 0.1]}}, "warmup_ratio"),
        ({"warmup_ratio": {"range": [0, 0.1], "step": 1}}, "warmup_ratio"),
        ({"warmup_ratio": {"range": [0, 5]}}, "warmup_ratio"),
    ],
)
def test_space__wrong__names_the_setting_and_the_fix(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(space.SpaceError) as told:
        space.read(raw)
    assert told.value.field == field and told.value.hint


def test_grid__order__is_that_of_names_the_last_fastest() -> None:
    axes = space.read({"warmup_ratio": {"range": [0, 0.1], "step": 0.05}, "lora_r": {"values": [8, 16]}})
    found = [(one["lora_r"], one["warmup_ratio"]) for one in space.grid(axes)]
    assert found == [(8, 0.0), (8, 0.05), (8, 0.1), (16, 0.0), (16, 0.05), (16, 0.1)]


@pytest.mark.parametrize("strategy", ["random", "tpe"])
def test_proposal__asked_again_of_the_same_past__is_the_same(strategy: str) -> None:
    past = [proposing.Past(n, {"learning_rate": n * 1e-5, "lora_r": 8}, "complete", 1 / n) for n in range(1, 15)]
    past.append(proposing.Past(15, {"learning_rate": 5e-4, "lora_r": 16}, "running"))
    question = proposing.Question(space.read(SPACE), 17, 16, "minimize", past)
    first = proposing.STRATEGIES[strategy](question)
    assert first == proposing.STRATEGIES[strategy](question) and 1e-5 <= first["learning_rate"] <= 1e-3


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("value", [0.5, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_median_rule__any_value__decides_as_optuna(
    direction: Literal["minimize", "maximize"], value: float, step: int
) -> None:
    others = [{1: 1.0, 2: 0.9}, {1: 2.0, 2: 1.5}, {1: 3.0}]
    curve = {1: 2.5, step: value}
    study = optuna.create_study(direction=direction, pruner=optuna.pruners.MedianPruner(3, 2))
    for other in others:
        study.add_trial(optuna.trial.create_trial(value=1.0, intermediate_values=other))
    trial = study.ask()
    for at, told in curve.items():
        trial.report(told, at)
    ours = proposing.is_below_median(curve, others, direction=direction, startup=3, warmup=2)
    assert ours == trial.should_prune()


# ---- the keeper


@pytest.fixture
def begin(owner: Any, workspace: Any, model: BaseModel, version: Any) -> Callable[..., Sweep]:
    def go(**values: Any) -> Sweep:
        usual = {"name": "s", "recipe": {"max_steps": 2}, "space": SPACE, "strategy": "tpe", "trials_wanted": 3}
        common = {"actor": owner, "workspace": workspace, "base_model": model, "dataset_version": version}
        return services.begin(**common, values={**usual, **values})

    return go


def finish(value: float) -> None:
    """A worker does the next job: it tells one value and ends as a cancelled or failed one would not."""
    job = claim("gpu")
    tell(job, {"type": "metric", "name": "eval_loss", "step": 2, "value": value})
    Job.objects.filter(pk=job.pk).update(status="succeeded")


@pytest.mark.django_db
def test_sweep__to_its_end__has_each_trial_once_and_the_best(begin: Callable[..., Sweep]) -> None:
    sweep = begin()
    for value in (3.0, 1.0, 2.0):
        keeping.keep()
        keeping.keep()  # called twice, it launches nothing more
        finish(value)
    keeping.keep()
    sweep.refresh_from_db()
    assert sweep.status == SweepStatus.FINISHED and Run.objects.count() == 3
    assert [trial.value for trial in sweep.trials.all()] == [3.0, 1.0, 2.0]
    assert (best := services.best_of(sweep)) is not None and best.number == 2


@pytest.mark.django_db
def test_keeper__dies_between_run_and_trial__leaves_neither(
    begin: Callable[..., Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()

    def die(**_values: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(Trial.objects, "create", die)
        keeping.keep()
    assert (Run.objects.count(), Job.objects.filter(kind="training.sft").count()) == (0, 0)
    keeping.keep()
    assert (Run.objects.count(), Trial.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_keeper__in_two_threads__launches_each_trial_once(begin: Callable[..., Sweep]) -> None:
    begin(parallel=2)

    def keep() -> None:
        keeping.keep()
        connections.close_all()

    threads = [threading.Thread(target=keep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Trial.objects.values_list("number", flat=True)) == [1, 2] and Run.objects.count() == 2


@pytest.mark.django_db
def test_trial__worse_than_the_median__is_pruned_with_the_reason(begin: Callable[..., Sweep]) -> None:
    sweep = begin(pruning="median", startup_trials=1, trials_wanted=2)
    keeping.keep()
    finish(1.0)
    keeping.keep()
    tell(claim("gpu"), {"type": "metric", "name": "eval_loss", "step": 2, "value": 2.0})
    keeping.keep()
    job = Job.objects.get(run__trial__sweep=sweep, run__trial__number=2)
    assert job.desired == "cancel"
    Job.objects.filter(pk=job.pk).update(status="cancelled")
    keeping.keep()
    trial = sweep.trials.get(number=2)
    assert (trial.status, trial.pruned_at_step) == (TrialStatus.PRUNED, 2) and "median" in trial.reason


@pytest.mark.django_db
def test_api__sweep__begins_pauses_goes_on_and_is_cancelled(
    engineer: Client, page: Client, client_of: Callable[[str], Client], model: BaseModel, version: Any
) -> None:
    body = {"name": "s", "base_model": "tiny", "dataset_version": str(version.pk), "space": SPACE}
    made = engineer.post("/api/v1/sweeps/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    url = f"/api/v1/sweeps/{made.json()['id']}/"
    keeping.keep()
    assert len(engineer.get(f"{url}trials/").json()["results"]) == 1
    assert [engineer.post(f"{url}{verb}/").json()["status"] for verb in ("pause", "resume")] == ["paused", "running"]
    assert page.get(f"/train/sweeps/{made.json()['id']}/").status_code == 200 == page.get("/train/sweeps/").status_code
    assert client_of("viewer").post(f"{url}cancel/").status_code == 403
    assert engineer.post(f"{url}cancel/").json()["status"] == "cancelled"
    keeping.keep()
    assert (
        Trial.objects.get().status == TrialStatus.CANCELLED
        and protocol.claim(queue="gpu", slot="s", worker="w") is None
    )
    wrong = {**body, "space": {"lora_r": {"values": [0]}}}
    told = engineer.post("/api/v1/sweeps/", wrong, content_type="application/json")
    assert told.status_code == 400 and told.json()["error"]["field"] == "space.lora_r"
