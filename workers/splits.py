"""Parting rows into train, validation and test: reproducible on any machine, whatever the order of the rows.

By hash: a unit (a row by its key, or all rows of one group) gets a 64-bit number from the seed and its name; the units with the
smallest numbers are the test split, the next the validation split, the rest is trained on. Counts come out exact, up to the size of
one unit; with strata (the label, or a column) in each of them. By time: the newest rows are tested, the oldest trained on.

The borders between the splits are found once and kept with the version. Whoever parts a later version by the same plan hands them
back, so that rows that come in later never move one that was there; a new stratum is parted at the plain shares.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from workers.failures import UserError
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.forms import content_of_row, key_of, label_of

DEFAULT_FRACTIONS = {"train": 0.7, "validation": 0.15, "test": 0.15}
MAX_SEED = 2**32 - 1
MOST_STRATA = 1_000
LABEL = "label"  # what `stratify_by` calls the class of a row, where no column beside it has that name
_WAYS = ("group_by", "stratify_by", "time_by")
_ALL = 2**64


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How rows are to be parted. A fraction of 0 means that there is no such split; at most one of the three columns is named:
    to keep groups whole, to have the same shares of every stratum, or to part by time."""

    train: float
    validation: float
    test: float
    seed: int
    group_by: str = ""
    stratify_by: str = ""
    time_by: str = ""

    @classmethod
    def read(cls, raw: Any) -> SplitPlan:
        """Plain data {"fractions", "seed", "group_by", "stratify_by", "time_by"} as a plan. Raises UserError naming the field."""
        if not isinstance(raw, Mapping):
            raise UserError("The split must be an object.", '{"fractions": {"train": 0.7, ...}, "seed": 42}', "split")
        _check_names(raw, ("fractions", "seed", *_WAYS), "split")
        fractions = _fractions(raw.get("fractions", DEFAULT_FRACTIONS))
        seed, ways = raw.get("seed", 42), {way: raw.get(way) or "" for way in _WAYS}
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            raise UserError(f"The seed is a whole number from 0 to {MAX_SEED}.", "", "split.seed")
        for way, column in ways.items():
            if not isinstance(column, str):
                raise UserError("The column must be a name.", "", f"split.{way}")
        named = [way for way in _WAYS if ways[way]]
        if len(named) > 1:
            told = "Rows are parted by group, by stratum or by time: choose one."
            raise UserError(told, "A group or a time may not be cut by strata.", f"split.{named[1]}")
        return cls(seed=seed, **fractions, **ways)  # type: ignore[arg-type]

    @property
    def fractions(self) -> dict[str, float]:
        """The fraction of each split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain data, as `read` takes it."""
        ways = {way: getattr(self, way) for way in _WAYS if way == "group_by" or getattr(self, way)}
        return {"seed": self.seed, "fractions": self.fractions, **ways}

    @property
    def wanted(self) -> list[str]:
        """The splits that there are to be."""
        return [split for split in SPLITS if self.fractions[split]]

    @property
    def column(self) -> str:
        """The column that the plan needs, or ""."""
        return self.group_by or self.stratify_by or self.time_by

    def number_of(self, row: TrainingRow) -> int:
        """The number of the row's unit, in [0, 2**64). A row that lacks the column to group by is a unit of its own."""
        value = value_of(row, self.group_by) if self.group_by else None
        name = f"row:{key_of(row)}" if value is None else f"group:{json.dumps(value, sort_keys=True)}"
        return int.from_bytes(hashlib.blake2b(f"{self.seed}:{name}".encode(), digest_size=8).digest(), "big")

    def stratum_of(self, row: TrainingRow) -> str:
        """The stratum of a row: its value as text, "" where it has none."""
        value = value_of(row, self.stratify_by)
        return "" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def value_of(row: TrainingRow, column: str) -> Any:
    """What a row says in a column: beside its messages, among its values, or its class where the column is “label”. None: nothing."""
    if row.extra and (found := json.loads(row.extra).get(column)) is not None:
        return found
    if row.content and (found := content_of_row(row).get("values", {}).get(column)) is not None:
        return found
    return (label_of(row) or None) if column == LABEL else None


def time_of(value: Any) -> float | None:
    """Seconds since 1970 (UTC) of a moment: a number of seconds, milli- or microseconds, or a date of ISO 8601; None for anything
    else. A date without a zone is UTC."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _moment(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    while abs(value) > 1e11:  # the year 5138 in seconds: the number is in a smaller unit
        value /= 1000
    return float(value)


def _moment(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _check_names(raw: Mapping[Any, Any], known: Sequence[str], field: str) -> None:
    for name in raw:
        if name not in known:
            raise UserError(f"There is no “{str(name)[:40]}” here.", f"Known: {', '.join(known)}.", field)


def _fractions(raw: Any) -> dict[str, float]:
    field = "split.fractions"
    if not isinstance(raw, Mapping):
        raise UserError("The fractions must be an object.", '{"train": 0.7, "validation": 0.15, "test": 0.15}', field)
    _check_names(raw, SPLITS, field)
    found = {split: raw.get(split, 0) for split in SPLITS}
    for split, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise UserError(f"The fraction of {split} is a number from 0 to 1.", "", f"{field}.{split}")
    total = math.fsum(found.values())
    if abs(total - 1) > 1e-6:
        raise UserError(f"The fractions must sum to 1; these sum to {total:.6g}.", "Such as 0.7, 0.15 and 0.15.", field)
    if not found["train"]:
        raise UserError("Without a train split there is nothing to learn from.", "", f"{field}.train")
    return {split: float(value) for split, value in found.items()}


@dataclass(frozen=True, slots=True)
class Border:
    """Where the splits of one stratum end: units below `test` are tested, below `validation` validated, the rest trained on."""

    test: int
    validation: int

    def split_of(self, number: int) -> str:
        """The split of a unit by its number."""
        if number < self.test:
            return "test"
        return "validation" if number < self.validation else "train"


@dataclass(frozen=True, slots=True)
class TimeBorder:
    """Rows from `test` (seconds since 1970) on are tested, from `validation` on validated; None: no such split."""

    test: float | None
    validation: float | None

    def split_of(self, moment: float) -> str:
        """The split of a moment; that of none (NaN) is train."""
        if self.test is not None and moment >= self.test:
            return "test"
        return "validation" if self.validation is not None and moment >= self.validation else "train"


def border_from(kept: Mapping[str, Any]) -> Border:
    """A border as a version keeps it (hexadecimal: JSON readers lose digits of 64 bits)."""
    return Border(int(kept["test"], 16), int(kept["validation"], 16))


def kept_border(border: Border | TimeBorder) -> dict[str, Any]:
    """A border as a version keeps it."""
    return {name: f"{end:x}" if isinstance(border, Border) else end for name, end in asdict(border).items()}


def plain_border(plan: SplitPlan) -> Border:
    """Where the splits end when shares of all numbers are taken: for strata that were not there when borders were found."""
    return Border(_place(plan.test), _place(plan.test + plan.validation))


def _place(share: float) -> int:
    return min(int(share * _ALL), _ALL)


def find_border(
    numbers: Any, plan: SplitPlan, owed: tuple[float, float] = (0.0, 0.0)
) -> tuple[Border, tuple[float, float]]:
    """The border for rows whose units have these `numbers` (uint64, one a row), and what it owes to the shares: (test, test and
    validation) in rows. What another stratum owes is made good, so that the counts of all are exact too."""
    units, sizes = np.unique(np.asarray(numbers, np.uint64), return_counts=True)
    middles, rows = np.cumsum(sizes) - sizes / 2, int(sizes.sum())
    wanted = [plan.test * rows + owed[0], (plan.test + plan.validation) * rows + owed[1]]
    places = np.maximum.accumulate(np.searchsorted(middles, [want - 1e-9 * max(rows, 1) for want in wanted]))
    ends = [int(units[place]) if place < len(units) else _ALL for place in places]
    below = [int(sizes[:place].sum()) for place in places]
    return Border(ends[0], ends[1]), (wanted[0] - below[0], wanted[1] - below[1])


def find_time_border(moments: Any, plan: SplitPlan) -> TimeBorder:
    """The border for rows of these moments (float64): equal moments are on one side. Rows without one (NaN) count for train."""
    moments = np.asarray(moments, np.float64)
    known, ends = np.sort(moments[~np.isnan(moments)]), list[float | None]()
    for share, is_wanted in ((plan.test, plan.test), (plan.test + plan.validation, plan.validation)):
        count = round(share * len(moments))
        end = float(known[-count]) if 0 < count <= len(known) else None
        ends.append(end if is_wanted else None)
    return TimeBorder(ends[0], ends[1])


def require_rows(counts: Mapping[str, int], plan: SplitPlan, units: int) -> None:
    """Raise UserError when a wanted split gets no row of `units` different ones."""
    for split in SPLITS:
        if plan.fractions[split] and not counts.get(split):
            what = "groups" if plan.group_by else "moments" if plan.time_by else "different rows"
            hint = "Raise its fraction, set it to 0, or take more rows."
            hint = "Choose a column with more values, or none." if plan.group_by or plan.time_by else hint
            told = f"The {split} split would be empty: there are {units} {what}."
            raise UserError(told, hint, f"split.fractions.{split}")
