"""Classes brought to a target."""

from collections import Counter
from typing import Any

import pytest

from tests.workers.cleaning.rows import chat, table, through
from workers.cleaning.columns import class_of
from workers.failures import UserError

ROWS = [table(n, label="rare" if n % 10 == 0 else "often", v=n) for n in range(100)]


def counts(rows: list[Any]) -> dict[str, int]:
    return dict(Counter(class_of(row, "label") for row in rows))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"rare": 10, "often": 10}),
        ({"method": "over"}, {"rare": 90, "often": 90}),
        ({"target": "cap", "cap": 30}, {"rare": 10, "often": 30}),
        ({"target": "shares", "shares": {"rare": 0.25, "often": 0.75}}, {"rare": 10, "often": 30}),
        ({"target": "shares", "shares": {"rare": 1, "often": 3}, "method": "over"}, {"rare": 30, "often": 90}),
        ({"target": "shares", "shares": {"rare": 0, "often": 1}}, {"often": 90}),
    ],
)
def test_balance__target__is_met(options: dict[str, Any], expected: dict[str, int]) -> None:
    rows, line = through([{"step": "balance", **options}], ROWS, "tabular")
    assert counts(rows) == expected
    assert [row.source_line for row in rows] == sorted(row.source_line for row in rows)
    facts = line.tally.steps[0].facts
    assert (
        facts["before"] == {"often": 90, "rare": 10}
        and {name: n for name, n in facts["after"].items() if n} == expected
    )
    assert line.tally.kept == len(rows)


def test_balance__another_order_of_rows__keeps_the_same_ones() -> None:
    first, _line = through(["balance"], ROWS, "tabular")
    then, _line = through(["balance"], ROWS[::-1], "tabular")
    other, _line = through(["balance"], ROWS, "tabular", seed=7)

    def lines(rows: list[Any]) -> set[int]:
        return {row.source_line for row in rows if class_of(row, "label") == "often"}

    assert lines(first) == lines(then) != lines(other)


def test_balance__rows_with_splits__leaves_those_that_measure_alone() -> None:
    rows = [row._replace(split="test" if number < 50 else "train") for number, row in enumerate(ROWS)]
    left, _line = through(["balance"], rows, "tabular")
    assert sum(row.split == "test" for row in left) == 50 and counts([row for row in left if row.split == "train"]) == {
        "rare": 5,
        "often": 5,
    }


def test_balance__by_a_column_of_chats__works_and_rows_without_it_stay() -> None:
    rows = [chat(f"q{n}", "a", topic="x" if n % 4 else "y") for n in range(40)] + [chat("none", "a")]
    left, _line = through([{"step": "balance", "by": "topic"}], rows)
    assert Counter(class_of(row, "topic") for row in left) == {"x": 10, "y": 10, "": 1}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"by": "nothing"}, "by"), ({"target": "cap"}, "cap"), ({"target": "shares"}, "shares"),
        ({"target": "shares", "shares": {"rare": -1}}, "shares"), ({"target": "shares", "shares": {"no": 1}}, "shares"),
        ({"target": "shares", "shares": {"rare": "x"}}, "shares"),
    ],
)  # fmt: skip
def test_balance__impossible__names_the_option(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        through([{"step": "balance", **options}], ROWS, "tabular")
    assert caught.value.field == f"steps.0.{field}"
