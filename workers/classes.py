"""Classes: which there are, how much each counts, and what a prediction is worth."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from workers import data
from workers.context import Context
from workers.failures import UserError
from workers.formats.stored import Stored
from workers.recipes import Recipe

FEWEST_OF_A_CLASS = 2
SHOWN = 5


def count_labels(
    context: Context, recipe: Recipe, labels_in: Callable[[Mapping[str, Any]], Iterable[str]]
) -> Counter[str]:
    """Rows to learn from of each label, by name. Raises UserError when what is measured has a label that is never learned."""
    shards = [Path(shard) for shard in context.spec.inputs["shards"]]
    split = data.plan_split(shards, recipe)
    sides: dict[str, Counter[str]] = {"train": Counter(), "eval": Counter()}
    columns = ["row_id", "content", *(["split"] if split.is_named else [])]
    for _first, batch in Stored(shards).groups(columns=columns):
        context.check()
        for row in batch.to_pylist():
            if side := split.side_of(row):
                sides[side].update(set(labels_in(json.loads(row["content"]))))
    unknown = sorted(sides["eval"].keys() - sides["train"].keys())
    if unknown:
        told = f"Labels that are measured and never learned: {', '.join(unknown[:SHOWN])}."
        raise UserError(
            told, "Choose a version with rows of each label in its training part, or another seed.", "dataset_version"
        )
    return sides["train"]


def require_classes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The classes in the order of the model's outputs. Raises UserError for fewer than two, or a class of a single row."""
    if len(counts) < 2:
        raise UserError(
            "The rows to learn from have fewer than two classes.", "Choose rows of several classes.", "dataset_version"
        )
    rare = sorted(name for name, rows in counts.items() if rows < FEWEST_OF_A_CLASS)
    if rare:
        told = f"Too few rows to learn from of: {', '.join(rare[:SHOWN])} ({FEWEST_OF_A_CLASS} are the least)."
        raise UserError(told, "Add rows of these classes, or leave them out.", "dataset_version")
    return tuple(sorted(counts))


def require_spans(kinds: Sequence[str]) -> None:
    """Raises UserError when nothing is marked in the rows to learn from."""
    if not kinds:
        raise UserError("No row to learn from has a marked span.", "Choose a version with spans.", "dataset_version")


def balanced_weights(counts: Sequence[int]) -> list[float]:
    """rows / (classes * rows of the class): rare classes weigh more (King and Zeng 2001, section 4.2)."""
    total = sum(counts)
    return [total / (len(counts) * rows) for rows in counts]


def class_loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None, gamma: float) -> torch.Tensor:
    """Cross entropy of (rows, classes) against (rows,); with gamma > 0 focal loss, -(1 - p)^gamma log p (Lin et al. 2017, equation 4).

    With weights the mean is weighted by that of each row's class. Rows labelled -100 are left out.
    """
    kept = labels != -100
    logits, labels = logits[kept].float(), labels[kept]
    logs = torch.log_softmax(logits, dim=-1).gather(1, labels[:, None]).squeeze(1)
    each = -((1 - logs.exp()) ** gamma) * logs if gamma else -logs
    if weights is None:
        return each.mean()
    own = weights.to(logits.device)[labels]
    return (each * own).sum() / own.sum()


def scores(predicted: Sequence[int], labels: Sequence[int], classes: int) -> dict[str, float]:
    """Accuracy, macro F1 and the lowest recall over the classes that occur in `labels`."""
    pairs = Counter(zip(labels, predicted, strict=True))
    truths, guesses = Counter(labels), Counter(predicted)
    here = [one for one in range(classes) if truths[one]]
    recalls = [pairs[one, one] / truths[one] for one in here]
    f1 = [2 * pairs[one, one] / (truths[one] + guesses[one]) for one in here]
    right = sum(pairs[one, one] for one in here)
    return {
        "accuracy": right / max(1, len(labels)),
        "macro_f1": sum(f1) / max(1, len(f1)),
        "lowest_recall": min(recalls, default=0.0),
    }
