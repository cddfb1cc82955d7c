"""The figures of agreement as tables whose cells have a number and a colour."""

from typing import Any

from apps.labeling.models import LabelProject
from apps.labeling.reviewing.figures import Figures, Question, figures

MOST_PEOPLE = 14  # rows of the table of pairs, those who answered most
MOST_CLASSES = 14


def agreement_page(project: LabelProject, question: str) -> dict[str, Any]:
    """All that the page shows; `question` chooses what pairs of people are compared by."""
    found = figures(project)
    names = {control.name for control in project.config.controls}
    chosen = question if question in names else ""
    return {
        "figures": found,
        "questions": [{"one": one, "bar": _bar(one), "confusion": confusion(one)} for one in found.questions],
        "chosen": chosen,
        "choices": [one.control.name for one in found.questions],
        "pairs": pairs(found, chosen),
        "people": people(found),
    }


def heat(value: float | None) -> int:
    """1 (below 0.4) to 5 (0.85 and more), as the key below the tables says."""
    if value is None:
        return 0
    return 1 + sum(value >= bound for bound in (0.4, 0.55, 0.7, 0.85))


def _bar(one: Question) -> dict[str, float] | None:
    """The interval on a scale from -0.2 to 1, in percent, for the picture beside the number."""
    c = one.coefficient
    if c.value is None:
        return None
    low, high = (c.value if edge is None else edge for edge in (c.low, c.high))
    return {"low": _at(low), "width": max(0.5, _at(high) - _at(low)), "value": _at(c.value)}


def _at(value: float) -> float:
    return round(min(100.0, max(0.0, (value + 0.2) / 1.2 * 100)), 2)


def confusion(one: Question) -> dict[str, Any] | None:
    """Rows: what one person said; cells: the share of times that the other said the column's."""
    totals: dict[str, int] = {}
    for (first, _second), times in one.confusion.items():
        totals[first] = totals.get(first, 0) + times
    classes = sorted(totals, key=lambda name: -totals[name])[:MOST_CLASSES]
    if len(classes) < 2:
        return None
    order = {str(value): place for place, value in enumerate(one.control.stored)}
    classes.sort(key=lambda name: (order.get(name, len(order)), name))
    rows = [
        {
            "name": name,
            "total": totals[name],
            "cells": [_cell(one.confusion.get((name, other), 0), totals[name], name == other) for other in classes],
        }
        for name in classes
    ]
    return {"classes": classes, "rows": rows, "left_out": len(totals) - len(classes)}


def _cell(times: int, whole: int, is_same: bool) -> dict[str, Any]:
    share = times / whole
    shade = 0 if not times else heat(share) if is_same else 1 + sum(share >= bound for bound in (0.05, 0.15, 0.3, 0.5))
    return {"times": times, "share": share, "heat": shade, "is_same": is_same}


def pairs(found: Figures, question: str) -> dict[str, Any]:
    """Everybody with everybody: the mean likeness of their answers, and over how many tasks."""
    counts = {key: found.with_rest[key].n for key in found.names}
    keys = sorted(found.names, key=lambda key: (-counts[key], found.names[key]))[:MOST_PEOPLE]
    means = found.pairs.get(question, {})
    rows = []
    for one in keys:
        cells = []
        for other in keys:
            mean = means.get((min(one, other), max(one, other))) if one != other else None
            value = mean.value if mean else None
            cells.append({"is_self": one == other, "value": value, "n": mean.n if mean else 0, "heat": heat(value)})
        rows.append({"name": found.names[one], "cells": cells})
    return {"names": [found.names[key] for key in keys], "rows": rows, "left_out": len(found.names) - len(keys)}


def people(found: Figures) -> list[dict[str, Any]]:
    """Each person with the rest and with what was decided, the least alike first."""
    rows = [
        {
            "name": name,
            "rest": found.with_rest[key],
            "decided": found.with_decided[key],
            "heat": heat(found.with_rest[key].value),
        }
        for key, name in found.names.items()
    ]
    return sorted(rows, key=lambda row: row["rest"].value if row["rest"].value is not None else 2.0)
