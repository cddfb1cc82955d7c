"""Every objective learns on held-out rows, leaves a checkpoint that stock libraries load, and resumes exactly."""

from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import Outcome, Trainer
from tests.workers.objectives import rows
from tests.workers.test_resume import QUIET, train_until, weights
from workers.objectives import OBJECTIVES

PLAIN: dict[str, Any] = {
    "lora_dropout": 0.0,
    "sample_count": 0,
    "save_every": 0,
    "precision": "fp32",
    "eval_fraction": 0.2,
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "dpo": ("preference", {"objective": "dpo"}),
    "dpo full": ("preference", {"objective": "dpo", "method": "full", "learning_rate": 3e-3}),
    "dpo ipo": ("preference", {"objective": "dpo", "dpo_loss": "ipo"}),
    "dpo hinge": ("preference", {"objective": "dpo", "dpo_loss": "hinge"}),
    "kto": ("kto", {"objective": "kto"}),
    "kto full": ("kto", {"objective": "kto", "method": "full", "learning_rate": 3e-3}),
    "reward": ("preference", {"objective": "reward"}),
    "reward full": ("preference", {"objective": "reward", "method": "full", "learning_rate": 3e-3}),
    "classes": ("classification", {"objective": "text_classification"}),
    "classes full": (
        "classification",
        {
            "objective": "text_classification",
            "method": "full",
            "learning_rate": 3e-3,
            "class_weights": "balanced",
            "class_loss": "focal",
            "class_sampler": "balanced",
        },
    ),
    "spans": ("ner", {"objective": "token_classification"}),
    "spans full": ("ner", {"objective": "token_classification", "method": "full", "learning_rate": 3e-3}),
    "completion of texts": ("text", {"objective": "completion"}),
    "completion of chats": ("chat", {"objective": "completion"}),
    "pretrain": ("text", {"objective": "pretrain", "max_length": 24}),
    "pretrain packed": ("text", {"objective": "pretrain", "batching": "packed", "max_length": 64}),
}  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "_"))
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def trainer_of(case: str, model: Path, folder: Path) -> Trainer:
    form = CASES[case][0]
    return Trainer(model, rows.shard(folder / f"{form}.parquet", form))


def outside(outcome: Outcome, model: Path) -> Any:
    """The checkpoint as transformers and PEFT load it, with the head that its objective has."""
    import peft
    import transformers

    folder = outcome.folder / outcome.result["checkpoint"]
    if (folder / "adapter_config.json").exists():
        heads = {
            "SEQ_CLS": peft.AutoPeftModelForSequenceClassification,
            "TOKEN_CLS": peft.AutoPeftModelForTokenClassification,
        }
        kind = peft.PeftConfig.from_pretrained(folder).task_type
        options: dict[str, Any] = {} if kind == "CAUSAL_LM" else {"num_labels": len(outcome.result["labels"]) or 1}
        return heads.get(kind, peft.AutoPeftModelForCausalLM).from_pretrained(folder, **options)
    name = transformers.AutoConfig.from_pretrained(folder).architectures[0]
    return getattr(transformers, name).from_pretrained(folder)


def test_objective__trained__is_better_than_at_the_start_and_loads_outside(
    case: str, tiny_model: Path, tmp_path: Path
) -> None:
    settings = {**PLAIN, "eval_every": 1, "max_steps": 16, "early_stopping": 0, **CASES[case][1]}
    outcome = trainer_of(case, tiny_model, tmp_path)(tmp_path / "job", **settings)
    assert outcome.code == 0, outcome.failure
    objective = OBJECTIVES[settings["objective"]]
    measured = outcome.curve("eval_loss")
    assert float(measured[16] or 99) < float(measured[1] or 0)
    for told in objective.points.values():
        assert outcome.curve(f"eval_{told}"), told
    deciding = {step: value for step, value in outcome.curve(objective.metric).items() if value is not None}
    best = max(deciding.values()) if objective.higher_is_better else min(deciding.values())
    assert deciding[outcome.result["best_step"]] == best == outcome.result["best_value"]
    assert sum(parameter.numel() for parameter in outside(outcome, tiny_model).parameters()) > 0


def test_objective__interrupted_and_resumed__is_the_same_run(
    case: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, settings = trainer_of(case, tiny_model, tmp_path), {**PLAIN, "max_steps": 6, **CASES[case][1]}
    whole = train(tmp_path / "whole", **{**QUIET, **settings})
    first = train_until(train, tmp_path / "parts", 3, monkeypatch, **settings)
    assert first.code == 75
    monkeypatch.undo()
    second = train(tmp_path / "parts", epoch=2, resume_from="latest", **{**QUIET, **settings})
    assert second.code == 0, second.failure
    assert second.result["batches"] == whole.result["batches"]
    joined = {step: value for step, value in first.curve().items() if step <= 3} | second.curve()
    assert joined == pytest.approx(whole.curve(), abs=1e-6)
    for name, tensor in weights(whole).items():
        assert tensor == pytest.approx(weights(second)[name], abs=1e-6), name
