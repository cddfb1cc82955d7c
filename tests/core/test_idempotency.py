"""A repeated POST gets the first answer and starts nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Membership, Workspace
from apps.core.models import RememberedAnswer
from tests.cast import Cast, make_cast
from tests.make import make_api_key

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.doors")]
START = "/api/v1/start/"
ClientOf = Callable[..., APIClient]


@pytest.fixture
def api(cast: Cast, api_of: ClientOf) -> APIClient:
    return api_of(cast.owner, cast.workspace)


def made() -> int:
    return Workspace.objects.filter(name="made").count()


def post(api: APIClient, key: str = "k1", **body: object) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(START, body, format="json", headers=headers)


def test_post__without_a_key__works_each_time(api: APIClient) -> None:
    assert [post(api, "").status_code, post(api, "").status_code, made()] == [201, 201, 2]


def test_post__with_the_same_key__gets_the_first_answer(api: APIClient) -> None:
    first, second = post(api, n=1), post(api, n=1)
    assert (second.status_code, second.json()) == (201, first.json())
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert made() == 1


def test_post__other_key__is_other_work(api: APIClient) -> None:
    assert post(api, "k1").json() != post(api, "k2").json()
    assert made() == 2


def test_post__same_key_other_body__is_409(api: APIClient) -> None:
    post(api, n=1)
    answer = post(api, n=2)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_reused")
    assert made() == 1


def test_post__same_key_other_query__is_409(api: APIClient) -> None:
    post(api, n=1)
    assert api.post(f"{START}?x=1", {"n": 1}, format="json", headers={"Idempotency-Key": "k1"}).status_code == 409


@pytest.mark.parametrize("way", ["refuse", "say 400"])
def test_post__that_failed__is_not_remembered_and_left_nothing(api: APIClient, way: str) -> None:
    assert post(api, then=way).status_code == 400
    assert (made(), RememberedAnswer.objects.count()) == (0, 0)
    assert post(api).status_code == 201


def test_post__same_key_of_another_person__is_other_work(cast: Cast, api_of: ClientOf) -> None:
    assert post(api_of(cast.owner, cast.workspace)).status_code == 201
    assert "Idempotent-Replayed" not in post(api_of(cast.engineer, cast.workspace))
    assert made() == 2


def test_post__same_key_of_the_same_person_in_another_workspace__is_other_work(cast: Cast, api_of: ClientOf) -> None:
    Membership.objects.create(user=cast.owner, workspace=cast.other_workspace, role="owner")
    post(api_of(cast.owner, cast.workspace))
    assert "Idempotent-Replayed" not in post(api_of(cast.owner, cast.other_workspace))


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "\x7f"])
def test_post__key_that_is_none__is_400_by_name(api: APIClient, key: str) -> None:
    answer = post(api, key)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "Idempotency-Key")
    assert made() == 0


def test_post__broken_body__is_400_and_starts_nothing(api: APIClient) -> None:
    headers = {"Idempotency-Key": "k"}
    assert api.post(START, "{", content_type="application/json", headers=headers).status_code == 400
    assert made() == 0


def test_post__by_nobody__is_401_and_remembers_nothing() -> None:
    assert post(APIClient()).status_code == 401
    assert not RememberedAnswer.objects.exists()


def test_post__upload__is_known_by_name_and_size(api: APIClient) -> None:
    def upload(name: str, content: bytes) -> Any:
        body = {"file": SimpleUploadedFile(name, content), "n": "1"}
        return api.post(START, body, format="multipart", headers={"Idempotency-Key": "k"})

    assert upload("a.csv", b"12").status_code == 201
    assert upload("a.csv", b"12")["Idempotent-Replayed"] == "true"
    assert upload("a.csv", b"123").status_code == 409
    assert upload("b.csv", b"12").status_code == 409


def test_get__with_a_key__is_served_as_ever(api: APIClient) -> None:
    assert api.get(START, headers={"Idempotency-Key": "k"}).json() == {"fine": True}
    assert not RememberedAnswer.objects.exists()


def test_post__key_of_last_month__may_be_used_again(api: APIClient) -> None:
    post(api, n=1)
    RememberedAnswer.objects.update(at=timezone.now() - timedelta(days=30))
    assert "Idempotent-Replayed" not in post(api, n=2)
    assert made() == 2


@pytest.mark.django_db(transaction=True)
def test_post__five_at_once__do_the_work_once() -> None:
    cast = make_cast()
    text = make_api_key(cast.owner, cast.workspace)
    answers: list[Any] = []
    start = threading.Barrier(5)

    def contend() -> None:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        start.wait(10)
        answers.append(post(client, n=1))
        connection.close()

    threads = [threading.Thread(target=contend) for _number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert made() == 1
