"""Rows found by filter, words and order: the same whether the version is small, indexed, or patched; and what is refused."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.datasets.amending import amend_version
from apps.datasets.browsing import metadata, tables
from apps.datasets.browsing.jobs import INDEX, KIND, submit_index
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job
from tests.cast import Cast
from tests.datasets.browsing_rows import ROWS, as_filter, index_now, make_browsed
from workers.formats.stored import read_rows

CASES: dict[str, tuple[dict[str, str], Any]] = {
    # name: query, what a row must fulfil
    "number above": ({"filter": as_filter(["characters", ">", 60])}, lambda n, row: len(row["prompt"] + row["completion"]) > 60),
    "own number between": ({"filter": as_filter(["price", "between", [3, 5]])}, lambda n, row: 3 <= row["price"] <= 5),
    "own number below": ({"filter": as_filter(["price", "<", "2"])}, lambda n, row: row["price"] < 2),
    "text is": ({"filter": as_filter(["topic", "is", "refund"])}, lambda n, row: row["topic"] == "refund"),
    "text is not": ({"filter": as_filter(["topic", "is not", "refund"])}, lambda n, row: row["topic"] != "refund"),
    "text contains": ({"filter": as_filter(["topic", "contains", "& <"])}, lambda n, row: "& <" in row["topic"]),
    "starts with": ({"filter": as_filter(["question", "starts with", "我要"])}, lambda n, row: row["prompt"].startswith("我要")),
    "pattern": ({"filter": as_filter(["question", "matches", r"\b1\d\b"])}, lambda n, row: 10 <= n < 20),
    "missing": ({"filter": as_filter(["agent", "is missing"])}, lambda n, row: "agent" not in row),
    "there": ({"filter": as_filter(["agent", "is not missing"])}, lambda n, row: "agent" in row),
    "any of two": (
        {"filter": json.dumps({"any": [["topic", "is", "refund"], ["price", ">", 25]]})},
        lambda n, row: row["topic"] == "refund" or row["price"] > 25,
    ),
    "all of two": (
        {"filter": as_filter(["topic", "is", "refund"], ["price", ">", 25])},
        lambda n, row: row["topic"] == "refund" and row["price"] > 25,
    ),
    "chinese word": ({"q": "退货"}, lambda n, row: "退货" in row["prompt"]),
    "chinese letters in another order": ({"q": "货退"}, lambda n, row: False),
    "phrase in any case": ({"q": "IS order"}, lambda n, row: "order" in row["prompt"]),
    "whole words": ({"q": "orde"}, lambda n, row: False),
    "begun word": ({"q": "is orde*"}, lambda n, row: "order" in row["prompt"]),
    "words and filter": (
        {"q": "order", "filter": as_filter(["price", "<", 5])},
        lambda n, row: "order" in row["prompt"] and row["price"] < 5,
    ),
    "signs alone": ({"q": "?!"}, lambda n, row: False),
}  # fmt: skip


@pytest.fixture
def engineer(cast: Cast, api_of: Any) -> APIClient:
    client: APIClient = api_of(cast.engineer, cast.workspace)
    return client


def url_of(version: DatasetVersion, door: str = "rows/") -> str:
    return f"/api/v1/datasets/{version.dataset_id}/versions/{version.number}/{door}"


def listed(client: APIClient, version: DatasetVersion, **query: str) -> dict[str, Any]:
    answer = client.get(url_of(version), {"count": "1", **query})
    body: dict[str, Any] = answer.json()
    assert answer.status_code == 200, body
    return body


@pytest.fixture(params=["small", "indexed", "patched"])
def version(request: Any, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    """The same rows three ways."""
    if request.param == "small":
        return make_browsed(workspace)
    if request.param == "indexed":
        monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
        made = make_browsed(workspace)
    else:
        made = patched(workspace)
        monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    index_now(made, tmp_path / "meta")
    return made


def patched(workspace: Workspace) -> DatasetVersion:
    """A version in which a row of another was replaced and others are gone."""
    wrong = [{**ROWS[0], "prompt": f"gone {n}"} for n in range(3)]
    rows = [wrong[0], *ROWS[:7], wrong[1], {**ROWS[7], "prompt": "old"}, *ROWS[8:40], wrong[2], *ROWS[40:]]
    base = make_browsed(workspace, rows)
    true = next(row for row in read_rows(make_browsed(workspace, name="true").shard_paths(), start=7))
    made = amend_version(
        actor=None, parent=base, changes={0: None, 8: None, 9: true._replace(key="0" * 32), 42: None}, step="edit"
    )
    assert made.patch and made.row_count == 60
    return made


def test_rows__asked_for__are_those_that_fit_in_their_order(version: DatasetVersion, engineer: APIClient) -> None:
    for name, (query, fits) in CASES.items():
        wanted = [n for n, row in enumerate(ROWS) if fits(n, row)]
        body = listed(engineer, version, limit="100", **query)
        assert [row["index"] for row in body["results"]] == wanted, name
        assert body["total"] == len(wanted) and body["next"] is None, name
        for row in body["results"]:
            assert row["messages"][0]["content"] == ROWS[row["index"]]["prompt"], name


def test_rows__sorted_and_paged__come_once_each_in_order(version: DatasetVersion, engineer: APIClient) -> None:
    url, seen = f"{url_of(version)}?sort=-price&limit=25", []
    while url:
        body = engineer.get(url).json()
        seen += body["results"]
        url = body["next"]
        assert body["total"] == 60
    assert [row["index"] for row in seen] == list(range(59, -1, -1))
    found = listed(engineer, version, sort="characters", q="order", limit="3")
    assert found["total"] == 40 and [row["index"] for row in found["results"]] == [5, 10, 20]


def test_statistics__numbers_and_texts__are_counted(version: DatasetVersion, engineer: APIClient) -> None:
    price = engineer.get(url_of(version, "statistics/"), {"column": "price"}).json()
    assert (price["count"], price["missing"], price["min"], price["max"]) == (60, 0, 0, 29.5)
    assert price["mean"] == pytest.approx(14.75) and sum(bar["rows"] for bar in price["histogram"]) == 60
    topic = engineer.get(url_of(version, "statistics/"), {"column": "topic", "q": "order"}).json()
    assert topic["count"] == 40 and topic["top"] == [{"value": "refund", "rows": 20}, {"value": "Öl & <b>", "rows": 20}]
    agent = engineer.get(url_of(version, "statistics/"), {"column": "agent"}).json()
    assert agent["missing"] == 45 and agent["distinct"] == pytest.approx(15, abs=2) and agent["measures"] == "length"


def test_columns__of_a_version__are_told_with_what_can_be_asked(version: DatasetVersion, engineer: APIClient) -> None:
    found = {column["label"]: column for column in engineer.get(url_of(version, "columns/")).json()["results"]}
    assert found["price"]["kind"] == "number" and found["topic"]["kind"] == "text" and found["Turns"]["id"] == "turns"
    assert "between" in found["price"]["operators"] and ">" not in found["topic"]["operators"]
    assert "Split" not in found and "Label" not in found


BAD: dict[str, dict[str, str]] = {
    "no json": {"filter": "{"},
    "unknown column": {"filter": as_filter(["password", "is", "x"])},
    "sql as a column": {"filter": as_filter(['turns" OR 1=1 --', "is", "x"])},
    "sql as an operator": {"filter": as_filter(["turns", "= 1 OR 1", 1])},
    "operator of another kind": {"filter": as_filter(["question", ">", 1])},
    "no number": {"filter": as_filter(["turns", ">", "many"])},
    "not finite": {"filter": as_filter(["turns", ">", "nan"])},
    "half a pair": {"filter": as_filter(["turns", "between", [1]])},
    "bad pattern": {"filter": as_filter(["question", "matches", "(a"])},
    "look behind": {"filter": as_filter(["question", "matches", "(?<=a)b"])},
    "half a character": {"filter": as_filter(["question", "is", "\ud800"])},
    "a list as a value": {"filter": as_filter(["question", "is", ["a"]])},
    "nested": {"filter": "[" * 50 + "]" * 50},
    "too many": {"filter": json.dumps([["turns", ">", 1]] * 31)},
    "a number": {"filter": "7"},
    "unknown order": {"sort": "password"},
    "long question": {"q": "a" * 300},
    "unknown split": {"split": "train"},
}


@pytest.mark.parametrize("case", BAD)
def test_rows__bad_question__is_a_400_that_names_the_field(
    case: str, engineer: APIClient, workspace: Workspace
) -> None:
    answer = engineer.get(url_of(make_browsed(workspace)), BAD[case])
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["field"] == next(iter(BAD[case])), answer.json()


def test_values__with_sql_in_them__are_only_compared(engineer: APIClient, workspace: Workspace) -> None:
    version = make_browsed(workspace)
    for value in ("' OR 1=1 --", "x'); DROP TABLE small; --", "%", "\\", "\\' OR TRUE --", "?", "{rows}", "'"):
        assert listed(engineer, version, filter=as_filter(["topic", "is", value]))["total"] == 0


@given(
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), number=st.floats(allow_nan=False)
)
def test_value__as_it_is_written_into_a_question__is_that_value(text: str, number: float) -> None:
    told = tables.written(
        "SELECT ? AS text, ? AS number, ? AS whole, {rows}",
        [
            text,
            number,
            7,
        ],
        "8 AS rows",
    )
    assert duckdb.execute(told).fetchall() == [(text, number, 7, 8)]


def test_filter__beyond_the_characters_that_are_shown__sees_the_whole_text(
    kind: str, engineer: APIClient, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = "ß" * 99
    rows = [{"prompt": f"{begin} question {n} ends", "completion": f"{begin} answer {n}'s end"} for n in range(12)]
    version = make_browsed(workspace, rows)
    if kind == "patched":
        other = make_browsed(
            workspace, [{**row, "prompt": "other"} if n == 7 else row for n, row in enumerate(rows)], name="other"
        )
        true = next(row for row in read_rows(version.shard_paths(), start=7))
        version = amend_version(actor=None, parent=other, changes={7: true._replace(key="0" * 32)}, step="edit")
    if kind != "small":
        monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
        index_now(version, tmp_path / "meta")
    for condition, wanted in {
        ("question", "contains", "question 7"): [7],
        ("answer", "contains", "answer 1"): [1, 10, 11],
        ("answer", "contains", "1's end"): [1, 11],
        ("question", "contains", "answer"): [],
        ("question", "matches", r"\b(7|11) ends$"): [7, 11],
        ("answer", "starts with", f"{begin} answer 1"): [1, 10, 11],
        ("question", "is", rows[7]["prompt"]): [7],
        ("question", "is", rows[7]["prompt"][:100]): [],
        ("answer", "is not", rows[7]["completion"]): [n for n in range(12) if n != 7],
    }.items():
        body = listed(engineer, version, filter=as_filter(condition))
        assert [row["index"] for row in body["results"]] == wanted, condition
        assert body["total"] == len(wanted), condition
    figures = engineer.get(url_of(version, "statistics/"), {"column": "answer"}).json()
    assert figures["min"] == len(rows[0]["completion"]) and figures["distinct"] >= 10


@pytest.fixture(params=["small", "indexed", "patched"])
def kind(request: Any) -> str:
    return str(request.param)


def test_question__of_another_dataset__is_not_answered_by_a_connection_that_is_kept(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_browsed(workspace), make_browsed(workspace, name="other")
    monkeypatch.setattr(metadata, "SMALL_ROWS", 0)
    for version in (one, other):
        index_now(version, tmp_path / "meta")
    tables._idle.clear()
    count = "SELECT count(*) AS n FROM {rows}"
    for _again in range(2):
        assert tables.ask(one, count)["n"][0] == 60
    assert len(tables._idle) == 1
    with pytest.raises(duckdb.PermissionException):
        tables.ask(one, f"SELECT * FROM {tables.relation(other)}")
    assert not tables._idle  # what went wrong is not kept
    assert tables.ask(one, count)["n"][0] == tables.ask(other, count)["n"][0] == 60
    assert {folders for folders, _connection in tables._idle} == {tables._folders(one), tables._folders(other)}


def test_statistics__no_column_said__is_a_400(engineer: APIClient, workspace: Workspace) -> None:
    answer = engineer.get(url_of(make_browsed(workspace), "statistics/"))
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "column"


def test_question__to_files_outside__is_refused_by_the_engine(workspace: Workspace) -> None:
    version = make_browsed(workspace)
    for sql in ("SELECT * FROM read_text('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/x.csv'", "SET threads = 9"):
        with pytest.raises(Exception, match=r"disabled|locked"):
            tables.ask(version, sql)


def test_question__that_takes_too_long__is_stopped_with_a_hint(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SECONDS", 0.05)
    with pytest.raises(Problem, match="took more than"):
        tables.ask(make_browsed(workspace), "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b")


def test_not_indexed__large_version__is_read_and_searched_but_not_filtered(
    engineer: APIClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_browsed(workspace)
    monkeypatch.setattr(metadata, "SMALL_ROWS", 10)
    found = engineer.get(url_of(version), {"q": "退货", "limit": "100"}).json()
    assert [row["index"] for row in found["results"]] == list(range(0, 60, 3))
    for query in ({"sort": "turns"}, {"filter": as_filter(["turns", ">", 1])}):
        answer = engineer.get(url_of(version), query)
        assert answer.status_code == 409 and answer.json()["error"]["code"] == "not_indexed"
    assert engineer.get(url_of(version, "columns/")).status_code == 409


def test_index__large_version_frozen__is_submitted_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make_browsed(workspace, name="small")
    assert not Job.objects.filter(kind=INDEX).exists()
    monkeypatch.setattr(metadata, "SMALL_ROWS", 10)
    with django_capture_on_commit_callbacks(execute=True):
        version = make_browsed(workspace, name="large")
    job = Job.objects.get(kind=INDEX)
    assert submit_index(version) is None
    told = KIND.prepare(job)["files"]
    assert [file["sha256"] for file in told] == [file["sha256"] for file in version.files]
    assert KIND.url and KIND.url(job) == version.get_absolute_url()


def test_index__job_done_twice__keeps_the_files_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    monkeypatch.setattr(metadata, "SMALL_ROWS", 10)
    version = make_browsed(workspace)
    job = submit_index(version)
    assert job
    from workers.browse_index import index_file as index

    for file in KIND.prepare(job)["files"]:
        folder = job.folder / "artifacts" / "meta"
        folder.mkdir(parents=True, exist_ok=True)
        index(Path(file["path"]), file["sha256"], folder)
    KIND.verify(job, {})
    KIND.verify(job, {})
    assert metadata.is_ready(version) and KIND.prepare(job) == {"files": []}


def test_stranger__every_door__is_404(cast: Cast, api_of: Any) -> None:
    version = make_browsed(cast.workspace)
    stranger = api_of(cast.stranger, cast.other_workspace)
    for door in ("rows/", "columns/", "statistics/?column=turns"):
        assert stranger.get(url_of(version, door)).status_code == 404
