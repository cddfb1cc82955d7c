"""Steps on texts: on every form, on the chosen side, characters, case and length."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.cleaning.making import chat, is_dropped, made, row_of, texts_after
from workers.cleaning.base import read_steps
from workers.cleaning.texts import drop_characters
from workers.failures import UserError
from workers.formats.chat import Message
from workers.formats.forms import key_of, make_row


def test_text_step__rows_of_every_form__changes_their_texts_and_keeps_their_key() -> None:
    rows: dict[str, Any] = {
        "chat": chat("<b>q</b>", "<b>a</b>"),
        "text": row_of("text", {"text": "<b>t</b>"}),
        "classification": row_of("classification", {"text": "<b>t</b>", "label": "<b>x</b>"}),
        "tabular": row_of("tabular", {"values": {"name": "<b>n</b>", "age": 3}}),
    }
    for form, row in rows.items():
        after: Any = made("html", form=form)(row)
        assert "<b>" not in json.dumps([after.messages, after.content]).replace("<b>x</b>", ""), form
        assert key_of(after) == key_of(row) and after.row_id != row.row_id


def test_text_step__ner__leaves_the_text_whose_places_are_marked() -> None:
    row = row_of("ner", {"text": "<b>Ann</b>", "spans": [{"start": 3, "end": 6, "label": "P"}]})
    assert made("html", form="ner")(row) is row


def test_text_step__one_side__leaves_the_other() -> None:
    row = chat("<b>q</b>", "<b>a</b>", system="<b>s</b>")
    assert texts_after(made("html", texts="answers"), row) == ["<b>s</b>", "<b>q</b>", "a"]
    assert texts_after(made("html", texts="questions"), row) == ["<b>s</b>", "q", "<b>a</b>"]
    turns = [Message("user", "<b>q</b>"), Message("assistant", "<b>a</b>")]
    pair = make_row("preference", turns, {"rejected": [{"role": "assistant", "content": "<b>r</b>"}]}, source_line=1)
    assert texts_after(made("html", form="preference", texts="answers"), pair) == ["<b>q</b>", "a", "r"]
    text = row_of("text", {"text": "<b>t</b>"})
    assert made("html", form="text", texts="answers")(text) is text


def test_text_step__nothing_left__drops_the_row_as_empty() -> None:
    assert is_dropped(made("html"), chat("<b></b>"), "empty")


@pytest.mark.parametrize(
    ("classes", "keep", "text", "wanted"),
    [
        (["control"], "", "a\x07b\tc\nd\xad", "ab\tc\nd"),
        (["emoji"], "", "ok 👍🏽 👨‍👩‍👧 🇩🇪 1️⃣ ❤️ €5 © Straße 你好", "ok      €5 © Straße 你好"),
        (["emoji"], "👍", "👍 🎉", "👍 "),
        (["private"], "", "a\ue000b", "ab"),
        (["symbols"], "", "€5 → ©★ 👍 a+b", "5   👍 ab"),
        (["symbols"], "€", "€5 ©", "€5 "),
        (["symbols", "emoji"], "", "€5 👍", "5 "),
        (["control"], "", "می\u200cخواهم", "می\u200cخواهم"),
    ],
    ids=["control", "emoji", "keep-emoji", "private", "symbols", "keep", "both", "joiner"],
)
def test_characters__classes__go_and_the_rest_stays(classes: list[str], keep: str, text: str, wanted: str) -> None:
    assert drop_characters(classes, keep)(text) == wanted


@given(st.text(), st.sets(st.sampled_from(["control", "emoji", "private", "symbols"]), min_size=1))
def test_characters__any_text__done_twice_is_done_once(text: str, classes: set[str]) -> None:
    change = drop_characters(sorted(classes))
    once = change(text)
    assert len(once) <= len(text) and change(once) == once


@pytest.mark.parametrize(
    ("to", "text", "wanted"),
    [
        ("lower", "ABC `Code` ÄÖ", "abc `Code` äö"),
        ("upper", "straße", "STRASSE"),
        ("title", "don't SHOUT at élan", "Don't Shout At Élan"),
        ("sentence", "HELLO THERE. HOW ARE YOU? “FINE”", "Hello there. How are you? “Fine”"),
        ("half_width", "ＡＢＣ１２３，你好！", "ABC123，你好！"),
        ("half_width_all", "ＡＢＣ，你好！　ok", "ABC,你好! ok"),
    ],
    ids=str,
)
def test_case__text__is_written_so(to: str, text: str, wanted: str) -> None:
    assert texts_after(made("case", to=to), chat(text))[0] == wanted


def test_length__characters__counts_the_answer_or_the_row() -> None:
    row = chat("a" * 100, "b" * 10)
    assert made("length", max_characters=10)(row) is row
    assert is_dropped(made("length", of="conversation", max_characters=10), row)
    assert is_dropped(made("length", min_characters=11), row)
    text = row_of("ner", {"text": "abcd", "spans": []})
    assert is_dropped(made("length", form="ner", min_characters=5), text)


def make_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(2)
    tokenizer.save(str(folder / "tokenizer.json"))


def test_length__tokens__are_counted_by_the_base_model(tmp_path: Path) -> None:
    make_tokenizer(tmp_path)
    row = chat("q", "one two three four")
    assert made("length", min_tokens=4, max_tokens=4, model_dir=tmp_path)(row) is row
    assert is_dropped(made("length", max_tokens=3, model_dir=tmp_path), row)


@pytest.mark.parametrize("has_folder", [True, False])
def test_length__tokens_without_a_tokenizer__is_told(has_folder: bool, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        made("length", max_tokens=3, model_dir=tmp_path if has_folder else None)
    assert caught.value.field == "model"


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"step": "length"}, "steps.0.min_characters"),
        ({"step": "length", "min_tokens": 5, "max_tokens": 4}, "steps.0.min_tokens"),
        ({"step": "case", "to": "odd"}, "steps.0.to"),
        ({"step": "characters", "classes": []}, "steps.0.classes"),
        ({"step": "characters", "classes": ["letters"]}, "steps.0.classes"),
        ({"step": "html", "texts": "some"}, "steps.0.texts"),
    ],
    ids=["no-limit", "above", "case", "no-class", "class", "side"],
)
def test_steps__bad_options__are_told_by_name(step: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        read_steps([step])
    assert caught.value.field == field
