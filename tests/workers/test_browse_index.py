"""What browsing needs of a file: words found as they stand there, small columns of every form, the same from the index and by reading."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from workers import browse_text
from workers.browse_columns import column_id, describe, names_of
from workers.browse_index import index_file
from workers.draft_edits import read_places, write_places
from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import make_row
from workers.formats.shards import ShardWriter, as_table

TALK = [Message("user", "Where is my ORDER_12?"), Message("assistant", "我要退货了。 don't worry")]
TEXTS = [
    "Größe und Maß", "refund, please", "Refund please!", "please refund", "退货单", "货物退回", "naïve café", "x" * 300,
    "日本語のテスト",
]  # fmt: skip
QUESTIONS = [
    "refund please", "please", "PLEASE refund", "退货", "货", "größe", "maß", "ref*", "refund pl*", "café", "order 12",
    "日本", "don t worry", "退货了", "nowhere", "no* where",
]  # fmt: skip


def rows() -> list[TrainingRow]:
    texts = [make_row("text", [], {"text": text}, source_line=n + 1) for n, text in enumerate(TEXTS)]
    return [*texts, make_row("chat", TALK, None, source_line=99, extra='{"note":"refund please"}')]


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    writer = ShardWriter(tmp_path)
    for row in rows():
        writer.add(row)
    writer.close()
    return tmp_path / writer.shards[0].name


def test_index__every_question__finds_what_reading_finds(shard: Path, tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    index_file(shard, "a" * 64, tmp_path / "meta")
    index, table = browse_text.TextIndex(tmp_path / "meta" / f"text-{'a' * 64}"), pq.read_table(shard)
    for question in QUESTIONS:
        words = browse_text.asked(question)
        hits = index.find(words, 100)
        assert hits.numbers.tolist() == browse_text.matching(table, words) and hits.total == len(hits.numbers), question
    assert index.find(browse_text.asked("refund please"), 1).numbers.tolist() == [1]
    assert index.find(browse_text.asked("refund please"), 1).total == 2
    assert index.find(browse_text.asked("退货"), 9).numbers.tolist() == [4, 9]


def test_index__done_twice__changes_nothing(shard: Path, tmp_path: Path) -> None:
    folder = tmp_path / "meta"
    folder.mkdir()
    index_file(shard, "b" * 64, folder)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    index_file(shard, "b" * 64, folder)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


FORMS: dict[str, tuple[TrainingRow, dict[str, Any]]] = {
    "chat": (
        make_row("chat", TALK, None, source_line=7, extra='{"a":1.5,"b":null,"c":[1]}', split="test"),
        {"question": TALK[0].content, "turns": 2, "split": "test", column_id("a"): "1.5", column_id("c"): "[1]"},
    ),
    "kto": (make_row("kto", TALK, {"label": True}, source_line=1), {"label": "true", "characters": 39}),
    "classification": (
        make_row("classification", [], {"text": "a" * 200, "label": "spam"}, source_line=1),
        {"question": "a" * 100, "label": "spam", "characters": 200, "turns": 0, "answer": None},
    ),
    "tabular": (
        make_row("tabular", [], {"values": {"age": 3, "ok": False, "name": "Ö"}}, source_line=1),
        {"question": "age: 3; name: Ö; ok: False", column_id("age"): "3", column_id("ok"): "false"},
    ),
    "image": (
        make_row("image", [], {"image": "a.png", "width": 1, "height": 2}, source_line=1),
        {"question": "a.png", "label": None},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_describe__row_of_a_form__has_its_small_columns(form: str) -> None:
    row, wanted = FORMS[form]
    found = describe(as_table([row]), 5).to_pylist()[0]
    assert {name: found[name] for name in wanted} == wanted and found["place"] == 5


def test_describe__values_of_a_column__tell_whether_it_is_one_of_numbers() -> None:
    made = [
        make_row("chat", TALK, None, source_line=1, extra=json.dumps({"n": n, "t": t}))
        for n, t in ((1, "1"), (-2.5, "x"))
    ]
    assert names_of(describe(as_table(made)).schema) == {column_id("n"): ["n", True], column_id("t"): ["t", False]}


def test_places__a_million_neighbours__take_little_room(tmp_path: Path) -> None:
    write_places(range(1_000_000), tmp_path / "places.parquet")
    assert (tmp_path / "places.parquet").stat().st_size < 20_000
    assert read_places(tmp_path / "places.parquet")[-1] == 999_999
