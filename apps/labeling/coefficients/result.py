"""What every figure of agreement answers with, and its interval."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apps.labeling.coefficients.distributions import normal_quantile, student_quantile

Array = NDArray[np.float64]
Kind = Literal["student", "normal"]

NO_VARIATION = "no variation"
TOO_FEW_ITEMS = "too few items"
TOO_FEW_RATERS = "fewer than two raters"
NOTHING_MARKED = "nothing marked"
FEWEST = 2  # items with two ratings or more, and raters
LEVEL = 0.95
EXACT = 12  # decimals: what whole agreement comes to must not lie a rounding below 1, where a gate asks for it


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One figure of agreement. Where there is none, `value se low high` are None and `undefined` is the reason.

    `low` and `high` bound 95 %. `n_items` are those with two ratings or more, `n_raters` those who rated anything.
    """

    value: float | None
    se: float | None
    low: float | None
    high: float | None
    n_items: int
    n_raters: int
    undefined: str | None = None


def undefined(why: str, n_items: int, n_raters: int) -> Coefficient:
    return Coefficient(None, None, None, None, n_items, n_raters, why)


def with_influence(
    value: float, influence: Array, n_items: int, n_raters: int, *, is_table: bool, kind: Kind = "student"
) -> Coefficient:
    """The figure with the standard error of its linear expansion: `influence` has one number an item, of mean 0, so that the value
    moves by influence / n when the item weighs a little more.

    The sum of squares is divided by n squared in a two-way table (Fleiss, Cohen and Everitt 1969, eq. 8), else by n (n - 1)
    (Gwet 2014, eq. 5.6.1 onwards). The interval is Student's with n - 1 degrees of freedom, or the normal one.
    """
    value = round(value, EXACT)
    size = len(influence)
    se = float(np.sqrt(np.square(influence).sum() / (size * (size if is_table else size - 1))))
    wide = (normal_quantile(LEVEL) if kind == "normal" else student_quantile(LEVEL, size - 1)) * se
    return Coefficient(value, se, max(value - wide, min(-1.0, value)), min(value + wide, 1.0), n_items, n_raters)
