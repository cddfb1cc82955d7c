"""The doors of rollouts for programs: what they do and whom they refuse."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.rollout.models import Exposure, Rollout
from apps.rollout.routing import bucket
from tests.cast import Cast
from tests.rollout.making import make_deployment, make_exchange

pytestmark = pytest.mark.django_db
Clients = Callable[[str], APIClient]


@pytest.fixture
def client_of(cast: Cast, api_of: Callable[..., APIClient]) -> Clients:
    def client(role: str) -> APIClient:
        return api_of(cast.by_role(role), cast.other_workspace if role == "stranger" else cast.workspace)

    return client


def test_rollouts__whole_life__over_the_api(cast: Cast, client_of: Clients) -> None:
    old, new = make_deployment(cast.workspace, "old"), make_deployment(cast.workspace, "new")
    engineer = client_of("engineer")
    body = {"name": "support", "control": "old", "candidate": str(new.pk), "weights": {"candidate": 1, "control": 3}}
    made = engineer.post("/api/v1/rollouts/", body, format="json")
    assert made.status_code == 201, made.json()
    assert (made.json()["share"], made.json()["status"], made.json()["control"]) == (0.25, "draft", old.name)
    address = f"/api/v1/rollouts/{made.json()['id']}"
    assert engineer.post(f"{address}/start/").json()["status"] == "running"
    assert engineer.post(f"{address}/share/", {"share": 0.5}, format="json").json()["share"] == 0.5
    make_exchange(Rollout.objects.get(), "u1")
    told = engineer.get(f"{address}/").json()["standing"]
    assert sum(arm["requests"] for arm in told["arms"]) == 1 and sum(arm["users"] for arm in told["arms"]) == 1
    assert [arm["weight"] for arm in told["arms"]] == [0.5, 0.5, 0.0] and told["sample_ratio"]["p"] is None
    assert engineer.post(f"{address}/pause/", {"note": "lunch"}, format="json").json()["status"] == "paused"
    assert engineer.post(f"{address}/stop/").json()["status"] == "stopped"
    assert engineer.post(f"{address}/stop/").status_code == 409
    assert engineer.post(f"{address}/start/").json()["status"] == "running"
    assert engineer.get("/api/v1/rollouts/?name=support").json()["results"][0]["candidate"] == "new"


def test_why__for_a_unit__tells_bucket_ranges_and_arm(client_of: Clients, rollout: Rollout) -> None:
    told = client_of("viewer").get(f"/api/v1/rollouts/{rollout.pk}/why/", {"unit": "u1"}).json()
    assert told["bucket"] == bucket("seed", "u1") and told["candidate_range"] == [0.0, 0.1]
    assert told["arm"] in ("candidate", "control", "rest") and told["first"] is None and told["why"]
    assert not Exposure.objects.exists()
    assert client_of("viewer").get(f"/api/v1/rollouts/{rollout.pk}/why/").json()["arm"] is None


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"weights": {"candidate": 0, "control": 0}}, 400, "weights"),
        ({"weights": {"candidate": -1, "control": 2}}, 400, "weights.candidate"),
        ({"weights": {"candidate": 1}}, 400, "weights.control"),
        ({"share": 1.5}, 400, "share"),
        ({"share": -0.1}, 400, "share"),
        ({"share": 0.1, "weights": {"candidate": 1, "control": 1}}, 400, "share"),
        ({"candidate": "old"}, 400, "candidate"),
        ({"candidate": "nobody"}, 400, "candidate"),
        ({"name": "new"}, 409, "name"),
        ({"name": "Not A Name"}, 400, "name"),
        ({"seed": "s" * 65}, 400, "seed"),
    ],
)
def test_rollouts__bad_body__is_told_with_its_field(
    cast: Cast, client_of: Clients, change: dict[str, Any], status: int, field: str
) -> None:
    make_deployment(cast.workspace, "old"), make_deployment(cast.workspace, "new")
    body = {"name": "support", "control": "old", "candidate": "new", **change}
    answer = client_of("engineer").post("/api/v1/rollouts/", body, format="json")
    assert answer.status_code == status and answer.json()["error"]["field"] == field, answer.json()
    assert not Rollout.objects.exists()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_share__what_is_no_number__is_told_with_its_field(client_of: Clients, rollout: Rollout, number: str) -> None:
    body, address = f'{{"share": {number}}}', f"/api/v1/rollouts/{rollout.pk}/share/"
    answer = client_of("engineer").post(address, body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "share"


@pytest.mark.parametrize("body", [{}, {"share": 2}, {"weights": {"candidate": 0, "control": 0}}, {"share": "x"}])
def test_share__bad_body__changes_nothing(client_of: Clients, rollout: Rollout, body: dict[str, Any]) -> None:
    answer = client_of("engineer").post(f"/api/v1/rollouts/{rollout.pk}/share/", body, format="json")
    assert answer.status_code == 400
    rollout.refresh_from_db()
    assert rollout.share == 0.1


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_doors__stranger_or_annotator__finds_nothing(client_of: Clients, rollout: Rollout, who: str) -> None:
    client, address = client_of(who), f"/api/v1/rollouts/{rollout.pk}"
    assert client.get("/api/v1/rollouts/").json()["results"] == []
    for url in (f"{address}/", f"{address}/why/?unit=u"):
        assert client.get(url).status_code == 404
    for step in ("start", "pause", "stop", "share"):
        assert client.post(f"{address}/{step}/", {"share": 0.5}, format="json").status_code == 404
    rollout.refresh_from_db()
    assert rollout.is_running and rollout.share == 0.1


def test_rollouts__deployment_of_another_workspace__is_none(cast: Cast, client_of: Clients) -> None:
    theirs, own = make_deployment(cast.other_workspace, "theirs"), make_deployment(cast.workspace, "own")
    body = {"name": "support", "control": own.name, "candidate": str(theirs.pk)}
    answer = client_of("engineer").post("/api/v1/rollouts/", body, format="json")
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("role", "made", "shared", "stopped"),
    [
        ("owner", 400, 200, 200),
        ("engineer", 400, 200, 200),
        ("approver", 403, 403, 200),
        ("curator", 403, 403, 403),
        ("viewer", 403, 403, 403),
    ],
)
def test_doors__each_role__does_what_it_may(
    client_of: Clients, rollout: Rollout, role: str, made: int, shared: int, stopped: int
) -> None:
    client, address = client_of(role), f"/api/v1/rollouts/{rollout.pk}"
    assert client.post("/api/v1/rollouts/", {}, format="json").status_code == made
    assert client.post(f"{address}/share/", {"share": 0.2}, format="json").status_code == shared
    assert client.post(f"{address}/stop/").status_code == stopped


@pytest.mark.parametrize("pk", ["x", "0", "316f6e8a-7a3a-4450-9e57-e60d8111504f", "%00"])
def test_doors__no_such_id__is_404(client_of: Clients, pk: str) -> None:
    engineer = client_of("engineer")
    assert engineer.get(f"/api/v1/rollouts/{pk}/").status_code == 404
    assert engineer.post(f"/api/v1/rollouts/{pk}/start/").status_code == 404
