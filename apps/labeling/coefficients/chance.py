"""Coefficients with one share for each category: percent, Fleiss, Brennan-Prediger, Gwet; and Conger's, with one for each rater.

All are (observed - expected) / (1 - expected) with the same observed agreement: the mean, over items with two ratings or more, of the
share of its pairs of ratings that agree (Gwet 2014, eq. 2.10). They differ in what chance would give.
"""

from collections.abc import Callable

import numpy as np

from apps.labeling.coefficients.ratings import Array, Categories, Ratings, Table, table_of
from apps.labeling.coefficients.result import (
    FEWEST,
    NO_VARIATION,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    undefined,
    with_influence,
)
from apps.labeling.coefficients.weights import Weights, agreement_weights, both_ways

NOTHING = 1e-12  # what rounding leaves of zero
Chance = Callable[[Table, Array | None], tuple[float, Array]]  # expected agreement, and each item's part in it


def percent_agreement(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """The share of pairs of ratings that agree, as a mean over items (Gwet 2014, eq. 2.10). Weighted: how far they agree."""
    return _measured(ratings, categories, weights, lambda table, _weights: (0.0, np.zeros(len(table.codes))))


def fleiss_kappa(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """Any raters, in any number an item (Fleiss 1971, eq. 3 to 7; with uneven numbers and gaps: Gwet 2014, eq. 2.11 and 2.12)."""

    def chance(table: Table, weights: Array | None) -> tuple[float, Array]:
        shares = _shares(table)
        beside = shares if weights is None else weights @ shares
        return float(shares @ beside), table.sums(beside) / table.given

    return _measured(ratings, categories, weights, chance)


def brennan_prediger(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """Chance gives every category alike (Brennan and Prediger 1981, eq. 9; weighted: Gwet 2014, eq. 4.3.2)."""

    def chance(table: Table, weights: Array | None) -> tuple[float, Array]:
        expected = (table.size if weights is None else float(weights.sum())) / table.size**2
        return expected, np.full(len(table.codes), expected)

    return _measured(ratings, categories, weights, chance)


def gwet_ac(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """AC1, with weights AC2: chance agreement from how hard items are to place, so that a rare category does not sink the figure
    (Gwet 2008, eq. 8; Gwet 2014, eq. 3.5 and 5.3). Where all gave one category of several it is 1."""

    def chance(table: Table, weights: Array | None) -> tuple[float, Array]:
        if table.size < FEWEST:
            return 1.0, np.ones(len(table.codes))
        shares = _shares(table)
        by_category = (
            (table.size if weights is None else weights.sum()) / (table.size * (table.size - 1)) * (1 - shares)
        )
        return float(shares @ by_category), table.sums(by_category) / table.given

    return _measured(ratings, categories, weights, chance)


def conger_kappa(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """Fleiss's observed agreement, but each rater with own shares (Conger 1980, eq. 8; gaps and variance: Gwet 2014, section 5.4).

    Two raters without gaps: Cohen's Kappa."""
    return _measured(ratings, categories, weights, _conger_chance)


def _conger_chance(table: Table, weights: Array | None) -> tuple[float, Array]:
    """Chance agreement of two different raters, and how each item bears on it (irrCAC 0.4.4, raw.conger)."""
    items, raters = table.codes.shape
    matrix = np.eye(table.size) if weights is None else weights
    given = table.is_given.sum(axis=0)
    shares = np.array([np.bincount(own[own >= 0], minlength=table.size) for own in table.codes.T]) / given[:, None]
    whole = shares.sum(axis=0)
    expected = (whole @ matrix @ whole - np.einsum("gk,kl,gl->", shares, matrix, shares)) / (raters * (raters - 1))
    bears = np.zeros(items)
    for own, share, count, is_given in zip(table.codes.T, shares, given, table.is_given.T, strict=True):
        others = matrix @ (whole - share)
        mean = float(others @ share)
        bears += items / count * np.where(is_given, others[own] - mean, 0.0) + mean
    return float(expected), bears / (raters * (raters - 1))


def _measured(ratings: Ratings, categories: Categories, weights: Weights, chance: Chance) -> Coefficient:
    table = table_of(ratings, categories)
    matrix = both_ways(agreement_weights(weights, table.size))
    if why := lacking(table):
        return undefined(why, table.n_items, table.n_raters)
    return _beyond_chance(table, matrix, chance)


def lacking(table: Table) -> str:
    """Why there is nothing to measure, or ""."""
    if table.n_raters < FEWEST:
        return TOO_FEW_RATERS
    return TOO_FEW_ITEMS if table.n_items < FEWEST else ""


def _beyond_chance(table: Table, weights: Array | None, chance: Chance) -> Coefficient:
    """The coefficient and what each item bears on it (Gwet 2014, sections 5.3 and 5.4, as irrCAC 0.4.4 computes them)."""
    has_pairs = table.given >= FEWEST
    agreed = (table.crossed(weights) - table.given) / np.maximum(table.given * (table.given - 1), 1)
    observed = float(agreed[has_pairs].mean())
    expected, bears = chance(table, weights)
    if 1 - expected < NOTHING:
        return undefined(NO_VARIATION, table.n_items, table.n_raters)
    value = (observed - expected) / (1 - expected)
    own = len(agreed) / table.n_items * (agreed - expected) * has_pairs / (1 - expected)
    influence = own - 2 * (1 - value) * (bears - expected) / (1 - expected) - value
    return with_influence(value, influence, table.n_items, table.n_raters, is_table=table.is_two_way)


def _shares(table: Table) -> Array:
    """The share of each category: the mean over items of its share in the item."""
    each = np.bincount(table.flat, 1 / table.given[table.where], minlength=table.size)
    return np.asarray(each / len(table.codes))
