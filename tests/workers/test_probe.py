"""A probe measures what the run will take; the preview shows what it will see."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from apps.training.estimating import estimate, key_of
from tests.workers import tiny
from tests.workers.conftest import Trainer, run_program
from workers.context import Spec
from workers.recipes import Recipe


def test_probe__tiny_model__leaves_nothing_and_measures_all(train: Trainer, tmp_path: Path) -> None:
    spec = train.spec(tmp_path, batch_size=4, sample_count=1, sample_max_tokens=4)
    outcome = run_program(Spec("probe", tmp_path, inputs=spec.inputs, settings=spec.settings))
    assert outcome.code == 0, outcome.failure
    found: dict[str, Any] = outcome.result
    assert found["peak_bytes"] > 50 * 2**20 and found["checkpoint_bytes"] > 10_000
    assert found["seconds_per_token"] > 0 and found["epoch_tokens"] >= 24 * 8 and found["eval_rows"] == 3
    assert not outcome.of("checkpoint") and not list((tmp_path / "work").iterdir())


def test_estimate__twice_the_epochs__twice_the_training_and_the_same_memory() -> None:
    probed = {
        "peak_bytes": 10**9, "load_seconds": 5.0, "seconds_per_token": 1e-3, "epoch_tokens": 100_000, "seconds_per_eval": 2.0,
        "seconds_per_save": 1.0, "checkpoint_bytes": 10**6, "train_rows": 1000, "eval_rows": 50,
    }  # fmt: skip
    once, twice = (
        estimate(Recipe(epochs=epochs, batch_size=10, eval_every=50, save_every=50), probed) for epochs in (1.0, 2.0)
    )
    assert (once.steps, twice.steps) == (100, 200)
    assert once.seconds == 5 + 100 + 2 + 2 * 2 + 3 * 1
    assert twice.seconds == 5 + 200 + 2 + 4 * 2 + 5 * 1
    assert once.peak_bytes == twice.peak_bytes == 10**9


def test_key__free_settings__need_no_other_probe() -> None:
    one = key_of("m", "v", Recipe())
    assert one == key_of("m", "v", Recipe(epochs=9, learning_rate=1e-5, gradient_accumulation=8))
    assert (
        len({one, key_of("m", "v", Recipe(batch_size=8)), key_of("m", "w", Recipe()), key_of("n", "v", Recipe())}) == 4
    )


def test_token_preview__chat__shows_what_bears_loss(tiny_model: Path, tiny_shard: Path) -> None:
    request = {
        "folder": str(tiny_model), "shards": [str(tiny_shard)], "form": "chat", "max_length": 30, "most_rows": 20, "shown_rows": 2,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "workers.token_preview"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = json.loads(done.stdout)["preview"]
    question, answer = (message["content"] for message in tiny.conversation(0))
    whole = "".join(text for text, _taught in found["rows"][0]["tokens"])
    taught = "".join(text for text, is_taught in found["rows"][0]["tokens"] if is_taught)
    assert question in whole and question not in taught and taught.startswith(answer[:12])
    assert (found["n"], len(found["rows"]), found["in_both"]) == (20, 2, 0)
    assert 0 < found["cut"] <= 20 and found["lengths"]["max"] > 30 and 0 < found["taught_share"] < 1
