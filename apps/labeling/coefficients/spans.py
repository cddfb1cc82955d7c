"""Agreement on spans of a text: F1 between people (Hripcsak and Rothschild 2005, JAMIA 12(3): without a count of what nobody marked,
F1 is what Kappa comes to)."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from apps.labeling.coefficients.matching import matched, mean_over_pairs
from apps.labeling.coefficients.result import Coefficient


class Span(NamedTuple):
    """Characters `start` to `end` (not included), and what they are called."""

    start: int
    end: int
    label: Hashable


def span_agreement(
    tasks: Sequence[Mapping[Any, Sequence[Span]]], *, match: Literal["exact", "overlap"] = "exact"
) -> Coefficient:
    """`tasks` are {person: spans}, with an empty list for who answered and marked nothing. For each pair of people 2 matches / (spans
    of one + spans of the other) over their common tasks, then the mean over pairs.

    "exact": same places and label. "overlap": same label and a character in common; the longest overlap first, each span once. Where
    nobody marked anything it is undefined. Raises ValueError for another `match`.
    """
    if match not in ("exact", "overlap"):
        raise ValueError(f"there is no match called {match!r}: it is exact or overlap")
    score = _same if match == "exact" else _overlap

    def parts(first: Sequence[Span], second: Sequence[Span]) -> tuple[float, float]:
        one, other = _once(first), _once(second)
        return 2.0 * len(matched(one, other, score)), float(len(one) + len(other))

    return mean_over_pairs(tasks, parts)


def _once(spans: Sequence[Span]) -> list[Span]:
    return list(dict.fromkeys(Span(*span) for span in spans))


def _same(one: Span, other: Span) -> float:
    return float(one == other)


def _overlap(one: Span, other: Span) -> float:
    shared = min(one.end, other.end) - max(one.start, other.start)
    return float(shared) if one.label == other.label and shared > 0 else 0.0
