"""The steps that drop duplicates: what they compare, which row stays, and what they refuse."""

from typing import Any

import pytest

from tests.workers.cleaning.rows import chat, table, through
from workers import embedding
from workers.cleaning import duplicates
from workers.failures import UserError
from workers.formats.forms import make_row

LONG = " ".join(f"word{n}" for n in range(40))


def lines(rows: list[Any]) -> list[int]:
    return [row.source_line for row in rows]


def test_exact__of_questions_or_answers__keeps_the_first() -> None:
    rows = [chat("Hi", "a", 1), chat("Hi", "b", 2), chat("Hello", "a", 3), chat("Hi", "a", 4)]
    assert lines(through(["duplicates"], rows)[0]) == [1, 2, 3]
    assert lines(through([{"step": "duplicates", "of": "question"}], rows)[0]) == [1, 3]
    assert lines(through([{"step": "duplicates", "of": "answer"}], rows)[0]) == [1, 2]


def test_exact__of_other_forms__leaves_the_label_out_of_the_question() -> None:
    rows = [table(1, label="a", v=1), table(2, label="b", v=1), table(3, label="a", v=2)]
    assert lines(through(["duplicates"], rows, "tabular")[0]) == [1, 2, 3]
    assert lines(through([{"step": "duplicates", "of": "question"}], rows, "tabular")[0]) == [1, 3]


@pytest.mark.parametrize(("keep", "left"), [("first", [1, 3]), ("longest", [2, 3])])
def test_near__group__keeps_the_first_or_the_longest(keep: str, left: list[int]) -> None:
    rows = [chat(LONG, "ok", 1), chat(LONG + " more", "ok", 2), chat("another thing", "ok", 3)]
    made, line = through([{"step": "near_duplicates", "keep": keep}], rows)
    assert lines(made) == left and line.tally.steps[0].facts == {"groups": 1, "largest_group": 2}
    assert line.tally.steps[0].as_dict()["dropped"] == 1


def test_near__of_entities__reads_their_text() -> None:
    rows = [
        make_row("ner", [], {"text": LONG + end, "spans": []}, source_line=n)
        for n, end in enumerate(["", " x", " x y"])
    ]
    assert lines(through(["near_duplicates"], rows, "ner")[0]) == [0]


def test_near__too_many_rows__is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_NEAR", 2)
    with pytest.raises(UserError, match="At most 2 rows"):
        through(["near_duplicates"], [chat(f"q{n}", "a") for n in range(3)])


def test_semantic__same_meaning__is_one_row() -> None:
    rows = [
        chat("How do I reset my password?", "x", 1),
        chat("How can I reset my password?", "x", 2),
        chat("What is the weather in Paris?", "x", 3),
    ]
    steps = [{"step": "semantic_duplicates", "of": "question", "threshold": 0.9}]
    made, line = through(steps, rows, embed=embedding.loading())
    assert lines(made) == [1, 3] and line.tally.steps[0].facts["groups"] == 1


def test_semantic__in_a_preview__says_that_a_job_does_it() -> None:
    with pytest.raises(UserError, match="compared by a job"):
        through(["semantic_duplicates"], [chat("How do I reset it?", "x", 1)])
