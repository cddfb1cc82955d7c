"""The real SmolLM2-135M-Instruct: unpacked, trained a little, talked to. `pytest -m model`."""

import json
import os
from pathlib import Path

import pytest

from tests.workers.conftest import Outcome, run_program
from tests.workers.tiny import write_shard
from workers import prepare_model
from workers.context import Spec
from workers.models import scan_model_folder
from workers.recipes import PRESETS

ROOT = Path(__file__).resolve().parents[2]
MODEL = Path(os.environ.get("TUNELOOP_MODELS", ROOT / "var" / "models")) / "smollm2-135m-instruct"
DEMO = ROOT / "apps/datasets/demo/harbour-and-pine-support.jsonl"

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def model() -> Path:
    prepare_model.unpack(MODEL)
    return MODEL


@pytest.fixture(scope="module")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("real")
    rows = [json.loads(line)["messages"] for line in DEMO.read_text().splitlines()[:60]]
    shard = write_shard(folder / "rows.parquet", rows)
    recipe = PRESETS["quick"].recipe.as_dict() | {
        "max_steps": 6,
        "max_length": 96,
        "eval_every": 0,
        "save_every": 0,
        "eval_max_rows": 2,
    }
    spec = Spec(
        "fine_tune", folder / "job", inputs={"model": {"folder": str(model)}, "shards": [str(shard)]}, settings=recipe
    )
    return run_program(spec)


def test_smollm2__unpacked__is_what_its_card_says(model: Path) -> None:
    facts = scan_model_folder(model)
    assert (facts.architecture, facts.parameters, facts.layers, facts.hidden_size) == (
        "LlamaForCausalLM",
        134_515_008,
        30,
        576,
    )
    assert (facts.context_length, facts.has_chat_template) == (8192, True)


def test_smollm2__few_steps__lower_the_loss_and_change_the_weights(trained: Outcome) -> None:
    assert trained.code == 0
    losses = [value for value in trained.curve().values() if value is not None]
    assert len(losses) == 6 and min(losses[3:]) < losses[0]
    assert trained.result["trainable_parameters"] == 2_442_240
    assert len(trained.of("sample")) == 2


def test_smollm2__chat__answers_as_base_and_tuned(trained: Outcome, model: Path, tmp_path: Path) -> None:
    message = {"command": "message", "id": "a", "max_tokens": 12}
    question = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
    (tmp_path / "control.jsonl").write_text(json.dumps(message | {"messages": question}) + "\n")
    tuned = {"folder": str(trained.folder / trained.result["checkpoint"]), "method": "lora"}
    outcome = run_program(
        Spec("chat", tmp_path, inputs={"model": {"folder": str(model)}, "tuned": tuned}, settings={"idle_s": 0.1})
    )
    answers = {
        side: "".join(reply["text"] for reply in outcome.of("reply") if reply["side"] == side)
        for side in ("base", "tuned")
    }
    assert answers["base"] == "The capital of France is Paris."
    assert answers["tuned"]
