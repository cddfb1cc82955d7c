"""Coefficients of two raters, each with own shares of the categories, and their mean over all pairs of raters."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from apps.labeling.coefficients.chance import NOTHING, fleiss_kappa, lacking
from apps.labeling.coefficients.ratings import Array, Categories, Codes, Ratings, Table, table_of
from apps.labeling.coefficients.result import (
    FEWEST,
    NO_VARIATION,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    undefined,
    with_influence,
)
from apps.labeling.coefficients.weights import Weights, agreement_weights


def cohen_kappa(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """Two raters, over the items that both rated (Cohen 1960, eq. 1; weighted: Cohen 1968, eq. 7 and 8).

    The standard error is that of Fleiss, Cohen and Everitt (1969, eq. 8), the interval the normal one. Of a matrix of weights, rows
    are what the first rater said. Raises ValueError for more raters.
    """
    table = _of_two(ratings, categories, "conger_kappa or weighted_kappa")
    matrix = agreement_weights(weights, table.size)
    both = _common(table, 0, 1) if table.n_raters == FEWEST else None
    if both is None or len(both) < FEWEST:
        why = TOO_FEW_RATERS if both is None else TOO_FEW_ITEMS
        return undefined(why, table.n_items, table.n_raters)
    found = _kappa(both, np.eye(table.size) if matrix is None else matrix)
    if found is None:
        return undefined(NO_VARIATION, table.n_items, table.n_raters)
    return with_influence(*found, table.n_items, table.n_raters, is_table=True, kind="normal")


def weighted_kappa(ratings: Ratings, categories: Categories = None, weights: Weights = "quadratic") -> Coefficient:
    """The mean of Cohen's (weighted) Kappa over all pairs of raters (Light 1971; Conger 1980, section 2).

    A pair without two common items, or whose Kappa is undefined, is left out of the mean. The standard error is that of the
    infinitesimal jackknife over items; of two raters it is Cohen's.
    """
    table = table_of(ratings, categories)
    matrix = agreement_weights(weights, table.size)
    if why := lacking(table):
        return undefined(why, table.n_items, table.n_raters)
    if table.n_raters == FEWEST:
        return cohen_kappa(ratings, categories, weights)
    found = _over_pairs(table, np.eye(table.size) if matrix is None else matrix)
    if found is None:
        return undefined(NO_VARIATION, table.n_items, table.n_raters)
    return with_influence(*found, table.n_items, table.n_raters, is_table=False)


def scott_pi(ratings: Ratings, categories: Categories = None, weights: Weights = None) -> Coefficient:
    """Two raters, over the items that both rated, with shares in common (Scott 1955, eq. 1). Raises ValueError for more raters."""
    table = _of_two(ratings, categories, "fleiss_kappa")
    agreement_weights(weights, table.size)
    if table.n_raters < FEWEST:
        return undefined(TOO_FEW_RATERS, table.n_items, table.n_raters)
    both = _common(table, 0, 1)
    if len(both) < FEWEST:
        return undefined(TOO_FEW_ITEMS, table.n_items, table.n_raters)
    return fleiss_kappa(both, range(table.size), weights)


class Pair(NamedTuple):
    """A Kappa, and what each common item bears on it."""

    value: float
    influence: Array


def _of_two(ratings: Ratings, categories: Categories, instead: str) -> Table:
    table = table_of(ratings, categories)
    if table.n_raters > FEWEST:
        raise ValueError(f"this is of two raters, and there are {table.n_raters}: use {instead}")
    return table


def _common(table: Table, first: int, second: int) -> Codes:
    """What both said, over the items that both rated."""
    codes = table.codes[:, [first, second]]
    return np.asarray(codes[(codes >= 0).all(axis=1)])


def _kappa(both: Codes, weights: Array) -> Pair | None:
    size = len(weights)
    cells = np.bincount(both[:, 0] * size + both[:, 1], minlength=size * size).reshape(size, size) / len(both)
    rows, columns = cells.sum(axis=1), cells.sum(axis=0)
    observed, expected = float((cells * weights).sum()), float(rows @ weights @ columns)
    if 1 - expected < NOTHING:
        return None
    value = (observed - expected) / (1 - expected)
    beside = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    bears = (weights - (1 - value) * beside - observed + 2 * (1 - value) * expected) / (1 - expected)
    return Pair(value, bears[both[:, 0], both[:, 1]])


def _over_pairs(table: Table, weights: Array) -> Pair | None:
    values, influence = [], np.zeros(len(table.codes))
    for first, second in combinations(range(table.n_raters), 2):
        is_common = table.is_given[:, first] & table.is_given[:, second]
        found = _kappa(table.codes[is_common][:, [first, second]], weights) if is_common.sum() >= FEWEST else None
        if found is not None:
            values.append(found.value)
            influence[is_common] += found.influence * len(table.codes) / len(found.influence)
    return Pair(sum(values) / len(values), influence / len(values)) if values else None
