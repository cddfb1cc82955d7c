"""Quantiles of the normal, Student's and Fisher's distribution, from the incomplete beta function. Pure: the standard library."""

from collections.abc import Callable
from functools import lru_cache
from math import exp, inf, lgamma, log, log1p
from statistics import NormalDist

TINY, ENOUGH, STEPS = 1e-300, 1e-15, 10_000


def normal_quantile(level: float) -> float:
    """The number that a standard normal deviate stays within, with probability `level`."""
    return NormalDist().inv_cdf((1 + level) / 2)


@lru_cache(maxsize=256)
def student_quantile(level: float, df: int) -> float:
    """The number that Student's t with `df` degrees of freedom stays within, with probability `level`."""
    return _inverse(lambda t: 1 - beta_share(df / 2, 0.5, df / (df + t * t)), level)


@lru_cache(maxsize=256)
def fisher_quantile(probability: float, df1: float, df2: float) -> float:
    """The quantile of F with `df1` and `df2` degrees of freedom."""
    return _inverse(lambda f: beta_share(df1 / 2, df2 / 2, df1 * f / (df1 * f + df2)), probability)


def _inverse(grows: Callable[[float], float], wanted: float) -> float:
    """Where a function that grows from 0 reaches `wanted`, by bisection."""
    low, high = 0.0, 1.0
    while grows(high) < wanted:
        low, high = high, high * 2
        if high == inf:
            return inf
    for _step in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if grows(middle) < wanted else (low, middle)
    return (low + high) / 2


def beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (Press et al. 2007, section 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Lentz's evaluation of the continued fraction."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, STEPS):
        for part in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + part * d)
            c = _away(1 + part / c)
            found *= c * d
        if abs(c * d - 1) < ENOUGH:
            break
    return found


def _away(value: float) -> float:
    """The value, kept away from 0."""
    return value if abs(value) > TINY else TINY
