"""Differences, tags, storage and the deletion of rows by API: what comes of it, what is refused, and who may."""

from typing import Any

import pytest
from django.test import Client

from apps.datasets import services
from apps.datasets.models import DatasetVersion
from apps.datasets.versions import diffing
from tests.cast import Cast
from tests.make import as_jsonl, make_api_key, make_version

ROWS = [{"prompt": f"Q{n}", "completion": f"A{n}", "id": n} for n in range(9)]


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    """The second of two: one row has another answer, one is gone, one is new."""
    first = make_version(cast.workspace, as_jsonl(ROWS))
    turns = [(f"Q{n}", "other" if n == 2 else f"A{n}", n) for n in range(1, 10)]
    made = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}], "extra": {"id": n}}
        for q, a, n in turns
    ]
    return services.freeze_rows(actor=cast.curator, dataset=first.dataset, rows=made, step="label")


@pytest.fixture
def base(version: DatasetVersion) -> str:
    return f"/api/v1/datasets/{version.dataset_id}/"


def client_of(cast: Cast, role: str) -> Client:
    workspace = cast.other_workspace if role == "stranger" else cast.workspace
    return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.by_role(role), workspace)}")


def send(client: Client, method: str, url: str, body: Any = None) -> Any:
    return getattr(client, method)(url, body if body is not None else {}, content_type="application/json")


def test_diff__against_the_parent__names_rows_and_fields(cast: Cast, base: str) -> None:
    viewer = client_of(cast, "viewer")
    found = viewer.get(f"{base}versions/2/diff/?by=id").json()
    assert found["counts"] == {"changed": 1, "moved": 0, "added": 1, "removed": 1}
    assert (found["before"], found["after"], found["next"]) == (1, 2, None)
    assert [(row["kind"], row["fields"]) for row in found["results"]] == [
        ("changed", ["assistant"]),
        ("added", []),
        ("removed", []),
    ]
    assert found["results"][0]["before"]["messages"][1]["content"] == "A2"
    assert found["results"][1]["before"] is None and found["results"][1]["after"]["extra"] == {"id": 9}
    back = viewer.get(f"{base}versions/1/diff/?against=2&by=id&kind=removed").json()
    assert [row["before"]["extra"]["id"] for row in back["results"]] == [9]
    page = viewer.get(f"{base}versions/2/diff/?by=id&limit=2").json()
    assert len(page["results"]) == 2 and len(viewer.get(page["next"]).json()["results"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("against=9", "against"), ("against=@none", "against"), ("against=x", "against"), ("kind=odd", "kind"),
        ("cursor=9999", "cursor"), ("limit=-1", "limit"), ("split=dev", "split"), ("by=topic", "by"),
        ("against=99999999999999999999", "against"),
    ],
)  # fmt: skip
def test_diff__bad_question__is_a_400_that_names_the_parameter(cast: Cast, base: str, query: str, field: str) -> None:
    answer = client_of(cast, "viewer").get(f"{base}versions/2/diff/?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field), answer.content


def test_diff__of_a_first_version__asks_for_another(cast: Cast, base: str) -> None:
    answer = client_of(cast, "viewer").get(f"{base}versions/1/diff/")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "against")


def test_diff__of_large_versions__is_asked_for_by_post(cast: Cast, base: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(diffing.known_or_quick, "__defaults__", ("", 3))
    curator = client_of(cast, "curator")
    assert curator.get(f"{base}versions/2/diff/").json()["error"]["code"] == "not_compared"
    answer = send(curator, "post", f"{base}versions/2/diff/", {"against": 1})
    assert answer.status_code == 200 and answer.json()["job"]["kind"] == "datasets.compare", answer.content
    assert answer.json()["counts"] is None
    assert send(client_of(cast, "viewer"), "post", f"{base}versions/2/diff/").status_code == 403


def test_diff_start__of_small_versions__answers_with_the_counts(cast: Cast, base: str) -> None:
    answer = send(client_of(cast, "curator"), "post", f"{base}versions/2/diff/", {"by": "id"})
    assert answer.json() == {"counts": {"changed": 1, "moved": 0, "added": 1, "removed": 1}, "job": None}


@pytest.mark.parametrize("body", [[], {"against": []}, {"by": {}}, {"against": 77}])
def test_diff_start__bad_body__is_a_400(cast: Cast, base: str, body: Any) -> None:
    assert send(client_of(cast, "curator"), "post", f"{base}versions/2/diff/", body).status_code == 400


def test_tags__set_read_and_removed__find_their_version(cast: Cast, base: str) -> None:
    curator = client_of(cast, "curator")
    assert send(curator, "put", f"{base}tags/gold/", {"version": 1}).json() == {"name": "gold", "version": 1}
    assert curator.get(f"{base}versions/@gold/").json()["number"] == 1
    assert curator.get(f"{base}versions/@gold/rows/?limit=1").json()["results"][0]["messages"][0]["content"] == "Q0"
    assert "/versions/1/rows/" in curator.get(f"{base}versions/@gold/rows/?limit=1").json()["next"]
    assert curator.get(f"{base}versions/2/diff/?against=@gold").json()["before"] == 1
    assert send(curator, "put", f"{base}tags/gold/", {"version": "@gold"}).json()["version"] == 1
    assert send(curator, "put", f"{base}tags/gold/", {"version": 2}).status_code == 200
    assert curator.get(f"{base}tags/").json() == {"results": [{"name": "gold", "version": 2}]}
    assert curator.get(f"{base}tags/gold/").json()["version"] == 2
    assert curator.get(f"{base}versions/").json()["results"][0]["tags"] == ["gold"]
    assert send(curator, "post", f"{base}versions/@gold/rollback/").json()["error"]["code"] == "same_rows"
    assert curator.delete(f"{base}tags/gold/").status_code == 204
    for rest in ("", "rows/", "no/such/door/", "../1/"):
        assert curator.get(f"{base}versions/@gold/{rest}").status_code == 404


@pytest.mark.parametrize(
    ("name", "body"),
    [("gold", {}), ("gold", {"version": 9}), ("gold", {"version": None}), ("gold", []), ("GOLD", {"version": 1})],
)
def test_tags__bad_input__is_a_400(cast: Cast, base: str, name: str, body: Any) -> None:
    assert send(client_of(cast, "curator"), "put", f"{base}tags/{name}/", body).status_code == 400


def test_doors__without_the_right__are_shut(cast: Cast, base: str) -> None:
    send(client_of(cast, "curator"), "put", f"{base}tags/gold/", {"version": 1})
    viewer, stranger = client_of(cast, "viewer"), client_of(cast, "stranger")
    for method, url in (("put", "tags/gold/"), ("delete", "tags/gold/"), ("delete", "versions/1/storage/")):
        body = {"version": 1} if method == "put" else None
        assert send(viewer, method, base + url, body).status_code == 403
        assert send(stranger, method, base + url, body).status_code == 404
    assert stranger.get(f"{base}versions/@gold/").status_code == 404
    assert Client().get(f"{base}versions/@gold/").status_code == 401


def test_storage__read_and_deleted__leaves_a_tombstone(cast: Cast, base: str, version: DatasetVersion) -> None:
    curator = client_of(cast, "curator")
    found = {tier["name"]: tier for tier in curator.get(f"{base}versions/1/storage/").json()["results"]}
    assert found["raw"]["files"] == 1 and found["processed"]["own_bytes"] > 0
    assert curator.delete(f"{base}versions/2/storage/").json()["error"]["code"] == "newest"
    assert curator.delete(f"{base}versions/1/storage/?reason=asked").status_code == 204
    assert curator.get(f"{base}versions/1/").json()["rows_deleted_at"]
    for part in ("rows/", "download/", "diff/?against=2"):
        answer = curator.get(f"{base}versions/1/{part}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "rows_deleted"), part
    assert send(curator, "post", f"{base}versions/1/rollback/").status_code == 410
    assert curator.get(f"{base}versions/1/storage/").status_code == 200
