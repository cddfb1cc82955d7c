"""Figures of one column, over all rows or those that a question finds."""

from typing import Any

from apps.datasets.browsing import finding, tables, texts
from apps.datasets.browsing.columns import NUMBER, Column
from apps.datasets.browsing.finding import Question
from apps.datasets.models import DatasetVersion

BARS = 20
TOP = 10
MOST_DISTINCT = 100_000  # above it no value is frequent enough to be worth counting them all


def statistics_of(version: DatasetVersion, column: Column, question: Question) -> dict[str, Any]:
    """{"count", "missing", "distinct" (about), "min", "max", "mean"; for numbers "histogram", for texts their lengths under "length";
    "top": the most frequent values}."""
    held, where, values = _narrowed(version, question)
    name = f'"{column.id}"'
    is_number = column.kind == NUMBER
    measured = column.number if is_number else f"length({column.whole})"
    sql = (
        f"SELECT count(*) AS count, count(*) FILTER ({name} IS NULL{'' if is_number else f' OR {name} = {_EMPTY}'}) AS missing,"  # noqa: S608
        f' approx_count_distinct({column.whole}) AS "distinct", min({measured}) AS min, max({measured}) AS max, avg({measured}) AS mean'
        f" FROM {{rows}} WHERE {where}"
    )
    found = {
        key: _plain(column_values[0]) for key, column_values in tables.ask(version, sql, values, found=held).items()
    }
    found["distinct"] = min(found["distinct"] or 0, found["count"] - found["missing"])
    kind = {"kind": column.kind, "measures": "value" if is_number else "length"}
    bars = _histogram(version, measured, found, where, values, held)
    return {**kind, **found, "histogram": bars, "top": _top(version, name, found, where, values, held)}


_EMPTY = "''"


def _narrowed(version: DatasetVersion, question: Question) -> tuple[Any, str, list[Any]]:
    where, values = question.where()
    if not question.text:
        return None, where, values
    hits = texts.find(version, question.words, most=version.row_count).numbers
    held = finding.as_base(version, hits)
    return held, f"({where}) AND place IN (SELECT place FROM found)", values  # noqa: S608


def _histogram(
    version: DatasetVersion, measured: str, found: dict[str, Any], where: str, values: list[Any], held: Any
) -> list[dict[str, Any]]:
    """Bars of equal width from the least to the greatest value."""
    low, high = found["min"], found["max"]
    if low is None or high is None:
        return []
    width = (high - low) / BARS or 1.0
    sql = (
        f"SELECT least(floor(({measured} - ?) / ?), {BARS - 1}) AS bar, count(*) AS rows FROM {{rows}}"  # noqa: S608
        f" WHERE ({where}) AND {measured} IS NOT NULL GROUP BY bar ORDER BY bar"
    )
    told = tables.ask(version, sql, [low, width, *values], found=held)
    counts = {int(bar): int(rows) for bar, rows in zip(told["bar"], told["rows"], strict=True)}
    last = 1 if high == low else BARS
    return [{"from": low + width * n, "to": low + width * (n + 1), "rows": counts.get(n, 0)} for n in range(last)]


def _top(
    version: DatasetVersion, name: str, found: dict[str, Any], where: str, values: list[Any], held: Any
) -> list[dict[str, Any]]:
    if not found["distinct"] or found["distinct"] > MOST_DISTINCT:
        return []
    sql = (
        f"SELECT CAST({name} AS VARCHAR) AS value, count(*) AS rows FROM {{rows}} WHERE ({where}) AND {name} IS NOT NULL"  # noqa: S608
        f" GROUP BY {name} ORDER BY rows DESC, value LIMIT {TOP}"
    )
    told = tables.ask(version, sql, values, found=held)
    return [{"value": str(value), "rows": int(rows)} for value, rows in zip(told["value"], told["rows"], strict=True)]


def _plain(value: Any) -> Any:
    """A number of numpy as JSON knows it; None for one that is missing."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:
        return None
    return value if isinstance(value, int) else float(value)
