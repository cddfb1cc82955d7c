"""Topic consistency: the share of rows that have company.

A row has company when the mean cosine between it and the five other rows of the sample nearest to it is at least 0.4. The mean
similarity to the nearest neighbours is the score by which Kuan & Mueller 2022 ("Back to the Basics: Revisiting Out-of-Distribution
Detection Baselines", arXiv:2207.03061; used by cleanlab's Datalab) find rows that do not belong. docs/quality.md says how the 0.4 was
calibrated. The sample is of a fixed size because more rows are nearer to each other; equal texts do not count as company.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

ROWS = 400
FEWEST = 100
NEIGHBOURS = 5
COMPANY = 0.4
SAME = 0.9999
SHOWN = 8


def company(vectors: Any) -> Any:
    """The mean cosine of each row to its nearest others (float, (rows,)). `vectors` are unit vectors, (rows, width)."""
    cosines = vectors @ vectors.T
    cosines[cosines > SAME] = 0.0
    nearest = np.partition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
    return np.clip(nearest, 0.0, None).mean(axis=1)


def figures(vectors: Any, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """{"n", "share", "mean", "examples"}; the examples are the loneliest rows. `rows` have "place" and "text"."""
    scores = company(vectors)
    loneliest = [int(place) for place in np.argsort(scores, kind="stable")[:SHOWN] if scores[place] < COMPANY]
    examples = [
        {"place": rows[place]["place"], "text": rows[place]["text"][:160], "cosine": round(float(scores[place]), 3)}
        for place in loneliest
    ]
    share = round(float((scores >= COMPANY).mean()), 4)
    return {"n": len(rows), "share": share, "mean": round(float(scores.mean()), 4), "examples": examples}
