"""A deployment that a fake engine answers for, a client with a key, and a real server for real clients."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.test import AsyncClient

from apps.accounts.models import Workspace
from apps.serving import engine as engine_client
from apps.serving import exchanges
from apps.serving.models import Deployment
from tests import make
from tests.cast import Cast
from tests.gateway.fake_engine import TOKEN, FakeEngine
from tests.make import make_api_key
from tests.serving.making import make_deployment

QUESTION = [{"role": "user", "content": "Where is my parcel?"}]


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    for name in ("tmp", "run"):
        (data / name).mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    make.with_fake_kind(monkeypatch)
    exchanges._rung.clear()
    engine_client._clients.clear()


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.shutdown()
    fake.server_close()


@pytest.fixture
def deployment(workspace: Workspace, engine: FakeEngine) -> Deployment:
    return make_deployment(workspace, "support-a", address=engine.address, token=TOKEN)


@dataclass
class Gateway:
    """A program with a key. `ask` answers (status, JSON), `stream` the events of the answer."""

    key: str
    client: AsyncClient = field(default_factory=AsyncClient)

    async def post(self, body: Any, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        return await self.client.post("/v1/chat/completions", body, content_type="application/json", headers=headers)

    async def ask(
        self, *, model: str = "support-a", headers: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, Any]:
        response = await self.post({"model": model, "messages": QUESTION, **more}, **(headers or {}))
        return response.status_code, response.json()

    async def get(self, path: str) -> Any:
        return await self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})

    async def stream(self, **more: Any) -> list[str]:
        response = await self.post({"model": "support-a", "messages": QUESTION, "stream": True, **more})
        assert response.status_code == 200, response.content
        whole = b"".join([part async for part in parts_of(response)]).decode()
        return [event.removeprefix("data: ") for event in whole.split("\n\n") if event]


async def parts_of(response: Any) -> AsyncGenerator[bytes]:
    async for part in response.streaming_content:
        yield part


@pytest.fixture
def gateway(cast: Cast, deployment: Deployment) -> Gateway:
    return Gateway(make_api_key(cast.engineer, cast.workspace, capabilities=["serving.infer"]))


@pytest.fixture
def server() -> Iterator[str]:
    """The console's ASGI application behind uvicorn, as in real life; its address."""
    from console.asgi import application

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(application, "127.0.0.1", port, log_level="warning", lifespan="off", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve()), daemon=True)
    thread.start()
    wait_for(lambda: running.started)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


def wait_for(is_so: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come to this"
        time.sleep(0.02)
