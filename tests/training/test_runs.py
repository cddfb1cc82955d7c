"""A run from launch to its checkpoints: what its job tells, how it ends, how it goes on."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User, Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.jobs import kinds, protocol
from apps.jobs.models import Desired, Job, Status
from apps.training import services
from apps.training.models import BaseModel, Checkpoint, Run, Sample
from tests.make import make_version
from tests.rings import Rings
from tests.training.conftest import claim, tell
from tests.training.folders import make_checkpoint

pytestmark = pytest.mark.django_db
Launch = Callable[..., Run]
RESULT = {
    "checkpoint": "checkpoints/step-00000020",
    "step": 20,
    "stopped": False,
    "weights_changed": True,
    "eval_loss": 0.5,
}


def metric(step: int, value: float = 1.0, name: str = "loss") -> dict[str, Any]:
    return {"type": "metric", "step": step, "name": name, "value": value}


def sample(step: int, answer: str = "Soon.") -> dict[str, Any]:
    return {"type": "sample", "step": step, "index": 0, "prompt": "When?", "answer": answer, "base_answer": None}


def save(run: Run, step: int, **more: Any) -> Checkpoint:
    """The trainer writes a checkpoint and tells of it."""
    tell(run.job, {**make_checkpoint(run.job.folder, step), **more})
    return run.checkpoints.get(step=step)


def end(run: Run, **result: Any) -> None:
    protocol.succeed(job=run.job, epoch=run.job.epoch, result=RESULT | result)
    run.job.refresh_from_db()


def fail(run: Run, kind: str = "nan") -> None:
    protocol.fail(job=run.job, epoch=run.job.epoch, failure={"class": kind, "message": "m", "hint": "h"})
    run.job.refresh_from_db()


def spec_of(job: Job) -> dict[str, Any]:
    return kinds.get(job.kind).prepare(job)


# ---- launch


def test_launch__good__run_job_and_line_are_there_together(
    launch: Launch, owner: User, hints: list[str], rings: Rings
) -> None:
    with rings.on_commit():
        run = launch(name="  support  ", recipe={"max_steps": 20, "learning_rate": 1e-3})
    assert (run.number, run.name, run.code, run.method) == (1, "support", "run-1", "lora")
    assert run.recipe["learning_rate"] == 1e-3 and run.recipe["lora_r"] == 16  # whole, with the defaults of today
    assert run.job.settings == run.recipe and run.job.title == "run-1 support"
    assert (run.job.status, run.job.queue, run.job.url) == (Status.QUEUED, "gpu", f"/train/{run.pk}/")
    assert [line.verb for line in ledger.history(run)] == ["run.launched"]
    assert hints == ["gpu"]


def test_launch__numbers__count_in_their_workspace(launch: Launch) -> None:
    assert [launch().number, launch().number] == [1, 2]


def test_launch__objects_of_another_workspace__are_refused(
    owner: User, cast: Any, launch: Launch, model: BaseModel
) -> None:
    theirs = make_version(cast.other_workspace)
    with pytest.raises(Problem):
        launch(dataset_version=theirs)
    model.workspace = cast.other_workspace
    with pytest.raises(Problem):
        launch(base_model=model)
    assert not Run.objects.exists()


def test_spec__first_attempt__has_model_and_shards(running: Run) -> None:
    spec = spec_of(running.job)
    assert spec["model"] == {"folder": running.base_model.path} and spec["resume_from"] is None
    assert spec["shards"] == [str(path) for path in running.dataset_version.shard_paths()]


def test_spec__later_attempt_with_checkpoints__goes_on_from_its_own(running: Run) -> None:
    save(running, 10)
    protocol.release(job=running.job, epoch=1)
    assert spec_of(claim("gpu"))["resume_from"] == "latest"


# ---- what it tells


def test_checkpoints__one_after_the_other__the_newest_best_is_the_best(running: Run) -> None:
    save(running, 5)
    save(running, 10)
    save(running, 15, best=False)
    rows = {c.step: (c.is_best, c.is_removed) for c in running.checkpoints.all()}
    assert rows == {5: (False, False), 10: (True, False), 15: (False, False)}
    assert running.checkpoints.get(step=15).size == 15
    assert running.checkpoints.get(step=10).workspace == running.workspace


def test_checkpoints__trainer_kept_some__the_others_count_as_removed(running: Run) -> None:
    for step in (5, 10):
        save(running, step)
    save(running, 15, kept=[10, 15])
    assert list(running.checkpoints.filter(is_removed=True).values_list("step", flat=True)) == [5]


def test_samples__told_twice_or_with_odd_text__are_kept_once(running: Run) -> None:
    tell(running.job, sample(5, "one"), sample(5, "two"), sample(10))
    assert list(running.samples.values_list("step", "answer", "base_answer")) == [(10, "Soon.", ""), (5, "two", "")]


def test_resumed__after_a_crash__what_came_after_the_step_is_void(running: Run) -> None:
    save(running, 10)
    save(running, 20)
    tell(running.job, metric(10), metric(20), sample(10), sample(20))
    tell(running.job, {"type": "resumed", "step": 10})
    assert list(running.samples.values_list("step", flat=True)) == [10]
    assert running.checkpoints.get(step=20).is_removed and not running.checkpoints.get(step=20).is_best
    assert running.job.points.count() == 1


# ---- how it ends


def test_success__final_and_best__are_published_and_the_job_keeps_its_copy(running: Run) -> None:
    save(running, 10)
    save(running, 15, best=False)
    save(running, 20, best=False)
    end(running)
    assert running.job.status == Status.SUCCEEDED
    final, best = running.checkpoints.get(is_final=True), running.checkpoints.get(is_best=True)
    assert (final.step, best.step) == (20, 10)
    for checkpoint in (final, best):
        assert checkpoint.key and storage().exists(f"{checkpoint.key}/manifest.json")
    assert running.checkpoints.get(step=15).key == ""
    ours = running.job.folder / final.name / "adapter_model.safetensors"
    published = final.folder / "adapter_model.safetensors"
    assert published != ours and published.samefile(ours)  # a second name, not a second copy


def test_success__published_by_an_attempt_that_was_cut_off__is_replaced(running: Run) -> None:
    save(running, 20)
    stale = storage().local(f"checkpoints/{running.pk}/step-00000020")
    stale.mkdir(parents=True)
    (stale / "old").write_text("old")
    end(running)
    assert not (stale / "old").exists() and (stale / "manifest.json").exists()


def test_success__final_checkpoint_damaged__is_a_failure_that_says_so(running: Run) -> None:
    checkpoint = save(running, 20)
    (running.job.folder / checkpoint.name / "adapter_model.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(Problem, match="damaged"):
        end(running)


@pytest.mark.parametrize(
    ("result", "told"),
    [({"weights_changed": False}, "none of the weights"), ({"checkpoint": "checkpoints/step-00000099"}, "never wrote")],
)
def test_success__claim_that_does_not_hold__is_refused(running: Run, result: dict[str, Any], told: str) -> None:
    save(running, 20)
    with pytest.raises(Problem, match=told):
        end(running, **result)
    running.job.refresh_from_db()
    assert running.job.status == Status.RUNNING and not running.checkpoints.exclude(key="").exists()


def test_stop__running__asks_the_job_and_a_finished_run_can_go_on(owner: User, running: Run) -> None:
    services.stop_run(actor=owner, run=running)
    running.job.refresh_from_db()
    assert running.job.desired == Desired.STOP
    save(running, 20)
    end(running, stopped=True)
    assert running.was_stopped and running.can_resume


def test_cancel__queued__is_cancelled_at_once(owner: User, run: Run) -> None:
    services.cancel_run(actor=owner, run=run)
    assert run.job.status == Status.CANCELLED and not run.can_resume


# ---- how it goes on


def test_resume__failed_run__is_a_new_run_with_the_curve_so_far(owner: User, running: Run) -> None:
    tell(running.job, metric(10), metric(20), metric(21), sample(10), sample(21))
    save(running, 10)
    save(running, 20)
    fail(running)
    continued = services.resume_run(actor=owner, run=running)
    assert (continued.number, continued.resumed_from, continued.recipe) == (2, running, running.recipe)
    assert list(continued.job.points.values_list("step", flat=True)) == [10, 20]
    assert list(continued.samples.values_list("step", flat=True)) == [10]
    assert continued.job.last_step == 20
    assert spec_of(claim("gpu"))["resume_from"] == str(running.checkpoints.get(step=20).folder)


def test_resume__newest_checkpoint_damaged__goes_on_from_the_one_before(owner: User, running: Run) -> None:
    save(running, 10)
    damaged = save(running, 20)
    (damaged.folder / "adapter_model.safetensors").write_bytes(b"x" * 20)
    fail(running)
    assert services.resume_run(actor=owner, run=running).job.last_step == 10


def test_resume__published_checkpoint__is_read_from_the_storage(owner: User, running: Run) -> None:
    save(running, 20)
    end(running, stopped=True)
    shutil.rmtree(running.job.folder)  # another host
    services.resume_run(actor=owner, run=running)
    assert "/checkpoints/" in spec_of(claim("gpu"))["resume_from"]


@pytest.mark.parametrize("case", ["running", "nothing saved", "whole", "all damaged"])
def test_resume__nothing_to_go_on_from__is_a_conflict(owner: User, running: Run, case: str) -> None:
    if case in ("whole", "all damaged"):
        save(running, 20)
    if case == "whole":
        end(running)
    elif case != "running":
        fail(running)
    if case == "all damaged":
        shutil.rmtree(running.job.folder)
    with pytest.raises(Conflict):
        services.resume_run(actor=owner, run=running)
    assert Run.objects.count() == 1


def test_resume__checkpoint_gone_before_the_worker_looks__fails_with_the_way_out(owner: User, running: Run) -> None:
    save(running, 20)
    fail(running)
    services.resume_run(actor=owner, run=running)
    shutil.rmtree(running.job.folder)
    with pytest.raises(Problem, match="gone") as refusal:
        spec_of(claim("gpu"))
    assert refusal.value.hint


def test_run__deleted_data__is_protected(owner: User, run: Run) -> None:
    from apps.datasets import services as datasets

    with pytest.raises(Conflict, match="in use") as refusal:
        datasets.delete_dataset(actor=owner, dataset=run.dataset_version.dataset)
    assert refusal.value.hint == "It is held by: 1 run."
    assert Sample.objects.count() == 0 and Workspace.objects.filter(pk=run.workspace_id).exists()
