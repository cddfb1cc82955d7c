"""The doors of the registry for programs: what they do and whom they refuse."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.registry import services
from apps.registry.models import AliasMove, Model, ModelVersion
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.registry.making import make_approved, make_checkpoint

pytestmark = pytest.mark.django_db
Clients = Callable[..., APIClient]


@pytest.fixture
def client_of(cast: Cast, api_of: Clients) -> Callable[[str], APIClient]:
    def client(role: str) -> APIClient:
        return api_of(cast.by_role(role), cast.other_workspace if role == "stranger" else cast.workspace)

    return client


def test_models__whole_life_of_a_version__over_the_api(client_of: Callable[[str], APIClient], cast: Cast) -> None:
    engineer, approver = client_of("engineer"), client_of("approver")
    made = engineer.post("/api/v1/models/", {"name": "support", "description": "Answers mail."}, format="json")
    assert made.status_code == 201 and made.json()["newest"] is None and made.json()["aliases"] == {}
    address = f"/api/v1/models/{made.json()['id']}"
    checkpoint = make_checkpoint(cast.workspace)
    draft = engineer.post(f"{address}/versions/", {"checkpoint": str(checkpoint.pk), "notes": "n"}, format="json")
    assert draft.status_code == 201, draft.json()
    assert draft.json()["version"] == "1.0.0" and draft.json()["status"] == "draft" and draft.json()["gates"] == []
    early = approver.put(f"{address}/aliases/production/", {"version": "1.0.0"}, format="json")
    assert early.status_code == 409 and early.json()["error"]["code"] == "not_approved"
    assert engineer.post(f"{address}/versions/1.0.0/request/").json()["status"] == "pending"
    approved = approver.post(f"{address}/versions/1.0.0/approve/", {"note": "fine"}, format="json")
    assert approved.json()["status"] == "approved" and approved.json()["decided_by"] == "Ada"
    moved = approver.post(f"{address}/aliases/production/", {"version": "1.0.0", "note": "go"}, format="json")
    assert moved.status_code == 200 and moved.json()["version"] == "1.0.0" and len(moved.json()["history"]) == 1
    assert engineer.get(f"{address}/").json()["aliases"] == {"production": "1.0.0"}
    assert engineer.get("/api/v1/models/?name=support").json()["results"][0]["newest"] == "1.0.0"
    assert [row["version"] for row in engineer.get(f"{address}/versions/").json()["results"]] == ["1.0.0"]
    assert approver.delete(f"{address}/aliases/production/").status_code == 204
    assert approver.post(f"{address}/versions/{draft.json()['id']}/retire/").json()["status"] == "retired"


def test_alias__asked_at_a_moment__tells_what_it_meant(
    client_of: Callable[[str], APIClient], cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    first = services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    move = services.set_alias(actor=cast.engineer, model=model, name="candidate", version=first)
    address, viewer = f"/api/v1/models/{model.pk}/aliases/candidate/", client_of("viewer")
    assert viewer.get(address).json()["version"] == "1.0.0"
    assert viewer.get(address, {"at": move.at.isoformat()}).json()["version"] == "1.0.0"
    before = viewer.get(address, {"at": (move.at - timedelta(seconds=1)).isoformat()}).json()
    assert before["version"] is None and before["at"] is None and before["history"][0]["version"] == "1.0.0"
    assert viewer.get(address, {"at": "yesterday"}).status_code == 400
    assert viewer.get(address.replace("candidate", "unknown")).status_code == 404


def test_approve__own_version__is_409_with_words(
    client_of: Callable[[str], APIClient], cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    made = services.register_version(actor=cast.owner, model=model, checkpoint=checkpoint)
    services.request_approval(actor=cast.engineer, version=made)
    answer = client_of("owner").post(f"/api/v1/models/{model.pk}/versions/1.0.0/approve/")
    assert answer.status_code == 409 and answer.json()["error"]["message"] == "Nobody approves their own version."
    assert ModelVersion.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "checkpoint"),
        ({"checkpoint": "x"}, 400, "checkpoint"),
        ({"checkpoint": "316f6e8a-7a3a-4450-9e57-e60d8111504f"}, 400, "checkpoint"),
        ({"version": "1.0.0"}, 409, "version"),
        ({"version": "0.9.0"}, 409, "version"),
        ({"version": "one"}, 400, "version"),
        ({"bump": "huge"}, 400, "bump"),
        ({"notes": "x" * 4001}, 400, "notes"),
    ],
)
def test_versions__bad_body__is_told_with_its_field(
    client_of: Callable[[str], APIClient],
    cast: Cast,
    model: Model,
    checkpoint: Checkpoint,
    body: dict[str, Any],
    status: int,
    field: str,
) -> None:
    services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    if body and "checkpoint" not in body:
        body = {"checkpoint": str(checkpoint.pk), **body}
    answer = client_of("engineer").post(f"/api/v1/models/{model.pk}/versions/", body, format="json")
    assert answer.status_code == status and answer.json()["error"]["field"] == field, answer.json()


def doors(model: Model, version: ModelVersion, checkpoint: Checkpoint) -> list[tuple[str, str, Any]]:
    address = f"/api/v1/models/{model.pk}"
    steps = [("post", f"{address}/versions/{version.version}/{step}/", {"note": "n"}) for step in
             ("request", "approve", "reject", "retire")]  # fmt: skip
    return [
        ("get", f"{address}/", None),
        ("get", f"{address}/versions/", None),
        ("get", f"{address}/versions/{version.version}/", None),
        ("get", f"{address}/versions/{version.pk}/", None),
        ("get", f"{address}/aliases/", None),
        ("get", f"{address}/aliases/candidate/", None),
        ("post", f"{address}/versions/", {"checkpoint": str(checkpoint.pk)}),
        ("put", f"{address}/aliases/candidate/", {"version": version.version}),
        ("post", f"{address}/aliases/production/", {"version": version.version}),
        ("delete", f"{address}/aliases/candidate/", None),
        *steps,
    ]


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_doors__stranger_or_annotator__finds_nothing(
    client_of: Callable[[str], APIClient], cast: Cast, model: Model, checkpoint: Checkpoint, who: str
) -> None:
    version = make_approved(model, checkpoint, by=cast.engineer, approver=cast.approver)
    services.set_alias(actor=cast.engineer, model=model, name="candidate", version=version)
    client = client_of(who)
    for method, url, body in doors(model, version, checkpoint):
        assert getattr(client, method)(url, body, format="json").status_code == 404, url
    assert client.get("/api/v1/models/").json()["results"] == []
    assert AliasMove.objects.count() == 1 and ModelVersion.objects.get().status == "approved"


def test_doors__of_another_model__do_not_open_this_ones_version(
    client_of: Callable[[str], APIClient], cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    version = services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    other = services.create_model(actor=cast.engineer, workspace=cast.workspace, name="other")
    engineer = client_of("engineer")
    assert engineer.get(f"/api/v1/models/{other.pk}/versions/{version.pk}/").status_code == 404
    answer = engineer.put(f"/api/v1/models/{other.pk}/aliases/x/", {"version": str(version.pk)}, format="json")
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "version"


@pytest.mark.parametrize(
    ("role", "registered", "approved", "candidate", "production"),
    [
        ("owner", 201, 200, 200, 200),
        ("engineer", 201, 403, 200, 403),
        ("approver", 403, 200, 403, 200),
        ("curator", 403, 403, 403, 403),
        ("viewer", 403, 403, 403, 403),
    ],
)
def test_doors__each_role__does_what_it_may(
    client_of: Callable[[str], APIClient],
    cast: Cast,
    model: Model,
    checkpoint: Checkpoint,
    role: str,
    registered: int,
    approved: int,
    candidate: int,
    production: int,
) -> None:
    good = make_approved(model, checkpoint, by=cast.engineer, approver=cast.approver)
    other = services.register_version(actor=cast.engineer, model=model, checkpoint=make_checkpoint(cast.workspace))
    services.request_approval(actor=cast.engineer, version=other)
    client, address = client_of(role), f"/api/v1/models/{model.pk}"
    body = {"version": good.version}
    made = client.post(f"{address}/versions/", {"checkpoint": str(checkpoint.pk), "bump": "major"}, format="json")
    assert made.status_code == registered
    assert client.post(f"{address}/versions/{other.version}/approve/").status_code == approved
    assert client.put(f"{address}/aliases/candidate/", body, format="json").status_code == candidate
    assert client.put(f"{address}/aliases/production/", body, format="json").status_code == production


@pytest.mark.parametrize("pk", ["x", "0", "316f6e8a-7a3a-4450-9e57-e60d8111504f", "%00"])
def test_doors__no_such_id__is_404(client_of: Callable[[str], APIClient], model: Model, pk: str) -> None:
    engineer = client_of("engineer")
    for url in (f"models/{pk}/", f"models/{pk}/versions/", f"models/{model.pk}/versions/{pk}/"):
        assert engineer.get(f"/api/v1/{url}").status_code == 404, url
