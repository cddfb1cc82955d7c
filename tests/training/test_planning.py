"""Before a launch: measured steps, tokens with their loss, settings as a file."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job
from apps.training.models import BaseModel, Run
from apps.training.planning import files, probing
from workers.recipes import Recipe

pytestmark = pytest.mark.django_db

PROBED = {
    "peak_bytes": 10**9, "load_seconds": 5.0, "seconds_per_token": 1e-3, "epoch_tokens": 1000, "seconds_per_eval": 2.0,
    "seconds_per_save": 1.0, "checkpoint_bytes": 10**6, "train_rows": 27, "eval_rows": 3,
}  # fmt: skip


def body_of(model: BaseModel, version: DatasetVersion, **recipe: Any) -> dict[str, Any]:
    return {"name": "x", "base_model": model.slug, "dataset_version": str(version.pk), "recipe": recipe}


def post(client: Client, url: str, body: Any) -> Any:
    return client.post(url, body, content_type="application/json")


def test_probe__asked_twice__is_one_job_and_its_result_is_the_estimate(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    body = body_of(model, version, batch_size=9)
    first, second = (post(engineer, "/api/v1/runs/probe/", body) for _time in range(2))
    assert first.status_code == 201 and first.json()["id"] == second.json()["id"]
    waiting = post(engineer, "/api/v1/runs/validate/", body).json()["plan"]["estimate"]
    assert waiting == {"source": "", "job": first.json()["id"]}
    Job.objects.filter(pk=first.json()["id"]).update(status="succeeded", result=PROBED)
    longer = body_of(model, version, batch_size=9, epochs=4)
    told = post(engineer, "/api/v1/runs/validate/", longer).json()["plan"]["estimate"]
    assert (told["source"], told["peak_bytes"]) == ("probe", 10**9)
    assert told["seconds"] == 5 + 4 * 1000 * 1e-3 + 2 + 1 * 2 + 1 * 1
    other = post(engineer, "/api/v1/runs/validate/", body_of(model, version, batch_size=3)).json()
    assert other["plan"]["estimate"] is None


def test_estimate__slot_with_a_price__has_a_cost(
    owner: User, workspace: Workspace, model: BaseModel, version: DatasetVersion, settings: Any
) -> None:
    settings.TUNELOOP_SLOT_PRICE, settings.TUNELOOP_CURRENCY = 360.0, "EUR"
    job = probing.start_probe(actor=owner, workspace=workspace, base_model=model, version=version, recipe={})
    Job.objects.filter(pk=job.pk).update(status="succeeded", result=PROBED)
    told = probing.estimate_of(base_model=model, version=version, recipe=Recipe())
    assert told is not None and told["cost"] == pytest.approx(told["seconds"] / 10, abs=0.01)


def test_probe__launch_that_would_be_refused__is_refused_by_name(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    answer = post(engineer, "/api/v1/runs/probe/", body_of(model, version, learning_rate=-1))
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "recipe.learning_rate"
    assert not Job.objects.filter(kind=probing.PROBE).exists()


def test_preview__broken_settings_and_images__are_refused(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    answer = post(engineer, "/api/v1/runs/preview/", body_of(model, version, max_length="long"))
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "recipe.max_length"


@pytest.mark.parametrize("door", ["preview", "probe"])
def test_looks__viewer_and_stranger__are_kept_out(
    client_of: Any, model: BaseModel, version: DatasetVersion, door: str
) -> None:
    body = body_of(model, version)
    assert post(client_of("viewer"), f"/api/v1/runs/{door}/", body).status_code == 403
    assert post(client_of("stranger"), f"/api/v1/runs/{door}/", body).status_code in (400, 404)


def test_recipe__to_yaml_and_back__is_the_same(engineer: Client, run: Run) -> None:
    text = engineer.get(f"/api/v1/runs/{run.pk}/recipe/").content.decode()
    assert "learning_rate: 0.0002" in text
    answer = post(engineer, "/api/v1/runs/recipe/", {"text": text})
    assert answer.status_code == 200 and Recipe.from_dict(answer.json()["recipe"]) == Recipe.from_dict(run.recipe)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "text"), ("method: [", "text"), ("- a\n- b", "text"), ("a: &x 1\nb: *x", "text"), ("x" * 70_000, "text"),
        ("method: magic", "recipe.method"), ("lerning_rate: 1", "recipe.lerning_rate"), ("!!python/object:os.system {}", "text"),
    ],
)  # fmt: skip
def test_recipe__bad_file__is_refused_with_the_place(engineer: Client, text: str, where: str) -> None:
    answer = post(engineer, "/api/v1/runs/recipe/", {"text": text})
    assert answer.status_code == 400 and answer.json()["error"]["field"] == where


def test_recipe__exponent_without_a_point__is_a_number() -> None:
    assert files.read_yaml("learning_rate: 2e-4\nmethod: lora") == {"learning_rate": 2e-4, "method": "lora"}


def test_spec__of_a_run__starts_the_same_in_a_terminal(engineer: Client, run: Run) -> None:
    found = engineer.get(f"/api/v1/runs/{run.pk}/spec/").json()
    assert (found["program"], found["settings"]) == ("fine_tune", run.recipe)
    assert found["inputs"]["model"]["folder"] == str(run.base_model.folder) and found["inputs"]["shards"]


def test_yaml__too_long__is_refused() -> None:
    with pytest.raises(Problem):
        files.read_yaml("a: 1\n" * 20_000)


def test_probe__that_failed__says_why_and_may_be_asked_again(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    body = body_of(model, version)
    first = post(engineer, "/api/v1/runs/probe/", body).json()["id"]
    Job.objects.filter(pk=first).update(
        status="failed", failure_message="Not enough memory.", failure_hint="Halve the batch."
    )
    told = post(engineer, "/api/v1/runs/validate/", body).json()["plan"]["estimate"]
    assert told == {"source": "", "problem": "Not enough memory. Halve the batch."}
    assert post(engineer, "/api/v1/runs/probe/", body).json()["id"] != first
