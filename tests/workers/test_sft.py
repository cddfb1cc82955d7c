"""Fine-tuning the tiny model: what a run tells, what it leaves behind, and how it ends when something is wrong."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workers import tiny
from tests.workers.conftest import Event, Outcome, Trainer, Watch, answer_of, loaded
from tests.workers.test_reporter import files_at_most
from workers.checkpoints import newest_verified, verify
from workers.context import Context, Wish
from workers.models import scan_model_folder


@pytest.fixture(scope="module")
def lora(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train(tmp_path_factory.mktemp("lora"))


@pytest.fixture(scope="module")
def full(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train(
        tmp_path_factory.mktemp("full"),
        method="full",
        weight_decay=0.01,
        scheduler="linear",
        gradient_checkpointing=True,
    )


def at(event_type: str, wish: Wish, **wanted: Any) -> Watch:
    """Ask for `wish` at the first event of this type with these fields."""

    def watch(context: Context, event: Event) -> None:
        if event["type"] == event_type and all(event.get(name) == value for name, value in wanted.items()):
            context.ask(wish)

    return watch


@pytest.mark.parametrize("method", ["lora", "full"])
def test_sft__run_to_the_end__tells_result_curves_and_checkpoints(method: str, request: pytest.FixtureRequest) -> None:
    outcome: Outcome = request.getfixturevalue(method)
    assert outcome.code == 0
    assert outcome.result["checkpoint"] == "checkpoints/step-00000008"
    assert (outcome.result["step"], outcome.result["stopped"], outcome.result["weights_changed"]) == (8, False, True)
    assert [event["seq"] for event in outcome.events] == list(range(1, len(outcome.events) + 1))
    for name in ("loss", "learning_rate", "grad_norm", "epoch", "tokens_per_second"):
        assert sorted(outcome.curve(name)) == list(range(1, 9)), name
    assert sorted(outcome.curve("eval_loss")) == [4, 8] == sorted(outcome.curve("eval_perplexity"))
    assert outcome.curve("eval_perplexity")[8] == pytest.approx(math.exp(outcome.curve("eval_loss")[8] or 0))
    assert outcome.curve("memory_mb") and outcome.curve("cpu_percent")
    assert [event["step"] for event in outcome.of("checkpoint")] == [4, 8]
    assert outcome.of("progress")[-1]["done"] == 8


@pytest.mark.parametrize("method", ["lora", "full"])
def test_sft__checkpoints__verify_and_hold_no_pickle(method: str, request: pytest.FixtureRequest) -> None:
    outcome: Outcome = request.getfixturevalue(method)
    for event in outcome.of("checkpoint"):
        assert verify(outcome.folder / event["folder"]).as_dict() == event["manifest"]
        names = {file["name"] for file in event["manifest"]["files"]}
        assert all(Path(name).suffix in {".safetensors", ".json", ".jinja"} for name in names)
        assert event["metrics"]["eval_loss"] == outcome.curve("eval_loss")[event["step"]]
    assert outcome.of("checkpoint")[-1]["best"] is (outcome.result["best_step"] == 8)


def test_sft__samples__show_question_answer_and_base_answer(lora: Outcome, full: Outcome) -> None:
    for outcome in (lora, full):
        samples = outcome.of("sample")
        assert [sample["step"] for sample in samples] == [4, 8]
        assert samples[0]["prompt"].startswith("Who ")
        assert isinstance(samples[0]["base_answer"], str)
        assert samples[0]["base_answer"] == samples[1]["base_answer"]


def test_sft__facts__count_rows_and_parameters(lora: Outcome) -> None:
    facts = {event["name"]: event["value"] for event in lora.of("fact")}
    assert (facts["rows"], facts["train_rows"], facts["eval_rows"], facts["dropped_rows"]) == (27, 24, 3, 0)
    assert facts["trainable_parameters"] == lora.result["trainable_parameters"] == 4_096
    assert facts["changed_tensors"] == 28 and facts["relative_update"] > 0.01


def test_sft__lora_checkpoint__is_an_ordinary_adapter_folder(lora: Outcome, tiny_model: Path) -> None:
    from peft import PeftModel

    folder = lora.folder / lora.result["checkpoint"]
    adapted = PeftModel.from_pretrained(loaded(tiny_model)[0], folder)
    assert any(parameter.abs().sum() > 0 for name, parameter in adapted.named_parameters() if "lora_B" in name)
    assert (folder / "chat_template.jinja").exists() and (folder / "tokenizer.json").exists()


def test_sft__full_checkpoint__is_an_ordinary_model_folder(full: Outcome) -> None:
    folder = full.folder / full.result["checkpoint"]
    assert scan_model_folder(folder).parameters == 31_392
    question = full.of("sample")[-1]["prompt"]
    answer = answer_of(folder, [{"role": "user", "content": question}], 4)
    assert answer.strip() == full.of("sample")[-1]["answer"]


def test_sft__nothing_beside_the_contract__is_left_in_the_folder(lora: Outcome) -> None:
    assert sorted(entry.name for entry in lora.folder.iterdir()) == ["checkpoints", "events-1.jsonl", "work"]
    assert list((lora.folder / "work").iterdir()) == []


def test_sft__no_eval_rows_and_no_saves__still_ends_with_a_checkpoint(train: Trainer, tmp_path: Path) -> None:
    outcome = train(tmp_path, eval_fraction=0.0, save_every=0, max_steps=3, scheduler="constant", logging_every=2)
    assert (outcome.code, outcome.result["eval_loss"], outcome.result["best_step"]) == (0, None, 3)
    assert [event["step"] for event in outcome.of("checkpoint")] == [3]
    assert sorted(outcome.curve()) == [2]


def test_sft__model_without_chat_template__learns_to_end_its_turn(
    train: Trainer, tiny_shard: Path, tmp_path: Path
) -> None:
    model = tiny.make_model(tmp_path / "plain", chat_template=False)
    outcome = Trainer(model, tiny_shard)(tmp_path / "job", max_steps=2, eval_every=0, save_every=0)
    assert outcome.code == 0
    assert (outcome.folder / outcome.result["checkpoint"] / "chat_template.jinja").exists()


def test_sft__stop_and_save__ends_with_the_result_so_far(train: Trainer, tmp_path: Path) -> None:
    outcome = train(
        tmp_path, at("metric", Wish.STOP_AND_SAVE, name="loss", step=5), eval_every=100, save_every=100, max_steps=100
    )
    assert (outcome.code, outcome.result["stopped"], outcome.result["step"]) == (0, True, 6)
    assert outcome.curve("eval_loss").keys() == {6}
    verify(outcome.folder / outcome.result["checkpoint"])


def test_sft__cancel__leaves_without_saving(train: Trainer, tmp_path: Path) -> None:
    outcome = train(tmp_path, at("metric", Wish.CANCEL, name="loss", step=5), save_every=100, max_steps=100)
    assert (outcome.code, outcome.events[-1]["type"], outcome.events[-1]["reason"]) == (75, "interrupted", "cancel")
    assert [event["step"] for event in outcome.of("checkpoint")] == [4]  # of the evaluation that was the best so far


def test_sft__asked_to_leave__saves_and_says_interrupted(train: Trainer, tmp_path: Path) -> None:
    outcome = train(
        tmp_path, at("metric", Wish.LEAVE, name="loss", step=5), eval_every=100, save_every=100, max_steps=100
    )
    assert (outcome.code, outcome.events[-1]["type"]) == (75, "interrupted")
    assert [event["step"] for event in outcome.of("checkpoint")] == [6]


def test_sft__asked_to_leave_while_evaluating__saves_the_step(train: Trainer, tmp_path: Path) -> None:
    def watch(context: Context, event: Event) -> None:
        if event["type"] == "metric" and event["name"] == "epoch" and event["step"] == 4:
            context.ask(Wish.LEAVE)  # the last word before the evaluation of step 4

    outcome = train(tmp_path, watch, eval_every=4, save_every=100, max_steps=100)
    assert outcome.code == 75
    assert [event["step"] for event in outcome.of("checkpoint")] == [4]
    assert not outcome.curve("eval_loss")


def test_sft__loss_that_is_no_number__fails_as_nan_and_keeps_the_point(
    train: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.objectives.chat import ChatTrainer

    usual = ChatTrainer.compute_loss

    def poisoned(self: Any, *args: Any, **kwargs: Any) -> Any:
        loss = usual(self, *args, **kwargs)
        return loss * math.nan if self.state.global_step == 2 and self.model.training else loss

    monkeypatch.setattr(ChatTrainer, "compute_loss", poisoned)
    outcome = train(tmp_path)
    assert (outcome.code, outcome.failure["class"]) == (3, "nan")
    assert "step 3" in outcome.failure["message"] and outcome.failure["hint"]
    assert outcome.curve()[3] is None
    assert next(event for event in outcome.of("metric") if event["value"] is None)["nonfinite"] == "nan"


def test_sft__gradient_beyond_the_limit__fails_as_nan(train: Trainer, tmp_path: Path) -> None:
    outcome = train(tmp_path, grad_norm_limit=1e-6)
    assert (outcome.code, outcome.failure["class"]) == (3, "nan")
    assert "limit" in outcome.failure["message"]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_sft__weights_that_did_not_change__is_a_user_error(train: Trainer, tmp_path: Path, method: str) -> None:
    outcome = train(tmp_path, method=method, learning_rate=1e-30, max_steps=3)
    assert (outcome.code, outcome.failure["class"], outcome.failure["field"]) == (2, "user_error", "learning_rate")
    assert "did not change" in outcome.failure["message"]


def test_sft__disk_full_while_saving__fails_as_disk_full_and_keeps_the_last_checkpoint(
    train: Trainer, tmp_path: Path
) -> None:
    limits: list[Any] = []

    def watch(context: Context, event: Event) -> None:
        if event["type"] == "checkpoint" and not limits:
            limits.append(files_at_most(40_000))
            limits[0].__enter__()

    try:
        outcome = train(tmp_path, watch, method="full")
    finally:
        limits[0].__exit__(None, None, None)
    assert (outcome.code, outcome.failure["class"]) == (3, "disk_full")
    assert (
        newest_verified(tmp_path / "checkpoints", lambda level, text: None)
        == tmp_path / "checkpoints" / "step-00000004"
    )
    assert [entry.name for entry in (tmp_path / "checkpoints").iterdir()] == ["step-00000004"]


def test_sft__no_better_loss__stops_early(train: Trainer, tmp_path: Path) -> None:
    outcome = train(
        tmp_path,
        learning_rate=1e-9,
        eval_every=1,
        save_every=0,
        early_stopping=3,
        max_steps=30,
        sample_count=0,
        lora_dropout=0.0,
    )
    assert outcome.code == 0
    assert outcome.result["step"] < 30
    assert any("Stopped early" in event["text"] for event in outcome.of("log"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"max_length": 512}, "max_length"),
        ({"target_modules": ["no_such_layer"]}, "target_modules"),
        ({"target_modules": ["lm_head"]}, "target_modules"),
        ({"precision": "fp16"}, "precision"),
        ({"max_length": 8}, "max_length"),
    ],
)
def test_sft__bad_setting__is_a_user_error_that_names_it(
    train: Trainer, tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    outcome = train(tmp_path, **changes)
    assert (outcome.code, outcome.failure["class"], outcome.failure["field"]) == (2, "user_error", field)
    assert outcome.failure["hint"]


@pytest.mark.parametrize(
    "spoil",
    [lambda folder: (folder / "x.bin").write_bytes(b""), lambda folder: (folder / "model.safetensors").unlink()],
)
def test_sft__model_that_is_refused__is_a_user_error(
    tiny_shard: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    model = tiny.make_model(tmp_path / "model")
    spoil(model)
    outcome = Trainer(model, tiny_shard)(tmp_path / "job")
    assert (outcome.code, outcome.failure["field"]) == (2, "model")


def test_sft__result__is_plain_json(lora: Outcome) -> None:
    assert json.loads(json.dumps(lora.result)) == lora.result
