"""What rows say of themselves: classes, numbers, marks, boxes; what no option says is given back."""

from typing import Any

import pytest

from workers.own_labels import own_label
from workers.suggesting import Question

OPTIONS = ("Refund", "swap", "red, dark")
NAMES = {one: one for one in OPTIONS} | {"Money back": "Refund"}
ONE, MANY = Question("Choices", OPTIONS), Question("Choices", OPTIONS, multiple=True)


@pytest.mark.parametrize(
    ("question", "given", "value", "unknown"),
    [
        (ONE, "refund ", ["Refund"], []),
        (ONE, "money BACK", ["Refund"], []),
        (ONE, "refnd", [], ["refnd"]),
        (ONE, "", [], []),
        (ONE, None, [], []),
        (ONE, {"a": 1}, [], []),
        (ONE, ["refund", "swap"], [], ["Refund, swap"]),
        (MANY, ["swap", "Refund", "other"], ["Refund", "swap"], ["other"]),
        (MANY, '["swap", "refund"]', ["Refund", "swap"], []),
        (MANY, "[swap", [], ["[swap"]),
        (MANY, "swap; refund", ["Refund", "swap"], []),
        (MANY, "red, dark", ["red, dark"], []),
        (Question("Choices", ("true", "false")), True, ["true"], []),
        (Question("Rating", ("1", "2", "3")), "3.0", ["3"], []),
        (Question("Rating", ("1", "2", "3")), 4, [], ["4"]),
        (Question("Number", ()), "2.5", [2.5], []),
        (Question("Number", ()), "nan", [], ["nan"]),
        (Question("Number", ()), "much", [], ["much"]),
        (Question("TextArea", ()), " Soon. ", ["Soon."], []),
    ],
)
def test_column__of_a_row__says_what_the_question_has(
    question: Question, given: Any, value: list[Any], unknown: list[str]
) -> None:
    names = NAMES if question.options == OPTIONS else {one: one for one in question.options}
    found = own_label(question, names, given, "")
    assert (found.value, found.unknown) == (value, unknown)


def test_spans__within_the_text__are_kept_and_unknown_ones_told() -> None:
    question = Question("Labels", ("City",))
    given = [
        {"start": 0, "end": 4, "label": "city"},
        {"start": 0, "end": 99, "label": "City"},
        {"start": 0, "end": 1, "label": "Sum"},
    ]
    found = own_label(question, {"City": "City"}, [*given, "odd"], "Rome is far")
    assert found.value == [{"turn": 0, "start": 0, "end": 4, "label": "City"}] and found.unknown == ["Sum"]


def test_boxes__in_pixels__become_percent_within_the_picture() -> None:
    question = Question("RectangleLabels", ("Boot",))
    given = [{"x": 20, "y": 10, "width": 200, "height": 50, "label": "boot"}, {"x": 0, "label": "Boot"}]
    [box] = own_label(question, {"Boot": "Boot"}, given, "", [200, 100]).value
    assert box == {"x": 10.0, "y": 10.0, "width": 90.0, "height": 50.0, "label": "Boot"}
    assert own_label(question, {"Boot": "Boot"}, given, "", [None, None]).value == []
