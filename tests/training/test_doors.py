"""The doors of training for programs: whom they refuse."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.datasets.models import DatasetVersion
from apps.training.models import BaseModel, Checkpoint, Run, Turn
from tests.training.test_api import order, post
from tests.training.test_runs import save

pytestmark = pytest.mark.django_db
Clients = Callable[[str], Client]


@pytest.fixture
def checkpoint(running: Run) -> Checkpoint:
    return save(running, 10)


def doors(run: Run, checkpoint: Checkpoint, turn: Turn, version: DatasetVersion) -> list[tuple[str, str, Any]]:
    """Every door to an object: method, address, body."""
    model = run.base_model
    launching = order(model, version)
    return [
        ("get", f"/api/v1/runs/{run.pk}/", None),
        ("get", f"/api/v1/runs/{run.pk}/samples/", None),
        ("get", f"/api/v1/runs/{run.pk}/checkpoints/", None),
        ("get", f"/api/v1/base-models/{model.pk}/", None),
        ("get", f"/api/v1/turns/{turn.pk}/", None),
        ("post", "/api/v1/runs/", launching),
        ("post", f"/api/v1/runs/{run.pk}/resume/", None),
        ("post", f"/api/v1/base-models/{model.pk}/prepare/", None),
        ("post", f"/api/v1/checkpoints/{checkpoint.pk}/generate/?wait=0", {"prompt": "x"}),
        ("post", "/api/v1/turns/", {"checkpoint": str(checkpoint.pk), "prompt": "x"}),
        ("post", f"/api/v1/turns/{turn.pk}/stop/", None),
        ("delete", f"/api/v1/base-models/{model.pk}/", None),
    ]


def codes(client: Client, doors: list[tuple[str, str, Any]]) -> dict[str, int]:
    answers = {}
    for method, url, body in doors:
        answer = post(client, url, body) if method == "post" else getattr(client, method)(url)
        answers[f"{method} {url.split('/')[3]}{url.split('/')[-2][:12] if len(url.split('/')) > 6 else ''}"] = (
            answer.status_code
        )
    return answers


def test_doors__stranger__finds_nothing(client_of: Clients, checkpoint: Checkpoint, version: DatasetVersion) -> None:
    turn = Turn.objects.create(
        workspace=checkpoint.workspace, base_model=checkpoint.run.base_model, messages=[], sides=[]
    )
    stranger = client_of("stranger")
    found = codes(stranger, doors(checkpoint.run, checkpoint, turn, version))
    assert set(found.values()) == {404, 400} and found["post runs"] == 400  # a version that is not theirs is no version
    for url in ("/api/v1/runs/", "/api/v1/turns/"):
        assert stranger.get(url).json()["results"] == []
    assert stranger.get(f"/api/v1/turns/?checkpoint={checkpoint.pk}").status_code == 404
    assert [row["slug"] for row in stranger.get("/api/v1/base-models/").json()["results"]] == ["smollm2-135m-instruct"]
    assert BaseModel.objects.filter(pk=checkpoint.run.base_model_id).exists()


@pytest.mark.parametrize(
    ("role", "seen", "launched", "chatted"),
    [
        ("engineer", 200, 201, 201),
        ("curator", 200, 403, 201),
        ("approver", 200, 403, 201),
        ("viewer", 200, 403, 403),
        ("annotator", 404, 400, 404),
    ],
)
def test_doors__each_role__does_what_it_may(
    client_of: Clients,
    checkpoint: Checkpoint,
    version: DatasetVersion,
    role: str,
    seen: int,
    launched: int,
    chatted: int,
) -> None:
    client, run = client_of(role), checkpoint.run
    assert client.get(f"/api/v1/runs/{run.pk}/").status_code == seen
    assert post(client, "/api/v1/runs/", order(run.base_model, version)).status_code == launched
    body = {"checkpoint": str(checkpoint.pk), "prompt": "x"}
    assert post(client, "/api/v1/turns/", body).status_code == chatted


@pytest.mark.parametrize("pk", ["x", "0", "..", "316f6e8a-7a3a-4450-9e57-e60d8111504f", "%00"])
def test_doors__no_such_id__is_404(engineer: Client, pk: str) -> None:
    for url in (f"runs/{pk}/", f"base-models/{pk}/", f"turns/{pk}/", f"runs/{pk}/samples/"):
        assert engineer.get(f"/api/v1/{url}").status_code == 404, url
    assert post(engineer, f"/api/v1/checkpoints/{pk}/generate/", {"prompt": "x"}).status_code == 404
