"""Pages and API of serving: who may, what is shown, what a stranger sees (nothing)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.registry.models import ModelVersion
from apps.serving.models import Deployment, Exchange, ExchangeStatus, Status
from tests.cast import Cast
from tests.gateway.fake_engine import END, TOKEN, FakeEngine
from tests.serving.making import make_deployment, make_exchange

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def deployment(cast: Cast, version: ModelVersion) -> Deployment:
    return make_deployment(cast.workspace, actor=cast.engineer, version=version)


@pytest.fixture
def exchange(deployment: Deployment) -> Exchange:
    return make_exchange(deployment, unit="customer-17")


def pages(deployment: Deployment, exchange: Exchange) -> list[tuple[str, str]]:
    at = [deployment.pk]
    return [
        ("get", reverse("serving:deployment", args=at)),
        ("post", reverse("serving:stop", args=at)),
        ("post", reverse("serving:start", args=at)),
        ("post", reverse("serving:try", args=at)),
        ("get", reverse("serving:exchange", args=[exchange.pk])),
    ]


def doors(deployment: Deployment, exchange: Exchange) -> list[tuple[str, str]]:
    at = [deployment.pk]
    return [
        ("get", reverse("api:deployment", args=at)),
        ("post", reverse("api:deployment-start", args=at)),
        ("post", reverse("api:deployment-stop", args=at)),
        ("get", reverse("api:exchange", args=[exchange.pk])),
        ("get", reverse("api:exchanges") + f"?deployment={deployment.pk}"),
    ]


def test_stranger__every_door__finds_nothing(
    cast: Cast, deployment: Deployment, exchange: Exchange, browser_of: Browser, api_of: Callable[..., APIClient]
) -> None:
    browser, program = browser_of(cast.stranger), api_of(cast.stranger, cast.other_workspace)
    found = [url for method, url in pages(deployment, exchange) if getattr(browser, method)(url).status_code != 404]
    found += [url for method, url in doors(deployment, exchange) if getattr(program, method)(url).status_code != 404]
    assert found == []
    assert b"support-a" not in browser.get(reverse("serving:deployments")).content
    for name in ("api:deployments", "api:exchanges"):
        assert program.get(reverse(name)).json()["results"] == []


def test_annotator__sees_no_serving(
    cast: Cast, deployment: Deployment, exchange: Exchange, browser_of: Browser
) -> None:
    browser = browser_of(cast.annotator)
    statuses = {getattr(browser, method)(url).status_code for method, url in pages(deployment, exchange)}
    assert statuses == {404}
    assert browser.get(reverse("serving:deployments")).status_code == 403


def test_viewer__looks_but_changes_and_asks_nothing(
    cast: Cast, deployment: Deployment, exchange: Exchange, browser_of: Browser, version: ModelVersion
) -> None:
    browser = browser_of(cast.viewer)
    statuses = [getattr(browser, method)(url).status_code for method, url in pages(deployment, exchange)]
    assert statuses == [200, 403, 403, 403, 200]
    assert browser.post(reverse("serving:deploy"), {"name": "x", "model_version": version.pk}).status_code == 403
    shown = browser.get(deployment.get_absolute_url()).content.decode()
    assert "try-form" not in shown and "stop-it" not in shown and "/v1/chat/completions" in shown


def test_deploy__through_the_page__and_what_is_wrong_stands_in_the_dialog(
    cast: Cast, version: ModelVersion, browser_of: Browser
) -> None:
    browser = browser_of(cast.engineer)
    empty = browser.get(reverse("serving:deployments")).content.decode()
    assert "Nothing is served yet" in empty and str(version) in empty
    given = {"name": "support-a", "model_version": str(version.pk)}
    refused = browser.post(reverse("serving:deploy"), given)
    assert refused.status_code == 400 and "is not approved" in refused.content.decode()
    made = browser.post(reverse("serving:deploy"), {**given, "allow_unapproved": "on"})
    deployment = Deployment.objects.get()
    assert (made.status_code, made["Location"]) == (302, deployment.get_absolute_url())
    assert browser.post(reverse("serving:deploy"), {**given, "allow_unapproved": "on"}).status_code == 409
    assert browser.post(reverse("serving:deploy"), {"name": "b"}).status_code == 400
    listed = browser.get(reverse("serving:deployments"), headers={"HX-Request": "true"}).content.decode()
    assert "support-a" in listed and "Waits for a worker" in listed and "<html" not in listed


def test_detail__its_parts__are_fetched_alone_and_the_log_is_searched(
    cast: Cast, deployment: Deployment, exchange: Exchange, browser_of: Browser
) -> None:
    make_exchange(deployment, status=ExchangeStatus.FAILED, answer="", unit="customer-18")
    browser, url = browser_of(cast.engineer), deployment.get_absolute_url()
    whole = browser.get(url).content.decode()
    assert all(words in whole for words in ("On its way.", "customer-17", "OpenAI(base_url", "From a shell"))
    head = browser.get(f"{url}?part=head", headers={"HX-Request": "true"}).content.decode()
    assert "Starting" in head and "customer-17" not in head and "<html" not in head
    for query, shown in {
        "q=customer-17": 1,
        "status=failed": 1,
        "q=parcel": 2,
        "q=nothing-such": 0,
        "status=odd": 2,
    }.items():
        rows = browser.get(f"{url}?part=log&{query}", headers={"HX-Request": "true"}).content.decode()
        assert rows.count('<tr><th scope="row"') == shown, query


def test_exchange__its_page__shows_the_whole(cast: Cast, exchange: Exchange, browser_of: Browser) -> None:
    shown = browser_of(cast.viewer).get(reverse("serving:exchange", args=[exchange.pk])).content.decode()
    assert all(words in shown for words in ("Where is my parcel?", "On its way.", exchange.public_id, "1,200&nbsp;ms"))


def test_stop_and_start__through_the_page(cast: Cast, deployment: Deployment, browser_of: Browser) -> None:
    browser = browser_of(cast.engineer)
    assert browser.post(reverse("serving:stop", args=[deployment.pk])).status_code == 302
    deployment.refresh_from_db()
    assert deployment.status == Status.STOPPED
    assert browser.post(reverse("serving:stop", args=[deployment.pk])).status_code == 409
    assert browser.post(reverse("serving:start", args=[deployment.pk])).status_code == 302


def test_api__deploy_look_stop_start(cast: Cast, version: ModelVersion, api_of: Callable[..., APIClient]) -> None:
    program = api_of(cast.engineer, cast.workspace)
    body: dict[str, Any] = {"name": "support-a", "model_version": "support:1.0.0"}
    refused = program.post(reverse("api:deployments"), body, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_approved")
    body["allow_unapproved"] = True
    made = program.post(reverse("api:deployments"), body, format="json", headers={"Idempotency-Key": "k"})
    again = program.post(reverse("api:deployments"), body, format="json", headers={"Idempotency-Key": "k"})
    assert made.status_code == 201 and again.json() == made.json()
    assert (made.json()["model"], made.json()["version"], made.json()["status"]) == ("support", "1.0.0", "starting")
    url = reverse("api:deployment", args=[made.json()["id"]])
    assert program.post(f"{url}stop/").json()["status"] == "stopped"
    assert program.post(f"{url}stop/").status_code == 409
    assert program.post(f"{url}start/").json()["status"] == "starting"
    assert "token" not in program.get(url).content.decode()


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("name", {"name": "No Name"}), ("model_version", {"model_version": "support:9.9.9"}), ("model_version", {"model_version": "x"}),
        ("name", {"name": None}), ("model_version", {"model_version": ""}),
    ],
)  # fmt: skip
def test_api__bad_input__names_the_field(
    cast: Cast, version: ModelVersion, api_of: Callable[..., APIClient], field: str, body: dict[str, Any]
) -> None:
    given = {"name": "support-a", "model_version": str(version.pk), "allow_unapproved": True, **body}
    answer = api_of(cast.engineer, cast.workspace).post(reverse("api:deployments"), given, format="json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_api__exchanges__are_filtered_and_found_by_their_public_id(
    cast: Cast, deployment: Deployment, exchange: Exchange, api_of: Callable[..., APIClient]
) -> None:
    make_exchange(deployment, status=ExchangeStatus.CANCELLED)
    program, url = api_of(cast.viewer, cast.workspace), reverse("api:exchanges")
    assert len(program.get(url).json()["results"]) == 2
    assert [row["id"] for row in program.get(f"{url}?unit=customer-17").json()["results"]] == [str(exchange.pk)]
    assert len(program.get(f"{url}?status=cancelled&deployment={deployment.pk}").json()["results"]) == 1
    assert program.get(f"{url}?status=odd").status_code == 400
    assert program.get(reverse("api:exchange", args=[exchange.public_id])).json()["answer"] == "On its way."


@pytest.mark.django_db(transaction=True)
async def test_try_it__words_come_as_lines_and_are_logged(cast: Cast, version: ModelVersion) -> None:
    from asgiref.sync import sync_to_async
    from django.test import AsyncClient

    engine = FakeEngine()
    client = AsyncClient()
    await client.aforce_login(cast.engineer, backend="allauth.account.auth_backends.AuthenticationBackend")
    deployment = await sync_to_async(make_deployment)(
        cast.workspace, version=version, address=engine.address, token=TOKEN
    )
    url = reverse("serving:try", args=[deployment.pk])
    answer: Any = await client.post(url, {"prompt": "Hello", "temperature": 0}, content_type="application/json")
    whole = b"".join([part async for part in answer.streaming_content])
    lines = [json.loads(line) for line in whole.splitlines()]
    assert "".join(line.get("text", "") for line in lines) == "On its way."
    assert lines[-1]["done"] and lines[-1]["tokens"] == END["usage"]["completion_tokens"]
    exchange = await Exchange.objects.aget()
    assert (exchange.status, exchange.unit, exchange.created_by_id) == (
        "succeeded",
        f"user:{cast.engineer.pk}",
        cast.engineer.pk,
    )
    bad = await client.post(url, {"messages": []}, content_type="application/json")
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "messages")
    await Deployment.objects.aupdate(status=Status.STARTING)
    away = await client.post(url, {"prompt": "Hello"}, content_type="application/json")
    assert (away.status_code, away.json()["error"]["code"]) == (503, "deployment_starting")
    engine.shutdown()
    engine.server_close()
