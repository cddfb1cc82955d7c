"""A database that does not answer in time: 503 and when to come again, never a fault of ours."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test import Client

from tests.cast import Cast
from tests.workers.formats.files import ROOT


def _away(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("password=secret")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", _away)
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/v1/label-projects/", "/api/v1/jobs/"])
def test_api__database_away__is_503_with_advice_and_no_detail(
    cast: Cast, api_of: Callable[..., Any], address: str, away: None
) -> None:
    answer = Client(HTTP_AUTHORIZATION="Bearer tl_01234567_secret", raise_request_exception=False).get(address)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["error"]["code"] == "busy"
    assert "again" in answer.json()["error"]["hint"]
    assert b"secret" not in answer.content


@pytest.mark.django_db
def test_page__database_away__is_503_without_asking_it_again(
    browser_of: Callable[..., Client], cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser_of(cast.owner)
    client.raise_request_exception = False
    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", _away)
    answer = client.get("/label/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert b"secret" not in answer.content


PROBE = """
import asyncio, os, threading
from console.asgi import application
from django.db import connection
from django.urls import path
from console import urls
from django.http import HttpResponse
from django.contrib.auth.decorators import login_not_required
import httpx

gate = threading.Semaphore(0)

@login_not_required
def held(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    gate.acquire(timeout=20)
    return HttpResponse("held")

urls.urlpatterns.insert(0, path("api/held/", held))

async def main():
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as client:
        both = [asyncio.create_task(client.get("/api/held/")) for _ in range(2)]
        await asyncio.sleep(0.5)
        answer = await client.get("/api/v1/label-projects/", headers={"Authorization": "Bearer tl_0_1"})
        print(answer.status_code, answer.headers.get("Retry-After"), answer.json()["error"]["code"])
        gate.release(2)
        print([(await one).status_code for one in both])
        many = await asyncio.gather(*(client.get("/readyz") for _ in range(60)))
        print({one.status_code for one in many})
        print(connection.pool.get_stats()["pool_max"], connection.pool.get_stats()["connections_num"] <= 2)

asyncio.run(main())
"""


def test_pool__more_requests_than_connections__wait_and_are_told_when_it_takes_too_long() -> None:
    """A server of its own: two connections, of which both are held for longer than anybody waits; then sixty at once."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has files, not connections")
    more = {
        "TUNELOOP_DATABASE_POOL": "2",
        "TUNELOOP_DATABASE_WAIT": "0.5",
        "DJANGO_SETTINGS_MODULE": "console.settings",
    }
    environment = {**os.environ, **more, "TUNELOOP_DATA": str(django_settings.TUNELOOP_DATA)}
    ran = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90
    )
    assert ran.stdout.splitlines() == ["503 2 busy", "[200, 200]", "{200}", "2 True"], ran.stderr
    assert "couldn't stop" not in ran.stderr
