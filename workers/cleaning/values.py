"""Steps on the values of columns: what is missing is filled in, rows far from the others go."""

from __future__ import annotations

import hashlib
import heapq
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workers.cleaning.base import Facts, Option, StepKind, register
from workers.cleaning.columns import columns_of_row, is_missing, measure_of, number_in, with_columns
from workers.failures import UserError
from workers.formats.chat import TrainingRow
from workers.formats.forms import key_of

MOST_KINDS = 100_000  # different values of a column that are counted
SAMPLE = 5_000  # rows that a model learns from: those with the smallest hashes of seed and key
NEIGHBOURS = 5
MODELS = ("neighbours", "iterative")
METHODS = ("iqr", "zscore", "mad", "forest")


def draw(row: TrainingRow, seed: int) -> int:
    """64 bits by which rows are drawn: of the seed and the row's key, so that neither order nor edits count."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{key_of(row)}".encode(), digest_size=8).digest(), "big")


class FillStep:
    """Fills what is missing in chosen columns. Memory: 8 bytes a row and column for the median; a model sees SAMPLE rows."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        self._columns, self._way, self._constant = options["columns"], options["with"], options["constant"]
        self._form, self._seed = facts.form, facts.seed
        self._numbers = {name: array("d") for name in self._columns}
        self._kinds = {name: Counter[Any]() for name in self._columns}
        self._missing = Counter[str]()
        self._sample: list[tuple[int, int, list[float]]] = []
        self._filling: dict[str, Any] = {}
        self._model: Any = None

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        values, found = columns_of_row(row), list[float]()
        for name in self._columns:
            value = values.get(name)
            numeric = number_in(value)
            found.append(math.nan if numeric is None else numeric)
            if is_missing(value):
                self._missing[name] += 1
            elif self._way in ("mean", "median") and numeric is not None:
                self._numbers[name].append(numeric)
            elif self._way == "most_frequent" and isinstance(value, str | int | float | bool):
                kinds = self._kinds[name]
                if value in kinds or len(kinds) < MOST_KINDS:
                    kinds[value] += 1
        if self._way in MODELS and not all(map(math.isnan, found)):
            entry = (-draw(row, self._seed), number, found)
            heapq.heappush(self._sample, entry) if len(self._sample) < SAMPLE else heapq.heappushpop(
                self._sample, entry
            )

    def decide(self) -> dict[str, Any]:
        """Find what to fill in. Raises UserError for a column of which nothing is known."""
        if self._way in MODELS:
            self._model = self._learned()
            return {"missing": dict(self._missing), "learned_from": len(self._sample)}
        for name in self._columns:
            self._filling[name] = self._constant if self._way == "constant" else self._statistic(name)
        return {"missing": dict(self._missing), "filled_with": self._filling}

    def _statistic(self, name: str) -> Any:
        if self._way == "most_frequent":
            if kinds := self._kinds[name]:
                most = max(kinds.values())
                return min(
                    (kind for kind, count in kinds.items() if count == most),
                    key=lambda kind: (str(type(kind)), str(kind)),
                )
        elif len(numbers := np.frombuffer(self._numbers[name], np.float64)):
            return _tidy(math.fsum(numbers) / len(numbers) if self._way == "mean" else float(np.median(numbers)))
        if not self._missing[name]:
            return None
        raise UserError(
            f"Nothing is known of “{name}”: no row has {self._kind_wanted} there.", "Choose another column.", "columns"
        )

    @property
    def _kind_wanted(self) -> str:
        return "a value" if self._way == "most_frequent" else "a number"

    def _learned(self) -> Any:
        rows = np.array([found for _draw, _number, found in sorted(self._sample, key=lambda entry: entry[1])])
        if not len(rows) or np.isnan(rows).all(axis=0).any():
            raise UserError(
                "A model fills in numbers; a chosen column has none.", "Choose columns of numbers.", "columns"
            )
        if self._way == "neighbours":
            from sklearn.impute import KNNImputer  # type: ignore[import-untyped]

            return KNNImputer(n_neighbors=min(NEIGHBOURS, len(rows))).fit(rows)
        from sklearn.experimental import enable_iterative_imputer  # type: ignore[import-untyped]  # noqa: F401
        from sklearn.impute import IterativeImputer

        return IterativeImputer(random_state=self._seed % 2**32, max_iter=20).fit(rows)

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row with what was missing filled in."""
        values = columns_of_row(row)
        wanted = [name for name in self._columns if is_missing(values.get(name))]
        if not wanted:
            yield row
            return
        filling = self._modelled(values) if self._model is not None else self._filling
        yield with_columns(row, {name: filling[name] for name in wanted if filling[name] is not None}, self._form)

    def _modelled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        numbers = [number_in(values.get(name)) for name in self._columns]
        row = np.array([[math.nan if number is None else number for number in numbers]])
        return dict(zip(self._columns, (_tidy(float(value)) for value in self._model.transform(row)[0]), strict=True))


def _tidy(value: float) -> float | int:
    """Ten digits, so that the last bits of another machine's arithmetic do not count; a whole number as one."""
    value = float(f"{value:.10g}")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


class OutlierStep:
    """Drops rows far from the others by one number, or by several together (isolation forest, Liu, Ting & Zhou 2008). Rows without
    the number stay. Memory: 8 bytes a row and column."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        self._columns, self._method, self._limit = options["columns"], options["method"], options["limit"]
        self._share, self._seed = options["share"], facts.seed
        self._values = array("d")
        self._is_out: Any = None

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        for name in self._columns:
            found = measure_of(row, name)
            self._values.append(math.nan if found is None else found)

    def decide(self) -> dict[str, Any]:
        """Find the rows that are far off. Raises UserError when no row has the numbers."""
        values = np.frombuffer(self._values, np.float64).reshape(-1, len(self._columns))
        for place, name in enumerate(self._columns):
            if np.isnan(values[:, place]).all():
                raise UserError(
                    f"No row has a number in “{name}”.", "Choose a column of numbers, or “length”.", "columns"
                )
        if self._method == "forest":
            self._is_out, told = self._isolated(values), {}
        else:
            ends = [bounds(values[:, place], self._method, self._limit) for place in range(len(self._columns))]
            low, high = (np.array(side) for side in zip(*ends, strict=True))
            self._is_out = ((values < low) | (values > high)).any(axis=1)
            told = {
                "bounds": {
                    name: [_tidy(low), _tidy(high)] for name, (low, high) in zip(self._columns, ends, strict=True)
                }
            }
        return {**told, "outliers": int(self._is_out.sum())}

    def _isolated(self, values: Any) -> Any:
        from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]

        whole = ~np.isnan(values).any(axis=1)
        if not whole.any():
            raise UserError("No row has all of these numbers.", "Choose fewer columns.", "columns")
        known = values[whole]
        forest = IsolationForest(contamination=self._share, random_state=self._seed % 2**32).fit(known)
        is_out = np.zeros(len(values), bool)
        is_out[whole] = forest.predict(known) < 0
        return is_out

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row, unless it is far off."""
        if not self._is_out[number]:
            yield row


def bounds(values: Any, method: str, limit: float) -> tuple[float, float]:
    """Between which two numbers values (float64, NaN for none) are no outliers.

    iqr: quartiles and `limit` times their distance (Tukey 1977: 1.5). zscore: mean and `limit` standard deviations (3). mad: median
    and `limit` times the median distance from it over 0.6745 (Iglewicz & Hoaglin 1993: 3.5). Where that distance is 0, all stay.
    """
    known = values[~np.isnan(values)]
    if method == "iqr":
        low, high = np.quantile(known, [0.25, 0.75])
        reach, middle_low, middle_high = limit * (high - low), low, high
    elif method == "zscore":
        middle_low = middle_high = known.mean()
        reach = limit * known.std()
    else:
        middle_low = middle_high = np.median(known)
        reach = limit * np.median(np.abs(known - middle_low)) / 0.6745
    if not reach:
        return float(known.min()), float(known.max())
    return float(middle_low - reach), float(middle_high + reach)


def _check_fill(options: Mapping[str, Any]) -> None:
    if options["with"] == "constant" and not (options["constant"] or "").strip():
        raise UserError("Say what is to be filled in.", "", "constant")


_COLUMNS = Option(
    "columns", "choices", "Columns", [], is_required=True, most=50, help="Columns of the table, or beside the messages."
)
register(
    StepKind(
        "fill",
        "Fill what is missing",
        "Empty values get a constant, a statistic of their column, or what a model makes of the row's other numbers.",
        "values",
        (
            _COLUMNS,
            Option(
                "with",
                "choice",
                "With",
                "most_frequent",
                ("constant", "mean", "median", "most_frequent", *MODELS),
                choice_labels=(
                    "a constant",
                    "the mean",
                    "the median",
                    "the most frequent value",
                    "the nearest rows",
                    "a regression on the others",
                ),
            ),
            Option("constant", "text", "Constant", "", most=1000),
        ),
        FillStep,
        check=_check_fill,
        is_heavy=lambda options: options["with"] in MODELS,
    )
)
register(
    StepKind(
        "outliers",
        "Drop outliers",
        "Rows far from the others go: by the length of their texts, or by columns of numbers.",
        "values",
        (
            Option(
                "columns",
                "choices",
                "Columns",
                ["length"],
                is_required=True,
                most=50,
                help="“length” is that of all texts, in characters.",
            ),
            Option(
                "method",
                "choice",
                "Method",
                "iqr",
                METHODS,
                choice_labels=("quartiles (Tukey)", "standard deviations", "median deviation", "isolation forest"),
            ),
            Option("limit", "number", "Limit", 3, least=0.5, most=100, help="In quartile distances, or deviations."),
            Option(
                "share",
                "number",
                "Share",
                0.01,
                least=0.0001,
                most=0.5,
                help="Isolation forest: the share of rows that go.",
            ),
        ),
        OutlierStep,
        is_heavy=lambda options: options["method"] == "forest",
    )
)
