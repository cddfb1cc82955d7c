"""The step that ends a recipe with a split: it looks at all rows, finds the borders or takes those of an earlier version, and names
the split of each row. A row costs 12 bytes while it runs."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workers.failures import UserError
from workers.formats.chat import SPLITS, TrainingRow
from workers.splits import (
    MOST_STRATA,
    Border,
    SplitPlan,
    TimeBorder,
    border_from,
    find_border,
    find_time_border,
    kept_border,
    plain_border,
    require_rows,
    time_of,
    value_of,
)

Kept = Mapping[str, Any]


def make_split_step(plan: SplitPlan, borders: Kept | None = None) -> HashSplit | TimeSplit:
    """The table step for a plan. `borders` are those that a version parted by the same plan has kept, or None."""
    return TimeSplit(plan, borders) if plan.time_by else HashSplit(plan, borders)


class HashSplit:
    """By the numbers of units, in strata where the plan has them. `borders` are to be kept with the version."""

    def __init__(self, plan: SplitPlan, borders: Kept | None) -> None:
        self._plan, self._known = plan, {name: border_from(border) for name, border in (borders or {}).items()}
        self._is_new = not self._known
        self._numbers, self._places = array("Q"), array("I")
        self._strata: dict[str, int] = {}
        self._ends: list[Border] = []
        self.borders: dict[str, Any] = {}

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        self._numbers.append(self._plan.number_of(row))
        stratum = self._plan.stratum_of(row) if self._plan.stratify_by else ""
        self._places.append(self._strata.setdefault(stratum, len(self._strata)))
        if len(self._strata) > MOST_STRATA:
            told = f"“{self._plan.stratify_by}” has more than {MOST_STRATA} different values."
            raise UserError(told, "Stratify by a column with few values, or by none.", "split.stratify_by")

    def decide(self) -> dict[str, Any]:
        """Find the borders of all strata. Raises UserError when a wanted split gets no row."""
        numbers, places = np.frombuffer(self._numbers, np.uint64), np.frombuffer(self._places, np.uint32)
        owed, found = (0.0, 0.0), dict(self._known)
        for name in sorted(self._strata):
            if self._is_new:
                found[name], owed = find_border(numbers[places == self._strata[name]], self._plan, owed)
            else:
                found.setdefault(name, plain_border(self._plan))
        self._ends = [found[name] for name in self._strata]
        self.borders = {name: kept_border(border) for name, border in sorted(found.items())}
        counts = Counter(self._split_of(number) for number in range(len(numbers)))
        require_rows(counts, self._plan, len(np.unique(numbers)))
        return {"counts": {split: counts[split] for split in SPLITS if counts[split]}}

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row with its split."""
        yield row._replace(split=self._split_of(number))

    def _split_of(self, number: int) -> str:
        return self._ends[self._places[number]].split_of(self._numbers[number])


class TimeSplit:
    """By the moments of rows: the newest are tested. A row without a moment is trained on."""

    def __init__(self, plan: SplitPlan, borders: Kept | None) -> None:
        self._plan, self._moments = plan, array("d")
        self._border = TimeBorder(borders["test"], borders["validation"]) if borders else None
        self.borders: dict[str, Any] = dict(borders or {})

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        found = time_of(value_of(row, self._plan.time_by))
        self._moments.append(float("nan") if found is None else found)

    def decide(self) -> dict[str, Any]:
        """Find the two moments. Raises UserError when a wanted split gets no row."""
        moments = np.frombuffer(self._moments, np.float64)
        known = int((~np.isnan(moments)).sum())
        if not known:
            told = f"No row has a time in “{self._plan.time_by}”."
            raise UserError(told, "Times are ISO 8601 (2026-07-01T12:00:00Z) or seconds since 1970.", "split.time_by")
        self._border = self._border or find_time_border(moments, self._plan)
        self.borders = kept_border(self._border)
        counts = Counter(self._border.split_of(moment) for moment in moments)
        require_rows(counts, self._plan, len(np.unique(moments[~np.isnan(moments)])))
        return {"counts": dict(counts), "without_time": len(moments) - known}

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row with its split."""
        assert self._border is not None
        yield row._replace(split=self._border.split_of(self._moments[number]))
