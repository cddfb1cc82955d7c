"""Preparing, previewing and rolling back by API: what comes of it, what is refused, and who may."""

from typing import Any

import pytest
from django.test import Client

from apps.datasets import services
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import as_jsonl, make_api_key, make_version

STEPS = [{"step": "html"}, {"step": "duplicates"}]
ROWS = [{"prompt": f"<b>Q{n}</b>", "completion": f"A{n}", "user": n % 4} for n in range(12)]


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, as_jsonl(ROWS))


@pytest.fixture
def url(version: DatasetVersion) -> str:
    return f"/api/v1/datasets/{version.dataset_id}/versions/{version.number}/"


def client_of(cast: Cast, role: str) -> Client:
    workspace = cast.other_workspace if role == "stranger" else cast.workspace
    return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.by_role(role), workspace)}")


def post(client: Client, url: str, body: Any = None, **headers: str) -> Any:
    return client.post(url, body if body is not None else {}, content_type="application/json", headers=headers)


def test_prepare__good_recipe__answers_the_queued_job_once_for_a_key(cast: Cast, url: str) -> None:
    curator = client_of(cast, "curator")
    body = {"steps": STEPS, "split": {"seed": 7, "group_by": "user", "fractions": {"train": 0.75, "test": 0.25}}}
    answers = [post(curator, f"{url}prepare/", body, **{"Idempotency-Key": "one"}) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].content
    assert answers[0].json()["id"] == answers[1].json()["id"] and answers[0].json()["kind"] == "datasets.prepare"
    job = Job.objects.get(kind="datasets.prepare")
    assert job.settings["split"] == {
        "seed": 7, "group_by": "user", "fractions": {"train": 0.75, "validation": 0.0, "test": 0.25},
    }  # fmt: skip
    assert post(curator, f"{url}prepare/", {"steps": STEPS}).status_code == 409


def test_preview__recipe__tells_counts_examples_and_columns(cast: Cast, url: str) -> None:
    told = post(client_of(cast, "engineer"), f"{url}prepare/preview/", {"steps": STEPS, "split": {}}).json()
    assert (told["rows"], told["kept"], told["changed"], told["is_whole"]) == (12, 12, {"html": 12}, True)
    assert told["columns"] == ["user"] and told["problem"] is None and sum(told["split_counts"].values()) == 12
    assert told["examples"][0]["after"][0] == {"role": "user", "content": "Q0"}
    few = {"steps": [], "split": {"fractions": {"train": 0.99, "test": 0.01}}}
    told = post(client_of(cast, "engineer"), f"{url}prepare/preview/", few).json()
    assert (
        told["problem"]["field"] == "split.fractions.test" and not Job.objects.filter(kind="datasets.prepare").exists()
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "steps"),
        ({"steps": "html"}, "steps"),
        ({"steps": [{"step": "magic"}]}, "steps.0"),
        ({"steps": [{"step": "length", "min_characters": 2, "max_characters": 1}]}, "steps.0.min_characters"),
        ({"steps": [{"step": "length", "min_characters": 100}]}, "steps"),
        ({"split": {"fractions": {"train": 0.5}}}, "split.fractions"),
        ({"split": {"seed": "x"}}, "split.seed"),
        ({"split": {"group_by": "nobody"}}, "split.group_by"),
        ({"split": "70/15/15"}, "split"),
    ],
    ids=["empty", "no-list", "step", "length", "no-row", "sum", "seed", "column", "no-object"],
)
def test_prepare__bad_body__is_a_400_naming_the_field(body: Any, field: str, cast: Cast, url: str) -> None:
    answer = post(client_of(cast, "engineer"), f"{url}prepare/", body)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field, answer.content


def test_prepare__body_that_is_no_object__is_a_400(cast: Cast, url: str) -> None:
    for door in ("prepare/", "prepare/preview/"):
        assert post(client_of(cast, "engineer"), f"{url}{door}", [1]).status_code == 400


def test_rollback__earlier_version__is_the_newest_again(cast: Cast, version: DatasetVersion, url: str) -> None:
    made = [{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "split": "train"}]
    services.freeze_rows(actor=None, dataset=version.dataset, rows=made, step="label")
    answer = post(client_of(cast, "engineer"), f"{url}rollback/")
    told = answer.json()
    assert answer.status_code == 201 and told["content_hash"] == version.content_hash
    assert (told["number"], told["step"], told["parent_number"], told["added"], told["removed"]) == (
        3,
        "rollback",
        2,
        12,
        1,
    )
    assert told["provenance"] == {"kind": "version", "id": str(version.pk)}
    assert post(client_of(cast, "engineer"), f"{url}rollback/").status_code == 409
    listed = client_of(cast, "viewer").get(f"/api/v1/datasets/{version.dataset_id}/versions/").json()["results"]
    assert [row["splits"].get("counts", {}) for row in listed] == [{}, {"train": 1}, {}]
    assert [(row["added"], row["removed"]) for row in listed] == [(12, 1), (1, 12), (12, 0)]


def test_rows__of_a_split__are_listed_and_downloaded(cast: Cast, version: DatasetVersion) -> None:
    made = [
        {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "a"}], "split": split}
        for n, split in enumerate(["train", "test", "train", "test"])
    ]
    split = services.freeze_rows(actor=None, dataset=version.dataset, rows=made, step="recipe")
    url, viewer = f"/api/v1/datasets/{version.dataset_id}/versions/{split.number}/", client_of(cast, "viewer")
    first = viewer.get(f"{url}rows/?split=test&limit=1").json()
    assert [row["index"] for row in first["results"]] == [1] and "split=test" in first["next"]
    second = viewer.get(first["next"]).json()
    assert [(row["index"], row["split"]) for row in second["results"]] == [(3, "test")] and second["next"] is None
    assert [row["index"] for row in viewer.get(f"{url}rows/?split=train&q=Q2").json()["results"]] == [2]
    assert viewer.get(f"{url}rows/?split=validation").json()["error"]["field"] == "split"
    download: Any = viewer.get(f"{url}download/?split=test")
    assert b"".join(download).count(b'"split": "test"') == 2 and "-test.jsonl" in download["Content-Disposition"]


@pytest.mark.parametrize(("role", "status"), [("stranger", 404), ("viewer", 403), ("annotator", 404)], ids=str)
@pytest.mark.parametrize("door", ["prepare/", "prepare/preview/", "rollback/"])
def test_doors__who_may_not__are_closed(role: str, status: int, door: str, cast: Cast, url: str) -> None:
    assert post(client_of(cast, role), f"{url}{door}", {"steps": STEPS}).status_code == status
    assert post(client_of(cast, "engineer"), f"{url}{door}".replace("/1/", "/9/"), {"steps": STEPS}).status_code == 404


def test_steps__list__tells_every_kind_with_its_options(cast: Cast) -> None:
    told = client_of(cast, "viewer").get("/api/v1/recipe-steps/").json()["results"]
    words = next(kind for kind in told if kind["step"] == "words")
    assert {"html", "duplicates", "personal", "instruction"} <= {kind["step"] for kind in told}
    assert [option["name"] for option in words["options"]] == ["words", "action", "texts"]
    assert words["options"][0]["is_required"] and words["options"][1]["choices"] == ["drop", "mask", "flag"]


def test_recipes__saved_changed_used_and_deleted__by_programs(cast: Cast, url: str) -> None:
    curator, viewer = client_of(cast, "curator"), client_of(cast, "viewer")
    body = {"name": "usual", "steps": ["html", {"step": "unicode", "off": True}], "split": None}
    made = post(curator, "/api/v1/recipes/", body).json()
    assert (made["name"], made["number"]) == ("usual", 1) and made["steps"][1]["off"] is True
    second = curator.put(
        f"/api/v1/recipes/{made['id']}/", {**body, "name": "better"}, content_type="application/json"
    ).json()
    assert (second["line"], second["number"], second["name"]) == (made["line"], 2, "better")
    assert [saved["id"] for saved in viewer.get("/api/v1/recipes/").json()["results"]] == [second["id"]]
    told = post(curator, f"{url}prepare/preview/", {"recipe": second["id"]}).json()
    assert [step["step"] for step in told["steps"]] == ["html"] and told["counts"][0]["changed"] == 12
    assert post(curator, f"{url}prepare/", {"recipe": second["id"]}).status_code == 201
    file: Any = viewer.get(f"/api/v1/recipes/{made['id']}/export/")
    assert b"tuneloop_recipe: 1" in file.content
    again = post(curator, "/api/v1/recipes/import/", {"content": file.content.decode()}).json()
    assert (again["name"], again["steps"]) == ("usual", made["steps"])
    assert curator.delete(f"/api/v1/recipes/{made['id']}/").status_code == 204
    assert viewer.get(f"/api/v1/recipes/{second['id']}/").status_code == 404


@pytest.mark.parametrize(
    ("door", "body", "field"),
    [
        ("", {"name": "x", "steps": [{"step": "magic"}]}, "steps.0"),
        ("", {"steps": ["html"]}, "name"),
        ("", [1], None),
        ("", {"name": 5, "steps": []}, "name"),
        ("import/", {}, "content"),
        ("import/", {"content": "{"}, "file"),
        ("import/", {"content": "steps: [html]"}, "name"),
    ],
    ids=["step", "no-name", "list", "number", "nothing", "open", "nameless"],
)
def test_recipes__bad_body__is_a_400_naming_the_field(door: str, body: Any, field: str | None, cast: Cast) -> None:
    answer = post(client_of(cast, "curator"), f"/api/v1/recipes/{door}", body)
    assert answer.status_code == 400 and answer.json()["error"].get("field") == field, answer.content


def test_prepare__recipe_of_another_workspace_or_with_steps__is_refused(cast: Cast, url: str) -> None:
    curator = client_of(cast, "curator")
    strange = post(client_of(cast, "stranger"), "/api/v1/recipes/", {"name": "s", "steps": ["html"]}).json()["id"]
    mine = post(curator, "/api/v1/recipes/", {"name": "m", "steps": ["html"]}).json()["id"]
    assert post(curator, f"{url}prepare/", {"recipe": strange}).status_code == 404
    assert post(curator, f"{url}prepare/", {"recipe": "x"}).status_code == 404
    assert post(curator, f"{url}prepare/", {"recipe": mine, "steps": []}).json()["error"]["field"] == "recipe"
    assert post(client_of(cast, "viewer"), "/api/v1/recipes/", {"name": "v", "steps": []}).status_code == 403
