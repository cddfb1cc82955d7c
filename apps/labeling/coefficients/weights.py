"""How much of an agreement it is to say l where another said k."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = Literal["linear", "quadratic"] | Sequence[Sequence[float]] | NDArray[Any] | None


def agreement_weights(weights: Weights, size: int) -> Array | None:
    """A size x size matrix with ones on the diagonal, or None for none: only the same category agrees.

    "linear" and "quadratic" go by places in the list of categories. A matrix with zeros on its diagonal is of disagreement (Cohen
    1968) and becomes 1 - matrix / its largest number; one with ones on its diagonal is of agreement (Gwet 2014). Raises ValueError.
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        return _named(weights, size)
    try:
        given = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("weights are None, “linear”, “quadratic” or a matrix of numbers") from None
    if given.shape != (size, size) or not np.isfinite(given).all():
        raise ValueError(f"weights must be a {size} x {size} matrix of finite numbers")
    diagonal = np.diag(given)
    if np.all(diagonal == 1) and np.all(given <= 1):
        return given
    if np.all(diagonal == 0) and np.all(given >= 0):
        return np.asarray(1 - given / (given.max(initial=0.0) or 1.0))
    raise ValueError(
        "a matrix of weights has zeros on its diagonal and nothing below (disagreement), or ones and nothing above (agreement)"
    )


def _named(weights: str, size: int) -> Array:
    if weights not in ("linear", "quadratic"):
        raise ValueError(f"there are no weights called {weights!r}")
    places = np.arange(size, dtype=float)
    apart = np.abs(places[:, None] - places) / max(size - 1, 1)
    return np.asarray(1 - (apart if weights == "linear" else apart**2))


def both_ways(weights: Array | None) -> Array | None:
    """The mean of the matrix and its transpose: who said which does not matter."""
    return None if weights is None else (weights + weights.T) / 2
