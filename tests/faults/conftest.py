"""One console of real processes for all fault tests; what a test kills is started again before the next one."""

import os
import uuid
from collections.abc import Generator, Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from apps.accounts.models import Workspace
from tests.cast import make_user
from tests.faults.console import Console, use_broker
from tests.faults.stack import Stack

POSTGRES = os.environ.get("TUNELOOP_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/faults/" in str(item.path):
            item.add_marker("faults")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failure comes what the processes said last."""
    report = yield
    console = getattr(item, "funcargs", {}).get("session_console")
    if report.failed and console is not None:
        report.sections.append(("processes", console.stack.last_words()))
    return report


def point_django_at(url: str) -> None:
    """Let this process use the database that the started processes use."""
    from environ import Env

    connection = connections["default"]
    connection.close()
    given = Env.db_url_config(url)
    connection.settings_dict.update({k: v for k, v in given.items() if k not in ("OPTIONS", "ENGINE")})


@pytest.fixture(scope="package")
def database_url() -> Iterator[str]:
    """A database of our own, of the kind that the tests run on."""
    given = settings.DATABASES["default"]
    if "sqlite" in given["ENGINE"]:
        yield f"sqlite:///{settings.TUNELOOP_DATA}/faults.sqlite3"
        return
    with own_postgres(os.environ["DATABASE_URL"]) as url:
        yield url


class own_postgres:
    """A fresh database on a PostgreSQL server; dropped at the end, whoever is still connected."""

    def __init__(self, server: str) -> None:
        self.server, self.name = server, f"tuneloop_faults_{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> str:
        self._run(f"CREATE DATABASE {self.name}")
        return urlsplit(self.server)._replace(path=f"/{self.name}").geturl()

    def __exit__(self, *_exc: object) -> None:
        self._run(f"DROP DATABASE {self.name} WITH (FORCE)")

    def _run(self, sql: str) -> None:
        import psycopg

        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql)


@pytest.fixture(scope="package")
def session_console(database_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Console]:
    settings.JOB_KINDS = "tests.faults.kinds.KINDS"
    stack = Stack(settings.TUNELOOP_DATA, database_url, settings.SECRET_KEY)
    use_broker(stack.broker_url)
    with django_db_blocker.unblock():
        point_django_at(database_url)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        workspace = Workspace.objects.create(name="Faults", slug="faults")
        user = make_user("Faye")
        user.memberships.create(workspace=workspace, role="owner")
        try:
            yield Console(stack, workspace, user)
        finally:
            stack.close()
            connections.close_all()


@pytest.fixture
def console(session_console: Console, django_db_blocker: DjangoDbBlocker) -> Iterator[Console]:
    with django_db_blocker.unblock():
        session_console.heal()
        yield session_console
        session_console.clear()
