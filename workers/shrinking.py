"""After memory ran out: half the rows at once, twice the accumulation, so that a step sees the same rows as before.

The program is started anew by `workers.run` (a process that ran out of memory may hold it until it ends) and goes on from the last sound
checkpoint. What was decided lies in the job's folder, so that every later attempt begins with it. No torch.
"""

import json
from dataclasses import replace
from pathlib import Path

from workers.recipes import Recipe

FILE = "smaller-batches.json"


def halved(recipe: Recipe) -> Recipe | None:
    """The recipe with at most half the rows at once and the same rows in a step; None when a batch is one row already."""
    at_once = recipe.batch_size // 2
    while at_once > 1 and recipe.batch_size % at_once:
        at_once -= 1
    if at_once < 1:
        return None
    times = recipe.batch_size // at_once
    return replace(recipe, batch_size=at_once, gradient_accumulation=recipe.gradient_accumulation * times)


def note(folder: Path, recipe: Recipe) -> None:
    """Write down the sizes with which this job goes on."""
    sizes = {"batch_size": recipe.batch_size, "gradient_accumulation": recipe.gradient_accumulation}
    (folder / FILE).write_text(json.dumps(sizes), encoding="utf-8")


def noted(folder: Path, recipe: Recipe) -> Recipe:
    """The recipe with the sizes that were written down; as it is where memory has been enough."""
    return replace(recipe, **json.loads((folder / FILE).read_text(encoding="utf-8"))) if has_shrunk(folder) else recipe


def has_shrunk(folder: Path) -> bool:
    """Whether an attempt of this job ran out of memory and went on with smaller batches."""
    return (folder / FILE).exists()
