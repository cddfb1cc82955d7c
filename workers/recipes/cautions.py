"""What is allowed in a recipe but rarely meant."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.recipes.recipe import Recipe


@dataclass(frozen=True)
class Caution:
    """Something legal that is rarely meant."""

    field: str
    message: str


def habits(recipe: "Recipe") -> list[Caution]:
    found = []
    if recipe.method == "full" and recipe.learning_rate > 1e-4:
        found.append(
            Caution(
                "learning_rate", "High for a full fine-tune: 1e-5 to 5e-5 is usual; the model may forget what it knew."
            )
        )
    if recipe.method in ("lora", "qlora", "dora") and recipe.learning_rate < 2e-5:
        found.append(Caution("learning_rate", "Low for LoRA: 1e-4 to 5e-4 is usual; the adapter may hardly change."))
    if recipe.early_stopping and not recipe.eval_every:
        found.append(Caution("early_stopping", "Never acts, because nothing is evaluated before the end."))
    if recipe.early_stopping and not recipe.eval_fraction:
        found.append(Caution("early_stopping", "Never acts, because no rows are kept for measuring."))
    if recipe.method == "prompt" and recipe.learning_rate < 1e-3:
        found.append(Caution("learning_rate", "Low for prompt tuning: 1e-3 to 3e-2 is usual."))
    if recipe.precision == "fp16":
        found.append(Caution("precision", "fp16 overflows easily; take bf16 where the GPU has it."))
    return found


def plan(recipe: "Recipe", rows: int, kept: int) -> list[Caution]:
    steps, found = recipe.total_steps(max(1, rows - kept)), []
    if recipe.save_every >= steps > 1:
        found.append(
            Caution(
                "save_every",
                f"The run has {steps} steps, so nothing is saved before its end; a crash would lose all of it.",
            )
        )
    if recipe.eval_fraction and kept and recipe.eval_every >= steps > 1:
        found.append(Caution("eval_every", f"The run has {steps} steps, so it is measured once, at its end."))
    if steps < 10:
        found.append(Caution("epochs", f"Only {steps} steps: the model will hardly change."))
    if recipe.batch_size * recipe.gradient_accumulation > rows:
        found.append(
            Caution(
                "batch_size",
                f"One step takes {recipe.batch_size * recipe.gradient_accumulation} rows; there are {rows}.",
            )
        )
    return found
