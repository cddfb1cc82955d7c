"""Agreement on spans, boxes and orders."""

from typing import Any

import pytest

from apps.labeling.agreement import (
    NO_VARIATION,
    NOTHING_MARKED,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Box,
    Span,
    box_agreement,
    box_iou,
    kendall_w,
    span_agreement,
)

A, B, C = Span(0, 5, "person"), Span(10, 14, "place"), Span(20, 25, "person")
WIDER = Span(0, 7, "person")


def test_spans__two_people__f1_of_what_both_marked() -> None:
    """Anna marks A, B and C, Ben A, a wider A and B elsewhere: one exact match of 3 and 2; two overlap with the wider one."""
    tasks = [{"anna": [A, B], "ben": [A]}, {"anna": [C], "ben": [Span(21, 25, "person")]}]
    exact, overlap = span_agreement(tasks), span_agreement(tasks, match="overlap")
    assert exact.value == pytest.approx(2 * 1 / (3 + 2))
    assert overlap.value == pytest.approx(2 * 2 / (3 + 2))
    assert (exact.n_items, exact.n_raters) == (2, 2)


def test_spans__overlap__each_span_once_and_the_longest_first() -> None:
    tasks: list[Any] = [{"anna": [Span(0, 10, "x")], "ben": [Span(0, 4, "x"), Span(4, 10, "x")]}] * 2
    assert span_agreement(tasks, match="overlap").value == pytest.approx(2 * 1 / 3)
    other_label: list[Any] = [{"anna": [A], "ben": [Span(0, 5, "place")]}] * 2
    assert span_agreement(other_label, match="overlap").value == 0.0
    beside: list[Any] = [{"anna": [Span(0, 5, "x")], "ben": [Span(5, 9, "x")]}] * 2
    assert span_agreement(beside, match="overlap").value == 0.0


def test_spans__three_people__mean_of_the_pairs_over_their_common_tasks() -> None:
    tasks = [{"anna": [A, B], "ben": [A, B], "cleo": [A]}, {"anna": [C], "ben": [C]}]
    # anna and ben 1; anna and cleo, ben and cleo 2 * 1 / 3
    assert span_agreement(tasks).value == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)


def test_spans__order_of_tasks_people_and_spans__does_not_matter() -> None:
    tasks = [{"anna": [A, B], "ben": [WIDER]}, {"ben": [C, A], "cleo": [C]}, {"anna": [], "cleo": [B]}]
    turned: list[Any] = [{name: marked[::-1] for name, marked in reversed(task.items())} for task in reversed(tasks)]
    for match in ("exact", "overlap"):
        found, other = span_agreement(tasks, match=match), span_agreement(turned, match=match)
        assert found.value == pytest.approx(other.value)


def test_spans__full_agreement__one_with_a_closed_interval() -> None:
    found = span_agreement([{"anna": [A, B], "ben": [B, A]}, {"anna": [C], "ben": [C]}] * 10)
    assert (found.value, found.se, found.low, found.high) == (1.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ([], TOO_FEW_RATERS),
        ([{"anna": [A]}, {"anna": [B]}], TOO_FEW_RATERS),
        ([{"anna": [A]}, {"ben": [B]}], TOO_FEW_ITEMS),
        ([{"anna": [A], "ben": [A]}], TOO_FEW_ITEMS),
        ([{"anna": [], "ben": []}] * 3, NOTHING_MARKED),
    ],
)
def test_marks__too_little__no_number_but_the_reason(tasks: Any, why: str) -> None:
    for found in (span_agreement(tasks), span_agreement(tasks, match="overlap")):
        assert (found.value, found.low, found.high, found.undefined) == (None, None, None, why)


def test_spans__interval__narrows_with_tasks_and_holds_the_value() -> None:
    tasks: list[Any] = [{"anna": [A, B], "ben": [A]}, {"anna": [C], "ben": [C]}, {"anna": [A], "ben": [B]}]
    few, many = span_agreement(tasks * 3), span_agreement(tasks * 100)
    for found in (few, many):
        assert found.low is not None and found.value is not None and found.high is not None
        assert found.low < found.value < found.high
    assert few.se is not None and many.se is not None
    assert many.se == pytest.approx(few.se / (100 / 3) ** 0.5, rel=0.25)
    assert span_agreement(tasks * 3) == few  # the same draws


def test_iou__known_boxes__shared_area_by_the_area_of_both() -> None:
    one = Box(0, 0, 10, 10, "dent")
    assert box_iou(one, one) == 1.0
    assert box_iou(one, Box(5, 0, 10, 10, "dent")) == pytest.approx(50 / 150)
    assert box_iou(one, Box(10, 0, 10, 10, "dent")) == 0.0
    assert box_iou(one, Box(2, 2, 5, 5, "other")) == pytest.approx(25 / 100)
    assert box_iou(Box(0, 0, 0, 0, "dent"), Box(0, 0, 0, 0, "dent")) == 0.0


def test_boxes__two_people__pairs_of_one_label_from_half_an_iou_on() -> None:
    one, near, far = Box(0, 0, 10, 10, "dent"), Box(2, 0, 10, 10, "dent"), Box(6, 0, 10, 10, "dent")
    tasks: list[Any] = [{"anna": [one], "ben": [near]}, {"anna": [one], "ben": [far]}]
    assert box_agreement(tasks).value == pytest.approx(0.5)
    assert box_agreement(tasks, measure="iou").value == pytest.approx(80 / 120)
    assert box_agreement(tasks, least_iou=0.2).value == 1.0
    named: list[Any] = [{"anna": [one], "ben": [one._replace(label="scratch")]}] * 2
    assert box_agreement(named).value == 0.0
    assert box_agreement(named, measure="iou").undefined == NOTHING_MARKED


def test_marks__another_measure__is_a_value_error() -> None:
    bad: Any = None
    with pytest.raises(ValueError, match="no match called"):
        span_agreement([], match=bad)
    with pytest.raises(ValueError, match="no measure called"):
        box_agreement([], measure=bad)
    with pytest.raises(ValueError, match="least IoU"):
        box_agreement([], least_iou=0)


def test_kendall__three_orders_of_six__by_hand_and_the_bounds() -> None:
    """The sums of ranks are 8 14 11 11 11 8, so S = 25.5."""
    orders = [[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]]
    assert kendall_w([orders]).value == pytest.approx(12 * 25.5 / (9 * (216 - 6)))
    assert kendall_w([[[1, 2, 3]] * 4] * 3).value == 1.0
    assert kendall_w([[[1, 2], [2, 1]]] * 2).value == 0.0


def test_kendall__ties__do_not_lower_full_agreement() -> None:
    assert kendall_w([[[1, 1, 2]] * 3]).value == pytest.approx(1.0)
    assert kendall_w([[[1, 1, 1]] * 3]).undefined == NO_VARIATION
    assert kendall_w([]).undefined == TOO_FEW_RATERS
    with pytest.raises(ValueError, match="people x things"):
        kendall_w([[[1, 2], [1]]])
