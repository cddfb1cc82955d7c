"""Near duplicates among rows, as the recipe's step finds them (workers.duplicates): a Jaccard index of shingles of at least 0.8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from workers.duplicates import NearDuplicates, Watch
from workers.profiling.identities import leaked_rows

SIMILAR = 0.8
CHARACTERS = 20_000  # of a row that are compared
SHOWN = 5


def figures(texts: Iterable[str], parts: Any, places: Any, watch: Watch = lambda done, total: None) -> dict[str, Any]:
    """{"n", "rows", "share", "leaked", "groups"}: rows that are nearly an earlier one, those nearly in an earlier split, and the
    greatest groups with the places of their first rows.

    `parts` (as in Identities) and `places` are those of the texts, in the same order.
    """
    finder = NearDuplicates(SIMILAR)
    try:
        for text in texts:
            finder.add(text[:CHARACTERS])
        groups = finder.groups(watch)
    finally:
        finder.close()
    count = len(finder)
    rows = sum(len(group) - 1 for group in groups)
    greatest = sorted(groups, key=lambda group: -len(group))[:SHOWN]
    return {
        "n": count,
        "rows": rows,
        "share": round(rows / count, 6) if count else 0.0,
        "leaked": _leaked(groups, parts),
        "groups": [{"place": int(places[group[0]]), "rows": len(group)} for group in greatest],
    }


def _leaked(groups: list[list[int]], parts: Any) -> int:
    members = np.array([place for group in groups for place in group], np.int64)
    names = np.array([number for number, group in enumerate(groups) for _place in group], np.int64)
    return leaked_rows(names, parts[members]) if len(members) else 0
