"""Percentile intervals of a figure that has no formula for one: tasks drawn with replacement (Efron and Tibshirani 1993, section
13.3), with a fixed seed, so that the same answers always give the same interval."""

from collections.abc import Callable

import numpy as np

from apps.labeling.coefficients.ratings import Array

SEED = 20_261_122
DRAWS, FEWEST_DRAWS, CELLS = 1_000, 100, 20_000_000  # as many draws as fit into `CELLS` numbers


def drawn(tasks: int, figure: Callable[[Array], Array]) -> tuple[float | None, float | None, float | None]:
    """(se, low, high) of `figure`, which takes draws x tasks (how often each task was drawn) and gives one number a draw; draws in
    which it is not finite do not count. None where they are the greater part."""
    generator = np.random.default_rng(SEED)
    draws = max(FEWEST_DRAWS, min(DRAWS, CELLS // max(tasks, 1)))
    at_once = max(CELLS // 10 // tasks, 1)
    shares = np.full(tasks, 1 / tasks)
    sizes = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    values = np.concatenate([figure(generator.multinomial(tasks, shares, size=size).astype(float)) for size in sizes])
    values = values[np.isfinite(values)]
    if len(values) * 2 < draws:
        return None, None, None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(values.std(ddof=1)), float(low), float(high)
