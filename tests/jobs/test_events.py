"""What a program may say, and what a page may show of it."""

import json
from typing import Any

import pytest

from apps.jobs import events
from tests.jobs.said import checkpoint, log, metric, other


def line(event: Any) -> bytes:
    return json.dumps(event).encode() + b"\n"


@pytest.mark.parametrize(
    "event",
    [
        metric(1, 10, 0.5), metric(2, 0, None), metric(3, 10, 7), log(4, ""), checkpoint(5, 100, best=True),
        other(6, "progress", done=1, total=2), other(7, "fact", name="x", value=None), other(8, "resumed", step=0),
        other(9, "failure", message="x"), other(10, "result", result={}), other(11, "something new", x=[1]),
    ],
)  # fmt: skip
def test_read__good_event__is_itself(event: dict[str, Any]) -> None:
    assert events.read(line(event)) == event


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_read__number_that_is_none__is_null(number: str) -> None:
    text = f'{{"seq": 1, "at": 1, "type": "metric", "step": 1, "name": "loss", "value": {number}, "more": [{number}]}}'
    event = events.read(text.encode())
    assert (event["value"], event["more"]) == (None, [None])


def test_read__text_no_database_takes__is_replaced_at_any_depth() -> None:
    event = events.read(b'{"seq": 1, "type": "sample", "answer": "a\\u0000b", "list": [{"k\\ud800": "\\udfff"}]}')
    assert (event["answer"], event["list"]) == ("a\ufffdb", [{"k\ufffd": "\ufffd"}])
    json.dumps(event, ensure_ascii=False).encode()


BAD = {
    "no JSON": b"hello\n",
    "truncated": b'{"seq": 1',
    "not UTF-8": b'{"seq": 1, "type": "log", "at": 1, "text": "\xff"}',
    "a list": b"[1]",
    "no seq": line({"type": "log"}),
    "seq as text": line({"seq": "1", "type": "x"}),
    "seq as yes": line({"seq": True, "type": "x"}),
    "seq too large": line({"seq": 2**63, "type": "x"}),
    "no type": line({"seq": 1}),
    "too deep": b'{"seq": 1, "type": "x", "v": ' + b"[" * 100_000,
    "metric without step": line({**metric(1, 1), "step": None}),
    "metric at a negative step": line(metric(1, -1)),
    "metric at half a step": line({**metric(1, 1), "step": 1.5}),
    "metric without name": line(metric(1, 1, name="")),
    "metric with a long name": line(metric(1, 1, name="x" * 41)),
    "metric as text": line({**metric(1, 1), "value": "1.0"}),
    "log without text": line({**log(1), "text": None}),
    "log in the year 10000": line({**log(1), "at": 1e15}),
    "log before 1970": line({**log(1), "at": -1}),
    "checkpoint without folder": line({**checkpoint(1, 1), "folder": ""}),
    "checkpoint with an odd manifest": line({**checkpoint(1, 1), "manifest": []}),
    "result that is no object": line(other(1, "result", result=[])),
    "fact without name": line(other(1, "fact", value=1)),
    "resumed from nowhere": line(other(1, "resumed")),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_read__bad_line__is_refused_with_a_reason(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        events.read(text)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("dos\r\nlines", "dos\nlines"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("half\x1b", "half"),
        ("a\0b\x07\x7f\x85", "a\ufffdb\ufffd\ufffd\ufffd"),
        ("\u202eevil\u2066", "\ufffdevil\ufffd"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("中文\u3000空格 \u00a0 👩\u200d👩\u200d👧 é", "中文\u3000空格 \u00a0 👩\u200d👩\u200d👧 é"),
        ("x" * 5000, "x" * 4000),
    ],
)
def test_clean__any_text__is_fit_for_a_page(told: str, shown: str) -> None:
    assert events.clean(told) == shown
