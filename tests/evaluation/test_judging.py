"""From ratings to a verdict: the rule, the reasons, means, the worst disagreements."""

from typing import Any

import pytest

from apps.evaluation import judging
from apps.evaluation.judging import Decision, decide

SHEET = [[place % 6, place % 6, (place + (place % 4 == 0)) % 6] for place in range(40)]
FLAT = [[4, 4, 4]] * 40


def found(**values: float | None) -> dict[str, dict[str, Any]]:
    return {
        name: {"fleiss": {"value": value, "undefined": "no variation" if value is None else None}}
        for name, value in values.items()
    }


def by(rule: str, threshold: float = 0.6, items: int = 100, **values: float | None) -> Decision:
    return decide(found(**values), statistic="fleiss", threshold=threshold, rule=rule, items=items)


def test_decide__all__the_lowest_criterion_decides() -> None:
    assert by("all", a=0.9, b=0.61) == Decision("passed", 0.61, "", "b")
    assert by("all", a=0.9, b=0.59) == Decision("failed", 0.59, "", "b")


def test_decide__at_the_threshold__is_not_above_it() -> None:
    assert by("all", a=0.6).outcome == "failed"
    assert by("mean", a=0.6, b=0.6).outcome == "failed"


def test_decide__mean__a_low_criterion_can_be_carried() -> None:
    assert by("mean", a=0.9, b=0.4) == Decision("passed", 0.65)
    assert by("mean", a=0.7, b=0.4).outcome == "failed"


def test_decide__undefined_criterion__never_passes_and_says_why() -> None:
    assert by("all", a=0.9, b=None) == Decision("undefined", None, "no variation", "b")
    assert by("mean", a=0.9, b=None) == Decision("undefined", None, "no variation", "b")
    assert by("all", a=0.1, b=None) == Decision("failed", 0.1, "", "a")


def test_decide__a_handful_of_items__is_undefined_whatever_the_figure() -> None:
    assert by("all", a=1.0, items=9) == Decision("undefined", None, "too few items")


def test_agreement__sheet__every_statistic_with_its_interval() -> None:
    of = judging.agreement({"a": SHEET, "flat": FLAT})
    assert set(of["a"]) == set(judging.STATISTICS)
    for figure in of["a"].values():
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert (figure["n_items"], figure["n_raters"]) == (40, 3)
    assert {figure["undefined"] for figure in of["flat"].values()} == {"no variation"}


def test_pairs__of_three__each_two_once_with_how_often_they_are_far_apart() -> None:
    sheet: judging.Sheet = [[0, 0, 3], [5, 5, 5], [2, 3, None]]
    of = judging.pairs({"a": sheet}, "quadratic")
    assert [pair["raters"] for pair in of] == [[0, 1], [0, 2], [1, 2]]
    assert [pair["criteria"]["a"]["far_apart"] for pair in of] == [0, 1, 1]
    assert [pair["criteria"]["a"]["n_items"] for pair in of] == [3, 2, 2]


def test_means__known_scores__mean_of_item_means_with_an_interval() -> None:
    of = judging.mean_scores([[5, 4, None], [3, 3, 3], [None, None, None]])
    assert of["mean"] == pytest.approx((4.5 + 3) / 2)
    assert of["items"] == 2
    assert of["low"] <= of["mean"] <= of["high"]
    assert judging.mean_scores([[None, None]]) == {"mean": None, "low": None, "high": None, "items": 0}


def test_difference__paired_prompts__constant_gap_has_a_closed_interval() -> None:
    first, second = [[place % 5 + 1] for place in range(20)], [[place % 5] for place in range(20)]
    assert judging.mean_difference(first, second) == pytest.approx({"mean": 1.0, "low": 1.0, "high": 1.0, "items": 20})


def test_worst__disagreements__the_widest_first_and_only_wide_ones() -> None:
    sheets = {"a": [[0, 5], [3, 3], [2, 3], [1, 3]], "b": [[4, 4], [3, 3], [2, 2], [0, 5]]}
    assert judging.worst(sheets, 10) == [3, 0]
    assert judging.worst(sheets, 1) == [3]
    assert judging.worst({"a": [[2, 3], [3, 3]]}, 10) == [0]
    assert judging.worst({"a": [[3, 3], [None, 2]]}, 10) == []
