"""Nothing that a client may send is answered by a 5xx: bodies, forms, queries and addresses of every door."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from tests import hostile
from tests.cast import Cast
from tests.hostile import Order
from tests.make import make_api_key
from tests.test_architecture import routes
from tests.test_strangers import NOT_OURS, addresses, filled
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
MOST = 150  # requests of one kind, evenly from all of them; TUNELOOP_HOSTILE=all sends every one (minutes)
IS_WHOLE = os.environ.get("TUNELOOP_HOSTILE") == "all"
COMMON = ["q", "page", "cursor", "limit", "after", "part"]


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


@pytest.fixture
def program(cast: Cast, world: World) -> Client:
    key = f"Bearer {make_api_key(cast.owner, cast.workspace)}"
    return Client(headers={"Authorization": key}, raise_request_exception=False)


@pytest.fixture
def browser(cast: Cast, world: World, browser_of: Callable[..., Client]) -> Client:
    client = browser_of(cast.owner)
    client.raise_request_exception = False
    return client


def faults(client: Client, orders: Iterator[Order]) -> list[str]:
    """The requests that met a fault of ours. Each begins with the world as it was."""
    found, every = Counter[str](), list(orders)
    assert len(every) > 100
    for order in every if IS_WHOLE else every[:: len(every) // MOST + 1]:
        with transaction.atomic():
            answer = getattr(client, order.method)(order.url, **order.extra)
            transaction.set_rollback(True)
        if answer.status_code >= 500:
            found[f"{order.method} {order.url[:120]} {order.what}"] += 1
    return list(found)


def operations(world: World) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(method, url, body, description) of the API as it is described."""
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    known = known_values(world)
    at = {re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{address}"): address for address in addresses()}
    for path, methods in schema["paths"].items():
        url = f"/{filled(at[path], world)[0]}" if path in at else path
        for method, described in methods.items():
            content = described.get("requestBody", {}).get("content", {})
            body = hostile.shape(schema, content.get("application/json", {}).get("schema", {}), known)
            yield method, url, body if content and isinstance(body, dict) else {}, described


def known_values(world: World) -> dict[str, Any]:
    """Values that pass the first checks, so that what comes after them is reached."""
    names = ("checkpoint", "dataset", "deployment", "exchange", "base_model", "run", "item")
    better = {"from_name": "answer", "to_name": "conversation", "type": "textarea", "value": {"text": ["Soon."]}}
    ids = {name: str(world[name].pk) for name in names if name in world}
    return {
        **ids,
        "dataset_version": str(world["version"].pk),
        "model_version": "support:1.0.0",
        "checkpoints": [ids["checkpoint"]],
        "signals": [str(world["signal"].pk)],
        "project": str(world["project"].pk),
        "model": "support",
        "version": "1.0.0",
        "control": "support",
        "candidate": "next",
        "result": [better],
        "share": 0.5,
        "messages": [{"role": "user", "content": "Hi"}],
    }


def test_api__hostile_bodies__are_never_a_fault(program: Client, world: World) -> None:
    doors = [(method, url, body) for method, url, body, _described in operations(world) if method != "get"]
    assert len(doors) > 50
    assert faults(program, (order for door in doors for order in hostile.bodies(*door))) == []


def test_api__hostile_queries__are_never_a_fault(program: Client, world: World) -> None:
    def orders() -> Iterator[Order]:
        for method, url, _body, described in operations(world):
            if method == "get":
                names = [p["name"] for p in described.get("parameters", []) if p["in"] == "query"]
                yield from hostile.queries(url, [*names, *COMMON[:5]] if names else ["x"])

    assert faults(program, orders()) == []


@pytest.mark.parametrize("way", ["program", "browser"])
def test_addresses__hostile_places__are_never_a_fault(program: Client, browser: Client, world: World, way: str) -> None:
    def orders() -> Iterator[Order]:
        for address in addresses():
            if address.startswith(("api/", "v1/")) is (way == "program"):
                for url in hostile.paths(address, filled(address, world)[0]):
                    for method in ("get", "post"):
                        yield Order(method, f"/{url}", "", {} if method == "get" else {"data": {}})

    assert faults(program if way == "program" else browser, orders()) == []


def pages(world: World) -> list[str]:
    """Every page of the console, as it is with the world's objects."""
    plain = [a for a, _view in routes(get_resolver().url_patterns) if "<" not in a and "(?P" not in a and "\\" not in a]
    named = [url for address in addresses() for url in filled(address, world)]
    return [f"/{url}" for url in plain + named if not url.startswith((*NOT_OURS, "api/", "v1/"))]


def looked_at(browser: Client, world: World) -> dict[str, hostile.Forms]:
    found = {}
    for url in pages(world):
        answer = browser.get(url)
        if answer.status_code == 200 and "text/html" in answer.get("Content-Type", ""):
            found[url] = hostile.Forms(url)
            found[url].feed(answer.content.decode())
    assert len(found) > 30
    return found


def test_pages__hostile_forms_queries_and_bodies__are_never_a_fault(browser: Client, world: World) -> None:
    forms: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    queries: list[Order] = []
    for url, page in looked_at(browser, world).items():
        for method, action, fields in page.forms:
            if method == "post":
                forms.setdefault((action, tuple(fields)), fields)
        sought = [name for method, _action, fields in page.forms for name in fields if method == "get"]
        queries += hostile.queries(url, [*page.names, *sought, *COMMON])
    assert len(forms) > 30
    assert (
        faults(browser, (o for (url, _names), fields in forms.items() for o in hostile.form_orders(url, fields))) == []
    )
    assert faults(browser, (o for url, _names in forms for o in hostile.bodies("post", url, {}))) == []
    assert faults(browser, iter(queries)) == []


@pytest.mark.parametrize("url", ["/", "/accounts/login/", "/api/v1/jobs/"])
def test_cookie__nul_in_the_name_of_a_session__is_400(client: Client, url: str) -> None:
    client.raise_request_exception = False
    assert client.get(url, headers={"cookie": 'sessionid="abcdefghij\\000kl"'}).status_code == 400
