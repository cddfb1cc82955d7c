"""/v1/chat/completions: answers, errors as OpenAI words them, the log, the metrics. The engine is a fake one."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from prometheus_client import generate_latest

from apps.accounts.models import ApiKey
from apps.registry import services as registry
from apps.rollout import services as rollouts
from apps.serving.models import Deployment, Engine, Exchange, Status
from tests.cast import Cast
from tests.gateway.conftest import QUESTION, Gateway, parts_of
from tests.gateway.fake_engine import END, HELLO, TOKEN, USAGE, FakeEngine
from tests.make import make_api_key
from tests.serving.making import make_deployment

pytestmark = pytest.mark.django_db(transaction=True)


async def the_exchange() -> Exchange:
    found: Exchange = await Exchange.objects.select_related("api_key").aget()
    return found


async def test_plain__answer__has_the_shape_of_openai_and_is_logged(gateway: Gateway, engine: FakeEngine) -> None:
    status, body = await gateway.ask(user="customer-17", temperature=0, max_tokens=20)
    exchange = await the_exchange()
    assert status == 200
    assert body["id"] == f"chatcmpl-{exchange.pk}" and body["object"] == "chat.completion"
    assert body["model"] == "support-a"
    [choice] = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "On its way.", "refusal": None}
    assert choice["finish_reason"] == "stop"
    assert body["usage"] == {**USAGE, "total_tokens": 12}
    assert (exchange.status, exchange.answer, exchange.unit) == ("succeeded", "On its way.", "customer-17")
    assert exchange.messages == QUESTION and exchange.finish == "stop" and not exchange.is_stream
    assert exchange.latency_ms is not None and exchange.ttft_ms is not None
    assert (exchange.prompt_tokens, exchange.completion_tokens) == (9, 3)
    assert exchange.api_key is not None and gateway.key.startswith(f"tl_{exchange.api_key.prefix}")
    assert engine.tokens == [f"Bearer {TOKEN}"]
    assert engine.asked[0]["max_tokens"] == 20


async def test_stream__events__are_chunks_then_usage_then_done(gateway: Gateway) -> None:
    events = await gateway.stream(stream_options={"include_usage": True})
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]) == "On its way."
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1] == "stop"
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] == 12
    assert all(c["usage"] is None for c in chunks[:-1])
    exchange = await the_exchange()
    assert {c["id"] for c in chunks} == {exchange.public_id}
    assert (exchange.status, exchange.answer, exchange.is_stream) == ("succeeded", "On its way.", True)


async def test_stream__without_usage__has_none(gateway: Gateway) -> None:
    assert not any("usage" in event for event in await gateway.stream())


async def test_session_header__stands_for_the_user(gateway: Gateway) -> None:
    await gateway.ask(headers={"X-Session-Id": "s-9"})
    assert (await the_exchange()).unit == "s-9"


@pytest.mark.parametrize(
    ("header", "status"),
    [("", 401), ("Basic abc", 401), ("Bearer", 401), ("Bearer tl_nobody_x", 401), ("Bearer sk-x", 401)],
)
async def test_key__missing_or_wrong__is_401(gateway: Gateway, header: str, status: int) -> None:
    response = await gateway.post({"model": "support-a", "messages": QUESTION}, Authorization=header)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, "invalid_api_key")
    assert set(error) == {"message", "type", "param", "code"}
    assert response["WWW-Authenticate"]
    assert not await Exchange.objects.aexists()


async def test_key__revoked__is_401(gateway: Gateway, cast: Cast) -> None:
    from django.utils import timezone

    await ApiKey.objects.aupdate(revoked_at=timezone.now())
    assert (await gateway.ask())[0] == 401


@pytest.mark.parametrize(("role", "capabilities"), [("engineer", ["serving.view"]), ("viewer", []), ("curator", [])])
async def test_key__without_the_capability__is_403(
    deployment: Deployment, cast: Cast, role: str, capabilities: list[str]
) -> None:
    key = await sync_to_async(make_api_key)(cast.by_role(role), cast.workspace, capabilities=capabilities)
    status, body = await Gateway(key).ask()
    assert (status, body["error"]["code"]) == (403, "insufficient_permissions")
    assert (await Gateway(key).get("/v1/models")).status_code == 403


async def test_key__of_another_workspace__finds_no_model(deployment: Deployment, cast: Cast) -> None:
    stranger = Gateway(await sync_to_async(make_api_key)(cast.stranger, cast.other_workspace))
    for name in ("support-a", "support:1.0.0", "support@production"):
        status, body = await stranger.ask(model=name)
        assert (status, body["error"]["code"], body["error"]["param"]) == (404, "model_not_found", "model")
    assert (await stranger.get("/v1/models")).json() == {"object": "list", "data": []}
    assert (await stranger.get("/v1/models/support-a")).status_code == 404


async def test_models__list_and_one__are_the_names_served(gateway: Gateway, cast: Cast) -> None:
    listed = (await gateway.get("/v1/models")).json()
    assert [(one["id"], one["object"], one["owned_by"]) for one in listed["data"]] == [
        ("support-a", "model", "northpeak")
    ]
    assert (await gateway.get("/v1/models/support-a")).json() == listed["data"][0]
    missing = await gateway.get("/v1/models/nobody")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


async def test_name__of_model_by_version_or_alias__finds_its_deployment(
    gateway: Gateway, deployment: Deployment, cast: Cast
) -> None:
    def name_it() -> None:
        version = deployment.model_version
        registry.set_alias(actor=cast.owner, model=version.model, name="candidate", version=version)

    await sync_to_async(name_it)()
    for name in ("support:1.0.0", "support@candidate"):
        assert (await gateway.ask(model=name))[0] == 200
    for name in ("support:1.0.1", "support@production", "support", "support:", "@x"):
        assert (await gateway.ask(model=name))[0] == 404


@pytest.mark.parametrize(
    ("status", "wanted", "code"),
    [(Status.STARTING, True, 503), (Status.FAILED, True, 503), (Status.STOPPED, False, 404)],
)
async def test_deployment__that_is_not_ready__says_when_to_come_back(
    gateway: Gateway, status: str, wanted: bool, code: int
) -> None:
    await Deployment.objects.aupdate(status=status, is_wanted=wanted)
    response = await gateway.post({"model": "support-a", "messages": QUESTION})
    assert response.status_code == code
    assert response.headers.get("Retry-After", "").isdigit() == (code == 503)
    if code == 503:
        exchange = await the_exchange()
        assert (exchange.status, bool(exchange.error)) == ("failed", True)


async def test_engine__that_is_dead__is_503_with_retry_after(gateway: Gateway) -> None:
    await Engine.objects.aupdate(address="http://127.0.0.1:9")
    for stream in (False, True):
        response = await gateway.post({"model": "support-a", "messages": QUESTION, "stream": stream})
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response.json()["error"]["type"] == "server_error"
    assert await Exchange.objects.filter(status="failed").acount() == 2


@pytest.mark.parametrize(
    ("engine_status", "status", "kind"),
    [
        (400, 400, "invalid_request_error"),
        (429, 429, "rate_limit_error"),
        (503, 503, "server_error"),
        (401, 503, "server_error"),
    ],
)
async def test_engine__that_refuses__is_passed_on(
    gateway: Gateway, engine: FakeEngine, engine_status: int, status: int, kind: str
) -> None:
    engine.status, engine.error = engine_status, {"code": "messages", "message": "Too long."}
    response = await gateway.post({"model": "support-a", "messages": QUESTION, "stream": True})
    assert (response.status_code, response.json()["error"]["type"]) == (status, kind)
    assert response.has_header("Retry-After") == (status != 400)


@pytest.mark.parametrize("lines", [HELLO[:2], [*HELLO[:2], {"done": True, "finish": "error", "error": "no memory"}]])
async def test_engine__that_breaks_off__ends_the_stream_with_an_error_and_keeps_the_words(
    gateway: Gateway, engine: FakeEngine, lines: list[dict[str, Any]]
) -> None:
    engine.lines = lines
    events = await gateway.stream()
    assert "[DONE]" not in events
    assert json.loads(events[-1])["error"]["type"] == "server_error"
    exchange = await the_exchange()
    assert (exchange.status, exchange.answer, bool(exchange.error)) == ("failed", "On its ", True)
    status, body = await gateway.ask()
    assert (status, body["error"]["code"]) == (500, "engine_failed")


async def test_stream__client_that_leaves__is_kept_as_cancelled_with_its_words(
    gateway: Gateway, engine: FakeEngine
) -> None:
    engine.lines, engine.pause = [*HELLO[:2], *[{"text": "."}] * 500, END], 0.02
    response = await gateway.post({"model": "support-a", "messages": QUESTION, "stream": True})
    parts = parts_of(response)
    for _number in range(3):
        await anext(parts)
    await parts.aclose()
    await response._iterator.aclose()
    for _look in range(100):
        exchange = await the_exchange()
        if exchange.status != "running":
            break
        await asyncio.sleep(0.02)
    assert exchange.status == "cancelled" and exchange.answer.startswith("On its ")
    assert await asyncio.to_thread(engine.broken_off.wait, 5)


@pytest.mark.parametrize(
    ("content", "param"),
    [("{", None), ("[]", None), ('{"model": "a", "messages": [{"role": "user", "content": "a\\u0000b"}]}', None), ("{}", "model"),
     ('{"model": "support-a", "messages": [], "temperature": NaN}', None)],
)  # fmt: skip
async def test_bad_body__is_400_with_the_parameter(gateway: Gateway, content: str, param: str | None) -> None:
    response = await gateway.post(content)
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert not await Exchange.objects.aexists()


async def test_bad_session_and_method__are_refused(gateway: Gateway) -> None:
    assert (await gateway.ask(headers={"X-Session-Id": "x" * 201}))[0] == 400
    response = await gateway.get("/v1/chat/completions")
    assert (response.status_code, response["Allow"]) == (405, "POST")


async def test_rollout__name__sends_to_an_arm_and_notes_it(
    gateway: Gateway, deployment: Deployment, engine: FakeEngine, cast: Cast
) -> None:
    def begin() -> Any:
        other = make_deployment(cast.workspace, "support-b", address=engine.address, token=TOKEN)
        made = rollouts.create_rollout(
            actor=cast.engineer,
            workspace=cast.workspace,
            name="support",
            control=deployment,
            candidate=other,
            share=1.0,
        )
        return rollouts.start_rollout(actor=cast.engineer, rollout=made), other

    rollout, other = await sync_to_async(begin)()
    response = await gateway.post({"model": "support", "messages": QUESTION, "user": "u1"})
    exchange = await the_exchange()
    assert (response.status_code, response["X-Tuneloop-Arm"]) == (200, "candidate")
    assert (exchange.rollout_id, exchange.deployment_id, exchange.arm) == (rollout.pk, other.pk, "support/candidate")
    assert exchange.arm_id and exchange.asked_as == "support"
    assert [one["id"] for one in (await gateway.get("/v1/models")).json()["data"]] == [
        "support",
        "support-a",
        "support-b",
    ]


async def test_metrics__every_request__is_counted_under_the_promised_names(gateway: Gateway) -> None:
    labels = 'arm="",model="support",route="/v1/chat/completions",status="{}",version="1.0.0",workspace="northpeak"'
    await gateway.ask()
    await gateway.stream()
    await gateway.ask(model="nobody")
    told = generate_latest().decode()
    before = value(told, f"request_count{{{labels.format(200)}}}")
    await gateway.ask()
    after = generate_latest().decode()
    assert value(after, f"request_count{{{labels.format(200)}}}") == before + 1 >= 3
    assert value(after, f"model_latency_count{{{labels.format(200)}}}") == before + 1
    assert 'request_count{arm="",model="",route="/v1/chat/completions",status="404",version="",workspace=""}' in after
    assert "request_count_total" not in after and "request_count_created" not in after
    response = await gateway.client.get("/metrics")
    assert b"\nrequest_count{" in response.content and b"\nmodel_latency_bucket{" in response.content


def value(text: str, name: str) -> float:
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return float(line.rsplit(" ", 1)[1])
