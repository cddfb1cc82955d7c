"""Personal data: what is found, what is not taken for it, how it is masked, and that only the key opens what was sealed."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.cleaning.making import chat, made, row_of, texts_after
from workers.cleaning.privacy import DEFAULT_KINDS, KINDS, find
from workers.cleaning.sealing import TOKEN, is_sealed, seal, unmask
from workers.failures import UserError

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
FOUND = {
    "email": ["ann.lee+x@mail.example.co.uk", "邮箱是zhang_wei@example.cn，谢谢"],
    "phone": ["call +44 20 7946 0958 now", "(650) 253-0000", "电话13812345678。", "+86 138 1234 5678"],
    "card": ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"],
    "iban": ["DE89 3704 0044 0532 0130 00 PLEASE", "GB82WEST12345698765432"],
    "ssn": ["my ssn is 536-90-4399."],
    "cn_id": ["身份证11010519491231002X吗", "110105194912310021".replace("110105194912310021", "11010519491231002x")],
    "ip": ["from 192.168.1.20,", "2001:db8::ff00:42:8329"],
    "url": ["see https://example.com/a?b=c.", "www.example.org/x"],
    "name": [
        "Dear Ms. Anna-Lena Schmidt,", "My name is John O'Neil.", "Regards,\nSarah Connor", "told Mary Smith so",
        "我叫张伟", "请联系欧阳小明先生", "收件人：李娜，电话", "关于王女士",
    ],
}  # fmt: skip
WANTED = {
    "邮箱是zhang_wei@example.cn，谢谢": "zhang_wei@example.cn", "call +44 20 7946 0958 now": "+44 20 7946 0958",
    "电话13812345678。": "13812345678", "DE89 3704 0044 0532 0130 00 PLEASE": "DE89 3704 0044 0532 0130 00",
    "my ssn is 536-90-4399.": "536-90-4399", "身份证11010519491231002X吗": "11010519491231002X", "from 192.168.1.20,": "192.168.1.20",
    "see https://example.com/a?b=c.": "https://example.com/a?b=c", "Dear Ms. Anna-Lena Schmidt,": "Anna-Lena Schmidt",
    "My name is John O'Neil.": "John O'Neil", "Regards,\nSarah Connor": "Sarah Connor", "told Mary Smith so": "Mary Smith",
    "我叫张伟": "张伟", "请联系欧阳小明先生": "欧阳小明", "收件人：李娜，电话": "李娜", "关于王女士": "王",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts], ids=str)
def test_find__personal_data__is_found_to_the_character(kind: str, text: str) -> None:
    [span] = find(text, [kind])
    assert (span.kind, text[span.start : span.end]) == (kind, WANTED.get(text, text))


@pytest.mark.parametrize(
    "text",
    [
        "Order 100200300400 of 2024-01-15 at 12:30:45, version 1.2.3, 3 x 120.00 EUR",
        "4111 1111 1111 1112 is no card, 11010519491231002 too short",
        "std::vector<int> a::b, 1:2:3:4, 999.1.1.1",
        "Dear Sir, Dear Customer, Hello World! Thanks Team.",
        "DE89 3704 0044 0532 0130 01, 000-12-3456",
        "The Monday meeting in May. How are you? Hi there,",
        "今天天气很好，老师说得对。高中生王牌产品",
        "[EMAIL] [EMAIL_1] [PHONE]",
    ],
)
def test_find__what_only_looks_like_it__stays(text: str) -> None:
    assert find(text) == []


def test_find__number_without_country_code__depends_on_the_regions() -> None:
    assert find("ring 030 901820", ["phone"], ["DE"]) and not find("ring 030 901820", ["phone"], ["CN"])


def test_find__name_found_once__is_found_again_in_its_row() -> None:
    row = chat("My name is Otto Brandt. Can you help?", "Of course, Otto! Brandt is noted.")
    assert texts_after(made("personal", kinds=["name"]), row) == [
        "My name is [NAME]. Can you help?",
        "Of course, [NAME]! [NAME] is noted.",
    ]


def test_mask__pseudonyms__are_the_same_within_a_row() -> None:
    row = chat("a@x.org and b@x.org", "A@x.org is known, +1 650-253-0000 = (650) 253-0000")
    assert texts_after(made("personal", mode="pseudonym"), row) == [
        "[EMAIL_1] and [EMAIL_2]",
        "[EMAIL_1] is known, [PHONE_1] = [PHONE_2]",
    ]


def test_mask__one_side_and_other_forms__are_masked_too() -> None:
    assert texts_after(made("personal", texts="answers"), chat("a@x.org", "b@x.org")) == ["a@x.org", "[EMAIL]"]
    row = row_of("tabular", {"values": {"mail": "a@x.org", "n": 1}})
    after: Any = made("personal", form="tabular")(row)
    assert json.loads(after.content) == {"values": {"mail": "[EMAIL]", "n": 1}}


def test_mask__sealed__opens_with_the_key_alone_and_survives_other_steps() -> None:
    row = chat("Write to ann.lee@example.org or ann.lee@example.org", "Dear Ms Ada King, ok")
    step = made("personal", mode="token", key=KEY)
    question, answer = texts_after(step, row)
    assert "example.org" not in question and "King" not in answer and is_sealed(question)
    first, second = (match.group() for match in TOKEN.finditer(question))
    assert first == second and [unmask(text, KEY) for text in (question, answer)] == [m.content for m in row.messages]
    for change in ("html", "unicode", "whitespace", "spelling", "personal"):
        assert texts_after(made(change), chat(question, answer)) == [question, answer], change
    lowered = texts_after(made("case", to="lower"), chat(question))[0]
    assert unmask(lowered, KEY) == "write to ann.lee@example.org or ann.lee@example.org"
    with pytest.raises(UserError, match="another key"):
        unmask(question, OTHER)


def test_mask__sealed_without_a_key__is_refused() -> None:
    with pytest.raises(UserError, match="workspace's key"):
        made("personal", mode="token")


values = st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable())
keys = st.binary(min_size=32, max_size=32)


@given(st.sampled_from(KINDS), values, keys, keys)
def test_seal__any_value__comes_back_with_its_key_and_with_no_other(
    kind: str, value: str, key: bytes, other: bytes
) -> None:
    token = seal(kind, value, key)
    assert TOKEN.fullmatch(token) and token == seal(kind, value, key)
    assert unmask(f"x {token} y", key) == f"x {value} y"
    if key != other:
        assert seal(kind, value, other) != token
        with pytest.raises(UserError):
            unmask(token, other)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789@.", min_size=4, max_size=40), keys)
def test_seal__token__holds_nothing_of_the_value(value: str, key: bytes) -> None:
    body = seal("email", value, key).split(":")[1]
    assert value not in body.lower()
    assert len(seal("email", "a", key)) == len(seal("email", "abcdefghijkl", key))  # lengths are rounded up


@given(values, st.integers(0, 50), keys)
def test_seal__damaged_or_of_another_kind__does_not_open(value: str, place: int, key: bytes) -> None:
    token = seal("name", value, key)
    start = token.index(":") + 1
    place = start + place % (len(token) - start - 1)
    letter = "A" if token[place] != "A" else "B"
    for damaged in (token.replace("NAME", "CARD"), token[:place] + letter + token[place + 1 :]):
        try:
            assert unmask(damaged, key) == value  # the last letter may hold bits that count for nothing
            assert place == len(token) - 2
        except UserError:
            continue


@given(st.text(max_size=200))
def test_find__any_text__gives_spans_in_order_within_it(text: str) -> None:
    place = 0
    for _kind, start, end in find(text, KINDS):
        assert place <= start < end <= len(text)
        place = end


@pytest.mark.parametrize(
    "text",
    ["1" * 50_000, "a@" * 20_000, "1 " * 30_000, "我叫张" * 15_000, "Hi " * 15_000, "Mr A" * 15_000, "1.1." * 15_000, ":" * 50_000,
     "Aa " * 20_000, "GB82 " * 12_000, "http://" * 10_000, "John " * 12_000],
    ids=lambda text: repr(text[:5]),
)  # fmt: skip
def test_find__hostile_text__does_not_take_long(text: str) -> None:
    began = time.monotonic()
    find(text, DEFAULT_KINDS)
    assert time.monotonic() - began < 3
