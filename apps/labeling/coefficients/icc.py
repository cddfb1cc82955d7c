"""Intraclass correlations: how far raters agree on numbers (Shrout and Fleiss 1979; McGraw and Wong 1996)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from apps.labeling.coefficients.distributions import fisher_quantile
from apps.labeling.coefficients.ratings import Array, Categories, Ratings, Table, table_of
from apps.labeling.coefficients.result import (
    FEWEST,
    LEVEL,
    NO_VARIATION,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    undefined,
)

Form = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
TAIL = (1 + LEVEL) / 2
ROUNDING = 1e-12


def icc(
    ratings: Ratings, categories: Categories = None, weights: None = None, *, form: Form = "ICC(2,1)"
) -> Coefficient:
    """Of numbers. (1,.): raters differ from item to item; (2,.): the same raters, drawn from many; (3,.): these very raters.
    (.,1): of a single rating; (.,k): of the mean of all raters.

    Only items that every rater rated count. The interval is Shrout and Fleiss's, from F; the standard error is the jackknife's over
    items. Raises ValueError for a form that there is not, for weights, and for ratings that are no finite numbers.
    """
    if form not in _FORMS:
        raise ValueError(f"there is no form called {form!r}: it is one of {', '.join(_FORMS)}")
    if weights is not None:
        raise ValueError("an ICC has no weights")
    table = table_of(ratings, categories)
    scale = _finite(table)
    whole = table.codes[(table.given == table.n_raters)]
    if table.n_raters < FEWEST:
        return undefined(TOO_FEW_RATERS, len(whole) if table.n_raters else 0, table.n_raters)
    if len(whole) < FEWEST:
        return undefined(TOO_FEW_ITEMS, len(whole), table.n_raters)
    x = scale[whole]
    x = x - x.mean()
    value, interval = _FORMS[form](_squares(x))
    found = float(value[0])
    if not np.isfinite(found):
        return undefined(NO_VARIATION, len(whole), table.n_raters)
    low, high = interval(found)
    return Coefficient(found, _jackknifed(x, form), low, high, len(whole), table.n_raters)


@dataclass(frozen=True)
class Squares:
    """Mean squares of a two-way table: items, raters, the rest, and within items. One number each, or one for each draw."""

    items: Array
    raters: Array
    rest: Array
    within: Array
    n: int
    k: int


Interval = Callable[[float], tuple[float | None, float | None]]


def _finite(table: Table) -> Array:
    try:
        scale = np.asarray([float(value) for value in table.categories], dtype=float)
    except (TypeError, ValueError):
        raise ValueError("an ICC needs numbers as ratings") from None
    if not np.isfinite(scale).all():
        raise ValueError("an ICC needs finite numbers as ratings")
    return scale


def _squares(x: Array) -> Squares:
    total, columns = np.array([x.sum()]), x.sum(axis=0)
    rows = np.array([np.square(x.sum(axis=1)).sum()])
    return _from_sums(np.array([np.square(x).sum()]), rows, np.array([columns @ columns]), total, *x.shape)


def _from_sums(squares: Array, rows: Array, columns: Array, total: Array, n: int, k: int) -> Squares:
    """From the sum of squares, of squared sums of items, of squared sums of raters, and the sum."""
    mean = total**2 / (n * k)
    noise = ROUNDING * squares
    items, raters = _cleaned(rows / k - mean, noise), _cleaned(columns / n - mean, noise)
    within = _cleaned(squares - rows / k, noise)
    rest = _cleaned(within - raters, noise)
    return Squares(items / (n - 1), raters / (k - 1), rest / ((n - 1) * (k - 1)), within / (n * (k - 1)), n, k)


def _cleaned(value: Array, noise: Array) -> Array:
    return np.asarray(np.where(value <= noise, 0.0, value))


def _jackknifed(x: Array, form: Form) -> float | None:
    """The figure without each item in turn (Efron and Tibshirani 1993, eq. 11.5)."""
    n, k = x.shape
    if n <= FEWEST:
        return None
    rows, columns, squares = x.sum(axis=1), x.sum(axis=0), np.square(x).sum(axis=1)
    without = _from_sums(
        squares.sum() - squares,
        np.square(rows).sum() - rows**2,
        columns @ columns - 2 * x @ columns + squares,
        rows.sum() - rows,
        n - 1,
        k,
    )
    values, _interval = _FORMS[form](without)
    if not np.isfinite(values).all():
        return None
    return float(np.sqrt((n - 1) / n * np.square(values - values.mean()).sum()))


def _one_way(s: Squares, *, is_mean: bool) -> tuple[Array, Interval]:
    value = _over(s.items - s.within, s.items if is_mean else s.items + (s.k - 1) * s.within)
    return value, lambda _value: _from_f(s.items, s.within, s.n - 1, s.n * (s.k - 1), s.k, is_mean)


def _consistent(s: Squares, *, is_mean: bool) -> tuple[Array, Interval]:
    value = _over(s.items - s.rest, s.items if is_mean else s.items + (s.k - 1) * s.rest)
    return value, lambda _value: _from_f(s.items, s.rest, s.n - 1, (s.n - 1) * (s.k - 1), s.k, is_mean)


def _agreeing(s: Squares, *, is_mean: bool) -> tuple[Array, Interval]:
    raters = (s.raters - s.rest) / s.n
    single = _over(s.items - s.rest, s.items + (s.k - 1) * s.rest + s.k * raters)
    value = _over(s.items - s.rest, s.items + raters) if is_mean else single
    return value, lambda _value: _satterthwaite(s, float(single[0]), is_mean)


def _from_f(items: Array, error: Array, df1: int, df2: int, k: int, is_mean: bool) -> tuple[float, float]:
    """Shrout and Fleiss 1979, p. 424 and 426."""
    if not error[0]:
        return 1.0, 1.0
    f = float(items[0] / error[0])
    low, high = f / fisher_quantile(TAIL, df1, df2), f * fisher_quantile(TAIL, df2, df1)
    if is_mean:
        return 1 - 1 / low, 1 - 1 / high
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _satterthwaite(s: Squares, rho: float, is_mean: bool) -> tuple[float | None, float | None]:
    """Shrout and Fleiss 1979, p. 425, of ICC(2,1); that of the mean by Spearman and Brown's formula."""
    n, k, items, raters, rest = s.n, s.k, float(s.items[0]), float(s.raters[0]), float(s.rest[0])
    if not rest and not raters:
        return 1.0, 1.0
    if not rest:
        return None, None
    f = raters / rest
    a, b = k * rho * f, n * (1 + (k - 1) * rho) - k * rho
    df = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * (k * rho) ** 2 * f**2 + b**2)
    if not np.isfinite(df) or df <= 0:
        return None, None
    up, down = fisher_quantile(TAIL, n - 1, df), fisher_quantile(TAIL, df, n - 1)
    error = k * raters + (k * n - k - n) * rest
    low = n * (items - up * rest) / (up * error + n * items)
    high = n * (down * items - rest) / (error + n * down * items)
    if not is_mean:
        return low, high
    if 1 + low * (k - 1) <= 0:  # so wide that the formula for the mean turns over
        return None, None
    return low * k / (1 + low * (k - 1)), high * k / (1 + high * (k - 1))


def _over(numerator: Array, denominator: Array) -> Array:
    """Elementwise; NaN where the variance below is estimated as none or less."""
    out = np.full(len(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=out, where=denominator > 0))


_FORMS: dict[str, Callable[[Squares], tuple[Array, Interval]]] = {
    "ICC(1,1)": lambda s: _one_way(s, is_mean=False),
    "ICC(2,1)": lambda s: _agreeing(s, is_mean=False),
    "ICC(3,1)": lambda s: _consistent(s, is_mean=False),
    "ICC(1,k)": lambda s: _one_way(s, is_mean=True),
    "ICC(2,k)": lambda s: _agreeing(s, is_mean=True),
    "ICC(3,k)": lambda s: _consistent(s, is_mean=True),
}
