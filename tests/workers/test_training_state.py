"""Optimizer and random states go through safetensors and JSON without losing a bit."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from workers import training_state
from workers.proof import compare, snapshot


def test_optimizer__round_trip__takes_the_same_next_step(tmp_path: Path) -> None:
    def make() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        return layer, torch.optim.AdamW(layer.parameters(), lr=0.1, betas=(0.8, 0.95), fused=True)

    def step(layer: torch.nn.Linear, optimizer: torch.optim.Optimizer, seed: int) -> None:
        layer(torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    layer, optimizer = make()
    step(layer, optimizer, 1)
    rest = json.loads(json.dumps(training_state.save_optimizer(optimizer, tmp_path)))
    other, fresh = make()
    other.load_state_dict(layer.state_dict())
    training_state.load_optimizer(fresh, tmp_path, rest)
    assert fresh.param_groups[0]["betas"] == (0.8, 0.95)
    step(layer, optimizer, 2)
    step(other, fresh, 2)
    assert torch.equal(layer.weight, other.weight) and torch.equal(layer.bias, other.bias)


def test_random__round_trip__continues_all_generators(tmp_path: Path) -> None:
    def draw() -> tuple[float, float, float, list[float], list[float]]:
        gauss = random.gauss(0, 1)  # leaves a second value waiting inside the generator
        return gauss, random.random(), random.gauss(0, 1), np.random.normal(size=3).tolist(), torch.rand(3).tolist()

    random.gauss(0, 1)
    np.random.normal()
    scalars = json.loads(json.dumps(training_state.save_random(tmp_path)))
    expected = draw()
    draw()
    training_state.load_random(tmp_path, scalars)
    assert draw() == expected


@pytest.mark.parametrize(("change", "is_real"), [(0.0, False), (1e-30, False), (1e-3, True)])
def test_proof__change_of_one_tensor__counts_when_it_can_matter(change: float, is_real: bool) -> None:
    layer = torch.nn.Linear(4, 4)
    with torch.no_grad():
        layer.bias.zero_()
    before = snapshot(layer)
    with torch.no_grad():
        layer.bias.add_(change)
    found = compare(before, snapshot(layer))
    assert (found.changed_tensors, found.tensors, found.is_real) == (int(change > 0), 2, is_real)
