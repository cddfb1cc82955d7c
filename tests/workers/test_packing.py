"""Rows that share a block see only themselves; rows of like length share a batch."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workers import packing
from workers.batches import SeededBatches, by_length, epoch_order, lengths_of
from workers.data import ROW


@given(st.lists(st.integers(1, 50), min_size=1, max_size=80), st.integers(50, 120))
def test_place__any_lengths__every_row_once_and_no_block_too_full(lengths: list[int], size: int) -> None:
    blocks = packing.place(lengths, size)
    assert sorted(row for block in blocks for row in block) == list(range(len(lengths)))
    assert all(sum(lengths[row] for row in block) <= size for block in blocks)
    fewest = -(-sum(lengths) // size)
    assert len(blocks) <= 11 / 9 * max(fewest, 1) + max(1, len(lengths) / 2)


@given(st.integers(1, 300), st.integers(1, 8), st.integers(0, 5))
def test_by_length__any_rows__each_once(rows: int, step_rows: int, seed: int) -> None:
    lengths = torch.randint(1, 500, (rows,), generator=torch.Generator().manual_seed(seed))
    order = by_length(epoch_order(rows, seed, 0), lengths, step_rows, seed)
    assert sorted(order.tolist()) == list(range(rows))


def test_by_length__ragged_rows__less_padding_than_at_random() -> None:
    lengths = torch.randint(5, 900, (4000,), generator=torch.Generator().manual_seed(1))
    padded = {}
    for name, known in (("random", None), ("grouped", lengths)):
        batches = list(SeededBatches(4000, 8, 1, lengths=known))
        padded[name] = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    assert padded["grouped"] < 1.05 * int(lengths.sum()) < padded["random"]


def test_by_length__half_the_batch_twice_the_accumulation__same_rows_in_each_step() -> None:
    lengths = torch.randint(5, 900, (403,), generator=torch.Generator().manual_seed(1))
    one = list(SeededBatches(403, 8, 1, accumulation=2, lengths=lengths))
    two = list(SeededBatches(403, 4, 1, accumulation=4, lengths=lengths))
    flat = [[row for batch in side for row in batch] for side in (one, two)]
    assert flat[0] == flat[1]


def rows_of(lengths: list[int]) -> Any:
    from datasets import Dataset

    generator = torch.Generator().manual_seed(3)
    ids = [torch.randint(5, 300, (length,), generator=generator).tolist() for length in lengths]
    return Dataset.from_dict({"input_ids": ids, "labels": ids, ROW: list(range(1, len(ids) + 1))})


def test_pack__loss_of_a_block__is_that_of_its_rows_alone(tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    model.requires_grad_(False)
    dataset = rows_of([9, 30, 17, 21, 5])
    blocks = packing.pack(dataset, lengths_of(dataset).tolist(), 40)
    assert len(blocks) == 3
    inputs = packing.BlockCollator(2)([blocks[at] for at in range(3)])
    with torch.no_grad():
        packed = model(
            input_ids=inputs["input_ids"], position_ids=inputs["position_ids"], use_cache=False
        ).logits.log_softmax(-1)
        alone = {
            number: model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            for number, ids in enumerate(dataset["input_ids"], 1)
        }
    for at in range(3):
        start = 0
        for number in blocks[at][ROW]:
            length = len(alone[number])
            assert packed[at, start : start + length] == pytest.approx(alone[number].numpy(), abs=1e-4)
            start += length
