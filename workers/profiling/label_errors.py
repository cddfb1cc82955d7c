"""Labels that are probably wrong, by confident learning.

Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, section 3.1: a class is believed
of a row when its probability is at least the mean probability of that class among the rows that bear it; a row whose most probable
believed class is not its label counts as an error (the off-diagonals of the confident joint). The probabilities are out of sample: a
logistic regression on the vectors of the texts, in five folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

ROWS = 1_500
FOLDS = 5
FEWEST = 50  # rows
SHOWN = 12


def confident_errors(probabilities: Any, labels: Any) -> Any:
    """For each row the class that it should have, or -1 where its label stands. (rows, classes) floats and (rows,) ints."""
    rows, classes = probabilities.shape
    believed_from = np.array([probabilities[labels == one, one].mean() for one in range(classes)])
    believed = np.where(probabilities >= believed_from, probabilities, -1.0)
    best = believed.argmax(axis=1)
    is_error = (believed[np.arange(rows), best] >= 0) & (best != labels)
    return np.where(is_error, best, -1)


def out_of_sample(vectors: Any, labels: Any, seed: int) -> Any:
    """The probability of each class for each row, from a model that did not see the row."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.model_selection import StratifiedKFold, cross_val_predict  # type: ignore[import-untyped]

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=1000, C=10.0)
    return cross_val_predict(model, vectors, labels, cv=folds, method="predict_proba")


def usable(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Places of the rows whose class has at least as many rows as there are folds; [] when that leaves fewer than two classes."""
    counts: dict[str, int] = {}
    for row in rows:
        if "label" in row:
            counts[row["label"]] = counts.get(row["label"], 0) + 1
    known = {label for label, count in counts.items() if count >= FOLDS}
    places = [place for place, row in enumerate(rows) if row.get("label") in known]
    return places if len(known) >= 2 and len(places) >= FEWEST else []


def figures(vectors: Any, rows: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    """{"n", "rows", "share", "examples"}; the examples are those of which the model is surest. Every row has "label"."""
    names = sorted({row["label"] for row in rows})
    labels = np.array([names.index(row["label"]) for row in rows])
    probabilities = out_of_sample(vectors, labels, seed)
    better = confident_errors(probabilities, labels)
    wrong = np.flatnonzero(better >= 0)
    sureness = probabilities[wrong, better[wrong]] - probabilities[wrong, labels[wrong]]
    examples = [_example(rows[place], names[better[place]]) for place in wrong[np.argsort(-sureness)][:SHOWN]]
    share = round(len(wrong) / len(rows), 4)
    return {"n": len(rows), "rows": len(wrong), "share": share, "classes": len(names), "examples": examples}


def _example(row: dict[str, Any], suggested: str) -> dict[str, Any]:
    return {"place": row["place"], "text": row["text"][:160], "label": row["label"], "suggested": suggested}
