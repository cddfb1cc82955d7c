"""Every method learns, leaves a checkpoint that stock libraries load, and resumes exactly."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workers import tiny
from tests.workers.conftest import Outcome, Trainer, loaded
from tests.workers.test_resume import QUIET, train_until
from workers.recipes import ADAPTERS, METHODS

RATES = {"prompt": 0.3, "frozen": 5e-3, "full": 5e-3}
WAYS: dict[str, dict[str, Any]] = {
    **{method: {"method": method, "learning_rate": RATES.get(method, 2e-2)} for method in METHODS},
    "8 bits": {"optimizer": "adamw_8bit"}, "adafactor": {"optimizer": "adafactor"}, "sgd": {"optimizer": "sgd", "learning_rate": 1.0},
    "packed": {"batching": "packed", "max_length": 128}, "by length": {"batching": "length"}, "as long as it is": {"max_length": 0},
}  # fmt: skip
for way in WAYS.values():
    way.setdefault("learning_rate", 2e-2)


@pytest.fixture(scope="module")
def wide(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """With sides that fill the blocks of 64 in which weights are quantized."""
    return Trainer(tiny.make_model(tmp_path_factory.mktemp("wide") / "model", hidden=128), train.shard)


def weights(outcome: Outcome) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(next((outcome.folder / outcome.result["checkpoint"]).glob("*model.safetensors")))


def outside(outcome: Outcome, model: Path, method: str) -> Any:
    """The checkpoint as transformers and PEFT load it, without a line of ours."""
    folder = outcome.folder / outcome.result["checkpoint"]
    if method not in ADAPTERS:
        return loaded(folder)[0]
    from peft import PeftModel

    return PeftModel.from_pretrained(loaded(model)[0], folder)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.replace(" ", "_"))
def test_method__every_one__lowers_the_held_out_loss_and_loads_outside(
    train: Trainer, wide: Trainer, tmp_path: Path, way: str
) -> None:
    train = wide if way == "qlora" else train
    settings: dict[str, Any] = {
        "max_steps": 16,
        "eval_every": 4,
        "save_every": 0,
        "sample_count": 0,
        "lora_dropout": 0.0,
        **WAYS[way],
    }
    outcome = train(tmp_path, **settings)
    assert outcome.code == 0, outcome.failure
    measured = outcome.curve("eval_loss")
    assert float(measured[16] or 99) < float(measured[4] or 0)
    model = outside(outcome, train.model, settings.get("method", "lora"))
    assert sum(parameter.numel() for parameter in model.parameters()) > 0


@pytest.mark.parametrize("way", ["qlora", "dora", "prompt", "frozen", "8 bits", "adafactor", "packed"])
def test_method__resumed__is_the_same_run(
    train: Trainer, wide: Trainer, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = wide if way == "qlora" else train
    settings = {"max_steps": 6, "lora_dropout": 0.0, **WAYS[way]}
    whole = train(tmp_path / "whole", **QUIET, **settings)
    first = train_until(train, tmp_path / "parts", 3, monkeypatch, **settings)
    assert first.code == 75
    monkeypatch.undo()
    second = train(tmp_path / "parts", epoch=2, resume_from="latest", **QUIET, **settings)
    assert second.code == 0 and second.result["batches"] == whole.result["batches"]
    for step, value in second.curve().items():
        assert whole.curve()[step] == pytest.approx(value, abs=1e-5), step
    for name, tensor in weights(whole).items():
        assert (tensor.float() - weights(second)[name].float()).abs().max() < 1e-5, name


def test_frozen__lower_blocks_and_embeddings__stay_as_they_were(train: Trainer, tmp_path: Path) -> None:
    outcome = train(tmp_path, method="frozen", trained_layers=1, learning_rate=5e-3, max_steps=6, sample_count=0)
    before, after = loaded(train.model)[0].state_dict(), outside(outcome, train.model, "frozen").state_dict()
    moved = {name for name in before if not before[name].equal(after[name])}
    assert moved and all(name.startswith(("model.layers.1.", "model.norm")) for name in moved)


def test_frozen__more_blocks_than_there_are__is_refused_by_name(train: Trainer, tmp_path: Path) -> None:
    assert train(tmp_path, method="frozen", trained_layers=9).failure["field"] == "trained_layers"


def test_memory__too_little__goes_on_with_half_the_batch_and_the_same_steps(
    train: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.objectives.chat import ChatTrainer

    settings: dict[str, Any] = {
        "max_steps": 8,
        "save_every": 2,
        "eval_every": 4,
        "sample_count": 0,
        "lora_dropout": 0.0,
    }
    whole = train(tmp_path / "whole", **settings)
    usual = ChatTrainer.compute_loss

    def hungry(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step >= 5 and len(inputs["input_ids"]) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return usual(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(ChatTrainer, "compute_loss", hungry)
    first = train(tmp_path / "parts", **settings)
    assert first.code == 76
    assert any(event["name"] == "batch_size_now" and event["value"] == 2 for event in first.of("fact"))
    second = train(tmp_path / "parts", **settings)
    assert second.code == 0 and second.events[0] | {"type": "resumed", "step": 4} == second.events[0]
    for step, value in second.curve().items():
        assert whole.curve()[step] == pytest.approx(value, abs=1e-4), step


def test_memory__limited_process__starts_itself_anew_and_finishes(train: Trainer, tmp_path: Path) -> None:
    """A real process under a real limit: the address space is capped when the first checkpoint is there."""
    import json
    from dataclasses import asdict

    spec = train.spec(tmp_path, max_steps=6, save_every=2, eval_every=0, sample_count=0, batch_size=8, max_length=128)
    (tmp_path / "spec-1.json").write_text(json.dumps(asdict(spec), default=str))
    code = (
        "import os, sys, runpy\n"
        "from workers.objectives import chat\n"
        "usual = chat.ChatTrainer.compute_loss\n"
        "def compute_loss(self, model, inputs, *a, **k):\n"
        "    if self.state.global_step >= 3 and len(inputs['input_ids']) > 4:\n"
        "        import resource, torch\n"
        "        used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "        resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, -1))\n"
        "        torch.ones(2**28)\n"
        "    return usual(self, model, inputs, *a, **k)\n"
        "chat.ChatTrainer.compute_loss = compute_loss\n"
        "from workers import run\n"
        "sys.exit(run.main(sys.argv[1:]))\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "spec-1.json")], capture_output=True, text=True, timeout=150
    )
    events = [json.loads(line) for line in (tmp_path / "events-1.jsonl").read_text().splitlines()]
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert any(event["type"] == "resumed" and event["step"] == 2 for event in events)
    assert events[-1]["type"] == "result" and events[-1]["result"]["step"] == 6


def test_nan__the_rows_of_the_batch__are_named(train: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.objectives.chat import ChatTrainer

    usual = ChatTrainer.compute_loss

    def poisoned(self: Any, *args: Any, **kwargs: Any) -> Any:
        return usual(self, *args, **kwargs) * (float("nan") if self.state.global_step == 2 else 1)

    monkeypatch.setattr(ChatTrainer, "compute_loss", poisoned)
    outcome = train(tmp_path, eval_every=0, sample_count=0)
    rows = next(event["value"] for event in outcome.of("fact") if event["name"] == "rows_at_the_end")
    assert len(rows) == 4 and all(1 <= row <= 27 for row in rows)
    assert ", ".join(map(str, rows)) in outcome.failure["message"]
