"""Sensitive words: where they are found, and what becomes of the row."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.cleaning.making import chat, is_dropped, made, row_of, texts_after
from workers.cleaning.words import finder, masked


@pytest.mark.parametrize(
    ("words", "text", "wanted"),
    [
        (["ass"], "a class, an ASS, ass.", "a class, an ***, ***."),
        (["赌博"], "网上赌博很多", "网上**很多"),
        (["av"], "看av片 have", "看**片 have"),
        (["bad", "bad word"], "a bad word", "a ********"),
        (["C++"], "C++11 or C++", "*** or ***".replace("*** or", "***11 or")),
        (["naïve"], "NAÏVE naïves", "***** naïves"),
        (["x"], "", ""),
    ],
    ids=["border", "chinese", "mixed", "longest", "sign", "accent", "empty"],
)
def test_words__masked__stand_alone_unless_chinese(words: list[str], text: str, wanted: str) -> None:
    assert masked(text, finder(words)) == wanted


@given(st.lists(st.text("abİßc 好", min_size=1, max_size=3), max_size=4), st.text("abİßc 好", max_size=20))
def test_words__any_text__keeps_its_length(words: list[str], text: str) -> None:
    assert len(masked(text, finder(words))) == len(text)


def test_words__actions__drop_mask_or_note() -> None:
    row = chat("a secret", "no", extra=json.dumps({"n": 1}))
    assert is_dropped(made("words", words=["SECRET"]), row)
    assert made("words", words=["secret"], texts="answers")(row) is row
    assert texts_after(made("words", words=["secret"], action="mask"), row) == ["a ******", "no"]
    noted: Any = made("words", words=["Secret", "no"], action="flag")(row)
    assert json.loads(noted.extra) == {"n": 1, "flagged_words": ["Secret", "no"]} and noted.messages == row.messages
    again: Any = made("words", words=["a"], action="flag")(noted)
    assert json.loads(again.extra)["flagged_words"] == ["Secret", "no", "a"]


def test_words__ner__is_read_though_its_text_cannot_be_changed() -> None:
    row = row_of("ner", {"text": "secret", "spans": []})
    assert is_dropped(made("words", form="ner", words=["secret"]), row)


def test_words__ten_thousand_of_them__take_no_longer_than_the_text() -> None:
    find, text = finder(f"word{n}" for n in range(10_000)), "word77 " * 20_000
    began = time.monotonic()
    assert sum(1 for _found in find(text)) == 20_000
    assert time.monotonic() - began < 2
