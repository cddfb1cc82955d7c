"""From ratings to figures, and from figures to a verdict. Pure: numpy and no Django.

A sheet is items x raters of scores 0 to 5, None where a rater did not score; there is one for each criterion.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from apps.labeling.agreement import (
    Coefficient,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    weighted_kappa,
)
from apps.labeling.coefficients.bootstrap import SEED

SCALE = range(6)
DRAWS = 2_000
FEWEST_ITEMS = 10  # below it no gate is decided: the interval of any figure is as wide as the scale
Sheet = Sequence[Sequence[int | None]]
Weights = Literal["linear", "quadratic"] | None
Array = NDArray[np.float64]

STATISTICS: Mapping[str, Callable[[Sheet], Coefficient]] = {
    "weighted_quadratic": lambda sheet: weighted_kappa(sheet, SCALE, "quadratic"),
    "weighted_linear": lambda sheet: weighted_kappa(sheet, SCALE, "linear"),
    "fleiss": lambda sheet: fleiss_kappa(sheet, SCALE),
    "krippendorff_ordinal": lambda sheet: krippendorff_alpha(sheet, SCALE, level="ordinal"),
}


@dataclass(frozen=True)
class Decision:
    """What the gate says: passed, failed or undefined; the figure it looked at, if there is one; and why, as a word and a place."""

    outcome: str
    value: float | None
    why: str = ""
    criterion: str = ""


def agreement(sheets: Mapping[str, Sheet]) -> dict[str, dict[str, Any]]:
    """Every statistic of every criterion, as plain dicts."""
    return {
        criterion: {name: asdict(statistic(sheet)) for name, statistic in STATISTICS.items()}
        for criterion, sheet in sheets.items()
    }


def pairs(sheets: Mapping[str, Sheet], weights: Weights) -> list[dict[str, Any]]:
    """Cohen's Kappa of every two raters, for each criterion; raters by their place in the sheet."""
    raters = len(next(iter(next(iter(sheets.values()))), ()))
    return [
        {
            "raters": [one, other],
            "criteria": {criterion: _pair(sheet, one, other, weights) for criterion, sheet in sheets.items()},
        }
        for one, other in combinations(range(raters), 2)
    ]


def _pair(sheet: Sheet, one: int, other: int, weights: Weights) -> dict[str, Any]:
    found = asdict(cohen_kappa([(row[one], row[other]) for row in sheet], SCALE, weights))
    both = [(row[one], row[other]) for row in sheet if row[one] is not None and row[other] is not None]
    return {**found, "far_apart": sum(abs(a - b) >= 2 for a, b in both if a is not None and b is not None)}


def decide(
    found: Mapping[str, Mapping[str, Any]], *, statistic: str, threshold: float, rule: str, items: int
) -> Decision:
    """The verdict of the gate that was fixed before: the figure has to be greater than the threshold.

    Rule "all": every criterion by itself; one that fails decides, also beside one that is undefined. Rule "mean": the mean of all.
    """
    if items < FEWEST_ITEMS:
        return Decision("undefined", None, "too few items")
    figures = {criterion: of[statistic] for criterion, of in found.items()}
    values = {criterion: figure["value"] for criterion, figure in figures.items() if figure["value"] is not None}
    missing = next((criterion for criterion in figures if criterion not in values), "")
    if rule == "all":
        lowest = min(values, key=lambda criterion: values[criterion], default="")
        if lowest and values[lowest] <= threshold:
            return Decision("failed", values[lowest], "", lowest)
        if not missing:
            return Decision("passed", values[lowest], "", lowest)
    if missing:
        return Decision("undefined", None, str(figures[missing]["undefined"]), missing)
    mean = sum(values.values()) / len(values)
    return Decision("passed" if mean > threshold else "failed", mean)


def mean_scores(sheet: Sheet) -> dict[str, Any]:
    """The mean over items of the mean over raters, with a bootstrap interval over items."""
    means = _item_means(sheet)
    means = means[np.isfinite(means)]
    if not len(means):
        return {"mean": None, "low": None, "high": None, "items": 0}
    low, high = _interval(means)
    return {"mean": float(means.mean()), "low": low, "high": high, "items": len(means)}


def mean_difference(first: Sheet, second: Sheet) -> dict[str, Any]:
    """Mean of first minus second, prompt by prompt (both sheets in the order of the prompts), with an interval over prompts."""
    apart = _item_means(first) - _item_means(second)
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return {"mean": None, "low": None, "high": None, "items": 0}
    low, high = _interval(apart)
    return {"mean": float(apart.mean()), "low": low, "high": high, "items": len(apart)}


def disagreement(row_of: Mapping[str, Sequence[int | None]]) -> float:
    """How far raters are apart on one item: the sum over criteria of the squared distance between the highest and lowest score."""
    spread = 0.0
    for scores in row_of.values():
        given = [score for score in scores if score is not None]
        spread += (max(given) - min(given)) ** 2 if len(given) > 1 else 0
    return spread


def worst(sheets: Mapping[str, Sheet], most: int) -> list[int]:
    """Places of the items on which raters are furthest apart, the worst first; only where two differ by two points or more,
    else by one."""
    size = len(next(iter(sheets.values()), ()))
    apart = {place: disagreement({name: sheet[place] for name, sheet in sheets.items()}) for place in range(size)}
    ranked = sorted((place for place in apart if apart[place] > 0), key=lambda place: (-apart[place], place))
    far = [place for place in ranked if apart[place] >= 4]
    return (far or ranked)[:most]


def _item_means(sheet: Sheet) -> Array:
    return np.asarray([_mean(row) for row in sheet], dtype=float)


def _mean(row: Iterable[int | None]) -> float:
    given = [score for score in row if score is not None]
    return sum(given) / len(given) if given else float("nan")


def _interval(values: Array) -> tuple[float, float]:
    generator = np.random.default_rng(SEED)
    drawn = values[generator.integers(0, len(values), size=(DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
