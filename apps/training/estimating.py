"""How long a run will take and how much memory it needs, from a few measured steps. Pure: no Django.

A probe (`workers.probe`) measures one configuration. What changes neither memory nor the pace of a step (epochs, schedule, how often it is
evaluated) may change without another probe.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.recipes import Recipe

FREE = frozenset(
    {
        "learning_rate", "epochs", "max_steps", "gradient_accumulation", "warmup_ratio", "scheduler", "weight_decay", "max_grad_norm",
        "grad_norm_limit", "eval_every", "save_every", "logging_every", "early_stopping",
    }
)  # fmt: skip
FIXED_SECONDS = 2.0  # to end a process and publish a checkpoint


@dataclass(frozen=True)
class Estimate:
    """Of a whole run. Seconds of wall time on the slot that was probed; bytes of memory at the peak."""

    seconds: float
    peak_bytes: int
    checkpoint_bytes: int
    steps: int


def key_of(model: str, version: str, recipe: Recipe) -> str:
    """Equal for recipes that one probe measures: the same model, rows and settings but for those in `FREE`."""
    kept = {name: value for name, value in recipe.as_dict().items() if name not in FREE}
    text = json.dumps([model, version, kept], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def estimate(recipe: Recipe, probed: Mapping[str, Any]) -> Estimate:
    """The run of `recipe` by what `workers.probe` measured: loading, every batch at its pace, evaluations and checkpoints."""
    rows, batch, times = int(probed["train_rows"]), recipe.batch_size, recipe.gradient_accumulation
    batches = max(1, math.ceil(rows / batch))
    steps = recipe.total_steps(rows)
    trained = steps * times / batches  # epochs, of which the last may be a part
    if not recipe.max_steps:
        trained = recipe.epochs
    training = trained * float(probed["epoch_tokens"]) * float(probed["seconds_per_token"])
    evaluations = (steps // recipe.eval_every if recipe.eval_every else 0) if probed["eval_rows"] else 0
    if probed["eval_rows"] and (not recipe.eval_every or steps % recipe.eval_every):
        evaluations += 1
    saves = (steps // recipe.save_every if recipe.save_every else 0) + 1
    seconds = float(probed["load_seconds"]) + training + FIXED_SECONDS
    seconds += evaluations * float(probed["seconds_per_eval"]) + saves * float(probed["seconds_per_save"])
    return Estimate(seconds, int(probed["peak_bytes"]), int(probed["checkpoint_bytes"]), steps)
