"""No door of any stage tells a member of another workspace that an object is there: a table over all addresses."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from apps.core.models import LedgerEntry
from tests.cast import Cast
from tests.make import make_api_key
from tests.test_architecture import routes
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

# Where an address names an object, and which one of the world below it is. What comes behind is the same object's, or in PARTS.
OBJECTS = {
    "api/v1/annotations/<str:pk>/": "annotation",
    "api/v1/base-models/<str:pk>/": "base_model",
    "api/v1/checkpoints/<str:pk>/": "checkpoint",
    "api/v1/datasets/<str:pk>/": "dataset",
    "api/v1/deployments/<str:pk>/": "deployment",
    "api/v1/exchanges/<str:pk>/": "exchange",
    "api/v1/feedback/<str:pk>/": "signal",
    "api/v1/jobs/<str:pk>/": "job",
    "api/v1/label-assignments/<str:pk>/": "assignment",
    "api/v1/label-comments/<str:pk>/": "comment",
    "api/v1/label-imports/<str:pk>/": "label_import",
    "api/v1/label-projects/<str:pk>/": "project",
    "api/v1/label-suggesters/<str:pk>/": "suggester",
    "api/v1/label-studio-hooks/<str:pk>/": "connection",
    "api/v1/metric-reports/<str:pk>/": "report",
    "api/v1/models/<str:pk>/": "model",
    "api/v1/recipes/<str:pk>/": "recipe",
    "api/v1/rollouts/<str:pk>/": "rollout",
    "api/v1/rounds/<str:pk>/": "round",
    "api/v1/run-views/<str:pk>/": "run_view",
    "api/v1/runs/<str:pk>/": "run",
    "api/v1/sweeps/<str:pk>/": "sweep",
    "api/v1/turns/<str:pk>/": "turn",
    "api/v1/uploads/<str:pk>/": "reception",
    "datasets/<uuid:pk>/": "dataset",
    "datasets/recipes/<uuid:pk>/": "recipe",
    "evaluate/reports/<uuid:pk>/": "report",
    "evaluate/rounds/<uuid:pk>/": "round",
    "feedback/<uuid:pk>/": "signal",
    "feedback/train/<uuid:pk>/": "version",
    "queue/jobs/<uuid:pk>/": "job",
    "label/<uuid:pk>/": "project",
    "label/imports/<uuid:pk>/": "label_import",
    "models/<uuid:pk>/": "model",
    "rollout/<uuid:pk>/": "rollout",
    "serve/<uuid:pk>/": "deployment",
    "serve/exchanges/<uuid:pk>/": "exchange",
    "settings/keys/<uuid:pk>/": "key",
    "settings/members/<uuid:pk>/": "membership",
    "settings/workspace/<uuid:pk>/": "workspace",
    "train/<uuid:pk>/": "run",
    "train/sweeps/<uuid:pk>/": "sweep",
    "train/models/<uuid:pk>/": "base_model",
}
# A kind and an object of it.
KINDS = {
    "api/v1/lineage/<str:kind>/<str:pk>/",
    "lineage/<str:kind>/<uuid:pk>/",
}
# What else stands in an address: something that is there, so that only the stranger is in the way.
PARTS: dict[str, str | Callable[[World], Any]] = {
    "<str:column>": "turns",
    "<str:media_name>": "0" * 64 + ".png",
    "<int:index>": "0",
    "<uuid:draft>": lambda world: world["draft"].pk,
    "<str:draft>": lambda world: world["draft"].pk,
    "<uuid:edit>": lambda world: world["draft_edit"].pk,
    "<str:edit>": lambda world: world["draft_edit"].pk,
    "<uuid:upload>": lambda world: world["upload"],
    "<uuid:job>": lambda world: world["job"].pk,
    "<uuid:suggester>": lambda world: world["suggester"].pk,
    "<str:conflict>": lambda world: world["conflict"].pk,
    "<uuid:conflict>": lambda world: world["conflict"].pk,
    "<uuid:annotation>": lambda world: world["annotation"].pk,
    "<int:number>": "1",
    "<int:person>": "1",
    "<str:person>": "anna@example.com",
    "<str:version>": "1.0.0",
    "<str:name>": "candidate",
    "<str:step>": "start",
    "<str:tag>": "gold",
    "<path:rest>": "rows/",
    "<path:name>": "support",
}
NAMED = {"v1/models/<path:name>"}  # found by name in one's own workspace
UNKEPT = {  # our dataset has no images, and its job is no search for duplicates
    "datasets/<uuid:pk>/media/<str:media_name>",
    "label/<uuid:pk>/pictures/<str:media_name>",
    "api/v1/datasets/<str:pk>/versions/<int:number>/duplicates/<uuid:job>/",
}
NOT_OURS = ("admin/", "accounts/")  # Django's admin asks for staff; allauth knows only the person
METHODS = ("get", "post", "put", "patch", "delete")


def addresses() -> Iterator[str]:
    """Every address that names something."""
    for address, _view in routes(get_resolver().url_patterns):
        if not address.startswith(NOT_OURS) and ("<" in address or "(?P" in address):
            yield address


def stem_of(address: str) -> str:
    """The entry of the table an address belongs to, or ""."""
    whole = KINDS | NAMED
    if address in whole:
        return address
    return max((stem for stem in OBJECTS if address.startswith(stem)), key=len, default="")


def filled(address: str, world: World) -> list[str]:
    """The address with our objects in its places; for every kind of object where it names one."""
    if address in KINDS:
        kinds = world["kinds"].items()
        return [re.sub(r"<\w+:pk>", str(pk), address.replace("<str:kind>", kind)) for kind, pk in kinds]
    stem = stem_of(address)
    if stem in OBJECTS:
        address = re.sub(r"<\w+:pk>", str(world[OBJECTS[stem]].pk), stem) + address.removeprefix(stem)
    for place, value in PARTS.items():
        address = address.replace(place, str(value(world) if callable(value) else value))
    return [address]


@pytest.fixture
def world(cast: Cast) -> World:
    """One object of every kind, in a workspace that the stranger is not a member of."""
    return make_world(cast)


def test_table__every_address_that_names_something__is_in_it() -> None:
    missing = [address for address in addresses() if not stem_of(address)]
    assert missing == [], "say in OBJECTS which object these addresses name"
    places = {place for address in addresses() for place in re.findall(r"<\w+:\w+>", address)}
    unknown = places - set(PARTS) - {"<str:pk>", "<uuid:pk>", "<str:kind>"}
    assert unknown == set(), "say in PARTS what stands in these places"
    unused = set(OBJECTS) | KINDS | NAMED
    assert unused - {stem_of(address) for address in addresses()} == set(), "these addresses are no more"


def test_table__lineage__has_every_kind(world: World) -> None:
    from apps.overview.links import KINDS as known

    assert set(world["kinds"]) == set(known)


def answers(client: Client, urls: list[tuple[str, str]]) -> Iterator[tuple[str, str, str, int]]:
    """(address, method, url, status) for every method of every door; a page never answers to put, patch and delete."""
    for address, url in urls:
        for method in METHODS if address.startswith(("api/", "v1/")) else METHODS[:2]:
            content: Any = {} if method == "get" else {"content_type": "application/json", "data": "{}"}
            if method == "post" and not address.startswith(("api/", "v1/")):
                content = {"data": {}}
            yield address, method, url, getattr(client, method)(f"/{url}", **content).status_code


def pairs(world: World, *starts: str) -> list[tuple[str, str]]:
    found = [(address, url) for address in addresses() for url in filled(address, world)]
    is_api = bool(starts)
    return [(address, url) for address, url in found if address.startswith(("api/", "v1/")) is is_api]


def wrong(client: Client, urls: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """Doors that answer anything but "no such thing", and those where no method looked for the object at all."""
    told = list(answers(client, urls))
    bad = [(method, address, status) for address, method, _url, status in told if status not in (404, 405)]
    looked = {url for _address, _method, url, status in told if status != 405}
    return bad + [("any", address, 405) for address, url in urls if url not in looked]


def test_stranger__every_page__is_404(cast: Cast, world: World, browser_of: Callable[..., Client]) -> None:
    before = LedgerEntry.objects.filter(workspace_id=cast.workspace.pk).count()
    assert wrong(browser_of(cast.stranger), pairs(world)) == []
    assert LedgerEntry.objects.filter(workspace_id=cast.workspace.pk).count() == before


@pytest.mark.parametrize("way", ["key", "session"])
def test_stranger__every_api_door__is_404(
    cast: Cast, world: World, browser_of: Callable[..., Client], way: str
) -> None:
    key = f"Bearer {make_api_key(cast.stranger, cast.other_workspace)}"
    client = Client(headers={"Authorization": key}) if way == "key" else browser_of(cast.stranger)
    urls = pairs(world, "api/")
    if way == "session":  # the inference doors take keys only
        urls = [(address, url) for address, url in urls if not address.startswith("v1/")]
    before = LedgerEntry.objects.filter(workspace_id=cast.workspace.pk).count()
    assert wrong(client, urls) == []
    assert LedgerEntry.objects.filter(workspace_id=cast.workspace.pk).count() == before


def test_owner__the_same_addresses__find_the_objects(
    cast: Cast, world: World, browser_of: Callable[..., Client]
) -> None:
    """Otherwise the table above would prove nothing."""
    client, lost = browser_of(cast.owner), []
    for address, url in pairs(world) + pairs(world, "api/"):
        if address in NAMED | UNKEPT:
            continue
        status = client.get(f"/{url}").status_code
        if status == 404:
            lost.append((address, url))
    assert lost == []
