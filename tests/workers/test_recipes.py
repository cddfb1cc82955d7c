"""Recipes: what is refused, and how clearly."""

import math
from typing import Any

import pytest

from workers.recipes import PRESETS, Recipe, RecipeError, bounds_of, choices_of, help_of

BAD_VALUES: list[tuple[str, Any]] = [
    ("learning_rate", math.nan), ("learning_rate", math.inf), ("learning_rate", -math.inf),
    ("learning_rate", 0), ("learning_rate", -1e-4),
    
    ("learning_rate", 1e309), ("learning_rate", "1e-4"), ("learning_rate", None), ("learning_rate", True), ("learning_rate", [1e-4]),
    ("epochs", 0), ("epochs", 1001), ("epochs", "1; rm -rf /"), ("max_steps", -1), ("max_steps", 1.5), ("max_steps", 10**5000),
    ("batch_size", 0), ("batch_size", True), ("batch_size", "--flag"), ("batch_size", 2048), ("gradient_accumulation", 0),
    ("max_length", 7), ("max_length", 10**9), ("warmup_ratio", 1.0), ("warmup_ratio", -0.1),
    ("scheduler", "cosine; drop"), ("scheduler", 1),
    ("method", "magic"), ("method", ["lora"]), ("weight_decay", 2), ("max_grad_norm", -1), ("seed", -1), ("seed", 2**31), ("seed", False),
    ("precision", "int4"), ("gradient_checkpointing", 1), ("gradient_checkpointing", "yes"), ("eval_fraction", 0.9), ("eval_every", -5),
    ("lora_r", 10**6), ("lora_r", 0), ("lora_alpha", 0), ("lora_dropout", 1.0), ("target_modules", "q_proj"), ("target_modules", []),
    ("target_modules", ["(a+)+$"]), ("target_modules", ["../x"]), ("target_modules", [""]), ("target_modules", [1]),
    ("target_modules", None),
    ("sample_prompts", "hello"), ("sample_prompts", [""]), ("sample_prompts", ["x" * 5000]), ("sample_prompts", ["a\0b"]),
    ("sample_prompts", ["a"] * 17),
    ("output_dir", "../../etc"), ("--trust_remote_code", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), BAD_VALUES, ids=lambda value: repr(value)[:30] if not isinstance(value, int) else "number"
)
def test_recipe__bad_value__names_field_and_gives_hint(field: str, value: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict({field: value})
    assert caught.value.field == field
    assert caught.value.message and caught.value.hint


def test_recipe__defaults_and_presets__survive_the_way_through_plain_data() -> None:
    for recipe in (Recipe(), *(preset.recipe for preset in PRESETS.values())):
        assert Recipe.from_dict(recipe.as_dict()) == recipe
    assert list(PRESETS) == ["quick", "lora", "qlora", "full"]


def test_recipe__whole_number_as_float__becomes_a_whole_number() -> None:
    recipe = Recipe.from_dict({"batch_size": 8.0, "epochs": 2})
    assert (type(recipe.batch_size), recipe.batch_size, type(recipe.epochs)) == (int, 8, float)


def test_recipe__every_setting__has_help_and_numbers_have_bounds() -> None:
    for name, value in Recipe().as_dict().items():
        assert len(help_of(name)) > 20
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert None not in bounds_of(name)
    assert choices_of("method")[0] == "lora" and "full" in choices_of("method")
    assert choices_of("seed") == ()


@pytest.mark.parametrize(
    ("recipe", "rows", "steps"),
    [
        (Recipe(epochs=1, batch_size=4), 10, 3),
        (Recipe(epochs=2, batch_size=4, gradient_accumulation=2), 20, 6),
        (Recipe(epochs=0.5, batch_size=1), 11, 6),
        (Recipe(max_steps=7), 1000, 7),
    ],
)
def test_total_steps__of_a_plan__is_what_the_trainer_will_do(recipe: Recipe, rows: int, steps: int) -> None:
    assert recipe.total_steps(rows) == steps


def test_warnings__saving_after_the_end__is_said() -> None:
    fields = {caution.field for caution in Recipe(max_steps=20, save_every=20, eval_every=30).warnings(rows=500)}
    assert fields == {"save_every", "eval_every"}


def test_warnings__sensible_plan__says_nothing() -> None:
    assert PRESETS["quick"].recipe.warnings(rows=464, longest_tokens=177) == []


def test_warnings__habits__are_said_without_rows() -> None:
    said = Recipe(method="full", learning_rate=1e-3, early_stopping=2, eval_fraction=0.0, precision="fp16").warnings(
        longest_tokens=5000
    )
    assert {caution.field for caution in said} == {"learning_rate", "early_stopping", "precision", "max_length"}


def test_fitted__as_long_as_the_model_reads__leaves_room_for_learned_tokens() -> None:
    assert Recipe(max_length=0).fitted(512).max_length == 512
    assert Recipe(max_length=0, method="prompt", prompt_tokens=16).fitted(512).max_length == 496
    assert Recipe(max_length=64).fitted(512).max_length == 64
