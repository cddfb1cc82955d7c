"""Layouts of every form: found in files as people have them, English and Chinese, and the rows that come of them."""

import json
from typing import Any

import pytest

from workers.formats import Problem, Row, TrainingRow, detect_layout, map_row, read_mapping
from workers.formats.detection import paths_of

ASK = [{"role": "user", "content": "Hi"}]
SAID = [*ASK, {"role": "assistant", "content": "Hello"}]
WORSE = [*ASK, {"role": "assistant", "content": "What?"}]
SHARED = [{"from": "human", "value": "Hi"}]
PREFERENCE = ("preference", "Hello", {"rejected": [{"role": "assistant", "content": "What?"}]})
NER = (
    "ner",
    "",
    {
        "text": "Ann went to 北京",
        "spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 12, "end": 14, "label": "LOC"}],
    },
)
SPANS = [{"start": 0, "end": 3, "label": "PER"}, {"start": 12, "end": 14, "label": "LOC"}]

# what it is: (a row, layout, (form, last answer, content))
FOUND: dict[str, tuple[dict[str, Any], str, tuple[str, str, Any]]] = {
    "DPO": ({"prompt": "Hi", "chosen": "Hello", "rejected": "What?"}, "preference", PREFERENCE),
    "DPO of TRL with turns": ({"prompt": ASK, "chosen": SAID[1:], "rejected": WORSE[1:]}, "preference", PREFERENCE),
    "DPO of TRL without prompt": ({"chosen": SAID, "rejected": WORSE, "score_chosen": 8.0}, "preference", PREFERENCE),
    "DPO with whole talks beside the prompt": ({"prompt": "Hi", "chosen": SAID, "rejected": WORSE}, "preference", PREFERENCE),
    "DPO of LLaMA-Factory": (
        {"conversations": SHARED, "chosen": {"from": "gpt", "value": "Hello"}, "rejected": {"from": "gpt", "value": "What?"}},
        "preference",
        PREFERENCE,
    ),
    "DPO of Anthropic": (
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: What?"},
        "preference",
        PREFERENCE,
    ),
    "DPO in Chinese": ({"问题": "Hi", "优选回答": "Hello", "拒绝回答": "What?"}, "preference", PREFERENCE),
    "KTO of TRL": ({"prompt": "Hi", "completion": "Hello", "label": True}, "kto", ("kto", "Hello", {"label": True})),
    "KTO of LLaMA-Factory": ({"messages": SAID, "label": False}, "kto_messages", ("kto", "Hello", {"label": False})),
    "KTO in CSV": ({"question": "Hi", "answer": "Hello", "kto_tag": "true"}, "kto", ("kto", "Hello", {"label": True})),
    "text": ({"text": "Once upon a time"}, "text", ("text", "", {"text": "Once upon a time"})),
    "text of C4": ({"text": "Once", "url": "u", "timestamp": "t"}, "text", ("text", "", {"text": "Once"})),
    "sentiment": ({"text": "good", "label": 1}, "classification", ("classification", "", {"text": "good", "label": "1"})),
    "intents": (
        {"utterance": "card lost", "intent": "lost_card"},
        "classification",
        ("classification", "", {"text": "card lost", "label": "lost_card"}),
    ),
    "Chinese classes": ({"文本": "好用", "标签": "好评"}, "classification", ("classification", "", {"text": "好用", "label": "好评"})),
    "NER with spans": ({"text": "Ann went to 北京", "spans": SPANS}, "ner", NER),
    "NER of doccano": ({"text": "Ann went to 北京", "label": [[0, 3, "PER"], [12, 14, "LOC"]]}, "ner", NER),
    "NER of Label Studio": (
        {"text": "Ann went to 北京", "label": [{"start": s["start"], "end": s["end"], "labels": [s["label"]]} for s in SPANS]},
        "ner",
        NER,
    ),
    "NER in Chinese CSV": ({"文本": "Ann went to 北京", "实体": json.dumps(SPANS)}, "ner", NER),
    "NER of CoNLL": (
        {"tokens": ["Ann", "went", "to", "北", "京"], "ner_tags": ["B-PER", "O", "O", "B-LOC", "I-LOC"]},
        "ner_tags",
        NER,
    ),
    "table": (
        {"age": 61, "income": 1.5, "city": "Łódź", "note": None, "label": "yes"},
        "tabular",
        ("tabular", "", {"values": {"age": 61, "income": 1.5, "city": "Łódź", "note": None}, "label": "yes"}),
    ),
    "table of CSV": (
        {"sepal": "5.1", "petal": "007", "rows": "3", "species": "setosa"},
        "tabular",
        ("tabular", "", {"values": {"sepal": 5.1, "petal": "007", "rows": 3}, "label": "setosa"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_detect__file_of_every_form__is_found_and_made_into_its_rows(case: str) -> None:
    values, layout, (form, answer, content) = FOUND[case]
    found = detect_layout([Row(1, values)])
    assert found and found.certain and found.mapping.layout == layout and found.mapping.form == form
    made = map_row(Row(1, values), read_mapping(found.mapping.as_dict(), list(values)))
    assert isinstance(made, TrainingRow), made
    assert json.loads(made.content or "null") == content
    assert (made.messages[-1].content if made.messages else "") == answer


@pytest.mark.parametrize(
    ("rows", "layout", "certain"),
    [
        ([{"review": f"I liked it {n}", "summary": f"fine {n}"} for n in range(40)], "prompt_completion", False),
        ([{"text": f"Why {n}?", "label": f"Because of {n} things"} for n in range(40)], "prompt_completion", True),
        ([{"text": f"so {n}", "label": "ab"[n % 2]} for n in range(40)], "classification", True),
        ([{"body": f"so {n}"} for n in range(3)], "text", True),
        ([{"线": f"so {n}"} for n in range(3)], "text", False),
        ([{"name": f"n{n}", "street": f"s{n}", "age": n, "sum": n} for n in range(40)], "tabular", False),
        ([{"text": "a", "label": True}, {"text": "b", "label": False}], "classification", True),
    ],
)
def test_detect__what_could_be_two_things__is_told_apart(
    rows: list[dict[str, Any]], layout: str, certain: bool
) -> None:
    found = detect_layout([Row(n, row) for n, row in enumerate(rows, 1)])
    assert found and (found.mapping.layout, found.certain) == (layout, certain)


def convert(values: dict[str, Any], **mapping: Any) -> TrainingRow | str:
    """The row, or the code of its problem."""
    made = map_row(Row(7, values), read_mapping(mapping, list(values)))
    return made.code if isinstance(made, Problem) else made


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no rejected": ({"p": "a", "c": "b", "r": None}, {"prompt": "p", "chosen": "c", "rejected": "r"}, "missing_text"),
    "empty rejected": ({"p": "a", "c": "b", "r": " "}, {"prompt": "p", "chosen": "c", "rejected": "r"}, "no_rejected"),
    "same answers": ({"p": "a", "c": "b", "r": "b"}, {"prompt": "p", "chosen": "c", "rejected": "r"}, "same_answers"),
    "answers without a prompt": ({"c": "b", "r": "x"}, {"chosen": "c", "rejected": "r"}, "no_question"),
    "maybe wanted": ({"m": SAID, "l": "maybe"}, {"messages": "m", "label": "l"}, "no_label"),
    "no class": ({"t": "a", "l": " "}, {"text": "t", "label": "l"}, "no_label"),
    "two classes": ({"t": "a", "l": ["x", "y"]}, {"text": "t", "label": "l"}, "bad_label"),
    "essay for a class": ({"t": "a", "l": "x" * 201}, {"text": "t", "label": "l"}, "long_label"),
    "no text": ({"t": " "}, {"text": "t"}, "empty_text"),
    "span outside": ({"t": "ab", "s": [[0, 3, "X"]]}, {"text": "t", "spans": "s"}, "bad_span"),
    "span is a word": ({"t": "ab", "s": ["X"]}, {"text": "t", "spans": "s"}, "bad_span"),
    "span without label": ({"t": "ab", "s": [{"start": 0, "end": 1}]}, {"text": "t", "spans": "s"}, "bad_span"),
    "more tags than words": ({"w": ["a"], "g": ["O", "O"]}, {"tokens": "w", "tags": "g"}, "tag_count"),
    "tags are numbers": ({"w": ["a"], "g": [3]}, {"tokens": "w", "tags": "g"}, "tag_numbers"),
    "image without archive": ({"i": "a.png"}, {"image": "i"}, "no_image"),
    "empty table": ({"a": None}, {"layout": "tabular"}, "empty_row"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_map_row__of_which_nothing_can_be_learned__is_a_problem(case: str) -> None:
    values, mapping, code = BAD[case]
    assert convert(values, **mapping) == code


def test_preference__long_talks__share_their_beginning() -> None:
    begun = [*SAID, {"role": "user", "content": "And now?"}]
    chosen, rejected = [*begun, SAID[1]], [*begun, WORSE[1]]
    made = convert({"chosen": chosen, "rejected": rejected}, chosen="chosen", rejected="rejected")
    assert isinstance(made, TrainingRow) and len(made.messages) == 4
    assert json.loads(made.content or "") == {"rejected": [WORSE[1]]}


def test_columns__inside_objects__are_chosen_by_their_path() -> None:
    row = {"data": {"q": "Hi", "a": {"text": "Hello"}}, "id": 3}
    assert paths_of([Row(1, row)]) == ["data.q", "data.a", "data.a.text"]
    made = convert(row, prompt="data.q", completion="data.a.text")
    assert isinstance(made, TrainingRow) and [m.content for m in made.messages] == ["Hi", "Hello"]
    assert json.loads(made.extra or "") == {"data": row["data"], "id": 3}


def test_table__nested_values__are_flat_and_lists_are_text() -> None:
    made = convert({"a": {"b": 1, "c": {"d": "x"}}, "e": [1, 2]}, layout="tabular")
    assert isinstance(made, TrainingRow) and made.extra is None
    assert json.loads(made.content or "") == {"values": {"a.b": 1, "a.c.d": "x", "e": "[1,2]"}}


def test_tags__of_other_schemes__are_whole_spans() -> None:
    row = {"w": ["New", "York", "and", "Oslo", "Rome"], "g": ["B-LOC", "E-LOC", "O", "S-LOC", "U-LOC"]}
    made = convert(row, tokens="w", tags="g")
    assert isinstance(made, TrainingRow)
    assert [(s["start"], s["end"]) for s in json.loads(made.content or "")["spans"]] == [(0, 8), (13, 17), (18, 22)]
