"""The stock `openai` package over real HTTP: the console behind uvicorn, a real engine with a tiny model."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from apps.serving.models import Deployment, Engine, Exchange
from tests.cast import Cast
from tests.gateway.conftest import wait_for
from tests.gateway.fake_engine import END, FakeEngine
from tests.make import make_api_key
from tests.serving.making import make_deployment
from tests.workers import tiny
from tests.workers.conftest import answer_of
from tests.workers.engines import TOKEN, RunningEngine

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION: Any = [{"role": "user", "content": "Who mends the boat number 1?"}]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def real_engine(tiny_model: Path, cast: Cast, tmp_path: Path) -> Iterator[RunningEngine]:
    """It answers for `tiny-a` with the weights themselves."""
    deployment = make_deployment(cast.workspace, "tiny-a", actor=cast.engineer, address="http://later")
    engine = RunningEngine(tmp_path / "engine", tiny_model, {}, own=deployment.engine_model)
    Engine.objects.update(address=engine.address, token=TOKEN)
    yield engine
    engine.leave()


@pytest.fixture
def key(cast: Cast) -> str:
    return make_api_key(cast.engineer, cast.workspace)


def client_of(server: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server}/v1", api_key=key, max_retries=0, timeout=30)


def test_openai_package__plain_and_streamed__answer_the_same(
    real_engine: RunningEngine, server: str, key: str, tiny_model: Path
) -> None:
    client = client_of(server, key)
    assert [model.id for model in client.models.list()] == ["tiny-a"]
    assert client.models.retrieve("tiny-a").owned_by == "northpeak"
    plain = client.chat.completions.create(
        model="tiny-a", messages=QUESTION, temperature=0, max_tokens=10, user="customer-17"
    )
    expected = answer_of(tiny_model, QUESTION, 10)
    assert plain.choices[0].message.content == expected
    assert plain.usage is not None and plain.usage.completion_tokens <= 10
    stream = client.chat.completions.create(
        model="tiny-a", messages=QUESTION, temperature=0, max_tokens=10, user="customer-17", stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == expected
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == plain.usage.total_tokens
    rows = Exchange.objects.order_by("created_at").values_list("status", "answer", "unit", "is_stream")
    assert list(rows) == [("succeeded", expected, "customer-17", False), ("succeeded", expected, "customer-17", True)]
    assert plain.id == Exchange.objects.earliest("created_at").public_id


def test_openai_package__many_at_once__are_answered_together(real_engine: RunningEngine, server: str, key: str) -> None:
    client = client_of(server, key)

    def ask(number: int) -> str:
        messages: Any = [{"role": "user", "content": f"Who sells the lamp {number}?"}]
        answer = client.chat.completions.create(model="tiny-a", messages=messages, temperature=0, max_tokens=16)
        return answer.choices[0].message.content or ""

    alone = [ask(number) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(ask, range(6)))
    assert together == alone
    assert Exchange.objects.filter(status="succeeded").count() == 12


def test_openai_package__what_is_wrong__raises_its_own_errors(
    real_engine: RunningEngine, server: str, key: str, cast: Cast
) -> None:
    client = client_of(server, key)
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="nobody", messages=QUESTION)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="tiny-a", messages=QUESTION, temperature=9)
    assert bad.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(model="tiny-a", messages=[{"role": "user", "content": "boat " * 400}])
    assert long.value.param == "messages"
    with pytest.raises(openai.AuthenticationError):
        client_of(server, "tl_wrong_key").models.list()
    with pytest.raises(openai.PermissionDeniedError):
        client_of(server, make_api_key(cast.viewer, cast.workspace)).models.list()
    Deployment.objects.update(status="starting")
    with pytest.raises(openai.InternalServerError) as away:
        client.chat.completions.create(model="tiny-a", messages=QUESTION)
    assert away.value.status_code == 503 and away.value.response.headers["Retry-After"] == "5"


@pytest.fixture
def slow(cast: Cast) -> Iterator[FakeEngine]:
    """A fake engine that writes for many seconds, for `slow-a`."""
    fake = FakeEngine()
    fake.lines, fake.pause = [*[{"text": "word "}] * 1000, END], 0.02
    make_deployment(cast.workspace, "slow-a", actor=cast.engineer, address=fake.address, token="t")
    yield fake
    fake.shutdown()
    fake.server_close()


@pytest.mark.parametrize("stream", [False, True])
def test_client_that_hangs_up__ends_the_generation_and_is_logged(
    slow: FakeEngine, server: str, key: str, stream: bool
) -> None:
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=10)
    body = json.dumps({"model": "slow-a", "messages": QUESTION, "stream": stream})
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {key}"})
    if stream:
        response = connection.getresponse()
        assert response.readline().startswith(b"data: ")
        response.close()
    else:
        wait_for(lambda: bool(slow.asked))
        time.sleep(0.2)
    connection.close()
    assert slow.broken_off.wait(5)
    wait_for(lambda: not Exchange.objects.filter(status="running").exists())
    exchange = Exchange.objects.get()
    assert exchange.status == "cancelled" and exchange.answer.startswith("word ")


def test_streams__that_are_slow__do_not_hold_up_others(slow: FakeEngine, server: str, key: str) -> None:
    client = openai.AsyncOpenAI(base_url=f"{server}/v1", api_key=key, max_retries=0, timeout=30)

    async def first_words() -> float:
        began = time.monotonic()
        stream = await client.chat.completions.create(model="slow-a", messages=QUESTION, stream=True)
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        took = time.monotonic() - began
        await asyncio.sleep(1)
        await stream.close()
        return took

    async def all_of_them() -> list[float]:
        return list(await asyncio.gather(*(first_words() for _number in range(20))))

    assert max(asyncio.run(all_of_them())) < 8
    wait_for(lambda: not Exchange.objects.filter(status="running").exists())
    assert Exchange.objects.filter(status="cancelled").count() == 20
