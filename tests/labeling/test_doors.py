"""The doors of labeling: what they answer, whom they refuse, and what an annotator never sees."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User, Workspace
from apps.core.models import LedgerEntry
from apps.datasets.models import DatasetVersion
from apps.labeling import queue
from apps.labeling.models import Annotation, Assignment, LabelProject, ProjectStatus
from console.topics import look_up
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, says
from tests.make import make_api_key

pytestmark = pytest.mark.django_db
Clients = Callable[[str], Client]
URL = "/api/v1/label-projects/"
SECRET = "bad"  # what Berta said of task 1


def post(client: Client, url: str, body: Any = None, **headers: str) -> Any:
    return client.post(
        url, json.dumps(body if body is not None else {}), content_type="application/json", headers=headers
    )


@pytest.fixture
def berta(project: LabelProject, people: list[User]) -> Annotation:
    """Somebody else's answer to the first task."""
    assignment = queue.take_next(actor=people[1], project=project)
    assert assignment
    return queue.submit(actor=people[1], assignment=assignment, result=says(SECRET), lead_time=1)


@pytest.fixture
def held(project: LabelProject, people: list[User], berta: Annotation) -> Assignment:
    """Carl's task."""
    assignment = queue.take_next(actor=people[2], project=project)
    assert assignment
    return assignment


def test_create__from_a_version__is_a_draft_and_opens(client_of: Clients, version: DatasetVersion) -> None:
    client = client_of("curator")
    order = {
        "name": "Quality",
        "label_config": CONFIG,
        "dataset_version": str(version.pk),
        "overlap": 3,
        "keep": {"quality": ["good"]},
    }
    first = post(client, URL, order, **{"Idempotency-Key": "k1"})
    assert first.status_code == 201 and first.json()["status"] == "draft" and first.json()["task_count"] == 6
    assert post(client, URL, order, **{"Idempotency-Key": "k1"}).json()["id"] == first.json()["id"]
    assert post(client, URL, order).status_code == 409
    opened = post(client, f"{URL}{first.json()['id']}/status/", {"status": "open"})
    assert opened.json()["status"] == "open"
    assert post(client, f"{URL}{first.json()['id']}/status/", {"status": "draft"}).status_code == 409
    assert client.get(f"{URL}?status=open").json()["results"][0]["name"] == "Quality"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "label_config": "<View><script/></View>"}, "label_config"),
        ({"name": "x", "label_config": CONFIG, "overlap": 0}, "overlap"),
        ({"name": "x", "label_config": CONFIG, "overlap": "many"}, "overlap"),
        ({"name": "x", "label_config": CONFIG, "dataset_version": "x"}, "dataset_version"),
        (
            {"name": "x", "label_config": CONFIG, "dataset_version": "316f6e8a-7a3a-4450-9e57-e60d8111504f"},
            "dataset_version",
        ),
        ({"name": "x", "label_config": CONFIG, "keep": {"quality": "good"}}, "keep.quality"),
    ],
    ids=["nothing", "script", "overlap 0", "overlap word", "no uuid", "no version", "keep no list"],
)
def test_create__bad__is_400_with_the_field(client_of: Clients, db: None, body: dict[str, Any], field: str) -> None:
    answer = post(client_of("curator"), URL, body)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field, answer.json()
    assert not LabelProject.objects.exists()


def test_label_configs__checked__tells_fields_and_rules_or_the_line(client_of: Clients) -> None:
    client = client_of("curator")
    good = post(client, "/api/v1/label-configs/", {"label_config": CONFIG}).json()
    assert good["fields"] == ["prompt", "answer"] and len(good["rules"]) == 4
    bad = post(client, "/api/v1/label-configs/", {"label_config": "<View>\n<Style/></View>"})
    assert bad.status_code == 400 and "Line 2, <Style>" in bad.json()["error"]["message"]
    assert {one["name"] for one in client.get("/api/v1/label-configs/").json()["results"]} >= {
        "quality",
        "rubric",
        "boxes",
    }


def test_annotator__whole_path__takes_drafts_submits_skips_undoes(client_of: Clients, project: LabelProject) -> None:
    client, base = client_of("annotator"), f"{URL}{project.pk}/"
    first = post(client, f"{base}tasks/next/").json()
    own = first["assignment"]
    assert own["number"] == 1 and set(own["data"]) == {"prompt", "answer"} and first["left"] == 6
    second = post(client, f"{base}tasks/next/", {"besides": [own["id"]]}).json()["assignment"]
    assert second["number"] == 2
    draft = f"/api/v1/label-assignments/{own['id']}/draft/"
    kept = client.put(draft, json.dumps({"result": says("bad")}), content_type="application/json")
    assert kept.status_code == 200 and kept.json()["draft"][0]["value"] == {"choices": ["bad"]}
    assert post(client, f"/api/v1/label-assignments/{own['id']}/heartbeat/").status_code == 204
    wrong = post(client, f"{base}annotations/", {"assignment": own["id"], "result": says("great")})
    assert wrong.status_code == 400 and wrong.json()["error"]["field"] == "result.0.value.choices"
    done = post(client, f"{base}annotations/", {"assignment": own["id"], "result": says("good"), "lead_time": 1})
    assert done.status_code == 201 and done.json()["number"] == 1
    assert post(client, f"/api/v1/label-assignments/{second['id']}/skip/", {"reason": "unclear"}).status_code == 204
    assert post(client, f"{base}undo/").json()["number"] == 2
    assert post(client, f"{base}release/").status_code == 204
    assert [row["number"] for row in client.get(f"{base}annotations/").json()["results"]] == [1]


def doors(project: LabelProject, held: Assignment, annotation: Annotation) -> list[tuple[str, str, Any]]:
    """Every door to an object: method, address, body."""
    base, lease = f"{URL}{project.pk}/", f"/api/v1/label-assignments/{held.pk}/"
    return [
        ("get", base, None),
        ("post", f"{base}status/", {"status": "paused"}),
        ("get", f"{base}tasks/", None),
        ("post", f"{base}tasks/", [{"data": {"prompt": "x", "answer": "y"}}]),
        ("post", f"{base}tasks/next/", {}),
        ("get", f"{base}annotations/", None),
        ("post", f"{base}annotations/", {"assignment": str(held.pk), "result": says("good")}),
        ("post", f"{base}undo/", {}),
        ("post", f"{base}release/", {}),
        ("get", f"{base}progress/", None),
        ("get", f"{base}review/", None),
        ("get", f"{base}export/?partial=1", None),
        ("post", f"{base}freeze/", {"partial": True}),
        ("put", f"{lease}draft/", {"result": []}),
        ("post", f"{lease}heartbeat/", {}),
        ("post", f"{lease}skip/", {}),
        ("post", f"/api/v1/annotations/{annotation.pk}/accept/", {}),
        ("delete", f"/api/v1/annotations/{annotation.pk}/accept/", None),
    ]


def ask(client: Client, method: str, url: str, body: Any) -> Any:
    if method in ("get", "delete"):
        return getattr(client, method)(url)
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


def test_doors__stranger__finds_nothing(
    cast: Cast, client_of: Clients, project: LabelProject, held: Assignment, berta: Annotation
) -> None:
    stranger = client_of("stranger")
    found = {f"{m} {u}": ask(stranger, m, u, b).status_code for m, u, b in doors(project, held, berta)}
    assert set(found.values()) == {404}, found
    assert stranger.get(URL).json()["results"] == []
    assert look_up(cast.stranger, f"labelproject.{project.pk}") is None


MANAGES = ("status/", "tasks/", "review/", "export/?partial=1", "freeze/", "accept/")


@pytest.mark.parametrize("role", ["annotator", "viewer", "approver"])
def test_doors__of_who_runs_a_project__refuse_others(
    client_of: Clients, project: LabelProject, held: Assignment, berta: Annotation, role: str
) -> None:
    client = client_of(role)
    for method, url, body in doors(project, held, berta):
        answer = ask(client, method, url, body)
        if (url.startswith("/api/") and url.endswith(MANAGES)) or "/label-assignments/" in url:
            assert answer.status_code in (403, 404), (method, url, answer.status_code)
    seen = client.get(f"{URL}{project.pk}/progress/").status_code
    assert seen == (403 if role == "annotator" else 200)


def test_annotator__by_any_door__sees_nothing_of_others(
    cast: Cast, client_of: Clients, project: LabelProject, held: Assignment, berta: Annotation
) -> None:
    """Berta said "bad" of task 1, Carl holds it: Anton learns neither from any answer, page or topic."""
    client = client_of("annotator")
    for method, url, body in doors(project, held, berta):
        if method == "get" or url.endswith(("next/", "undo/")):
            text = ask(client, method, url, body).content.decode()
            assert "Berta" not in text and "Carl" not in text and f'choices": ["{SECRET}' not in text, url
            assert str(berta.pk) not in text and str(held.pk) not in text, url
    assert client.get(f"{URL}{project.pk}/annotations/").json()["results"] == []
    assert client.get(f"/api/v1/annotations/{berta.pk}/accept/").status_code in (404, 405)
    foreign = post(client, f"{URL}{project.pk}/annotations/", {"assignment": str(held.pk), "result": says("good")})
    assert foreign.status_code == 404
    held.refresh_from_db()
    assert held.status == "leased"
    assert look_up(cast.annotator, f"labelproject.{project.pk}") == {}


def test_curator__labelling__gets_an_empty_task_like_anybody(
    client_of: Clients, project: LabelProject, berta: Annotation
) -> None:
    own = post(client_of("curator"), f"{URL}{project.pk}/tasks/next/").json()["assignment"]
    assert own["number"] == 1 and own["draft"] is None and f'"{SECRET}"' not in json.dumps(own)
    everybody = client_of("curator").get(f"{URL}{project.pk}/annotations/").json()["results"]
    assert [row["annotator"] for row in everybody] == ["Berta"]
    assert client_of("curator").get(f"{URL}{project.pk}/annotations/?mine=1").json()["results"] == []


def test_annotator__of_a_draft__does_not_see_it(client_of: Clients, project: LabelProject) -> None:
    LabelProject.objects.update(status=ProjectStatus.DRAFT)
    assert client_of("annotator").get(f"{URL}{project.pk}/").status_code == 404
    assert client_of("viewer").get(f"{URL}{project.pk}/").status_code == 200


def test_ring__of_a_submit__says_nothing_but_that(project: LabelProject, people: list[User], rings: Any) -> None:
    with rings.on_commit():
        assignment = queue.take_next(actor=people[0], project=project)
        assert assignment
        queue.submit(actor=people[0], assignment=assignment, result=says("bad"))
    assert rings.heard and all(message == {"type": "changed"} for _topic, message in rings.heard)
    assert f"labelproject.{project.pk}" in {topic for topic, _message in rings.heard}


def test_ledger__of_answers__holds_no_answer(project: LabelProject, berta: Annotation) -> None:
    lines = LedgerEntry.objects.filter(object_kind="labeling.assignment")
    assert lines and all("choices" not in json.dumps(line.data) + line.note for line in lines)


def test_manager__progress_review_accept_export_freeze(
    client_of: Clients, project: LabelProject, people: list[User], berta: Annotation
) -> None:
    assignment = queue.take_next(actor=people[0], project=project)
    assert assignment
    queue.submit(actor=people[0], assignment=assignment, result=says("good"))
    client, base = client_of("curator"), f"{URL}{project.pk}/"
    figures = client.get(f"{base}progress/").json()
    assert figures["counts"]["done"] == 1 and {row["person"] for row in figures["people"]} == {"Anton", "Berta"}
    assert figures["agreement"][0]["n_items"] == 1
    [split] = client.get(f"{base}review/").json()["results"]
    assert split["questions"] == ["quality"] and split["number"] == 1
    assert post(client, f"/api/v1/annotations/{berta.pk}/accept/").status_code == 200
    assert client.get(f"{base}review/?after=x").status_code == 400
    refused = client.get(f"{base}export/?format=JSON")
    assert refused.status_code == 409 and "partial=1" in refused.json()["error"]["hint"]
    assert client.get(f"{base}export/?format=yolo&partial=1").status_code == 400
    assert post(client, f"{base}freeze/").status_code == 409
    frozen = post(client, f"{base}freeze/", {"partial": True, "name": "Labelled"}, **{"Idempotency-Key": "f"})
    assert frozen.status_code == 201 and frozen.json()["provenance"] == {"kind": "labelproject", "id": str(project.pk)}
    again = post(client, f"{base}freeze/", {"partial": True, "name": "Labelled"}, **{"Idempotency-Key": "f"})
    assert again.json()["id"] == frozen.json()["id"]


def test_export__exported_and_imported_elsewhere__is_the_same(
    client_of: Clients, project: LabelProject, berta: Annotation, version: DatasetVersion
) -> None:
    client = client_of("curator")
    answer = client.get(f"{URL}{project.pk}/export/?format=json&partial=1")
    told = json.loads(b"".join(answer))
    assert len(told) == 6 and told[0]["annotations"][0]["completed_by"] == {"email": "berta@example.com"}
    minimal = client.get(f"{URL}{project.pk}/export/?format=JSON_MIN&partial=1")
    [row] = json.loads(b"".join(minimal))
    assert row["quality"] == SECRET and row["annotator"] == "berta@example.com"
    copy = post(client, URL, {"name": "Copy", "label_config": CONFIG}).json()["id"]
    done = post(client, f"{URL}{copy}/tasks/", told)
    numbers = [row["number"] for row in client.get(f"{URL}{copy}/tasks/").json()["results"]]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert done.status_code == 201 and done.json()["tasks"] == 6 and done.json()["annotations"] == 1
    assert post(client, f"{URL}{copy}/tasks/", told).json()["tasks"] == 0


@pytest.mark.parametrize("pk", ["x", "0", "..", "316f6e8a-7a3a-4450-9e57-e60d8111504f", "%00"])
def test_doors__no_such_id__is_404(client_of: Clients, db: None, pk: str) -> None:
    client = client_of("curator")
    for rest in ("", "tasks/", "annotations/", "progress/", "export/"):
        assert client.get(f"{URL}{pk}/{rest}").status_code == 404, rest
    assert post(client, f"/api/v1/label-assignments/{pk}/heartbeat/").status_code == 404
    assert post(client, f"/api/v1/annotations/{pk}/accept/").status_code == 404


def test_submit__assignment_that_is_no_id_or_of_another_project__is_refused(
    client_of: Clients, project: LabelProject
) -> None:
    client = client_of("annotator")
    url = f"{URL}{project.pk}/annotations/"
    assert post(client, url, {"assignment": "x", "result": []}).status_code == 400
    assert post(client, url, {"assignment": "316f6e8a-7a3a-4450-9e57-e60d8111504f", "result": []}).status_code == 404


def test_key__without_the_capability__labels_nothing(cast: Cast, workspace: Workspace, project: LabelProject) -> None:
    key = make_api_key(cast.annotator, workspace, capabilities=["evaluation.rate"])
    client = Client(HTTP_AUTHORIZATION=f"Bearer {key}")
    assert post(client, f"{URL}{project.pk}/tasks/next/").status_code in (403, 404)
