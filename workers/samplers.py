"""Orders of rows other than a plain shuffle."""

from collections.abc import Iterator, Sequence

import torch

from workers.batches import SeededBatches, epoch_order


class BalancedBatches(SeededBatches):
    """Each class is drawn as often as the others: rows of a rare class come more than once in an epoch, of a frequent one not all.

    An epoch has as many rows as there are; its order is a function of seed and epoch, so that a resumed run sees the same.
    """

    def __init__(self, labels: Sequence[int], batch_size: int, seed: int, *, accumulation: int = 1) -> None:
        super().__init__(len(labels), batch_size, seed, accumulation=accumulation)
        places = torch.tensor(labels)
        self.members = [(places == one).nonzero().squeeze(1) for one in sorted(set(labels))]

    def __iter__(self) -> Iterator[list[int]]:
        share = -(-self.rows // len(self.members))
        drawn = [self._cycled(rows, share, number) for number, rows in enumerate(self.members)]
        mixed = torch.stack(drawn, dim=1).reshape(-1)[: self.rows]  # the classes in turn
        order = mixed[epoch_order(self.rows, self.seed, self.epoch)]
        for start in range(0, self.rows, self.batch_size):
            yield order[start : start + self.batch_size].tolist()

    def _cycled(self, rows: torch.Tensor, count: int, number: int) -> torch.Tensor:
        """`count` of a class's rows: shuffled, again from the first when they are used up."""
        shuffled = rows[epoch_order(len(rows), self.seed + 1 + number, self.epoch)]
        return shuffled.repeat(-(-count // len(rows)))[:count]
