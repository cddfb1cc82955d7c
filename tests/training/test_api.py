"""The doors of training for programs: what they take, what they refuse, and whom."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job, Status
from apps.training import base_models, chat_api
from apps.training.models import BaseModel, Checkpoint, Run, Turn
from tests.cast import Cast
from tests.make import make_version
from tests.training.conftest import tell
from tests.training.folders import make_folder
from tests.training.test_chat import reply, serve
from tests.training.test_runs import fail, sample, save

pytestmark = pytest.mark.django_db
Clients = Callable[[str], Client]


def post(client: Client, url: str, body: Any = None, **headers: str) -> Any:
    """The body as it is when it is text already: not everything a client sends is JSON."""
    data = body if isinstance(body, str) else json.dumps(body)
    return client.post(url, data, content_type="application/json", headers=headers)


def order(model: BaseModel, version: DatasetVersion, **values: Any) -> dict[str, Any]:
    given = {
        "name": "support",
        "base_model": model.slug,
        "dataset_version": str(version.pk),
        "recipe": {"max_steps": 20},
    }
    return given | values


# ---- runs


def test_launch__good__answers_the_run_with_its_job(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    answer = post(engineer, "/api/v1/runs/", order(model, version))
    body = answer.json()
    assert answer.status_code == 201, body
    assert body["job"]["status"] == "queued" and body["status"] == "queued" and body["number"] == 1
    assert body["base_model"]["slug"] == "tiny" and body["recipe"]["max_steps"] == 20
    assert body["url"] == f"/train/{body['id']}/"
    assert engineer.get(f"/api/v1/runs/{body['id']}/").json() == body


def test_launch__model_by_id_and_no_recipe__takes_the_defaults(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    wanted = order(model, version, base_model=str(model.pk))
    del wanted["recipe"]
    assert post(engineer, "/api/v1/runs/", wanted).json()["recipe"]["lora_r"] == 16


def test_launch__same_key_twice__is_one_run(engineer: Client, model: BaseModel, version: DatasetVersion) -> None:
    first, second = (
        post(engineer, "/api/v1/runs/", order(model, version), **{"Idempotency-Key": "k"}) for _time in range(2)
    )
    assert first.status_code == second.status_code == 201 and first.json()["id"] == second.json()["id"]
    assert Run.objects.count() == Job.objects.filter(kind="training.sft").count() == 1


NUMBERS = ["NaN", "Infinity", "-Infinity", "1e309", "-1", "0", '"2e-4"', "null", "true", "[]", "{}", "1" + "0" * 400]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda text: text[:12])
def test_launch__learning_rate_is_no_usable_number__is_400_at_its_field(
    engineer: Client, model: BaseModel, version: DatasetVersion, number: str
) -> None:
    body = json.dumps(order(model, version, recipe={"learning_rate": 0.125})).replace("0.125", number)
    answer = post(engineer, "/api/v1/runs/", body)
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["field"] == "recipe.learning_rate" and error["hint"], error
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": ["a"]}, "name"),
        ({"base_model": "gpt-9"}, "base_model"),
        ({"base_model": "316f6e8a-7a3a-4450-9e57-e60d8111504f"}, "base_model"),
        ({"base_model": None}, "base_model"),
        ({"base_model": {"id": 1}}, "base_model"),
        ({"dataset_version": "support v1"}, "dataset_version"),
        ({"dataset_version": "316f6e8a-7a3a-4450-9e57-e60d8111504f"}, "dataset_version"),
        ({"dataset_version": None}, "dataset_version"),
        ({"recipe": "lora"}, "recipe"),
        ({"recipe": [1]}, "recipe"),
        ({"recipe": None}, "recipe"),
        ({"recipe": {"epochs": -1}}, "recipe.epochs"),
        ({"recipe": {"unheard": 1}}, "recipe.unheard"),
        ({"recipe": {"batch_size": 1.5}}, "recipe.batch_size"),
        ({"recipe": {"target_modules": ["nowhere"]}}, "recipe.target_modules"),
        ({"recipe": {"max_length": 99_999}}, "recipe.max_length"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_launch__bad_input__is_400_at_its_field(
    engineer: Client, model: BaseModel, version: DatasetVersion, change: dict[str, Any], field: str
) -> None:
    answer = post(engineer, "/api/v1/runs/", order(model, version, **change))
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field, answer.json()
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '"x"', "null", "\x00", "[" * 5000, '{"name": "\\ud800"}'])
def test_launch__body_is_no_object__is_4xx(engineer: Client, body: str) -> None:
    answer = post(engineer, "/api/v1/runs/", body)
    assert 400 <= answer.status_code < 500 and answer.json()["error"]["message"]


def test_launch__things_of_another_workspace__are_not_there(
    cast: Cast, engineer: Client, client_of: Clients, model: BaseModel, version: DatasetVersion
) -> None:
    theirs = make_version(cast.other_workspace)
    answer = post(engineer, "/api/v1/runs/", order(model, theirs))
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "dataset_version")
    answer = post(client_of("stranger"), "/api/v1/runs/", order(model, theirs))
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "base_model")
    assert not Run.objects.exists()


def test_launch__model_being_prepared__is_409(engineer: Client, model: BaseModel, version: DatasetVersion) -> None:
    answer = post(engineer, "/api/v1/runs/", order(model, version, base_model="smollm2-135m-instruct"))
    assert (answer.status_code, answer.json()["error"]["field"]) == (409, "base_model")


def test_validate__mistakes_and_warnings__are_all_told(
    engineer: Client, model: BaseModel, version: DatasetVersion
) -> None:
    wrong = {"learning_rate": -1, "epochs": "x"}
    body = post(engineer, "/api/v1/runs/validate/", order(model, version, recipe=wrong)).json()
    assert [error["field"] for error in body["errors"]] == ["recipe.learning_rate", "recipe.epochs"] and body[
        "plan"
    ] is None
    good = post(engineer, "/api/v1/runs/validate/", order(model, version, name="")).json()
    assert good["errors"] == [] and good["plan"]["steps"] == 20
    assert {"recipe.save_every"} <= {warning["field"] for warning in good["warnings"]}
    assert not Run.objects.exists()


def test_validate__nothing_chosen_yet__is_an_error_of_the_form_and_not_of_the_request(engineer: Client) -> None:
    answer = post(engineer, "/api/v1/runs/validate/", {"recipe": {"seed": -1}})
    assert answer.status_code == 200
    assert [error["field"] for error in answer.json()["errors"]] == ["dataset_version", "recipe.seed"]


def test_runs__list__is_newest_first_and_filtered(engineer: Client, launch: Callable[..., Run]) -> None:
    launch(name="a")
    run = launch(name="b")
    Job.objects.filter(pk=run.job_id).update(status=Status.FAILED)
    assert [row["name"] for row in engineer.get("/api/v1/runs/").json()["results"]] == ["b", "a"]
    assert [row["name"] for row in engineer.get("/api/v1/runs/?status=failed").json()["results"]] == ["b"]
    answer = engineer.get("/api/v1/runs/?status=odd")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "status")


def test_run__samples_and_checkpoints__are_listed(engineer: Client, running: Run) -> None:
    save(running, 10)
    tell(running.job, sample(10))
    [shown] = engineer.get(f"/api/v1/runs/{running.pk}/samples/").json()["results"]
    assert shown == {"step": 10, "index": 0, "prompt": "When?", "answer": "Soon.", "base_answer": ""}
    [checkpoint] = engineer.get(f"/api/v1/runs/{running.pk}/checkpoints/").json()["results"]
    assert (checkpoint["step"], checkpoint["is_best"], checkpoint["metrics"]) == (10, True, {"eval_loss": 0.1})


def test_resume__failed_run__answers_the_new_one_and_the_same_key_makes_no_second(
    engineer: Client, running: Run
) -> None:
    save(running, 10)
    fail(running)
    url = f"/api/v1/runs/{running.pk}/resume/"
    first, second = (post(engineer, url, **{"Idempotency-Key": "r"}) for _time in range(2))
    assert first.status_code == 201 and first.json()["resumed_from"] == str(running.pk)
    assert second.json()["id"] == first.json()["id"] and Run.objects.count() == 2


# ---- base models


def test_base_models__list__has_the_bundled_one(engineer: Client) -> None:
    [row] = engineer.get("/api/v1/base-models/").json()["results"]
    assert (row["slug"], row["state"], row["is_ready"]) == ("smollm2-135m-instruct", "preparing", False)


def test_base_models__folder__is_added_read_and_removed(engineer: Client, shelf: Path) -> None:
    answer = post(engineer, "/api/v1/base-models/", {"path": str(make_folder(shelf / "mine"))})
    assert answer.status_code == 201 and answer.json()["state"] == "ready" and answer.json()["facts"]["layers"] == 2
    url = f"/api/v1/base-models/{answer.json()['id']}/"
    assert engineer.get(url).json()["slug"] == "mine"
    assert engineer.delete(url).status_code == 204 and engineer.get(url).status_code == 404


def test_base_models__pickle__is_400_at_the_model(engineer: Client, shelf: Path) -> None:
    folder = make_folder(shelf / "bad")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    answer = post(engineer, "/api/v1/base-models/", {"path": str(folder)})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (400, "model_refused", "base_model")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "path"),
        ({"path": "relative"}, "path"),
        ({"path": "/etc"}, "path"),
        ({"path": 7, "name": "x" * 200}, "name"),
        ({"repository": "no"}, "repository"),
        ({"repository": "a/b", "revision": "../x"}, "revision"),
    ],
)
def test_base_models__bad_input__is_400_at_its_field(engineer: Client, body: dict[str, Any], field: str) -> None:
    answer = post(engineer, "/api/v1/base-models/", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_base_models__failed__is_tried_again(engineer: Client, cast: Cast) -> None:
    model = base_models.bundled(cast.workspace)
    Job.objects.update(status=Status.FAILED)
    answer = post(engineer, f"/api/v1/base-models/{model.pk}/prepare/")
    assert answer.status_code == 200 and answer.json()["state"] == "preparing" and Job.objects.count() == 2


# ---- chats


@pytest.fixture
def checkpoint(running: Run) -> Checkpoint:
    return save(running, 10)


def test_generate__answer_comes_while_it_waits__is_200_with_the_text(
    engineer: Client, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_instead_of_sleeping(_seconds: float) -> None:
        turn = Turn.objects.get()
        tell(serve(), reply(turn, "tuned", "Soon.", done=True))

    # The request of a test runs inside the test's transaction; a real one does not.
    monkeypatch.setattr(chat_api, "connection", SimpleNamespace(in_atomic_block=False))
    monkeypatch.setattr("time.sleep", answer_instead_of_sleeping)
    answer = post(engineer, f"/api/v1/checkpoints/{checkpoint.pk}/generate/", {"prompt": "When?", "max_tokens": 8})
    assert answer.status_code == 200 and answer.json()["text"] == "Soon." and answer.json()["is_done"]
    assert Turn.objects.get().sides == ["tuned"]


def test_generate__takes_longer__is_202_with_the_place_to_look(engineer: Client, checkpoint: Checkpoint) -> None:
    answer = post(engineer, f"/api/v1/checkpoints/{checkpoint.pk}/generate/?wait=0", {"prompt": "When?"})
    assert answer.status_code == 202 and answer["Location"].endswith(f"/api/v1/turns/{answer.json()['id']}/")
    assert engineer.get(answer["Location"]).json()["is_done"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages"),
        ({"prompt": "x", "max_tokens": "many"}, "max_tokens"),
        ({"prompt": "x", "max_tokens": 10**9}, "max_tokens"),
        ({"prompt": "x", "temperature": "hot"}, "temperature"),
        ({"prompt": "x", "temperature": 3}, "temperature"),
        ({"prompt": "x", "sides": ["left"]}, "sides.0"),
    ],
)
def test_generate__bad_input__is_400_at_its_field(
    engineer: Client, checkpoint: Checkpoint, body: dict[str, Any], field: str
) -> None:
    answer = post(engineer, f"/api/v1/checkpoints/{checkpoint.pk}/generate/", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field), answer.json()
    assert not Turn.objects.exists()


def test_generate__removed_checkpoint__is_400(engineer: Client, checkpoint: Checkpoint) -> None:
    Checkpoint.objects.update(is_removed=True)
    answer = post(engineer, f"/api/v1/checkpoints/{checkpoint.pk}/generate/", {"prompt": "x"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "checkpoint")


def test_turns__asked_by_two__each_sees_their_own_list(
    engineer: Client, client_of: Clients, checkpoint: Checkpoint
) -> None:
    body = {"checkpoint": str(checkpoint.pk), "prompt": "When?"}
    mine = post(engineer, "/api/v1/turns/", body).json()
    post(client_of("owner"), "/api/v1/turns/", body)
    assert mine["sides"] == ["base", "tuned"]
    url = f"/api/v1/turns/?checkpoint={checkpoint.pk}"
    assert [row["id"] for row in engineer.get(url).json()["results"]] == [mine["id"]]
    assert post(engineer, f"/api/v1/turns/{mine['id']}/stop/").status_code == 200


def test_turns__nobody_named__is_400(engineer: Client) -> None:
    answer = post(engineer, "/api/v1/turns/", {"prompt": "x"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "checkpoint")
