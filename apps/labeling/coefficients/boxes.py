"""Agreement on boxes in an image: intersection over union (Jaccard 1912; Everingham et al. 2010, section 4.2, for the bound of 0.5)."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from apps.labeling.coefficients.matching import matched, mean_over_pairs
from apps.labeling.coefficients.result import Coefficient

LEAST_IOU = 0.5


class Box(NamedTuple):
    """The left upper corner and the sides, all in one unit, and what is in it. Not turned."""

    x: float
    y: float
    width: float
    height: float
    label: Hashable


def box_iou(one: Box, other: Box) -> float:
    """The area in common by the area of both together, from 0 to 1; 0 for boxes without an area. Labels do not matter."""
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return shared / (one.width * one.height + other.width * other.height - shared)


def box_agreement(
    tasks: Sequence[Mapping[Any, Sequence[Box]]],
    *,
    measure: Literal["f1", "iou"] = "f1",
    least_iou: float = LEAST_IOU,
) -> Coefficient:
    """`tasks` are {person: boxes}, with an empty list for who answered and drew none. Boxes of two people belong together when they
    have one label and an IoU of `least_iou` or more; the best fit first, each box once.

    "f1": 2 pairs / (boxes of one + boxes of the other). "iou": the mean IoU of those pairs. Each over the common tasks of two people,
    then the mean over pairs of people. Raises ValueError for another measure, or a bound that is not above 0 and at most 1.
    """
    if measure not in ("f1", "iou"):
        raise ValueError(f"there is no measure called {measure!r}: it is f1 or iou")
    if not 0 < least_iou <= 1:
        raise ValueError("the least IoU is above 0 and at most 1")

    def score(one: Box, other: Box) -> float:
        found = box_iou(one, other) if one.label == other.label else 0.0
        return found if found >= least_iou else 0.0

    def parts(first: Sequence[Box], second: Sequence[Box]) -> tuple[float, float]:
        scores = matched([Box(*box) for box in first], [Box(*box) for box in second], score)
        if measure == "iou":
            return sum(scores), float(len(scores))
        return 2.0 * len(scores), float(len(first) + len(second))

    return mean_over_pairs(tasks, parts)
