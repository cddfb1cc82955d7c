"""What answers of models say: prompts, numbers, quotes and where they stand."""

import pytest

from workers import model_answers
from workers.suggesting import Question

TEXT = "Maria Lopez works for Siemens in Berlin. Siemens  AG is in Munich."
LABELS = ("Person", "Organisation", "Place", "Place of birth")


@pytest.mark.parametrize(
    ("question", "way"),
    [
        (Question("Choices", ("a", "b")), "weigh"),
        (Question("Choices", ("a", "b"), multiple=True), "each"),
        (Question("Number", ("0", "1")), "weigh"),
        (Question("Number", ()), "number"),
        (Question("TextArea", ()), "write"),
        (Question("Labels", ("a",), multiple=True), "mark"),
    ],
)
def test_question__is_put_in_the_way_of_its_kind(question: Question, way: str) -> None:
    assert model_answers.way_of(question) == way


def test_prompt__with_braces_in_the_text__fills_only_the_template() -> None:
    words = {"text": "{options} {x}", "options": "a, b"}
    assert model_answers.filled("{text} of {options} {other}", words) == "{options} {x} of a, b {other}"


@pytest.mark.parametrize(
    ("answer", "number"), [("4/5", 4.0), ("It is -2.5.", -2.5), ("four", None), ("", None), ("I give 3", 3.0)]
)
def test_number__is_the_first_of_the_answer(answer: str, number: float | None) -> None:
    assert model_answers.number_said(answer) == number


@pytest.mark.parametrize(
    "line",
    ["Person: Maria Lopez", "- **Person**: Maria Lopez", "1. person: “Maria Lopez”", "Maria Lopez (Person)", '"Maria Lopez": Person.'],
)  # fmt: skip
def test_quotes__in_any_usual_form__are_read(line: str) -> None:
    assert model_answers.quotes_said(line, LABELS) == ([("Person", "Maria Lopez")], 0)


def test_quotes__of_unknown_labels_talk_and_nothing__are_told_apart() -> None:
    answer = "Here they are:\nColour: red\nPlace of birth: Berlin\nPlace: none\nI hope this helps."
    assert model_answers.quotes_said(answer, LABELS) == ([("Place of birth", "Berlin")], 1)


def words_of(*said: tuple[str, str], text: str = TEXT) -> tuple[list[tuple[str, str]], int]:
    spans, unfound = model_answers.spans_of(said, [text])
    return [(one.label, text[one.start : one.end]) for one in spans], unfound


def test_spans__of_quotes__stand_where_the_text_has_them() -> None:
    said = [("Place", "munich"), ("Person", "Maria Lopez"), ("Organisation", "Siemens AG")]
    assert words_of(*said) == ([("Person", "Maria Lopez"), ("Organisation", "Siemens  AG"), ("Place", "Munich")], 0)


def test_spans__of_a_quote_listed_again__are_its_next_places() -> None:
    spans, _unfound = model_answers.spans_of([("Organisation", "Siemens")] * 3, [TEXT])
    assert [one.start for one in spans] == [TEXT.index("Siemens"), TEXT.rindex("Siemens")]


def test_spans__of_quotes_listed_with_commas__are_those_of_each() -> None:
    assert words_of(("Place", "Berlin, Munich, Rome.")) == ([("Place", "Berlin"), ("Place", "Munich")], 1)


def test_spans__of_quotes_that_are_not_there__are_dropped_and_counted_once() -> None:
    assert words_of(("Place", "Rome"), ("Place", "Rome"), ("Person", "Mar")) == ([], 2)


def test_spans__in_scripts_without_spaces_and_in_turns__count_characters() -> None:
    spans, unfound = model_answers.spans_of([("Place", "柏林"), ("Place", "😀")], ["我在😀", "我住在柏林市"])
    assert [(one.turn, one.start, one.end) for one in spans] == [(0, 2, 3), (1, 3, 5)] and unfound == 0


def test_quote__made_to_explode__is_found_in_time() -> None:
    assert words_of(("Place", "a " * 200), text="a " * 50_000)[1] == 0
    assert words_of(("Place", "a " * 249 + "b"), text="a " * 5_000)[1] == 1
