"""Many numbers in little memory: exact while they are few, then in bins that are at most 1 % wide.

The bins are those of DDSketch (Masson, Rim & Lee 2019, PVLDB 12(12), section 2): bin i holds the values in (g^(i-1), g^i] with
g = (1 + a) / (1 - a), so that every quantile is within the relative error a of a true one. Count, sum, least and greatest stay exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

ACCURACY = 0.01
EXACT = 20_000  # values that are kept as they are
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BARS = 32
_GROWTH = math.log((1 + ACCURACY) / (1 - ACCURACY))
_LEAST = 1e-12  # nearer to zero is zero


class Sketch:
    """The distribution of numbers that come one after the other."""

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0
        self.least, self.most = math.inf, -math.inf
        self._exact: list[float] | None = []
        self._bins: Counter[tuple[int, int]] = Counter()  # (sign, bin)

    def add(self, values: Any) -> None:
        """Count numbers in (anything that numpy takes; they must be finite)."""
        numbers = np.asarray(values, np.float64)
        if not numbers.size:
            return
        self.count += int(numbers.size)
        self.total += float(numbers.sum())
        self.least, self.most = min(self.least, float(numbers.min())), max(self.most, float(numbers.max()))
        if self._exact is not None:
            self._exact.extend(numbers.tolist())
            if len(self._exact) <= EXACT:
                return
            numbers, self._exact = np.asarray(self._exact), None
        self._count(numbers)

    def _count(self, numbers: Any) -> None:
        signs = np.where(np.abs(numbers) < _LEAST, 0, np.sign(numbers)).astype(np.int64)
        sizes = np.where(signs == 0, 1.0, np.abs(numbers))
        places = np.where(signs == 0, 0, np.ceil(np.log(sizes) / _GROWTH)).astype(np.int64)
        pairs, counts = np.unique(np.stack([signs, places]), axis=1, return_counts=True)
        for sign, place, count in zip(*pairs.tolist(), counts.tolist(), strict=True):
            self._bins[sign, place] += count

    @property
    def is_exact(self) -> bool:
        """Whether every value is still known."""
        return self._exact is not None

    def weighted(self) -> tuple[Any, Any]:
        """(values ascending, how often each came); a bin counts as the value in its middle, within the least and the greatest."""
        if self._exact is not None:
            return np.unique(np.asarray(self._exact, np.float64), return_counts=True)
        middle = 2 / (1 + math.exp(_GROWTH))
        found = sorted(
            (sign * math.exp(place * _GROWTH) * middle if sign else 0.0, n) for (sign, place), n in self._bins.items()
        )
        values = np.clip(np.array([value for value, _n in found]), self.least, self.most)
        return values, np.array([n for _value, n in found], np.int64)

    def quantiles(self, shares: Iterable[float] = QUANTILES) -> list[float]:
        """The values below which these shares lie. Exact ones by linear interpolation (Hyndman & Fan 1996, type 7)."""
        if self._exact is not None:
            return [float(value) for value in np.quantile(np.asarray(self._exact), list(shares))]
        values, counts = self.weighted()
        ranks = np.cumsum(counts)
        return [float(values[np.searchsorted(ranks, share * (self.count - 1), side="right")]) for share in shares]

    def histogram(self, bars: int = BARS) -> dict[str, Any]:
        """{"edges", "counts", "is_log"}: one bar for each whole number where these are few; bars that widen where the greatest value is
        more than 50 times the least."""
        values, counts = self.weighted()
        is_whole = self.is_exact and bool((values == np.floor(values)).all())
        is_log = self.least > 0 and self.most / self.least > 50
        edges: Any
        if is_whole and self.most - self.least < bars:
            edges = np.arange(self.least - 0.5, self.most + 1)
            is_log = False
        elif is_log:
            edges = np.geomspace(self.least, self.most * (1 + 1e-9), bars + 1)
        else:
            edges = np.linspace(self.least, max(self.most, self.least + 1), bars + 1)
        found, _edges = np.histogram(values, edges, weights=counts)
        return {
            "edges": [float(f"{edge:.6g}") for edge in edges],
            "counts": found.astype(int).tolist(),
            "is_log": bool(is_log),
        }

    def outside(self, low: float, high: float) -> tuple[int, int]:
        """How many values are below `low` and above `high`."""
        values, counts = self.weighted()
        return int(counts[values < low].sum()), int(counts[values > high].sum())

    def summary(self) -> dict[str, Any]:
        """Plain figures; {"n": 0} when nothing came."""
        if not self.count:
            return {"n": 0}
        marks = {f"{share:g}": round(value, 4) for share, value in zip(QUANTILES, self.quantiles(), strict=True)}
        return {
            "n": self.count,
            "total": round(self.total, 4),
            "mean": round(self.total / self.count, 4),
            "least": self.least,
            "most": self.most,
            "quantiles": marks,
            "histogram": self.histogram(),
            "is_exact": self.is_exact,
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        bins = [[sign, place, count] for (sign, place), count in self._bins.items()]
        ends = [self.least, self.most] if self.count else None
        return {"count": self.count, "total": self.total, "ends": ends, "exact": self._exact, "bins": bins}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Sketch:
        """The sketch that `as_dict` wrote down."""
        made = cls()
        made.count, made.total, made._exact = raw["count"], raw["total"], raw["exact"]
        if raw["ends"]:
            made.least, made.most = raw["ends"]
        made._bins = Counter({(sign, place): count for sign, place, count in raw["bins"]})
        return made
