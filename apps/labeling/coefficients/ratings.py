"""Ratings of any kind as places in a list of categories."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Ratings = Sequence[Sequence[Any]] | NDArray[Any]
Categories = Iterable[Hashable] | NDArray[Any] | None
MISSING = -1
BLOCK = 4_000_000  # numbers of one table of counts


@dataclass(frozen=True)
class Table:
    """Items x raters as places in `categories`, -1 for a gap; without items and raters that have gaps alone."""

    codes: Codes
    categories: list[Any]

    @property
    def size(self) -> int:
        return len(self.categories)

    @cached_property
    def is_given(self) -> NDArray[np.bool_]:
        return np.asarray(self.codes != MISSING)

    @cached_property
    def given(self) -> Array:
        """How many ratings each item has."""
        return np.asarray(self.is_given.sum(axis=1), dtype=float)

    @property
    def n_raters(self) -> int:
        return int(self.codes.shape[1])

    @cached_property
    def n_items(self) -> int:
        return int((self.given >= 2).sum())

    @property
    def is_two_way(self) -> bool:
        """Two raters who both rated every item: a contingency table says it all."""
        return self.n_raters == 2 and bool((self.given == 2).all())

    @cached_property
    def where(self) -> Codes:
        """The item of each rating; `flat` is the ratings themselves in the same order."""
        return np.nonzero(self.is_given)[0].astype(np.int64)

    @cached_property
    def flat(self) -> Codes:
        return self.codes[self.is_given]

    def paired(self) -> "Table":
        """The items with two ratings or more."""
        return Table(self.codes[self.given >= 2], self.categories)

    def sums(self, values: Array) -> Array:
        """For each item, the sum over its ratings of the number that `values` has for the category."""
        return self.sums_of(values[self.flat])

    def sums_of(self, numbers: Array) -> Array:
        """For each item, the sum over its ratings of these numbers, one a rating."""
        return np.bincount(self.where, numbers, minlength=len(self.codes)).astype(float)

    def crossed(self, weights: Array | None) -> Array:
        """For each item, the sum of weights[k, l] over all its pairs of ratings, each with itself included. None: 1 where k is l."""
        found, step = np.zeros(len(self.codes)), max(BLOCK // self.size, 1)
        for start in range(0, len(found), step):
            codes = self.codes[start : start + step]
            counts = _counted(codes, self.size)
            found[start : start + step] = np.einsum("nk,nk->n", counts, counts if weights is None else counts @ weights)
        return found


def _counted(codes: Codes, size: int) -> Array:
    items, raters = np.nonzero(codes != MISSING)
    places = items * size + codes[items, raters]
    return np.bincount(places, minlength=len(codes) * size).reshape(-1, size).astype(float)


def table_of(ratings: Ratings, categories: Categories = None) -> Table:
    """Raises ValueError for ratings that are no table, or that are not among the categories."""
    rows = _square(ratings)
    known = None if categories is None else _checked_categories(categories)
    codes, found = _of_numbers(rows, known) if rows.dtype.kind in "fiub" else _of_anything(rows, known)
    kept = codes[:, (codes != MISSING).any(axis=0)] if codes.size else codes.reshape(len(codes), 0)
    return Table(kept[(kept != MISSING).any(axis=1)], found)


def _square(ratings: Ratings) -> NDArray[Any]:
    """The ratings as an array with two axes: of floats where all are numbers, else of objects."""
    if isinstance(ratings, np.ndarray):
        rows = ratings
    else:
        try:
            lists = [list(row) for row in ratings]
        except TypeError:
            raise ValueError("ratings are items x raters: a list of lists") from None
        if len({len(row) for row in lists}) > 1:
            raise ValueError("every item must have a place for every rater")
        rows = _filled(lists)
    if rows.ndim != 2:
        raise ValueError("ratings are items x raters: a table with two axes")
    return rows


def _filled(lists: list[list[Any]]) -> NDArray[Any]:
    try:
        if all(type(value) in (int, float) for row in lists[:1000] for value in row if value is not None):
            rows = np.array(lists, dtype=float).reshape(len(lists), -1)  # None becomes NaN
            if not any(isinstance(value, str) for row in lists[1000:] for value in row):
                return rows
    except (TypeError, ValueError, OverflowError):
        pass  # not numbers after all: objects below
    rows = np.empty((len(lists), len(lists[0]) if lists else 0), dtype=object)
    for place, row in enumerate(lists):
        for rater, value in enumerate(row):
            rows[place, rater] = value
    return rows


def _checked_categories(categories: Iterable[Any]) -> list[Any]:
    known = [_plain(value) for value in categories]
    if any(_is_gap(value) for value in known):
        raise ValueError("a gap is no category")
    if len(set(known)) != len(known):
        raise ValueError("a category is there twice")
    if not known:
        raise ValueError("give at least one category")
    return known


def _of_numbers(rows: NDArray[Any], known: list[Any] | None) -> tuple[Codes, list[Any]]:
    is_there = ~np.isnan(rows) if rows.dtype.kind == "f" else np.ones(rows.shape, dtype=bool)
    codes = np.full(rows.shape, MISSING, dtype=np.int64)
    values, places = np.unique(rows[is_there], return_inverse=True)
    found = [int(value) if float(value).is_integer() else value for value in values.tolist()]
    codes[is_there] = _placed(found, known)[places] if len(found) else MISSING
    return codes, found if known is None else known


def _of_anything(rows: NDArray[Any], known: list[Any] | None) -> tuple[Codes, list[Any]]:
    values = [_plain(value) for value in rows.ravel().tolist()]
    places: dict[Any, int] = {}
    try:
        numbers = [MISSING if _is_gap(value) else places.setdefault(value, len(places)) for value in values]
    except TypeError as exc:
        raise ValueError(f"a rating must be a number or hashable: {exc}") from None
    found = list(places)
    new = _placed(found, _in_order(found) if known is None else known)
    codes = np.array(numbers, dtype=np.int64).reshape(rows.shape)
    return np.where(codes == MISSING, MISSING, new[codes] if len(new) else codes), (
        _in_order(found) if known is None else known
    )


def _placed(found: list[Any], known: list[Any] | None) -> Codes:
    """The place of each value among the known ones. Raises ValueError."""
    if known is None:
        return np.arange(len(found), dtype=np.int64)
    places = {value: place for place, value in enumerate(known)}
    unknown = [value for value in found if value not in places]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not one of the categories")
    return np.array([places[value] for value in found], dtype=np.int64)


def _in_order(values: list[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, repr(value)))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_gap(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
