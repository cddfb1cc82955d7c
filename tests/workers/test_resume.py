"""A resumed run is the same run: the same batches in the same order, the same losses, the same weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from tests.workers.conftest import Outcome, Trainer
from tests.workers.test_checkpoints import flip_bit
from workers.context import Wish

# 24 training rows in batches of 4: six batches an epoch. With accumulation over 4: two steps an epoch, the second of two batches.
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "middle of an epoch": (5, {"max_steps": 10}),
    "edge of an epoch": (6, {"max_steps": 10}),
    "with gradient accumulation": (3, {"max_steps": 7, "gradient_accumulation": 4}),
    "edge of an epoch with gradient accumulation": (4, {"max_steps": 7, "gradient_accumulation": 4}),
    "between two points of the curve": (5, {"max_steps": 9, "logging_every": 3}),
    "full": (5, {"max_steps": 9, "method": "full"}),
}
QUIET: dict[str, Any] = {"save_every": 0, "eval_every": 3, "sample_max_tokens": 2}


def weights(outcome: Outcome) -> dict[str, Any]:
    folder = outcome.folder / outcome.result["checkpoint"]
    return load_file(next(folder.glob("*model.safetensors")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "_"))
def test_resume__anywhere__same_batches_losses_and_weights(
    train: Trainer, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, settings = CASES[case]
    whole = train(tmp_path / "whole", **QUIET, **settings)
    first = train_until(train, tmp_path / "parts", cut, monkeypatch, **settings)
    assert first.code == 75 and [event["step"] for event in first.of("checkpoint")][-1] == cut
    monkeypatch.undo()
    second = train(tmp_path / "parts", epoch=2, resume_from="latest", **QUIET, **settings)
    assert second.code == 0
    assert second.events[0]["type"] == "resumed" and second.events[0]["step"] == cut
    assert second.result["batches"] == whole.result["batches"]
    joined = {step: value for step, value in first.curve().items() if step <= cut} | second.curve()
    assert joined.keys() == whole.curve().keys()
    for step, value in whole.curve().items():
        assert joined[step] == pytest.approx(value, abs=1e-6), step
    assert second.curve("eval_loss")[settings["max_steps"]] == pytest.approx(
        whole.curve("eval_loss")[settings["max_steps"]], abs=1e-6
    )
    for name, tensor in weights(whole).items():
        assert tensor == pytest.approx(weights(second)[name], abs=1e-6), name


def train_until(train: Trainer, folder: Path, step: int, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Outcome:
    """Train, and be asked to leave in the very step `step`, whatever is logged when."""
    from workers import trainer as module

    take_step = module.Durable.training_step

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == step - 1:
            self.context.ask(Wish.LEAVE)
        return take_step(self, *args, **kwargs)

    monkeypatch.setattr(module.Durable, "training_step", training_step)
    return train(folder, **{**QUIET, **settings})


@pytest.fixture(scope="module")
def finished(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train(tmp_path_factory.mktemp("finished"), eval_every=2, save_every=2, sample_count=0)


def copy_of(finished: Outcome, folder: Path) -> Path:
    shutil.copytree(finished.folder, folder)
    return folder


def test_resume__newest_damaged__goes_on_from_the_one_before_and_says_so(
    train: Trainer, finished: Outcome, tmp_path: Path
) -> None:
    folder = copy_of(finished, tmp_path / "job")
    flip_bit(folder / "checkpoints/step-00000008/adapter_model.safetensors")
    outcome = train(
        folder, epoch=2, resume_from=folder / "checkpoints/step-00000008", eval_every=2, save_every=2, sample_count=0
    )
    assert outcome.of("resumed")[0]["step"] == 6
    assert "step 8 is damaged" in outcome.of("log")[0]["text"]
    assert outcome.result["batches"] == finished.result["batches"]


def test_resume__all_of_this_job_damaged__begins_anew_and_says_so(
    train: Trainer, finished: Outcome, tmp_path: Path
) -> None:
    folder = copy_of(finished, tmp_path / "job")
    for checkpoint in (folder / "checkpoints").iterdir():
        flip_bit(checkpoint / "manifest.json")
    outcome = train(folder, epoch=2, resume_from="latest", max_steps=2)
    assert outcome.code == 0
    assert outcome.of("resumed")[0]["step"] == 0
    assert any("starts again from step 0" in event["text"] for event in outcome.of("log"))


def test_resume__run_that_was_done__only_tells_its_checkpoint_and_result(
    train: Trainer, finished: Outcome, tmp_path: Path
) -> None:
    folder = copy_of(finished, tmp_path / "job")
    outcome = train(folder, epoch=2, resume_from="latest", eval_every=2, save_every=2, sample_count=0)
    assert outcome.code == 0
    assert not outcome.of("metric")
    # told again: the attempt before may have died between the checkpoint and its event
    assert [event["step"] for event in outcome.of("checkpoint")] == [finished.result["step"]]
    assert {**outcome.result, "stopped": False} == finished.result


def test_resume__checkpoint_of_another_job__goes_on_in_the_new_folder(
    train: Trainer, finished: Outcome, tmp_path: Path
) -> None:
    last = finished.folder / "checkpoints/step-00000008"
    outcome = train(tmp_path / "next", resume_from=last, max_steps=10, eval_every=2, save_every=2, sample_count=0)
    assert outcome.code == 0
    assert outcome.of("resumed")[0]["step"] == 8 and sorted(outcome.curve()) == [9, 10]
    assert outcome.result["best_step"] == 10
    assert (outcome.folder / outcome.result["checkpoint"]).is_dir()


def test_resume__checkpoint_of_another_job_is_damaged__is_refused_and_nothing_is_trained(
    train: Trainer, finished: Outcome, tmp_path: Path
) -> None:
    folder = copy_of(finished, tmp_path / "job") / "checkpoints/step-00000008"
    flip_bit(folder / "adapter_model.safetensors")
    outcome = train(tmp_path / "next", resume_from=folder, max_steps=10)
    assert (outcome.code, outcome.failure["field"]) == (2, "resume_from")
    assert "damaged" in outcome.failure["message"]
    assert outcome.curve() == {}


def test_resume__nothing_left_to_train_in_a_new_job__is_a_user_error(
    train: Trainer, finished: Outcome, tmp_path: Path
) -> None:
    outcome = train(tmp_path / "next", resume_from=finished.folder / "checkpoints/step-00000008")
    assert (outcome.code, outcome.failure["field"]) == (2, "max_steps")


def test_resume__other_rows__is_refused(train: Trainer, finished: Outcome, tiny_model: Path, tmp_path: Path) -> None:
    from tests.workers import tiny

    folder = copy_of(finished, tmp_path / "job")
    other = Trainer(
        tiny_model, tiny.write_shard(tmp_path / "other.parquet", [tiny.conversation(number) for number in range(5, 30)])
    )
    outcome = other(folder, epoch=2, resume_from="latest")
    assert (outcome.code, outcome.failure["field"]) == (2, "resume_from")


def test_resume__changed_setting__is_said(train: Trainer, finished: Outcome, tmp_path: Path) -> None:
    folder = copy_of(finished, tmp_path / "job")
    outcome = train(folder, epoch=2, resume_from="latest", max_steps=9, learning_rate=2e-2, sample_count=0)
    assert outcome.code == 0
    assert any("learning_rate, max_steps" in event["text"] for event in outcome.of("log") if event["level"] == "warn")


def test_checkpoint__trainer_state__does_not_grow_with_the_run(finished: Outcome) -> None:
    state = json.loads((finished.folder / "checkpoints/step-00000008/trainer_state.json").read_text())
    assert state["log_history"] == []
