"""Regular expressions: what they replace, which rows they keep, what is told of a bad one, and that none takes long."""

import time
from typing import Any

import pytest

from tests.workers.cleaning.making import chat, is_dropped, made, texts_after
from workers.failures import UserError


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "wanted"),
    [
        (r"(\d+) EUR", r"€\1", "5 EUR, 6 eur", "€5, 6 eur"),
        (r"(?P<day>\d+)/(?P<month>\d+)", r"\g<month>.\g<day>", "12/31", "31.12"),
        (r"\s*\[ad\]\s*", "", "a [ad] b", "ab"),
        (r"你(好)", r"\1\\n\n", "你好", "好\\n\n"),
        (r"x*", "-", "axb", "-a--b-"),
        (r"(a)|b", r"<\1>", "ab", "<a><>"),
        (r"a+", r"\0\0", "aa", "aaaa"),
    ],
)
def test_regex__matches__become_the_replacement(pattern: str, replacement: str, text: str, wanted: str) -> None:
    assert texts_after(made("regex", pattern=pattern, replacement=replacement), chat(text))[0] == wanted


def test_regex__upper_and_lower_case__can_be_the_same() -> None:
    step = made("regex", pattern="eur", replacement="€", ignore_case=True, texts="questions")
    assert texts_after(step, chat("EUR Eur", "EUR")) == ["€ €", "EUR"]


def test_matching__rows__go_or_are_all_that_stays() -> None:
    row = chat("order 42", "sent")
    assert is_dropped(made("matching", pattern=r"order \d+"), row)
    assert made("matching", pattern=r"order \d+", action="keep")(row) is row
    assert is_dropped(made("matching", pattern=r"order", action="keep", texts="answers"), row)


@pytest.mark.parametrize(
    ("options", "field", "said"),
    [
        ({"pattern": "(?=a)b"}, "pattern", "look-ahead"),
        ({"pattern": "(?<!a)b"}, "pattern", "look-behind"),
        ({"pattern": r"(a)\1"}, "pattern", "back references"),
        ({"pattern": "(?>a)"}, "pattern", "atomic"),
        ({"pattern": "(a"}, "pattern", r"cannot be read: missing \)"),
        ({"pattern": ""}, "pattern", "missing"),
        ({"pattern": "(((a{99}){99}){99})"}, "pattern", "cannot be read"),
        ({"pattern": "(a)", "replacement": r"\2"}, "replacement", r"names the group \\2"),
        ({"pattern": "a", "replacement": r"\g<b>"}, "replacement", "has not"),
    ],
    ids=["ahead", "behind", "back", "atomic", "open", "empty", "huge", "group", "name"],
)
def test_regex__what_re2_cannot_do__is_told(options: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        made("regex", **options)
    assert caught.value.field == f"steps.0.{field}"


def test_regex__pattern_that_kills_others__is_quick() -> None:
    began = time.monotonic()
    row = chat("a" * 100_000 + "!")
    assert made("matching", pattern="(a+)+$")(row) is row
    assert time.monotonic() - began < 2
