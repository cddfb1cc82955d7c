"""Everything beside the weights that a run needs to go on exactly: optimizer, schedule, scaler, random numbers, counters.

Tensors go to safetensors, the rest to JSON. There is no pickle in a checkpoint, so none is ever loaded.
"""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

FOLDER = "training"
PYTHON_WORDS = 625  # Mersenne Twister state with its position (random.getstate, version 3)


def save_optimizer(optimizer: Any, folder: Path) -> dict[str, Any]:
    """Write the optimizer's tensors to `folder`/optimizer.safetensors; returns the rest of its state as plain data."""
    state = optimizer.state_dict()
    tensors, plain = {}, {}
    for index, entries in state["state"].items():
        for name, value in _flat(entries):
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{name}"] = value.detach().cpu().contiguous()
            else:
                plain[f"{index}.{name}"] = value
    save_file(tensors, folder / "optimizer.safetensors")
    return {"values": plain, "groups": state["param_groups"]}


def load_optimizer(optimizer: Any, folder: Path, rest: Mapping[str, Any]) -> None:
    """Put back what `save_optimizer` wrote. The parameters must be the same, in the same order."""
    entries: dict[int, dict[str, Any]] = {}
    flat: dict[str, Any] = {**load_file(folder / "optimizer.safetensors"), **rest["values"]}
    for key, value in flat.items():
        index, _dot, name = key.partition(".")
        outer, _slash, inner = name.partition("/")
        here = entries.setdefault(int(index), {})
        if inner:  # bitsandbytes keeps its quantized moments one level deeper
            here.setdefault(outer, {})[inner] = value
        else:
            here[outer] = value
    groups = [{name: _tuple_again(name, value) for name, value in group.items()} for group in rest["groups"]]
    optimizer.load_state_dict({"state": entries, "param_groups": groups})


def save_random(folder: Path) -> dict[str, Any]:
    """Write the states of all random generators to `folder`/random.safetensors; returns their scalars."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    tensors = {
        "python": torch.tensor(words, dtype=torch.int64),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "torch": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available():
        tensors |= {f"cuda.{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    save_file(tensors, folder / "random.safetensors")
    return {
        "python": {"version": version, "gauss": gauss},
        "numpy": {"kind": kind, "position": int(position), "has_gauss": int(has_gauss), "cached": float(cached)},
    }


def load_random(folder: Path, scalars: Mapping[str, Any]) -> None:
    """Put back what `save_random` wrote. GPU states are only put back on as many GPUs as there are."""
    tensors = load_file(folder / "random.safetensors")
    words = tuple(int(word) for word in tensors["python"].tolist())
    if len(words) != PYTHON_WORDS:
        raise ValueError("The saved random state is not one of this Python")
    random.setstate((scalars["python"]["version"], words, scalars["python"]["gauss"]))
    saved = scalars["numpy"]
    keys = tensors["numpy"].numpy().astype(np.uint32)
    np.random.set_state((saved["kind"], keys, saved["position"], saved["has_gauss"], saved["cached"]))
    torch.random.set_rng_state(tensors["torch"])
    for index in range(torch.cuda.device_count()):
        if f"cuda.{index}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda.{index}"], index)


def save_tensors(tensors: Mapping[str, torch.Tensor], file: Path) -> None:
    """Write named tensors to a safetensors file."""
    save_file(dict(tensors), file)


def load_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Read what `save_tensors` wrote."""
    tensors: dict[str, torch.Tensor] = load_file(file)
    return tensors


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the plain part as JSON. Python's floats survive it exactly."""
    (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")


def read_state(checkpoint: Path) -> dict[str, Any]:
    """The plain part of a checkpoint's training state."""
    state: dict[str, Any] = json.loads((checkpoint / FOLDER / "state.json").read_text(encoding="utf-8"))
    return state


def _flat(entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}/{inner}", deeper) for inner, deeper in value.items())
        else:
            yield name, value


def _tuple_again(name: str, value: Any) -> Any:
    return tuple(value) if name == "betas" else value
