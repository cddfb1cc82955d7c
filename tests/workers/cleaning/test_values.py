"""Filling what is missing, and dropping what is far off."""

from typing import Any

import numpy as np
import pytest

from tests.workers.cleaning.rows import chat, table, through
from workers.cleaning.columns import columns_of_row
from workers.cleaning.values import bounds
from workers.failures import UserError

ROWS = [table(1, a=1, b="x"), table(2, a=None, b="y"), table(3, a=4, b=" "), table(4, a="4", b="y")]


def column(rows: list[Any], name: str) -> list[Any]:
    return [columns_of_row(row).get(name) for row in rows]


@pytest.mark.parametrize(
    ("way", "filled"), [("mean", 3), ("median", 4), ("constant", "none"), ("most_frequent", 1)], ids=str
)
def test_fill__statistic__goes_where_nothing_is(way: str, filled: Any) -> None:
    rows, line = through([{"step": "fill", "columns": ["a"], "with": way, "constant": "none"}], ROWS, "tabular")
    assert column(rows, "a") == [1, filled, 4, "4"] and line.tally.steps[0].changed == 1
    assert line.tally.steps[0].facts["missing"] == {"a": 1} and rows[1].key == ROWS[1].row_id[:32]
    assert rows[0] is ROWS[0]


def test_fill__most_frequent_text__and_columns_beside_messages() -> None:
    rows, _line = through([{"step": "fill", "columns": ["b"]}], ROWS, "tabular")
    assert column(rows, "b") == ["x", "y", "y", "y"]
    chats = [chat("q", "a", topic="x"), chat("q", "b", topic=None), chat("q", "c")]
    filled, _line = through([{"step": "fill", "columns": ["topic"]}], chats)
    assert column(filled, "topic") == ["x", "x", "x"] and filled[2].row_id == chats[2].row_id


@pytest.mark.parametrize(("way", "slack"), [("neighbours", 3), ("iterative", 0.1)])
def test_fill__by_a_model__is_near_what_the_other_numbers_say(way: str, slack: float) -> None:
    rows = [table(n, x=n, y=3 * n + 1) for n in range(1, 61)] + [table(61, x=30, y=None), table(62, x=None, y=91)]
    steps = [{"step": "fill", "columns": ["x", "y"], "with": way}]
    first, line = through(steps, rows, "tabular")
    assert abs(column(first, "y")[60] - 91) <= slack and column(first, "x")[61] is not None
    assert line.tally.steps[0].facts["learned_from"] == 62
    assert through(steps, rows, "tabular")[0] == first


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"with": "constant"}, "steps.0.constant"), ({"columns": []}, "steps.0.columns"),
        ({"columns": ["b"], "with": "mean"}, "steps.0.columns"),
        ({"columns": ["a", "b"], "with": "neighbours"}, "steps.0.columns"),
    ],
)  # fmt: skip
def test_fill__impossible__names_the_option(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        through([{"step": "fill", "columns": ["a"], **options}], ROWS, "tabular")
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("method", "limit", "low", "high"),
    [("iqr", 1.5, -2.0, 8.0 + 2), ("mad", 3.5, 4 - 3.5 * 2 / 0.6745, 4 + 3.5 * 2 / 0.6745), ("zscore", 2, None, None)],
)
def test_bounds__known_numbers__are_those_of_the_definition(method: str, limit: float, low: Any, high: Any) -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, np.nan])
    if method == "zscore":
        low, high = 4 - 2 * 2, 4 + 2 * 2
    if method == "iqr":
        low, high = 2.5 - 1.5 * 3, 5.5 + 1.5 * 3
    assert bounds(values, method, limit) == pytest.approx((low, high))


@pytest.mark.parametrize("method", ["iqr", "zscore", "mad"])
def test_outliers__one_far_off__goes_and_rows_without_the_number_stay(method: str) -> None:
    rows = [table(n, v=10 + n % 7, w="x") for n in range(50)] + [table(50, v=900, w="x"), table(51, v=None, w="x")]
    left, line = through([{"step": "outliers", "columns": ["v"], "method": method}], rows, "tabular")
    assert [row.source_line for row in rows if row not in left] == [50] and line.tally.steps[0].facts["outliers"] == 1


def test_outliers__by_length__and_by_forest() -> None:
    chats = [chat(f"q{n}", "a" * (20 + n % 5)) for n in range(40)] + [chat("q", "a" * 5000)]
    left, _line = through(["outliers"], chats)
    assert len(left) == 40
    rng = np.random.default_rng(1)
    rows = [table(n, x=float(x), y=float(y)) for n, (x, y) in enumerate(rng.normal(size=(200, 2)))] + [
        table(999, x=9.0, y=-9.0)
    ]
    steps = [{"step": "outliers", "columns": ["x", "y"], "method": "forest", "share": 0.005}]
    left, _line = through(steps, rows, "tabular")
    assert 999 not in {row.source_line for row in left} and len(left) >= 199


def test_outliers__column_without_numbers__is_refused() -> None:
    with pytest.raises(UserError, match="number in “b”") as caught:
        through([{"step": "outliers", "columns": ["b"]}], ROWS, "tabular")
    assert caught.value.field == "steps.0.columns"
