"""Rows of other forms as conversations."""

import json
from typing import Any

import pytest

from tests.workers.cleaning.making import chat, is_dropped, made, row_of
from workers.cleaning.base import form_after, read_steps
from workers.failures import UserError
from workers.formats.forms import key_of

NEWS = row_of("classification", {"text": "Goal!", "label": "sport"}, json.dumps({"summary": "A goal.", "n": 3}))


def said(row: Any) -> list[tuple[str, str]]:
    return [tuple(message) for message in row.messages]


def test_instruction__classification__asks_for_the_label() -> None:
    after: Any = made("instruction", form="classification", system="Be short.")(NEWS)
    assert said(after)[0] == ("system", "Be short.") and said(after)[2] == ("assistant", "sport")
    assert "Goal!" in said(after)[1][1] and after.content is None
    assert key_of(after) == key_of(NEWS) and after.extra == NEWS.extra and after.row_id != NEWS.row_id


def test_instruction__tasks__take_their_columns() -> None:
    after: Any = made("instruction", form="classification", task="summarise")(NEWS)
    assert said(after)[1] == ("assistant", "A goal.")
    assert is_dropped(made("instruction", form="classification", task="translate", language="German"), NEWS, "missing")
    ner = row_of(
        "ner",
        {"text": "Ann in Rome", "spans": [{"start": 0, "end": 3, "label": "P"}, {"start": 7, "end": 11, "label": "L"}]},
    )
    found: Any = made("instruction", form="ner", task="extract")(ner)
    assert said(found)[1] == ("assistant", "P: Ann\nL: Rome")
    table = row_of("tabular", {"values": {"age": 3, "name": "Bo", "gone": None}, "label": "yes"})
    found = made("instruction", form="tabular", task="predict")(table)
    assert said(found)[0][1].startswith("age: 3\nname: Bo\n\n") and said(found)[1] == ("assistant", "yes")


def test_instruction__own_templates__write_fields_and_braces() -> None:
    options: dict[str, Any] = {
        "task": "own",
        "question": "{{{n}}} {text} in {language}?",
        "answer": "{label}",
        "language": "Welsh",
    }
    after: Any = made("instruction", form="classification", **options)(NEWS)
    assert said(after) == [("user", "{3} Goal! in Welsh?"), ("assistant", "sport")]
    turned: Any = made("instruction", task="own", question="What was asked? {answer}", answer="{question}")(
        chat("Q?", "A.")
    )
    assert said(turned) == [("user", "What was asked? A."), ("assistant", "Q?")]


def test_instruction__field_with_braces_in_its_value__is_not_read_as_template() -> None:
    row = row_of("text", {"text": "{label} {text}"}, json.dumps({"label": "x"}))
    after: Any = made("instruction", form="text", task="own", question="{text}", answer="{label}")(row)
    assert said(after) == [("user", "{label} {text}"), ("assistant", "x")]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"task": "own"}, "question"),
        ({"task": "own", "question": "{text}"}, "answer"),
        ({"task": "own", "question": "always", "answer": "{label}"}, "question"),
        ({"task": "classify", "answer": "always"}, "answer"),
    ],
    ids=["none", "no-answer", "same-question", "same-answer"],
)
def test_instruction__template_without_a_field__is_told(options: dict[str, str], field: str) -> None:
    with pytest.raises(UserError) as caught:
        read_steps([{"step": "instruction", **options}])
    assert caught.value.field == f"steps.0.{field}"


def test_recipe__with_instruction__ends_as_chat() -> None:
    steps = read_steps([{"step": "html"}, {"step": "instruction"}, {"step": "length", "min_characters": 1}])
    assert form_after(steps, "classification") == "chat"
    with pytest.raises(UserError, match="image"):
        form_after(steps[1:], "image")
