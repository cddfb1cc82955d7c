"""Agreement on things that people mark by themselves: what one marked is matched with what another did, one to one."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from apps.labeling.coefficients.bootstrap import drawn
from apps.labeling.coefficients.ratings import Array
from apps.labeling.coefficients.result import (
    FEWEST,
    NOTHING_MARKED,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    undefined,
)

Marked = Mapping[
    Hashable, Sequence[Any]
]  # of one task: who marked what; who answered and marked nothing has an empty list
Score = Callable[[Any, Any], float]  # how well two marks fit, 0 for not at all


def matched(first: Sequence[Any], second: Sequence[Any], score: Score) -> list[float]:
    """The scores of marks that belong together: the best fit first, each mark once."""
    found = [(score(one, other), i, j) for i, one in enumerate(first) for j, other in enumerate(second)]
    scores, taken, given = [], set[int](), set[int]()
    for value, i, j in sorted(found, key=lambda fit: (-fit[0], fit[1], fit[2])):
        if value > 0 and i not in taken and j not in given:
            scores.append(value)
            taken.add(i)
            given.add(j)
    return scores


def mean_over_pairs(
    tasks: Sequence[Marked], parts: Callable[[Sequence[Any], Sequence[Any]], tuple[float, float]]
) -> Coefficient:
    """Over every pair of people: the sum of the first `parts` of their common tasks by the sum of the second; then the mean of pairs.

    A pair whose second sum is 0 (nobody marked anything) is left out. The interval is a percentile bootstrap over tasks.
    """
    people = sorted({person for marked in tasks for person in marked}, key=repr)
    shared = [marked for marked in tasks if len(marked) >= FEWEST]
    if len(people) < FEWEST:
        return undefined(TOO_FEW_RATERS, len(shared), len(people))
    if len(shared) < FEWEST:
        return undefined(TOO_FEW_ITEMS, len(shared), len(people))
    above, below = _by_pair(shared, people, parts)
    value = float(_mean(np.ones((1, len(shared))), above, below)[0])
    if not np.isfinite(value):
        return undefined(NOTHING_MARKED, len(shared), len(people))
    se, low, high = drawn(len(shared), lambda counts: _mean(counts, above, below))
    return Coefficient(value, se, low, high, len(shared), len(people))


def _by_pair(
    tasks: Sequence[Marked],
    people: Sequence[Hashable],
    parts: Callable[[Sequence[Any], Sequence[Any]], tuple[float, float]],
) -> tuple[Array, Array]:
    """Tasks x pairs that have a task in common."""
    places: dict[tuple[Hashable, Hashable], int] = {}
    found: list[tuple[int, int, float, float]] = []
    order = {person: place for place, person in enumerate(people)}
    for number, marked in enumerate(tasks):
        for pair in combinations(sorted(marked, key=order.__getitem__), 2):
            place = places.setdefault(pair, len(places))
            found.append((number, place, *parts(marked[pair[0]], marked[pair[1]])))
    above, below = np.zeros((len(tasks), len(places))), np.zeros((len(tasks), len(places)))
    for number, place, over, under in found:
        above[number, place], below[number, place] = over, under
    return above, below


def _mean(counts: Array, above: Array, below: Array) -> Array:
    over, under = counts @ above, counts @ below
    has = under > 0
    each = np.divide(over, under, out=np.zeros_like(over), where=has)
    pairs = has.sum(axis=1)
    return np.asarray(np.divide(each.sum(axis=1), pairs, out=np.full(len(counts), np.nan), where=pairs > 0))
