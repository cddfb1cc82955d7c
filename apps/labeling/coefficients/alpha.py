"""Krippendorff's alpha: 1 - observed / expected disagreement of all values that can be paired.

Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", sections C to E. Standard errors as irrCAC 0.4.4 (Gwet 2014, section
5.5) for distances that are given; the ordinal ones follow from the ratings, so their part in the expansion is added.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from apps.labeling.coefficients.chance import lacking
from apps.labeling.coefficients.ratings import Array, Categories, Ratings, Table, table_of
from apps.labeling.coefficients.result import NO_VARIATION, Coefficient, undefined, with_influence
from apps.labeling.coefficients.weights import Weights, agreement_weights, both_ways

Level = Literal["nominal", "ordinal", "interval", "ratio"]


def krippendorff_alpha(
    ratings: Ratings, categories: Categories = None, weights: Weights = None, *, level: Level = "nominal"
) -> Coefficient:
    """Any raters, with gaps. `level` says how far two categories are apart: nominal, ordinal (their order is the scale), interval
    or ratio (they are numbers; of a ratio none below zero). With `weights` these say it instead. Raises ValueError.
    """
    if level not in get_args(Level):
        raise ValueError(f"there is no level called {level!r}: it is one of {', '.join(get_args(Level))}")
    if weights is not None and level != "nominal":
        raise ValueError("give a level or weights, not both")
    table = table_of(ratings, categories)
    matrix = both_ways(agreement_weights(weights, table.size))
    scale = _numbers(table, level) if level in ("interval", "ratio") else None
    if why := lacking(table):
        return undefined(why, table.n_items, table.n_raters)
    paired = table.paired()
    found = _apart(paired, level, matrix, scale) if len(np.unique(paired.flat)) > 1 else None
    if found is None or found.expected <= 0:
        return undefined(NO_VARIATION, table.n_items, table.n_raters)
    return _coefficient(table, paired, found)


@dataclass(frozen=True)
class Apart:
    """Disagreement: of each item with itself (over its ratings less one), of each item with all ratings, and of all with all.

    `moved` is what an item bears on the figure by moving the distances themselves.
    """

    own: Array
    against_all: Array
    expected: float
    moved: Array | float = 0.0


def _coefficient(table: Table, paired: Table, apart: Apart) -> Coefficient:
    """As irrCAC's raw.krippendorff, without its division by the largest distance, which cancels."""
    total, items = len(paired.flat), len(paired.codes)
    observed = float(apart.own.sum())
    value = 1 - (total - 1) * observed / apart.expected
    mean, share = total / items, paired.given * items / total
    chance, lost = apart.expected / total**2, observed / total * (1 - 1 / total)
    beyond = total * observed / apart.expected  # 1 - alpha without the correction for few ratings
    bears = (share - 1) * lost + chance - apart.own / mean
    bears -= 2 * beyond * (share * chance - apart.against_all / (total * mean))
    influence = bears / chance - (1 - beyond) + apart.moved
    return with_influence(value, influence, table.n_items, table.n_raters, is_table=table.is_two_way)


def _apart(table: Table, level: Level, weights: Array | None, scale: Array | None) -> Apart:
    if weights is not None:
        return _by_matrix(table, 1 - weights)
    if level == "nominal":
        return _nominal(table)
    if level == "ordinal":
        return _ordinal(table)
    assert scale is not None
    return _by_moments(table, scale) if level == "interval" else _by_matrix(table, _ratio(scale))


def _nominal(table: Table) -> Apart:
    total, counts = len(table.flat), np.bincount(table.flat, minlength=table.size).astype(float)
    own = (table.given**2 - table.crossed(None)) / (table.given - 1)
    return Apart(own, table.sums(total - counts), float(total**2 - counts @ counts))


def _by_matrix(table: Table, distances: Array) -> Apart:
    counts = np.bincount(table.flat, minlength=table.size).astype(float)
    own = table.crossed(distances) / (table.given - 1)
    return Apart(own, table.sums(distances @ counts), float(counts @ distances @ counts))


def _by_moments(table: Table, scale: Array) -> Apart:
    """Squared differences, out of sums and sums of squares: of a million different values, too."""
    total = len(table.flat)
    x = scale[table.flat]
    x = x - x.mean()
    squares, sums = table.sums_of(x * x), table.sums_of(x)
    own = 2 * (table.given * squares - sums**2) / (table.given - 1)
    all_squares, all_sums = float(x @ x), float(x.sum())
    against = total * squares - 2 * sums * all_sums + table.given * all_squares
    return Apart(np.maximum(own, 0), against, 2 * (total * all_squares - all_sums**2))


def _ordinal(table: Table) -> Apart:
    """The distance of two ranks is how many values lie between them, so that each item also moves the distances."""
    counts = np.bincount(table.flat, minlength=table.size).astype(float)
    ranks = np.cumsum(counts) - counts / 2
    found = _by_moments(table, ranks)
    x, total, observed = ranks[table.flat], len(table.flat), float(found.own.sum())
    pulls = 4 * (table.given[table.where] * x - table.sums_of(x)[table.where]) / (table.given[table.where] - 1)
    of_observed = np.bincount(table.flat, pulls, minlength=table.size)
    of_expected = 4 * counts * (total * ranks - float(counts @ ranks))
    by_rank = of_observed / found.expected - observed * of_expected / found.expected**2
    by_category = np.cumsum(by_rank[::-1])[::-1] - by_rank / 2  # a rank counts half of its own and all lower ratings
    return Apart(found.own, found.against_all, found.expected, -total * len(table.codes) * table.sums(by_category))


def _numbers(table: Table, level: Level) -> Array:
    try:
        scale = np.asarray([float(value) for value in table.categories], dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"the level {level} needs numbers as ratings") from None
    if not np.isfinite(scale).all():
        raise ValueError(f"the level {level} needs finite numbers as ratings")
    if level == "ratio" and (scale < 0).any():
        raise ValueError("a ratio scale has no values below zero")
    return scale


def _ratio(scale: Array) -> Array:
    apart, sums = scale[:, None] - scale, scale[:, None] + scale
    return np.asarray(np.divide(apart, sums, out=np.zeros_like(apart), where=sums > 0) ** 2)
