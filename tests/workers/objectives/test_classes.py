"""Classes and spans: what is refused, what a loss and a score are, and that tags and spans say the same."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workers import tiny
from tests.workers.conftest import Trainer
from tests.workers.objectives import rows
from workers import classes, tokens
from workers.objectives import token_classification as marks
from workers.samplers import BalancedBatches


def test_loss__gamma_zero_no_weights__is_cross_entropy() -> None:
    logits, labels = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 2, -100, 1, 0])
    assert classes.class_loss(logits, labels, None, 0.0) == pytest.approx(
        torch.nn.functional.cross_entropy(logits, labels).item()
    )
    weights = torch.tensor([1.0, 2.0, 5.0])
    assert classes.class_loss(logits, labels, weights, 0.0) == pytest.approx(
        torch.nn.functional.cross_entropy(logits, labels, weight=weights).item()
    )


def test_loss__focal__scales_by_one_minus_p_to_gamma() -> None:
    found = classes.class_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([0]), None, 2.0)
    assert found.item() == pytest.approx(0.25 * 0.693147, abs=1e-5)


def test_scores__by_hand() -> None:
    found = classes.scores([0, 0, 1, 1], [0, 1, 1, 1], 3)
    assert found == pytest.approx({"accuracy": 0.75, "macro_f1": (2 / 3 + 4 / 5) / 2, "lowest_recall": 2 / 3})


def test_balanced_weights__rare_class__weighs_more() -> None:
    assert classes.balanced_weights([1, 3]) == pytest.approx([2.0, 2 / 3])


def test_sampler__balanced__draws_classes_alike_and_the_same_again() -> None:
    labels = [0] * 27 + [1] * 3
    order = BalancedBatches(labels, 4, 17)
    first = [row for batch in order for row in batch]
    assert len(first) == 30 and sum(labels[row] for row in first) == 15
    assert first == [row for batch in BalancedBatches(labels, 4, 17) for row in batch]
    order.set_epoch(1)
    assert first != [row for batch in order for row in batch]


def test_spans__to_tags_and_back__are_the_same() -> None:
    content: Any = rows.ner(3)[1]
    (encoded,) = tokens.masker_for(tiny.make_tokenizer(), 64).encode([content["text"]])
    tags = marks.tags_of(encoded.offsets, content["spans"])
    assert marks.characters_of(content["text"], encoded.offsets, tags) == content["spans"]


def test_span_scores__one_of_two_right_and_one_wrong__is_a_half() -> None:
    found = marks.span_scores([["B-A", "O", "B-B"]], [["B-A", "O", "B-A"]])
    assert found == {"span_f1": 0.5, "span_precision": 0.5, "span_recall": 0.5}


@pytest.mark.parametrize(
    ("labels", "splits", "told"),
    [
        (["a"] * 9, [], "fewer than two classes"),
        (["a"] * 8 + ["b"], ["train"] * 9, "Too few rows"),
        (["a", "b"] * 4 + ["c"], ["train"] * 8 + ["validation"], "never learned: c"),
    ],
)
def test_classification__classes_that_cannot_be_learned__are_refused(
    tiny_model: Path, tmp_path: Path, labels: list[str], splits: list[str], told: str
) -> None:
    parts: list[rows.Parts] = [([], {"text": f"text {n}", "label": label}) for n, label in enumerate(labels)]
    shard = rows.write(tmp_path / "rows.parquet", "classification", parts, splits)
    outcome = Trainer(tiny_model, shard)(tmp_path / "job", objective="text_classification")
    assert (outcome.code, outcome.failure["field"]) == (2, "dataset_version")
    assert told in outcome.failure["message"] and outcome.failure["hint"]
