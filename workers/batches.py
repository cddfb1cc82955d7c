"""Which rows a step sees: a function of seed, epoch and position only, so that a resumed run sees the same."""

import hashlib
import math
from collections.abc import Iterator

import torch


class SeededBatches(torch.utils.data.Sampler[list[int]]):
    """Batches of row numbers, shuffled anew in each epoch. The last batch of an epoch may be smaller."""

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        self.rows, self.batch_size, self.seed, self.epoch = rows, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = epoch_order(self.rows, self.seed, self.epoch)
        for start in range(0, self.rows, self.batch_size):
            yield order[start : start + self.batch_size].tolist()


def epoch_order(rows: int, seed: int, epoch: int) -> torch.Tensor:
    """The row numbers of an epoch, in order: a permutation from its own generator, apart from all other random choices."""
    mixed = hashlib.blake2b(f"{seed}:{epoch}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(mixed, "big") >> 1)
    return torch.randperm(rows, generator=generator)


class Ledger:
    """A running hash of every batch the model was trained on, in order. Two equal ledgers saw the same batches."""

    def __init__(self, digest: str = "") -> None:
        self.digest = digest

    def add(self, input_ids: torch.Tensor) -> None:
        """Note one batch, before it goes to the GPU."""
        content = input_ids.cpu().contiguous().numpy().tobytes()
        self.digest = hashlib.blake2b(self.digest.encode() + content, digest_size=16).hexdigest()
