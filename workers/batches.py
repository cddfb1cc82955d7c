"""Which rows a step sees: a function of seed, epoch and position only, so that a resumed run sees the same."""

import hashlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.compute as pc
import torch

WINDOW_STEPS = 50  # steps whose rows are sorted by length together: little padding, and still a mixed epoch


class SeededBatches(torch.utils.data.Sampler[list[int]]):
    """Batches of row numbers, shuffled anew in each epoch. The last batch of an epoch may be smaller.

    With `lengths` (of each row) rows of like length share a step, so that less of a batch is padding. A step has
    `batch_size * accumulation` rows whatever the two are: who halves one and doubles the other sees the same rows in each step.
    """

    def __init__(
        self, rows: int, batch_size: int, seed: int, *, accumulation: int = 1, lengths: torch.Tensor | None = None
    ) -> None:
        self.rows, self.batch_size, self.seed, self.epoch = rows, batch_size, seed, 0
        self.step_rows, self.lengths = batch_size * accumulation, lengths

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = epoch_order(self.rows, self.seed, self.epoch)
        if self.lengths is not None:
            order = by_length(order, self.lengths, self.step_rows, self.seed + self.epoch)
        for start in range(0, self.rows, self.batch_size):
            yield order[start : start + self.batch_size].tolist()


def epoch_order(rows: int, seed: int, epoch: int) -> torch.Tensor:
    """The row numbers of an epoch, in order: a permutation from its own generator, apart from all other random choices."""
    mixed = hashlib.blake2b(f"{seed}:{epoch}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(mixed, "big") >> 1)
    return torch.randperm(rows, generator=generator)


def by_length(order: torch.Tensor, lengths: torch.Tensor, step_rows: int, seed: int) -> torch.Tensor:
    """The order with rows of like length side by side: sorted within windows of `WINDOW_STEPS` steps, whole steps shuffled again.

    Only whole steps are moved, so the last one of the epoch is the one that may be smaller.
    """
    window = WINDOW_STEPS * step_rows
    parts = [part[torch.argsort(lengths[part], descending=True, stable=True)] for part in torch.split(order, window)]
    merged = torch.cat(parts)
    whole = len(merged) // step_rows
    steps = epoch_order(whole, seed, -1)
    moved = merged[: whole * step_rows].view(whole, step_rows)[steps].reshape(-1)
    return torch.cat([moved, merged[whole * step_rows :]])


def lengths_of(dataset: Any) -> torch.Tensor:
    """Tokens of each row of an Arrow dataset: the sum over its columns of token ids (`input_ids`, `prompt_ids`, ...)."""
    names = [name for name in dataset.column_names if name.endswith("_ids") and name != "position_ids"]
    total = torch.zeros(len(dataset), dtype=torch.int64)
    for name in names:
        lengths = pc.list_value_length(dataset.data.column(name)).to_numpy()
        total += torch.from_numpy(lengths.astype("int64"))
    return total


class Positioned(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows that know their place in the dataset, so that a step can say which rows it saw."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {**self._dataset[place], "position": place}


def with_positions(collate: Callable[[list[Any]], dict[str, Any]]) -> Callable[[list[Any]], dict[str, Any]]:
    """The collator, with the rows' places in the batch as `positions`."""

    def collated(rows: list[Any]) -> dict[str, Any]:
        places = torch.tensor([row["position"] for row in rows])
        plain = [{name: value for name, value in row.items() if name != "position"} for row in rows]
        return {**collate(plain), "positions": places}

    return collated


class Ledger:
    """A running hash of every batch the model was trained on, in order. Two equal ledgers saw the same batches."""

    def __init__(self, digest: str = "") -> None:
        self.digest = digest

    def add(self, input_ids: torch.Tensor) -> None:
        """Note one batch, before it goes to the GPU."""
        content = input_ids.cpu().contiguous().numpy().tobytes()
        self.digest = hashlib.blake2b(self.digest.encode() + content, digest_size=16).hexdigest()
