"""Encodings: found where they can be known, guessed only where someone is asked (B18)."""

from pathlib import Path

import pytest

from tests.workers.formats.files import facts_of, items_of, values_of
from workers.formats import FileRefused, Problem
from workers.formats.encodings import SCAN, guess_encoding

TEXT = '{"prompt": "Où est-il, 在哪里?", "completion": "Là."}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_or_without_mark__is_known(encoding: str, tmp_path: Path) -> None:
    content = (TEXT * 3).encode(encoding)
    assert facts_of(tmp_path, content, "rows.jsonl").encoding.certain
    assert values_of(tmp_path, content, "rows.jsonl")[2] == {"prompt": "Où est-il, 在哪里?", "completion": "Là."}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_mark__is_known_by_its_zeros(encoding: str, tmp_path: Path) -> None:
    assert values_of(tmp_path, '{"prompt": "plain"}\n'.encode(encoding), "rows.jsonl") == [{"prompt": "plain"}]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Le café est prêt, à bientôt"),
        ("gb18030", "你好，请问退货怎么办理？"),
        ("shift_jis", "こんにちは、返品したいです"),
        ("big5", "請問退貨怎麼辦理？"),
        ("cp1251", "Привет, как дела?"),
    ],
)
def test_legacy_encoding__is_guessed_with_the_line_and_not_certain(encoding: str, text: str, tmp_path: Path) -> None:
    found = facts_of(tmp_path, f"prompt,completion\na,b\n{text},b\n".encode(encoding), "rows.csv").encoding
    assert (found.name, found.certain, found.first_bad_line) == (encoding, False, 3)


def test_legacy_encoding__said_by_a_person__is_read(tmp_path: Path) -> None:
    content = "prompt,completion\ncafé,b\n".encode("latin-1")
    assert values_of(tmp_path, content, "rows.csv", encoding="latin-1") == [{"prompt": "café", "completion": "b"}]


def test_encoding_said__that_does_not_fit__is_refused_with_the_line(tmp_path: Path) -> None:
    content = b'{"a": 1}\n{"a": "\xff\xff\xff"}\n'
    with pytest.raises(FileRefused) as refusal:
        items_of(tmp_path, content, encoding="gb18030")
    assert (refusal.value.code, refusal.value.line, refusal.value.field) == ("wrong_encoding", 2, "encoding")


def test_mixed__mostly_utf8__costs_the_damaged_lines(tmp_path: Path) -> None:
    good, bad = TEXT.encode(), '{"prompt": "café"}\n'.encode("latin-1")
    facts = facts_of(tmp_path, good * 3 + bad + good, "rows.jsonl")
    assert facts.encoding.name == "utf-8" and "line 4" in facts.notes[0]
    items = items_of(tmp_path, good * 3 + bad + good)
    assert [(item.line, item.code) for item in items if isinstance(item, Problem)] == [(4, "not_utf8")]


def test_mixed__in_an_array__costs_the_damaged_row(tmp_path: Path) -> None:
    rows = [TEXT.encode()] * 3 + ['{"prompt": "café"}\n'.encode("latin-1")]
    items = items_of(tmp_path, b"[" + b",".join(rows) + b"]", "rows.json")
    assert [(item.line, item.code) for item in items if isinstance(item, Problem)] == [(4, "not_utf8")]


def test_utf8__character_across_two_blocks__is_whole(tmp_path: Path) -> None:
    content = b"[" + ",".join(f'"{"é" * 1000}{n}"' for n in range(2000)).encode() + b"]"
    for shift in range(2):
        assert facts_of(tmp_path, b" " * shift + content, "rows.json").encoding.bad_lines == 0


def test_unknown_encoding__is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="no encoding"):
        facts_of(tmp_path, b"a,b\n1,2\n", "rows.csv", encoding="rot13")


def test_guess__nothing_fits__is_western(tmp_path: Path) -> None:
    assert guess_encoding(b"") == "cp1252"
    assert SCAN == 32 * 2**20
