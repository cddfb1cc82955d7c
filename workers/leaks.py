"""Rows of the train split that are in the validation or test split too, exactly or nearly: what is measured there was learned here."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from workers.cleaning.base import Facts, StepKind, register
from workers.cleaning.duplicates import MOST_NEAR, NEAR, OF, UNIT, duplicate_key, text_of
from workers.duplicates import NearDuplicates
from workers.failures import UserError
from workers.formats.chat import SPLITS, TrainingRow

LISTED = 200  # pairs that a report lists
_NONE = 255


@dataclass(frozen=True, slots=True)
class Leak:
    """A row of the train split (its place), one of another split that it is like, and how much (1: equal)."""

    train: int
    other: int
    split: str
    likeness: float
    is_exact: bool


@dataclass
class Report:
    """All leaks: `rows` of train that leak, by the split they leak into, and the first pairs."""

    checked: int = 0
    exact: dict[str, int] = field(default_factory=dict)
    near: dict[str, int] = field(default_factory=dict)
    pairs: list[Leak] = field(default_factory=list)
    places: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """Rows of train that leak."""
        return len(self.places)

    def as_dict(self) -> dict[str, Any]:
        """{"checked", "count", "exact": {split: rows}, "near": {split: rows}, "pairs": [...]}: the places of the pairs are from 0."""
        pairs = [asdict(pair) for pair in self.pairs[:LISTED]]
        return {"checked": self.checked, "count": self.count, "exact": self.exact, "near": self.near, "pairs": pairs}


class LeakFinder:
    """Looks at rows with splits one by one. Memory as of NearDuplicates, and 9 bytes a row."""

    def __init__(self, *, threshold: float = 0.8, unit: str = "auto", of: str = "conversation", seed: int = 42) -> None:
        self._of, self._near = of, NearDuplicates(threshold, unit=unit, seed=seed)
        self._keys, self._splits = array("Q"), bytearray()

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row. Raises UserError when there are too many."""
        if number >= MOST_NEAR:
            raise UserError(f"At most {MOST_NEAR} rows can be compared.", "Divide the data set.")
        self._keys.append(duplicate_key(row, self._of))
        self._splits.append(SPLITS.index(row.split) if row.split else _NONE)
        self._near.add(text_of(row, self._of))

    def report(self) -> Report:
        """The leaks among all rows."""
        try:
            return self._report()
        finally:
            self._near.close()

    def _report(self) -> Report:
        report, leaking = Report(checked=len(self._keys)), dict[int, Leak]()
        firsts: dict[int, int] = {}
        for place, key in enumerate(self._keys):
            if self._splits[place] not in (0, _NONE):
                firsts.setdefault(key, place)
        for place, key in enumerate(self._keys):
            if not self._splits[place] and key in firsts:
                leaking[place] = Leak(place, firsts[key], SPLITS[self._splits[firsts[key]]], 1.0, True)
        for group in self._near.groups():
            self._add_near(group, leaking)
        for leak in leaking.values():
            counts = report.exact if leak.is_exact else report.near
            counts[leak.split] = counts.get(leak.split, 0) + 1
        report.pairs = sorted(leaking.values(), key=lambda leak: (not leak.is_exact, leak.train))[:LISTED]
        report.places = frozenset(leaking)
        return report

    def _add_near(self, group: list[int], leaking: dict[int, Leak]) -> None:
        """Rows of train that are like one of another split, not only like a third that is."""
        others = [place for place in group if self._splits[place] not in (0, _NONE)]
        for place in group if others else ():
            if self._splits[place] or place in leaking:
                continue
            found = max(((self._near.similarity(place, other), -other) for other in others[:LISTED]), default=(0.0, 0))
            if found[0] >= self._near.threshold:
                other = -found[1]
                leaking[place] = Leak(place, other, SPLITS[self._splits[other]], round(found[0], 4), False)


def leaks(
    rows: Iterable[TrainingRow], *, threshold: float = 0.8, unit: str = "auto", of: str = "conversation"
) -> Report:
    """The leaks over the splits of some rows. Rows without a split are compared with nothing."""
    finder = LeakFinder(threshold=threshold, unit=unit, of=of)
    for number, row in enumerate(rows):
        finder.look(row, number)
    return finder.report()


class LeakStep:
    """Drops the rows of train that leak."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        self._finder = LeakFinder(
            threshold=options["threshold"], unit=options["unit"], of=options["of"], seed=facts.seed
        )
        self._places: frozenset[int] = frozenset()

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        self._finder.look(row, number)

    def decide(self) -> dict[str, Any]:
        """Find the leaks."""
        report = self._finder.report()
        self._places = report.places
        return {"exact": report.exact, "near": report.near}

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row, unless it leaks."""
        if number not in self._places:
            yield row


register(
    StepKind(
        "leaks",
        "Drop leaks between splits",
        "Rows of the train split that are in validation or test too, exactly or nearly, go from train. Runs after the split.",
        "duplicates",
        (OF, NEAR, UNIT),
        LeakStep,
        after_split=True,
    )
)
