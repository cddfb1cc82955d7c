"""What every test stands on. Broker and database are real where their URL is given; tests/run.py gives them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import User, Workspace
from apps.core import live
from apps.datasets import inspection
from apps.labeling.queueing import bell
from tests.cast import Cast, make_cast
from tests.looks import Looks
from tests.make import make_api_key
from tests.rings import Rings

# The same examples in every run, however slow the machine; `pytest --hypothesis-profile=default` looks for new ones.
hypothesis_settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("steady")

REAL = ("faults", "browser")  # marks of tests that bring processes of their own


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file, as in real life: in memory, threads would share one connection's locks."""
    database = django_settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        database.setdefault("TEST", {})["NAME"] = str(django_settings.TUNELOOP_DATA / "test.sqlite3")


@pytest.fixture(autouse=True)
def quiet_surroundings(settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker in unit tests: live messages stay in memory, hints are dropped (the sweeper's case)."""
    if any(request.node.get_closest_marker(mark) for mark in REAL):
        return
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(live, "_quiet_until", 0.0)


@pytest.fixture(scope="session")
def looks() -> Looks:
    return Looks(inspection._run)


@pytest.fixture(autouse=True)
def remembered_looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, looks: Looks) -> None:
    """The same file is looked at by a process once a session, not once a test."""
    if not any(request.node.get_closest_marker(mark) for mark in REAL):
        monkeypatch.setattr(inspection, "_run", looks)


@pytest.fixture(autouse=True)
def still_bells() -> Iterator[None]:
    """No late ring of one test in the next one, or after the last."""
    yield
    bell.still()


@pytest.fixture(autouse=True)
def hints(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Queues that were hinted at, in order, instead of messages to a broker."""
    told: list[str] = []

    def note(queue: str) -> bool:
        told.append(queue)
        return True

    if not any(request.node.get_closest_marker(mark) for mark in REAL):
        monkeypatch.setattr("apps.jobs.hints.send", note)
    return told


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]) -> Rings:
    """The doorbell, heard instead of sent."""
    heard = Rings(django_capture_on_commit_callbacks)
    monkeypatch.setattr(live, "send", heard.note)
    return heard


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def owner(cast: Cast) -> User:
    return cast.owner


@pytest.fixture
def workspace(cast: Cast) -> Workspace:
    return cast.workspace


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """A test client signed in as a person."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def api_of() -> Callable[..., APIClient]:
    """A program's client, with a key of a person for a workspace."""

    def with_key(user: User, workspace: Workspace, **fields: Any) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_api_key(user, workspace, **fields)}")
        return client

    return with_key
