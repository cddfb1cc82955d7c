"""A patched version reads as if its rows had been written anew; its fingerprint and its files are the same on every machine."""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.comparison import compare
from workers.formats.amending import amend
from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import FORMS, key_of, make_row, with_texts
from workers.formats.shards import ShardWriter
from workers.formats.stored import Stored, count_rows, read_rows


def row(number: int, text: str = "", split: str = "") -> TrainingRow:
    return make_row("text", [], {"text": text or f"row {number}"}, source_line=number, split=split)


def write(folder: Path, rows: list[TrainingRow], *, shard_rows: int = 40) -> tuple[list[Path], str]:
    folder.mkdir(parents=True)
    writer = ShardWriter(folder, shard_rows=shard_rows)
    for one in rows:
        writer.add(one)
    content_hash = writer.close()
    return [folder / shard.name for shard in writer.shards], content_hash


@pytest.fixture
def hundred(tmp_path: Path) -> list[Path]:
    return write(tmp_path / "hundred", [row(number) for number in range(100)])[0]


class Line:
    """A version, its rows as a list, and the next version of both."""

    def __init__(self, folder: Path, rows: list[TrainingRow]) -> None:
        self.folder, self.rows, self.number = folder, rows, 0
        self.paths, self.hash = write(folder / "0", rows)

    def amend(self, changes: dict[int, TrainingRow | None], added: list[TrainingRow]) -> None:
        self.number += 1
        folder = self.folder / str(self.number)
        folder.mkdir()
        result = amend(self.paths, changes, added, folder)
        shards = [path for path in self.paths if not path.name.startswith("patch-")]
        self.paths = [*shards, *(folder / shard["name"] for shard in result["shards"])]
        if result["patch"]:
            self.paths.append(folder / result["patch"]["name"])
        changed = [changes.get(place, old) for place, old in enumerate(self.rows)]
        self.rows = [kept for kept in changed if kept] + added
        self.hash = result["content_hash"]
        assert result["row_count"] == len(self.rows)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_versions__edits_upon_edits__read_as_rows_written_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance, folder = random.Random(seed), tmp_path_factory.mktemp("line")
    line = Line(folder, [row(number) for number in range(chance.randint(1, 130))])
    for step in range(3):
        places = chance.sample(range(len(line.rows)), chance.randint(0, len(line.rows) - 1))
        changes: dict[int, TrainingRow | None] = {
            place: None
            if chance.random() < 0.4
            else with_texts(line.rows[place], [f"edit {step} {place}"], form="text")
            for place in places
        }
        line.amend(changes, [row(1000 * step + number, split="") for number in range(chance.randint(0, 60))])
        found = list(read_rows(line.paths))
        assert [(one.row_id, key_of(one)) for one in found] == [(one.row_id, key_of(one)) for one in line.rows]
        assert count_rows(line.paths) == len(line.rows)
        anew, content_hash = write(folder / f"anew-{step}", line.rows, shard_rows=7)
        assert content_hash == line.hash
        assert compare(anew, line.paths) == (0, 0)
        start = chance.randrange(len(line.rows))
        assert [one.row_id for one in read_rows(line.paths, start=start)] == [one.row_id for one in line.rows[start:]]


def test_edited_row__keeps_its_key_and_gets_a_new_identity(hundred: list[Path]) -> None:
    first = next(read_rows(hundred))
    edited = with_texts(first, ["something else"], form="text")
    assert key_of(edited) == key_of(first) == first.row_id[:32]
    assert edited.row_id != first.row_id


def test_groups__of_some_columns__leave_the_others_unread(hundred: list[Path]) -> None:
    _first, group = next(Stored(hundred).groups(columns=["row_id"]))
    assert group.column_names == ["row_id"]


def test_amend__place_beyond_the_end__is_refused(hundred: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in the version"):
        amend(hundred, {100: None}, [], tmp_path)


TALK = [Message("user", "Größe 你好?"), Message("assistant", '42\n"cm"')]
# One row of each form, in train, test and train again, with another column beside it each time; and what a version of them is called
# for ever. A change of these numbers means that versions of the same rows are not the same any more: it needs a reason and a migration.
FIXED: dict[str, tuple[list[Message], dict[str, Any] | None, str]] = {
    "chat": (TALK, None, "06489010d075517417a4c5d7ae980a51432d652eb0f1e297a24f133d4795bbeb"),
    "preference": (
        TALK,
        {"rejected": [{"role": "assistant", "content": "No."}]},
        "0aa32bc5067d6d03a1003c99e1ed879d60a84f8bd002536260e0a1110ebe9816",
    ),
    "kto": (TALK, {"label": False}, "00fc9605dca7159b87baafdbd9422539413578935c53f56ced8beaf4c783265c"),
    "text": ([], {"text": "naïve 文本"}, "20dd5f5b48206c1e0f783d2a371f2755ed76b292e11eaaa6ad7e4a74fde2309d"),
    "classification": (
        [],
        {"text": "naïve 文本", "label": "x/y"},
        "bb50ef287d434dcb803d6dd3006b5552a9fd8d1b4897aa31e3112543b551f920",
    ),
    "ner": (
        [],
        {
            "text": "Anna in Bern",
            "spans": [{"start": 8, "end": 12, "label": "LOC"}, {"start": 0, "end": 4, "label": "PER"}],
        },
        "f47673495971f97be4254ab5debfb14cd451c16827d3d9cd2da227bb7ba84e7e",
    ),
    "tabular": (
        [],
        {"values": {"b": 1.5, "a": "é", "c": None, "d": True}, "label": "2"},
        "6ab005c512cb8cf47f9b5292bda2213e310b74c3bc9dd029ddc2b8a7fc8f10ca",
    ),
    "image": (
        [],
        {
            "image": "ab.png",
            "width": 2,
            "height": 3,
            "boxes": [{"label": "cat", "x": 0, "y": 0, "width": 1, "height": 1}],
        },
        "6de535ee8559740c5893483ed381d73c10c88c934a2768363be2ccb41066743d",
    ),
}


def fixed_rows(form: str) -> list[TrainingRow]:
    messages, content, _hash = FIXED[form]
    return [
        make_row(form, messages, content, source_line=number, split=split, extra=f'{{"n":{number}}}')
        for number, split in enumerate(("train", "test", "train"), 1)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_content_hash__of_fixed_rows_of_each_form__is_the_one_written_here(form: str, tmp_path: Path) -> None:
    paths, content_hash = write(tmp_path / "fixed", fixed_rows(form), shard_rows=2)
    assert content_hash == Stored(paths).content_hash() == FIXED[form][2]


def test_content_hash__by_its_definition__is_that_of_the_writer() -> None:
    said = hashlib.sha256(b"[]").hexdigest()
    content = json.dumps({"text": "naïve 文本"}, ensure_ascii=False, separators=(",", ":"))
    row_id = hashlib.sha256(f"{said} {content}".encode()).hexdigest()
    lines = "".join(f"{row_id} {split}\n" for split in ("train", "test", "train"))
    assert hashlib.sha256(lines.encode()).hexdigest() == FIXED["text"][2]


@pytest.mark.parametrize("form", FORMS)
def test_files__of_the_same_rows__have_the_same_bytes(form: str, tmp_path: Path) -> None:
    """So that they are kept once. (Of one release of pyarrow: another may pack them otherwise, which costs space, not truth.)"""
    one, other = (write(tmp_path / name, fixed_rows(form))[0][0].read_bytes() for name in ("one", "other"))
    assert one == other
    changed = {0: fixed_rows(form)[0]._replace(split="validation")}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (amend([tmp_path / "one" / "shard-00000.parquet"], changed, [], tmp_path / name) for name in "ab")
    assert first["patch"]["sha256"] == second["patch"]["sha256"]
