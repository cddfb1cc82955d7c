"""A tiny model and its rows, made once; programs run inside this process unless being a process is the point."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.workers import tiny
from workers import run as runner
from workers.context import Context, Spec
from workers.reporter import Reporter

os.environ.update({name: os.environ.get(name, value) for name, value in runner.ENVIRONMENT.items()})

Event = dict[str, Any]
QUICK: Mapping[str, Any] = {
    "max_steps": 8, "batch_size": 4, "learning_rate": 1e-2, "max_length": 128, "lora_r": 4, "lora_alpha": 8, "lora_dropout": 0.1,
    "eval_fraction": 0.1, "eval_every": 4, "save_every": 4, "sample_count": 1, "sample_max_tokens": 4, "precision": "fp32",
}  # fmt: skip


@dataclass
class Outcome:
    """How a program ended and all it said."""

    code: int
    events: list[Event]
    folder: Path

    def of(self, event_type: str) -> list[Event]:
        return [event for event in self.events if event["type"] == event_type]

    def curve(self, name: str = "loss") -> dict[int, float | None]:
        return {event["step"]: event["value"] for event in self.of("metric") if event["name"] == name}

    @property
    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = self.of("result")[0]["result"]
        return result

    @property
    def failure(self) -> Event:
        return self.of("failure")[0]


class WatchedReporter(Reporter):
    """Calls a function with each event, so that a test can act at an exact moment."""

    watcher: Callable[[Event], None] | None = None

    def emit(self, event_type: str, **fields: Any) -> int:
        seq = super().emit(event_type, **fields)
        if self.watcher is not None:
            self.watcher({"type": event_type, **fields})
        return seq


Watch = Callable[[Context, Event], None]


def run_program(spec: Spec, watch: Watch | None = None) -> Outcome:
    """Run a program in this process and read its events back."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    reporter = WatchedReporter(spec.folder / f"events-{spec.epoch}.jsonl", spec.first_seq)
    context = Context(spec, reporter)
    if watch is not None:
        reporter.watcher = lambda event: watch(context, event)
    code = runner.run(context)
    reporter.watcher = None
    reporter.close()
    return Outcome(code, read_events(reporter.path), spec.folder)


def loaded(folder: Path) -> tuple[Any, Any]:
    """Model and tokenizer of an ordinary folder, as any other program would load them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def answer_of(folder: Path, question: list[dict[str, str]], tokens: int) -> str:
    """What the model in a folder answers, asked by transformers alone."""
    model, tokenizer = loaded(folder)
    ids = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**ids, max_new_tokens=tokens, do_sample=False)[0, ids["input_ids"].shape[1] :]
    return str(tokenizer.decode(output, skip_special_tokens=True))


def read_events(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_shard(
        tmp_path_factory.mktemp("rows") / "rows.parquet", [tiny.conversation(number) for number in range(27)]
    )


class Trainer:
    """Starts fine-tunes of the tiny model."""

    def __init__(self, model: Path, shard: Path) -> None:
        self.model, self.shard = model, shard

    def spec(self, folder: Path, *, epoch: int = 1, resume_from: Path | str | None = None, **settings: Any) -> Spec:
        inputs = {
            "model": {"folder": str(self.model)}, "shards": [str(self.shard)],
            "resume_from": str(resume_from) if resume_from else None,
        }  # fmt: skip
        return Spec("fine_tune", folder, epoch=epoch, inputs=inputs, settings={**QUICK, **settings})

    def __call__(self, folder: Path, watch: Watch | None = None, **options: Any) -> Outcome:
        return run_program(self.spec(folder, **options), watch)


@pytest.fixture(scope="session")
def train(tiny_model: Path, tiny_shard: Path) -> Iterator[Trainer]:
    yield Trainer(tiny_model, tiny_shard)
