"""The preparing program as a process: little memory, whole or nothing, cancel, and what it reports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.formats.files import ROOT, run_measured
from workers.cleaning import Cleaning
from workers.cleaning.base import REGISTRY
from workers.formats.chat import Message, TrainingRow, row_id
from workers.formats.shards import ShardWriter
from workers.prepare_table import prepare
from workers.splits import SplitPlan

STEPS = [{"step": "html"}, {"step": "unicode"}, {"step": "whitespace"}, {"step": "duplicates"}]
SPLIT = {"seed": 1, "group_by": "user"}


def write_shards(folder: Path, count: int) -> list[Path]:
    """Rows of about 400 characters; one in ten is a duplicate once it is cleaned."""
    folder.mkdir()
    writer, text = ShardWriter(folder, shard_rows=20_000), "words of a customer " * 10
    for number in range(count):
        turns = [
            Message("user", f"<p>Question {number % (count - count // 10)}</p> {text}"),
            Message("assistant", f"Grüße {text}"),
        ]
        writer.add(TrainingRow(row_id(turns), turns, number + 1, json.dumps({"user": number % 300})))
    writer.close()
    return [folder / shard.name for shard in writer.shards]


def write_spec(folder: Path, shards: list[Path], **settings: Any) -> Path:
    folder.mkdir()
    inputs = {"shards": [str(shard) for shard in shards], "version": "the parent"}
    told = {"steps": STEPS, "split": SPLIT, **settings}
    (folder / "spec-1.json").write_text(json.dumps({"program": "prepare_table", "inputs": inputs, "settings": told}))
    return folder / "spec-1.json"


def events(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events-1.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_prepare__many_rows__stays_small_and_tells_its_progress(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "job", write_shards(tmp_path / "rows", 20_000))
    code, _output, size = run_measured("workers.run", spec)
    assert code == 0 and size < 320 * 1024  # KiB
    told = events(tmp_path / "job")
    result = told[-1]["result"]
    assert (result["row_count"], result["compared_with"]) == (18_000, "the parent")
    assert sum(result["split_counts"].values()) == 18_000
    phases = [event["phase"] for event in told if event["type"] == "progress"]
    assert phases[0] == "Cleaning the rows" and phases[-1] == "Writing the version"
    assert [path.name for path in (tmp_path / "job" / "artifacts").iterdir()] == ["table"]


def test_prepare__recipe_that_leaves_nothing__is_the_users_error(tmp_path: Path) -> None:
    steps = [{"step": "length", "min_characters": 100_000}]
    spec = write_spec(tmp_path / "job", write_shards(tmp_path / "rows", 20), steps=steps)
    code, _output, _size = run_measured("workers.run", spec)
    failure = events(tmp_path / "job")[-1]
    assert code == 2 and failure["class"] == "user_error" and "leaves no row" in failure["message"]


EVERY_LIGHT_STEP: list[dict[str, Any]] = [
    {"step": "html"}, {"step": "unicode"}, {"step": "whitespace"}, {"step": "characters", "classes": ["control"]},
    {"step": "case", "to": "lower"}, {"step": "regex", "pattern": "zzz", "replacement": "y"},
    {"step": "matching", "pattern": "zzz", "action": "drop"}, {"step": "spelling"},
    {"step": "words", "words": ["zzz"], "action": "drop"}, {"step": "length", "min_characters": 3},
    {"step": "language", "keep": ["en", "de"], "least_probability": 0.1}, {"step": "personal"},
    {"step": "outliers", "method": "iqr"}, {"step": "duplicates"}, {"step": "near_duplicates", "threshold": 1.0},
    {"step": "leaks", "threshold": 1.0}, {"step": "balance", "by": "user", "target": "cap", "cap": 100},
]  # fmt: skip


def test_prepare__every_step_without_a_model__works_within_the_limits_of_the_program(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "job", write_shards(tmp_path / "rows", 400), steps=EVERY_LIGHT_STEP)
    code, output, _size = run_measured("workers.run", spec)
    assert code == 0, (output, events(tmp_path / "job")[-1])
    tried = {step["step"] for step in EVERY_LIGHT_STEP}
    left_out = {"semantic_duplicates", "fill", "instruction"}  # a model; tables only; another form
    assert set(REGISTRY) - tried == left_out


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A preparation that has begun and is far from its end."""
    folder = tmp_path / "job"
    spec = write_spec(folder, write_shards(tmp_path / "rows", 12_000))
    process = subprocess.Popen([sys.executable, "-m", "workers.run", str(spec)], cwd=ROOT, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(folder.glob("artifacts/table-drafts.partial/0/shard-*")):
        time.sleep(0.01)
    yield folder, process
    process.kill()
    process.wait()


def test_prepare__cancelled__leaves_soon_and_leaves_nothing(running: tuple[Path, subprocess.Popen[bytes]]) -> None:
    folder, process = running
    (folder / "control.jsonl").write_text('{"n": 1, "command": "cancel"}\n')
    assert process.wait(10) == 75
    assert events(folder)[-1]["type"] == "interrupted" and not list((folder / "artifacts").iterdir())


def test_prepare__killed__is_never_half_there_and_runs_again_from_zero(
    running: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    folder, process = running
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "artifacts" / "table").exists()
    shards = sorted((tmp_path / "rows").iterdir())
    again = prepare(shards, folder / "artifacts" / "table", Cleaning.read(STEPS), SplitPlan.read(SPLIT))
    fresh = prepare(shards, tmp_path / "other", Cleaning.read(STEPS), SplitPlan.read(SPLIT))
    assert again == fresh
    assert [path.name for path in (folder / "artifacts").iterdir()] == ["table"]
