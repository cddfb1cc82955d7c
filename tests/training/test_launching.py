"""What is refused before a run is written down, what is only warned of, and what the plan says."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem
from apps.datasets import rows
from apps.datasets import services as datasets
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job, Slot
from apps.training import hardware, launching, layers
from apps.training.launch_page import ADAPTER, LABELS, MAIN, MORE
from apps.training.models import BaseModel, Run
from tests.make import as_jsonl, make_version
from tests.training.folders import FACTS, LAYERS
from workers.recipes import PRESETS, Recipe

pytestmark = pytest.mark.django_db
Launch = Callable[..., Run]

PARTS = ["train"] * 20 + ["validation"] * 6 + ["test"] * 4

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"learning_rate": float("nan")}, "learning_rate"),
    ({"learning_rate": float("inf")}, "learning_rate"),
    ({"learning_rate": -1e-4}, "learning_rate"),
    ({"learning_rate": 0}, "learning_rate"),
    ({"learning_rate": "2e-4"}, "learning_rate"),
    ({"learning_rate": None}, "learning_rate"),
    ({"learning_rate": True}, "learning_rate"),
    ({"learning_rate": [2e-4]}, "learning_rate"),
    ({"epochs": 1e9}, "epochs"),
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": 2.5}, "batch_size"),
    ({"batch_size": 10**400}, "batch_size"),
    ({"max_length": 7}, "max_length"),
    ({"max_length": 2049}, "max_length"),  # more than the model reads
    ({"method": "magic"}, "method"),
    ({"method": 1}, "method"),
    ({"scheduler": ""}, "scheduler"),
    ({"seed": -1}, "seed"),
    ({"lora_r": 10_000}, "lora_r"),
    ({"lora_dropout": 1}, "lora_dropout"),
    ({"target_modules": []}, "target_modules"),
    ({"target_modules": ["q_proj", "nowhere_proj"]}, "target_modules"),
    ({"target_modules": ["lm_head"]}, "target_modules"),
    ({"target_modules": "q_proj; import os"}, "target_modules"),
    ({"sample_prompts": ["\0"]}, "sample_prompts"),
    ({"gradient_checkpointing": "yes"}, "gradient_checkpointing"),
    ({"learning_speed": 1}, "learning_speed"),
]


@pytest.mark.parametrize(("recipe", "field"), WRONG, ids=lambda value: str(value)[:40])
def test_launch__wrong_setting__is_refused_by_name_with_a_hint_and_writes_nothing(
    launch: Launch, recipe: dict[str, Any], field: str
) -> None:
    with pytest.raises(Problem) as refusal:
        launch(recipe=recipe)
    assert refusal.value.field == f"recipe.{field}" and refusal.value.status == 400
    assert refusal.value.message and refusal.value.hint
    assert not Run.objects.exists() and not Job.objects.filter(kind="training.sft").exists()


@pytest.mark.parametrize("recipe", [None, [], "lora", 3])
def test_launch__recipe_is_no_object__is_refused(launch: Launch, recipe: Any) -> None:
    with pytest.raises(Problem) as refusal:
        launch(recipe=recipe)
    assert refusal.value.field == "recipe"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\0b", "a\nb", None, 7])
def test_launch__no_name__is_refused(launch: Launch, name: Any) -> None:
    with pytest.raises(Problem) as refusal:
        launch(name=name)
    assert refusal.value.field == "name"


def test_review__several_mistakes__are_all_told(model: BaseModel, version: DatasetVersion) -> None:
    recipe = {"learning_rate": -1, "epochs": "many", "unheard": 1, "batch_size": 4, "target_modules": ["nowhere"]}
    found = launching.review(base_model=model, version=version, recipe=recipe)
    wrong = ["recipe.learning_rate", "recipe.epochs", "recipe.unheard", "recipe.target_modules"]
    assert [problem.field for problem in found.errors] == wrong
    assert found.plan is None


def test_review__good__has_a_plan_and_no_errors(model: BaseModel, version: DatasetVersion) -> None:
    recipe = {"epochs": 2, "batch_size": 4, "gradient_accumulation": 2, "eval_every": 3, "lora_r": 4}
    found = launching.review(base_model=model, version=version, recipe=recipe)
    assert found.errors == [] and found.plan is not None
    sides = sum(layer["sides"] for layer in LAYERS.values())
    assert found.plan == {
        "training_rows": 27, "evaluation_rows": 3, "untouched_rows": 0, "steps": 8, "rows_a_step": 8, "epochs": 2.0, "evaluations": 2,
        "trained_parameters": 4 * sides, "total_parameters": 1000, "checkpoint_bytes": 4 * sides * 12,
    }  # fmt: skip


def test_review__version_with_splits__learns_from_train_and_measures_validation(
    model: BaseModel, version: DatasetVersion
) -> None:
    made = [{"messages": row.messages, "split": split} for row, split in zip(rows.iterate(version), PARTS, strict=True)]
    split = datasets.freeze_rows(actor=None, dataset=version.dataset, rows=made, step="recipe")
    found = launching.review(base_model=model, version=split, recipe={"eval_max_rows": 4, "batch_size": 4})
    assert found.plan is not None
    assert [found.plan[f"{name}_rows"] for name in ("training", "evaluation", "untouched")] == [20, 4, 6]
    assert found.plan["steps"] == 5 and found.plan["evaluations"] == 0
    unmeasured = launching.review(base_model=model, version=split, recipe={"eval_fraction": 0.0})
    assert unmeasured.plan and unmeasured.plan["evaluation_rows"] == 0


def test_review__splits_without_train_or_validation__are_told_of(model: BaseModel, version: DatasetVersion) -> None:
    made = [{"messages": row.messages, "split": "test"} for row in rows.iterate(version)]
    tested = datasets.freeze_rows(actor=None, dataset=version.dataset, rows=made, step="recipe")
    [problem] = launching.review(base_model=model, version=tested, recipe={}).errors
    assert problem.field == "dataset_version" and "0 rows" in problem.message and "train split" in problem.hint
    trained = datasets.freeze_rows(
        actor=None, dataset=version.dataset, rows=[row | {"split": "train"} for row in made], step="recipe"
    )
    found = launching.review(base_model=model, version=trained, recipe={})
    assert any("no validation split" in warning["message"] for warning in found.warnings)


def test_review__legal_but_rarely_meant__warns_beside_the_field(model: BaseModel, version: DatasetVersion) -> None:
    recipe = {"max_steps": 20, "save_every": 50, "learning_rate": 1e-6}
    found = launching.review(base_model=model, version=version, recipe=recipe)
    assert found.errors == []
    assert {warning["field"] for warning in found.warnings} >= {"recipe.save_every", "recipe.learning_rate"}


def test_review__too_few_rows__names_the_data(workspace: Workspace, model: BaseModel) -> None:
    version = make_version(workspace, as_jsonl([{"prompt": "a", "completion": "b"}]), name="one")
    [problem] = launching.review(base_model=model, version=version, recipe={}).errors
    assert problem.field == "dataset_version" and "1 rows" in problem.message


@pytest.mark.parametrize(
    ("facts", "field", "status"),
    [({}, "base_model", Conflict.status), (FACTS | {"has_chat_template": False}, "base_model", Problem.status)],
    ids=["not ready", "no chat template"],
)
def test_review__model_that_cannot_be_trained__names_the_model(
    model: BaseModel, version: DatasetVersion, facts: dict[str, Any], field: str, status: int
) -> None:
    model.facts = facts
    [problem] = launching.review(base_model=model, version=version, recipe={}).errors
    assert (problem.field, problem.status) == (field, status)


def test_review__fp16_without_a_gpu__is_refused(
    model: BaseModel, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "trains_without_gpu", lambda: True)
    [problem] = launching.review(base_model=model, version=version, recipe={"precision": "fp16"}).errors
    assert problem.field == "recipe.precision"


def test_review__full_fine_tune_beyond_the_memory__warns(
    model: BaseModel, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "trains_without_gpu", lambda: True)
    monkeypatch.setattr(hardware, "memory_bytes", lambda: 10_000)
    found = launching.review(base_model=model, version=version, recipe={"method": "full", "learning_rate": 2e-5})
    assert found.errors == [] and "recipe.method" in {warning["field"] for warning in found.warnings}
    assert found.plan is not None and found.plan["trained_parameters"] == 1000


def test_review__no_room_for_checkpoints__warns(
    model: BaseModel, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.facts = FACTS | {"parameters": 10**15}
    found = launching.review(base_model=model, version=version, recipe={"method": "full", "learning_rate": 2e-5})
    assert "recipe.save_every" in {warning["field"] for warning in found.warnings}


def test_hardware__slots_on_other_hosts__is_not_guessed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "gpus_here", lambda: 0)
    assert not hardware.trains_without_gpu()
    Slot.objects.create(name="far:gpu0", queue="gpu", host="far", seen_at=timezone.now())
    assert not hardware.trains_without_gpu()
    Slot.objects.update(host=socket.gethostname())
    assert hardware.trains_without_gpu()


@pytest.mark.parametrize("preset", PRESETS)
def test_presets__on_the_bundled_models_shape__launch_without_an_error(
    model: BaseModel, version: DatasetVersion, preset: str
) -> None:
    model.facts = FACTS | {"context_length": 8192}
    found = launching.review(base_model=model, version=version, recipe=PRESETS[preset].recipe.as_dict())
    assert found.errors == []


def test_launch_form__settings__are_all_there_once_with_words() -> None:
    shown = ["objective", "method", *MAIN, *ADAPTER, *(name for _label, names in MORE for name in names)]
    assert sorted(shown) == sorted(Recipe.__dataclass_fields__) == sorted(LABELS)


def test_layers__adapter_of_named_layers__counts_only_those() -> None:
    assert layers.adapter_parameters(LAYERS, ("self_attn.q_proj", "v_proj"), 2) == 2 * (32 + 24)
    assert layers.unknown(LAYERS, ("self_attn.q_proj", "x")) == ["x"]


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ({"objective": "dpo"}, "dataset_version"),  # the rows are chats
        ({"objective": "dpo", "method": "prompt"}, "recipe.method"),
        ({"objective": "reward", "batching": "packed"}, "recipe.batching"),
        ({"objective": "kto", "batch_size": 1}, "recipe.batch_size"),
    ],
)
def test_launch__objective_that_cannot_be_learned_so__is_refused_with_field_and_fix(
    model: BaseModel, version: DatasetVersion, recipe: dict[str, Any], field: str
) -> None:
    problems = launching.review(base_model=model, version=version, recipe=recipe).errors
    assert next(problem.hint for problem in problems if problem.field == field)
