"""The linear layers of a model, read from the headers of its weights: what an adapter can sit on, and how large it gets.

Pure: reads files, loads no tensor.
"""

from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

from workers.models import read_header

Layers = Mapping[
    str, Mapping[str, int]
]  # last part of a name -> {"count": layers, "sides": sum of inputs + outputs, "weights"}
BYTES_TRAINED = 12  # per trained weight in a checkpoint: itself and AdamW's two moments, all in 32 bits


def linear_layers(folder: Path) -> dict[str, dict[str, int]]:
    """The matrices inside numbered blocks, by the last part of their names; embeddings and the output layer are not in blocks.

    Raises workers.models.ModelRefused for a file that is not sound.
    """
    found: dict[str, dict[str, int]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        for tensor in read_header(file):
            *path, last = tensor.name.split(".")
            if last != "weight" or len(tensor.shape) != 2 or not any(part.isdigit() for part in path):
                continue
            entry = found.setdefault(path[-1], {"count": 0, "sides": 0, "weights": 0})
            entry["count"] += 1
            entry["sides"] += sum(tensor.shape)
            entry["weights"] += prod(tensor.shape)
    return found


def top_parameters(facts: Mapping[str, Any], blocks: int) -> int | None:
    """About how many weights the highest blocks have: the matrices of a block, which hold nearly all of it. None when not known."""
    known, count = facts.get("linear_layers"), int(facts.get("layers") or 0)
    weights = sum(layer.get("weights", 0) for layer in known.values()) if known and count else 0
    return weights * blocks // count if weights else None


def unknown(layers: Layers, names: Iterable[str]) -> list[str]:
    """Those of `names` that no layer ends with."""
    return [name for name in names if name.split(".")[-1] not in layers]


def adapter_parameters(layers: Layers, names: str | Iterable[str], rank: int) -> int:
    """Weights of a LoRA adapter of this rank: r * (inputs + outputs) for each layer (Hu et al. 2021, section 4.1)."""
    chosen = layers if isinstance(names, str) else {name.split(".")[-1] for name in names}
    return rank * sum(layers[name]["sides"] for name in chosen if name in layers)
