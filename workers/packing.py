"""Several rows in one sequence, each seeing only itself: no padding on ragged data.

Rows are placed best-fit decreasing (Johnson 1973) into blocks; restarting `position_ids` tell the model where a row begins
(transformers builds a block-diagonal mask from them when there is no attention mask), so the loss of each row is that of the row alone.
"""

import bisect
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import torch

from workers.data import ROW
from workers.masking import IGNORED

SCHEMA = pa.schema(
    [*((name, pa.list_(pa.int32())) for name in ("input_ids", "labels", "position_ids")), (ROW, pa.list_(pa.int64()))]
)


def place(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Which rows share a block of at most `size` tokens: the longest first, each into the fullest block that still has room.

    No row may be longer than `size`. Blocks are in the order of their first row.
    """
    blocks: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (free tokens, block), sorted
    for row in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        at = bisect.bisect_left(room, (lengths[row], -1))
        if at == len(room):
            blocks.append([])
            free, block = size, len(blocks) - 1
        else:
            free, block = room.pop(at)
        blocks[block].append(row)
        bisect.insort(room, (free - lengths[row], block))
    return sorted((sorted(block) for block in blocks), key=lambda block: block[0])


def pack(dataset: Any, lengths: Sequence[int], size: int) -> Any:
    """A dataset of blocks with `input_ids`, `labels` and `position_ids`. The first token of a row bears no loss: nothing predicts it."""
    from datasets import Dataset

    columns: dict[str, list[list[int]]] = {name: [] for name in SCHEMA.names}
    for block in place(lengths, size):
        rows = [dataset[row] for row in block]
        columns["input_ids"].append([token for row in rows for token in row["input_ids"]])
        columns["labels"].append([label for row in rows for label in [IGNORED, *row["labels"][1:]]])
        columns[ROW].append([row[ROW] for row in rows])
        columns["position_ids"].append([position for row in rows for position in range(len(row["input_ids"]))])
    return Dataset(pa.table(columns, schema=SCHEMA))


class BlockCollator:
    """Blocks as tensors (blocks, longest). The padding is a row of its own behind the others, without loss."""

    def __init__(self, pad_token_id: int) -> None:
        self._pad = pad_token_id

    def __call__(self, blocks: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        width = max(len(block["input_ids"]) for block in blocks)
        return {
            "input_ids": torch.tensor([_filled(block["input_ids"], width, [self._pad] * width) for block in blocks]),
            "labels": torch.tensor([_filled(block["labels"], width, [IGNORED] * width) for block in blocks]),
            "position_ids": torch.tensor(
                [_filled(block["position_ids"], width, list(range(width))) for block in blocks]
            ),
        }


def _filled(values: list[int], width: int, filling: list[int]) -> list[int]:
    return values + filling[: width - len(values)]
