"""What a task shows of a row of each form, and what each kind of object asks of its field."""

from types import SimpleNamespace
from typing import Any

import pytest

from apps.core.errors import Problem
from apps.labeling.schema import fields
from apps.labeling.schema.label_config import Config, parse_config
from workers.formats.forms import FORMS

PICTURE = "a" * 64 + ".png"
TURNS = [{"role": "user", "content": "Boots?"}, {"role": "assistant", "content": "Size 43."}]


def row(messages: Any = (), label: str = "", extra: Any = None, **content: Any) -> Any:
    return SimpleNamespace(messages=list(messages), label=label, extra=extra or {}, content=content)


def config(shows: str, *, to: str = "o") -> Config:
    return parse_config(f'<View>{shows}<TextArea name="said" toName="{to}"/></View>')


ROWS = {
    "chat": row(TURNS, extra={"Order no.": 7, "empty": None, "prompt": "other"}),
    "preference": row(TURNS, rejected=[{"role": "assistant", "content": "No."}]),
    "kto": row(TURNS, label="true"),
    "text": row(text="A text."),
    "classification": row(text="A text.", label="news"),
    "ner": row(text="A text.", spans=[{"start": 0, "end": 1, "label": "x"}]),
    "tabular": row(values={"colour": "red", "2nd": 2, "gone": None}, label="a"),
    "image": row(image=PICTURE, width=640, height=480, label="cat"),
}


@pytest.mark.parametrize("form", FORMS)
def test_data__of_each_form__has_the_fields_that_are_told(form: str) -> None:
    assert set(fields.SAYS[form]) <= set(fields.data_of(ROWS[form], form))


def test_data__of_a_chat__keeps_other_columns_under_names_a_config_can_say() -> None:
    data = fields.data_of(ROWS["chat"], "chat")
    assert (data["prompt"], data["answer"], data["messages"]) == ("Boots?", "Size 43.", TURNS[:1])
    assert (data["Order_no_"], data["empty"]) == (7, "")
    table = fields.data_of(ROWS["tabular"], "tabular")
    assert (table["_2nd"], table["gone"], table["text"]) == (2, "", "colour: red\n2nd: 2")


def test_data__of_preferences__does_not_tell_which_answer_was_preferred() -> None:
    first = 0
    for number in range(200):
        turns = [TURNS[0], {"role": "assistant", "content": f"Chosen {number}"}]
        data = fields.data_of(row(turns, rejected=[{"role": "assistant", "content": f"Other {number}"}]), "preference")
        assert {data["answer_a"], data["answer_b"]} == {data["chosen"], data["rejected"]}
        assert [item["body"] for item in data["answers"]] == [data["answer_a"], data["answer_b"]]
        first += data["answer_a"] == data["chosen"]
    assert 60 < first < 140  # the hashes of these texts, the same on every machine


def test_check__messages__give_the_fields_that_follow_from_them() -> None:
    data = fields.check_data(config('<Text name="o" value="$prompt"/>'), {"messages": TURNS}, "data")
    assert data["prompt"] == "Boots?" and data["answer"] == "Size 43."


ITEMS = [{"id": "a", "title": "A", "body": "One", "html": "<b>"}, {"id": "b"}]
LIST = '<List name="o" value="$x"/><Ranker name="r" toName="o"/>'
IMAGE, PARAGRAPHS = '<Image name="o" value="$x"/>', '<Paragraphs name="o" value="$x"/>'
TEXT = '<Text name="o" value="$x"/>'


def test_check__list__keeps_what_is_shown_of_an_item() -> None:
    data = fields.check_data(config(LIST), {"x": ITEMS}, "data")
    assert data["x"] == [{"id": "a", "title": "A", "body": "One"}, {"id": "b"}]


@pytest.mark.parametrize("value", [PICTURE, f"/label/{'0' * 8}-0000-0000-0000-{'0' * 12}/pictures/{PICTURE}"])
def test_check__picture_of_ours__is_kept_by_its_name_and_shown_by_its_address(value: str) -> None:
    image = config(IMAGE)
    data = fields.check_data(image, {"x": value}, "data")
    assert data["x"] == PICTURE
    assert fields.for_screen(image, data, "/label/1/pictures/") == {"x": f"/label/1/pictures/{PICTURE}"}


@pytest.mark.parametrize(
    ("shows", "value", "place"),
    [
        (TEXT, None, "data.x"),
        (TEXT, {"a": 1}, "data.x"),
        (TEXT, ["a"], "data.x"),
        (PARAGRAPHS, "text", "data.x"),
        (PARAGRAPHS, [{"role": "user"}], "data.x"),
        (PARAGRAPHS, [{"role": "<b>", "content": ""}], "data.x"),
        (LIST, "text", "data.x"),
        (LIST, [{"id": "a"}], "data.x"),
        (LIST, [{"id": "a"}, {"id": "a"}], "data.x.1.id"),
        (LIST, [{"id": "a"}, {"title": "b"}], "data.x.1"),
        (LIST, [{"id": "a"}, {"id": 2}], "data.x.1"),
        (LIST, [{"id": "a"}, "b"], "data.x.1"),
        (LIST, [{"id": "a"}, {"id": "b" * 65}], "data.x.1"),
        (IMAGE, "https://evil.example/x.png", "data.x"),
        (IMAGE, "//evil.example/x.png", "data.x"),
        (IMAGE, "data:image/png;base64,AAAA", "data.x"),
        (IMAGE, "javascript:alert(1)", "data.x"),
        (IMAGE, "../../../etc/passwd", "data.x"),
        (IMAGE, f"../{PICTURE}", "data.x"),
        (IMAGE, f"{PICTURE}\n", "data.x"),
        (IMAGE, f"/datasets/{PICTURE}", "data.x"),
        (IMAGE, PICTURE.replace("png", "svg"), "data.x"),
    ],
)
def test_check__value_that_the_object_cannot_show__is_a_problem_with_its_place(
    shows: str, value: Any, place: str
) -> None:
    with pytest.raises(Problem) as found:
        fields.check_data(config(shows), {"x": value}, "data")
    assert found.value.field == place and found.value.message


def test_check__field_missing__names_it_and_what_is_there() -> None:
    with pytest.raises(Problem) as found:
        fields.check_data(config(TEXT), {"y": "1"}, "items.3.data")
    assert found.value.field == "items.3.data.x" and "$y" in found.value.hint
    nothing: tuple[Any, ...] = (None, [], "text", 3)
    for data in nothing:
        with pytest.raises(Problem):
            fields.check_data(config(TEXT), data, "data")
    with pytest.raises(Problem):
        fields.check_data(config(TEXT), {"x": "a" * fields.MAX_DATA}, "data")
