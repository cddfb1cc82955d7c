"""Agreement on orders: Kendall's W."""

from collections.abc import Sequence

import numpy as np

from apps.labeling.coefficients.bootstrap import drawn
from apps.labeling.coefficients.ratings import Array
from apps.labeling.coefficients.result import (
    FEWEST,
    NO_VARIATION,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    undefined,
)


def kendall_w(tasks: Sequence[Sequence[Sequence[float]]]) -> Coefficient:
    """`tasks` are people x things of ranks or scores (any numbers; equal ones share the mean rank). W of each task (Kendall and
    Babington Smith 1939; ties: Kendall 1948, section 6.7), then the mean over tasks that have one; the interval is a percentile
    bootstrap over tasks. Raises ValueError for a task that is no table of finite numbers.
    """
    tables = [_table(task) for task in tasks]
    people = max((len(table) for table in tables), default=0)
    usable = [table for table in tables if len(table) >= FEWEST and table.shape[1] >= FEWEST]
    if people < FEWEST:
        return undefined(TOO_FEW_RATERS, len(usable), people)
    if not usable:
        return undefined(TOO_FEW_ITEMS, 0, people)
    each = np.array([_concordance(table) for table in usable])
    each = each[np.isfinite(each)]
    if not len(each):
        return undefined(NO_VARIATION, len(usable), people)
    se, low, high = drawn(len(each), lambda counts: counts @ each / len(each)) if len(each) > 1 else (None, None, None)
    return Coefficient(float(each.mean()), se, low, high, len(usable), people)


def _table(task: Sequence[Sequence[float]]) -> Array:
    try:
        table = np.asarray(task, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("a task is people x things of numbers, each with as many things") from None
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError("a task is people x things of finite numbers")
    return table


def _concordance(table: Array) -> float:
    people, things = table.shape
    ranks = np.array([_ranks(row) for row in table])
    sums = ranks.sum(axis=0)
    spread = float(np.square(sums - sums.mean()).sum())
    ties = sum(_ties(row) for row in table)
    most = people**2 * (things**3 - things) - people * ties
    return 12 * spread / most if most > 0 else float("nan")


def _ranks(row: Array) -> Array:
    _values, places, counts = np.unique(row, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], dtype=float)


def _ties(row: Array) -> float:
    counts = np.unique(row, return_counts=True)[1].astype(float)
    return float((counts**3 - counts).sum())
