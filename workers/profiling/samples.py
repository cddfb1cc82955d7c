"""Which rows of a version each sample takes: by identity and seed alone, the smaller samples within the larger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workers.profiling.identities import Identities

ROWS = {"tokens": 20_000, "personal": 10_000, "languages": 5_000, "near": 100_000, "rows": 1_500}


class Picker:
    """Says for a run of places which of them each sample takes, at most ROWS of each."""

    def __init__(self, identities: Identities, seed: int, rows: Mapping[str, int] = ROWS) -> None:
        self._scores = identities.scores(seed)
        self._places = {name: self._chosen(identities, most, seed) for name, most in rows.items()}

    def _chosen(self, identities: Identities, most: int, seed: int) -> Any:
        if most <= 0:
            return np.zeros(0, np.int64)
        places = np.flatnonzero(self._scores <= np.uint64(identities.threshold(most, seed)))
        return places[:most]  # rows that repeat each other have the same score, so that there may be more

    def size(self, name: str) -> int:
        """How many rows a sample takes of the whole."""
        return len(self._places[name])

    def places(self, name: str) -> Any:
        """The places of a sample's rows, ascending."""
        return self._places[name]

    def within(self, first: int, count: int) -> dict[str, list[int]]:
        """For each sample the places it takes of `count` rows from `first` on, counted from there."""
        found = {}
        for name, places in self._places.items():
            low, high = np.searchsorted(places, [first, first + count])
            found[name] = (places[low:high] - first).tolist()
        return found
