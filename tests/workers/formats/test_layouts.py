"""Layouts: found by names and shapes, corrected by people, and turned into conversations that can be learned from."""

from pathlib import Path
from typing import Any

import pytest

from workers.formats import FileRefused, Problem, Row, TrainingRow, detect_layout, map_row, preview, read_mapping

TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
SHARED = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]

FOUND: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "messages": ({"id": 1, "messages": TURNS}, "messages", {"messages": "messages"}),
    "messages under another name": ({"dialog": TURNS, "topic": "x"}, "messages", {"messages": "dialog"}),
    "messages as JSON in a cell": ({"messages": '[{"role": "user", "content": "Hi"}]'}, "messages", {"messages": "messages"}),
    "messages and system": ({"system": "s", "messages": TURNS}, "messages", {"messages": "messages", "system": "system"}),
    "ShareGPT": ({"conversations": SHARED, "id": "a"}, "sharegpt", {"conversations": "conversations"}),
    "Alpaca": (
        {"instruction": "a", "input": "", "output": "b"},
        "alpaca",
        {"instruction": "instruction", "input": "input", "output": "output"},
    ),
    "Dolly": (
        {"instruction": "a", "context": "c", "response": "b", "category": "x"},
        "alpaca",
        {"instruction": "instruction", "input": "context", "output": "response"},
    ),
    "prompt and completion": ({"completion": "b", "prompt": "a"}, "prompt_completion", {"prompt": "prompt", "completion": "completion"}),
    "question and answer": ({"Question": "a", "Answer": "b"}, "prompt_completion", {"prompt": "Question", "completion": "Answer"}),
    "input and output": ({"input": "a", "output": "b"}, "prompt_completion", {"prompt": "input", "completion": "output"}),
    "Chinese": ({"问题": "a", "回答": "b"}, "prompt_completion", {"prompt": "问题", "completion": "回答"}),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_detect__known_columns__are_mapped(case: str) -> None:
    values, layout, columns = FOUND[case]
    found = detect_layout([Row(1, values)])
    assert found and found.certain and (found.mapping.layout, found.mapping.columns) == (layout, columns)


def test_detect__two_unknown_columns_of_text__are_a_guess_by_their_order() -> None:
    found = detect_layout([Row(1, {"n": "3", "first": "hello", "second": "you"})])
    assert found and not found.certain and found.mapping.columns == {"prompt": "first", "completion": "second"}


@pytest.mark.parametrize("values", [{"n": 1}, {"x": "a", "y": "b", "z": "c"}, {"x": [1], "y": {"z": 2}}, {}])
def test_detect__nothing_that_fits__is_none(values: dict[str, Any]) -> None:
    assert detect_layout([Row(1, values)]) is None


def convert(values: dict[str, Any], mapping: dict[str, str]) -> list[tuple[str, str]] | str:
    """The turns made from a row, or the code of its problem."""
    made = map_row(Row(7, values, "raw"), read_mapping(mapping, []))
    if isinstance(made, Problem):
        assert made.line == 7 and made.raw == "raw"
        return made.code
    assert isinstance(made, TrainingRow)
    return [(message.role, message.content) for message in made.messages]


def test_alpaca__instruction_and_input__are_one_question() -> None:
    mapping = {"instruction": "i", "input": "x", "output": "o"}
    assert convert({"i": "Add", "x": "1 2", "o": "3"}, mapping) == [("user", "Add\n\n1 2"), ("assistant", "3")]
    assert convert({"i": "Add", "x": "", "o": "3"}, mapping) == [("user", "Add"), ("assistant", "3")]


def test_alpaca__history__comes_before() -> None:
    row = {"i": "c", "o": "d", "h": [["a", "b"]]}
    mapping = {"instruction": "i", "output": "o", "history": "h"}
    assert convert(row, mapping) == [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    assert convert({**row, "h": ["a"]}, mapping) == "bad_history"


def test_sharegpt__words_for_roles__are_ours() -> None:
    turns = [{"from": "system", "value": "s"}, *SHARED, {"from": "human", "value": "x"}, {"from": "bot", "value": "y"}]
    expected = [("system", "s"), ("user", "Hi"), ("assistant", "Hello"), ("user", "x"), ("assistant", "y")]
    assert convert({"c": turns}, {"conversations": "c"}) == expected


def test_messages__parts_of_text__are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    turns = [{"role": "user", "content": parts}, TURNS[1]]
    assert convert({"m": turns}, {"messages": "m"}) == [("user", "ab"), ("assistant", "Hello")]


def turns(*pairs: tuple[str, Any]) -> dict[str, Any]:
    return {"m": [{"role": role, "content": content} for role, content in pairs]}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "last turn is the user's": (turns(("user", "a"), ("assistant", "b"), ("user", "c")), "no_answer"),
    "first turn is the assistant's": (turns(("assistant", "b")), "no_question"),
    "empty answer": (turns(("user", "a"), ("assistant", " \n")), "empty_answer"),
    "empty question": (turns(("user", ""), ("assistant", "b")), "empty_question"),
    "unknown role": (turns(("tool", "a"), ("assistant", "b")), "unknown_role"),
    "role is no word": (turns((3, "a")), "unknown_role"),  # type: ignore[arg-type]
    "number for text": (turns(("user", 3), ("assistant", "b")), "not_text"),
    "nothing for text": (turns(("user", None), ("assistant", "b")), "missing_text"),
    "image part": (turns(("user", [{"type": "image_url"}]), ("assistant", "b")), "not_text"),
    "system later": (turns(("user", "a"), ("system", "s"), ("assistant", "b")), "late_system"),
    "only system": (turns(("system", "s")), "empty_conversation"),
    "no turns": ({"m": []}, "empty_conversation"),
    "no column": ({}, "missing_text"),
    "text for a list": ({"m": "hello"}, "not_a_list"),
    "broken JSON in a cell": ({"m": "[{"}, "bad_json"),
    "turn is text": ({"m": ["hello"]}, "bad_turn"),
    "turn without content": ({"m": [{"role": "user"}]}, "bad_turn"),
    "surrogate in a cell": ({"m": '[{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "b"}]'}, "lone_surrogate"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_messages__that_no_model_could_learn_from__are_a_problem(case: str) -> None:
    values, code = FAULTS[case]
    assert convert(values, {"messages": "m"}) == code


def test_pair__empty_system__is_left_out_and_other_columns_are_kept() -> None:
    mapping = read_mapping({"prompt": "p", "completion": "c", "system": "s"}, [])
    made = map_row(Row(1, {"p": "a", "c": "b", "s": "", "tag": ["x"], "n": None}), mapping)
    assert isinstance(made, TrainingRow) and len(made.messages) == 2 and made.extra == '{"tag":["x"],"n":null}'


@pytest.mark.parametrize(
    ("raw", "layout", "columns"),
    [
        ({"user": "a", "assistant": "b"}, "prompt_completion", {"prompt": "a", "completion": "b"}),
        ({"question": "a", "answer": "b"}, "prompt_completion", {"prompt": "a", "completion": "b"}),
        ({"input": "a", "output": "b"}, "prompt_completion", {"prompt": "a", "completion": "b"}),
        ({"conversations": "a"}, "sharegpt", {"conversations": "a"}),
        (
            {"layout": "alpaca", "columns": {"instruction": "a", "output": "b", "input": ""}},
            "alpaca",
            {"instruction": "a", "output": "b"},
        ),
    ],
)
def test_mapping__as_people_write_it__is_read(raw: Any, layout: str, columns: dict[str, str]) -> None:
    mapping = read_mapping(raw, ["a", "b"])
    assert (mapping.layout, mapping.columns) == (layout, columns)


@pytest.mark.parametrize(
    ("raw", "field", "words"),
    [
        ([], "mapping", "must be an object"),
        ({}, "mapping", "must be an object"),
        ({"layout": "nope", "prompt": "a"}, "mapping.layout", "no layout"),
        ({"prompt": "a"}, "mapping.completion", "No column is chosen"),
        ({"promt": "a", "completion": "b"}, "mapping.promt", "no role"),
        ({"prompt": "a", "completion": "zzz"}, "mapping.completion", "no column “zzz”"),
        ({"prompt": "a", "completion": "a"}, "mapping.completion", "for “prompt” and for “completion”"),
        ({"prompt": 3, "completion": "a"}, "mapping.prompt", "must be a name"),
        ({"messages": ["a"]}, "mapping.messages", "must be a name"),
    ],
)
def test_mapping__wrong__names_the_role(raw: Any, field: str, words: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        read_mapping(raw, ["a", "b"])
    assert refusal.value.field == field and words in refusal.value.message


def test_detect__questions_with_answers_and_a_column_of_topics__are_a_pair_not_classes() -> None:
    topics = ("tent", "stove", "boots")
    rows = [
        Row(
            n,
            {"question": f"Where is my {topics[n % 3]} {n}?", "answer": f"It left on day {n}.", "topic": topics[n % 3]},
            "",
        )
        for n in range(40)
    ]
    found = detect_layout(rows)
    assert found is not None and found.certain
    assert found.mapping.as_dict() == {
        "layout": "prompt_completion",
        "columns": {"prompt": "question", "completion": "answer"},
    }


GERMAN = [
    ("Nr;Frage;Antwort;Preis\n", "1;Wo ist die Größe?;Auf dem Etikett.;12,50\n2;Für wen?;Für Übermütige.;1.234,00\n", "prompt_completion"),
    ("Datum;Höhe;Gewicht;Klasse\n", "1.2.2024;1,82;80,5;groß\n2.2.2024;1,60;60,0;klein\n", "tabular"),
    ("Satz;Kategorie\n", "Schöner Tag.;gut\nÜbles Wetter.;schlecht\nNochmals schön.;gut\n", "classification"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "rows", "layout"), GERMAN, ids=[layout for _h, _r, layout in GERMAN])
def test_preview__german_csv_with_semicolons__is_guessed(header: str, rows: str, layout: str, tmp_path: Path) -> None:
    path = tmp_path / "daten.csv"
    path.write_bytes((header + rows * 8).encode("cp1252"))
    found = preview(path, name=path.name)
    assert found["mapping"]["layout"] == layout, found
    assert found["encoding"]["name"] == "cp1252"
