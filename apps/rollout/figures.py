"""What two arms show: means with their intervals, the difference, and whether users split as planned. Pure.

A mean is kept as (n, sum, sum of squares). Intervals are Student's t at 95 %, of the difference by Welch; they are meant for one look.
The sample ratio is Pearson's chi-square with one degree of freedom.
"""

import math
from dataclasses import dataclass

LEVEL = 0.95
RATIO_ALARM = 0.001  # as GrowthBook and others: rare enough that chance is no explanation
RATIO_FROM = 16  # users of both arms, before a ratio says anything


@dataclass(frozen=True)
class Mean:
    """A mean with its 95 % interval; without one for fewer than two values."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


def mean(n: int, total: float, squares: float) -> Mean:
    """From the count, the sum and the sum of squares."""
    if n < 1:
        return Mean(0, None)
    value = total / n
    if n < 2:
        return Mean(n, value)
    half = quantile_t(n - 1) * math.sqrt(variance(n, total, squares) / n)
    return Mean(n, value, value - half, value + half)


def variance(n: int, total: float, squares: float) -> float:
    """The sample variance; never below zero, whatever rounding does."""
    return max(0.0, (squares - total * total / n) / (n - 1))


def difference(a: tuple[int, float, float], b: tuple[int, float, float]) -> Mean | None:
    """Mean of a minus mean of b with Welch's interval; None while one of them has fewer than two values."""
    if a[0] < 2 or b[0] < 2:
        return None
    parts = [variance(*arm) / arm[0] for arm in (a, b)]
    value, error = a[1] / a[0] - b[1] / b[0], sum(parts)
    if error == 0:
        return Mean(a[0] + b[0], value, value, value)
    freedom = error**2 / sum(part**2 / (arm[0] - 1) for part, arm in zip(parts, (a, b), strict=True))
    half = quantile_t(freedom) * math.sqrt(error)
    return Mean(a[0] + b[0], value, value - half, value + half)


@dataclass(frozen=True)
class Ratio:
    """Whether users split as planned. `p` is None while there are too few of them."""

    observed: tuple[int, ...]
    p: float | None

    @property
    def is_off(self) -> bool:
        return self.p is not None and self.p < RATIO_ALARM


def sample_ratio(observed: tuple[int, int]) -> Ratio:
    """The chance of a split at least as uneven as this one, were both arms equally likely."""
    total = sum(observed)
    if total < RATIO_FROM:
        return Ratio(observed, None)
    statistic = sum((count - total / 2) ** 2 / (total / 2) for count in observed)
    return Ratio(observed, math.erfc(math.sqrt(statistic / 2)))


def quantile_t(freedom: float, level: float = LEVEL) -> float:
    """The t with `level` of Student's distribution between -t and t, by bisection on its tail (Abramowitz and Stegun 26.7.1)."""
    low, high = 0.0, 1e4
    for _step in range(100):
        middle = (low + high) / 2
        inside = 1 - _beta(freedom / 2, 0.5, freedom / (freedom + middle * middle))
        low, high = (middle, high) if inside < level else (low, middle)
    return (low + high) / 2


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8, Lentz's method)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    fraction, c, d = 1.0, 1.0, 0.0
    for m in range(400):
        step = m // 2
        if m == 0:
            part = 1.0
        elif m % 2 == 0:
            part = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        else:
            part = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        d = 1 / (1 + part * d or tiny)
        c = 1 + part / c or tiny
        fraction *= c * d
        if m > 1 and abs(1 - c * d) < 1e-14:
            break
    return front * (fraction - 1)
