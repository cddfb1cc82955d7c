"""Proof that training changed the weights: a healthy curve alone does not show it (trl #6700: an adapter equal after 100 steps).

Two looks: a hash of every trainable tensor shows any change at all; a few values of each show that the change is one that can matter
(with a learning rate of 1e-30 the zeros of a fresh adapter change too).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import xxhash

VALUES = 256  # kept of each tensor
LEAST_UPDATE = 1e-8  # relative; below it fp32 weights are as they were


@dataclass(frozen=True)
class Snapshot:
    """The trainable weights at one moment: a hash of each tensor's bytes, and `VALUES` of its values, evenly spread."""

    hashes: Mapping[str, str]
    values: Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Change:
    """From one snapshot to another. `relative_update` is |after - before| / |before| over the kept values (Euclidean)."""

    changed_tensors: int
    tensors: int
    relative_update: float

    @property
    def is_real(self) -> bool:
        return self.changed_tensors > 0 and self.relative_update >= LEAST_UPDATE


def snapshot(model: Any) -> Snapshot:
    """Look at the trainable weights. Hashing runs at about 10 GB/s; it is no cryptography, none is needed to see a change."""
    trainable = {name: tensor.detach() for name, tensor in model.named_parameters() if tensor.requires_grad}
    return Snapshot(
        {name: _hash(tensor) for name, tensor in trainable.items()},
        {name: _values(tensor) for name, tensor in trainable.items()},
    )


def compare(before: Snapshot, after: Snapshot) -> Change:
    """How much of `before` is different in `after`."""
    changed = sum(after.hashes[name] != before.hashes.get(name) for name in after.hashes)
    moved = sum(float((after.values[name] - before.values[name]).square().sum()) for name in after.values)
    size = sum(float(values.square().sum()) for values in before.values.values())
    return Change(changed, len(after.hashes), (moved / size) ** 0.5 if size else float(moved > 0))


def _hash(tensor: torch.Tensor) -> str:
    plain = tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy()
    return str(xxhash.xxh3_64_hexdigest(plain.tobytes()))


def _values(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.reshape(-1)
    return flat[:: max(1, flat.numel() // VALUES)][:VALUES].double().cpu().clone()
