"""`contains` through the full-text index gives the rows that reading every text gives."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Workspace
from apps.datasets.amending import amend_version
from apps.datasets.browsing import metadata, tables, texts
from apps.datasets.browsing.finding import count, find, read_question
from apps.datasets.models import DatasetVersion
from tests.cast import Cast
from tests.datasets.browsing_rows import as_filter, index_now, make_browsed
from workers.browse_index import index_file
from workers.browse_needle import condition_of, holding
from workers.browse_text import TextIndex
from workers.formats.chat import Message, TrainingRow, row_id
from workers.formats.forms import with_texts
from workers.formats.shards import ShardWriter
from workers.formats.stored import read_rows

PIECES = [
    *("foo", "Foo", "FOOD", "bar", "a", "z9", "退", "货", "退货", "ひら", "한국어", "İ", "ß", "É", "e\u0301", "ΣΑΣ", "𠀀", "💥"),
    *(" ", " ", "-", "_", "'", "\n", ". ", "!?", ".*", "(", "１２", "٣", "ﬁ", "\u200b", "ǅ"),
]  # fmt: skip
LONG = f"{'x' * 70_000}InLong{'y' * 9} ends"  # a word that is too long for the index


def _texts() -> list[tuple[str, str]]:
    chance = random.Random(7)
    made = ["".join(chance.choices(PIECES, k=chance.randint(1, 25))).strip() or "-" for _ in range(600)]
    return [*zip(made[::2], made[1::2], strict=True), ("a long one", LONG)]


TEXTS = _texts()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextIndex, Path]:
    """The index and the small columns of a file with the texts as questions and answers."""
    folder = tmp_path_factory.mktemp("pieces")
    writer = ShardWriter(folder)
    for number, (question, answer) in enumerate(TEXTS):
        turns = [Message("user", question), Message("assistant", answer)]
        writer.add(TrainingRow(row_id(turns), turns, number + 1, None, ""))
    writer.close()
    (shard,) = folder.glob("*.parquet")
    (folder / "meta").mkdir()
    index_file(shard, "0" * 64, folder / "meta")
    columns = folder / "meta" / f"columns-{'0' * 64}.parquet"
    assert pq.read_metadata(columns).num_rows == len(TEXTS)
    return TextIndex(folder / "meta" / f"text-{'0' * 64}"), columns


_cut_out = st.builds(
    lambda row, side, start, size: TEXTS[row][side][start : start + size],
    st.integers(0, len(TEXTS) - 2),
    st.integers(0, 1),
    st.integers(0, 60),
    st.integers(1, 30),
)
_made = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@given(text=st.one_of(_cut_out, _made, _cut_out.map(str.swapcase)).filter(bool))
def test_piece__asked_of_the_index__is_in_the_rows_that_hold_it(text: str, indexed: tuple[TextIndex, Path]) -> None:
    index, columns = indexed
    condition = condition_of(text)
    if condition is None:
        assert not any(letter.isalnum() for letter in text)
        return
    likely = index.likely(condition, len(TEXTS))
    assert likely is not None
    for side, column in enumerate(("question_whole", "answer_whole")):
        wanted = [number for number, row in enumerate(TEXTS) if text in row[side]]
        assert holding(columns, column, text, likely).tolist() == wanted, text


@pytest.mark.parametrize("text", ["InLong", "xInLongy", "x" * 300, "yyy ends", "inlong"])
def test_piece__within_a_word_too_long_for_the_index__is_found(text: str, indexed: tuple[TextIndex, Path]) -> None:
    index, columns = indexed
    likely = index.likely(condition_of(text), len(TEXTS))
    wanted = [number for number, row in enumerate(TEXTS) if text in row[1]]
    assert holding(columns, "answer_whole", text, likely).tolist() == wanted


@pytest.mark.parametrize("text", ["한국어" * 160, f"foo {'z' * 480} bar", f"{'É' * 200}-{'é' * 200}", "foo bar " * 60])
def test_piece__as_long_as_a_filter_takes__is_asked(text: str, indexed: tuple[TextIndex, Path]) -> None:
    assert indexed[0].likely(condition_of(text), len(TEXTS)).tolist() == []


def test_contains__few_rows_or_many__are_the_same_rows(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_browsed(
        workspace, [{"prompt": f"{p} {n}", "completion": f"{a} {n}"} for n, (p, a) in enumerate(TEXTS[:80])]
    )
    monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    index_now(version, tmp_path / "meta")

    def asked() -> list[list[int]]:
        filters = [as_filter(["answer", "contains", text]) for text in ("foo", "oo", "退", "o ", "-")]
        filters.append(as_filter(["answer", "contains", "foo"], ["question", "contains", "a"], ["turns", "is", 2]))
        questions = [read_question(version, {"filter": text}) for text in filters]
        return [find(version, question, start=0, limit=100).places for question in questions]

    few = asked()
    monkeypatch.setattr(texts, "_LIKELY_SHARE", 0)
    monkeypatch.setattr(texts, "_FEWEST_LIKELY", 0)
    assert few == asked() and all(few)


def test_contains__few_rows__reads_no_other_text(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_browsed(workspace)
    monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    index_now(version, tmp_path / "meta")
    question = read_question(version, {"filter": as_filter(["question", "contains", "rder 1"])})

    def scanned(*_told: Any, **_more: Any) -> Any:
        raise AssertionError("all texts were read")

    monkeypatch.setattr(tables, "ask", scanned)
    assert find(version, question, start=0, limit=3).places == [1, 10, 11]


@pytest.mark.parametrize("operator", ["contains", "matches"])
def test_rows__text_that_many_rows_hold__are_shown_before_they_are_counted(
    operator: str, workspace: Workspace, cast: Cast, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    monkeypatch.setattr(texts, "_FEWEST_LIKELY", 0)
    rows = [{"prompt": f"{'Order' if n % 2 else 'order'} {n}", "completion": "Yes."} for n in range(120)]
    version = make_browsed(workspace, rows)
    index_now(version, tmp_path / "meta")
    client.force_login(cast.engineer)
    asked, url = as_filter(["question", operator, "Order"]), version.get_absolute_url()
    page = client.get(url, {"filter": asked})
    assert [line.index for line in page.context["lines"]] == list(range(1, 51, 2))
    assert page.context["total"] is None and "1 to 25 of more than 25, counting" in page.content.decode()
    part = client.get(url + page.context["page_url"], headers={"HX-Request": "true", "HX-Target": "count"})
    assert part.content.decode().strip() == '<span id="count">1 to 25 of 60</span>'
    last = client.get(url, {"filter": asked, "cursor": "50"})
    assert [line.index for line in last.context["lines"]] == list(range(101, 121, 2))[:10]
    assert last.context["total"] == 60 and not last.context["after"]
    door = f"/api/v1/datasets/{version.dataset_id}/versions/1/rows/"
    assert client.get(door, {"filter": asked, "limit": "60"}).json()["total"] == 60
    first = client.get(door, {"filter": asked, "limit": "10"}).json()
    assert first["total"] is None and first["next"] and first["scanned"] == 20
    assert client.get(door, {"filter": asked, "limit": "10", "count": "1"}).json()["total"] == 60


def test_rows__text_that_no_row_holds__are_none_and_counted(
    workspace: Workspace, cast: Cast, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    version = make_browsed(workspace)
    index_now(version, tmp_path / "meta")
    client.force_login(cast.engineer)
    page = client.get(version.get_absolute_url(), {"filter": as_filter(["answer", "matches", "zz?z"])})
    assert page.context["total"] == 0 and not page.context["lines"]


@pytest.fixture(params=["shards", "patch"])
def many(
    request: Any, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[DatasetVersion, list[str]]:
    """An indexed version of seven short shards, with a patch or without, and its questions."""
    said = [f"{'Order' if n % 3 else 'order'} {n} of {'Ann' if n % 7 == 0 else 'Bob'}" for n in range(200)]
    options = ShardWriter.__init__.__kwdefaults__
    assert options
    monkeypatch.setitem(options, "shard_rows", 30)
    version = make_browsed(workspace, [{"prompt": text, "completion": "Yes."} for text in said])
    if request.param == "patch":
        changes: dict[int, TrainingRow | None] = {2: None, 63: None, 185: None}
        for place, row in enumerate(read_rows(version.shard_paths())):
            if place in (3, 31, 70, 140, 199):
                said[place] = f"Order {place} of Ann's aunt"
                changes[place] = with_texts(row, [said[place], "Yes."], form="chat")
        version = amend_version(actor=None, parent=version, changes=changes, step="edit")
        said = [text for place, text in enumerate(said) if changes.get(place, True)]
        assert version.patch
    assert len(version.shards) == 7 and version.row_count == len(said)
    monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    index_now(version, tmp_path / "meta")
    return version, said


@pytest.mark.parametrize("most_likely", [0, 1000])  # texts are read through, or those alone that the index tells
@pytest.mark.parametrize(
    "conditions",
    [
        [["question", "contains", "Ann"]],
        [["question", "contains", "rder"], ["question", "contains", "Ann"]],
        [["question", "contains", "Order"], ["characters", ">", 19]],
        [["question", "matches", "Order 1"]],
    ],
)
def test_pages__of_a_version_with_many_shards__are_the_rows_that_hold_the_text_in_their_order(
    conditions: list[Any], most_likely: int, many: tuple[DatasetVersion, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    version, said = many
    monkeypatch.setattr(texts, "_FEWEST_LIKELY", most_likely)
    fits: dict[str, Any] = {
        "contains": lambda text, piece: piece in text,
        "matches": lambda text, piece: piece in text,
        ">": lambda text, size: len(text) + 4 > size,
    }
    wanted = [n for n, text in enumerate(said) if all(fits[told](text, value) for _column, told, value in conditions)]
    question = read_question(version, {"filter": json.dumps(conditions)})
    assert count(version, question) == len(wanted)
    found, start = list[int](), 0
    while True:
        page = find(version, question, start=start, limit=4)
        assert page.total in (None, len(wanted))
        found += page.places
        after = page.after(start)
        if after is None:
            break
        start = after
    assert found == wanted


def test_contains__more_rows_than_a_page__reads_no_shard_behind_it(
    many: tuple[DatasetVersion, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    version, said = many
    read = list[Path]()

    def told(path: Path, *about: Any) -> Any:
        read.append(path)
        return holding(path, *about)

    monkeypatch.setattr(texts, "holding", told)
    question = read_question(version, {"filter": as_filter(["question", "contains", "Ann"])})
    page = find(version, question, start=0, limit=4)
    assert page.total is None and page.places == [n for n, text in enumerate(said) if "Ann" in text][:4]
    paths = metadata.column_paths(version)
    assert set(read) == {*paths[:2], *paths[len(version.shards) :]}
