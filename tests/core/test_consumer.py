"""The one websocket: who may watch what, and for how long."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import connections
from django.test import Client

from apps.accounts.models import Membership, User
from apps.core import consumers, live
from apps.jobs.models import Job
from tests.cast import Cast
from tests.core.sockets import Socket
from tests.make import make_job, with_fake_kind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fake_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fake_kind(monkeypatch)


@pytest.fixture(autouse=True)
async def quiet_end() -> AsyncIterator[None]:
    """The thread that serves asynchronous code lets go of its database connection, else the test database cannot be removed."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def job(cast: Cast) -> Job:
    return make_job(cast.workspace)


@pytest.fixture
def cookie_of() -> Callable[[User], bytes]:
    def sign_in(user: User) -> bytes:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return f"sessionid={client.cookies['sessionid'].value}".encode()

    return sign_in


@asynccontextmanager
async def watching(cookie: bytes, *topics: str) -> AsyncIterator[Socket]:
    """A connection that has subscribed to the topics."""
    page = Socket(cookie)
    assert await page.connect()
    for topic in topics:
        assert (await page.ask(subscribe=topic))["type"] == "subscribed"
    try:
        yield page
    finally:
        await page.disconnect()


async def ring(topic: str, **message: object) -> None:
    await sync_to_async(live.send)(topic, message)


async def test_connect__nobody__is_refused(cast: Cast) -> None:
    assert not await Socket().connect()


@pytest.mark.parametrize("origin", [b"http://evil.example", b"null", b"http://localhost.evil.example"])
async def test_connect__from_another_site__is_refused(
    cast: Cast, cookie_of: Callable[..., bytes], origin: bytes
) -> None:
    cookie = await sync_to_async(cookie_of)(cast.owner)
    for origin in (b"http://evil.example", b"null", b"http://localhost.evil.example"):
        assert not await Socket(cookie, origin).connect(), origin


async def test_connect__without_any_origin__is_refused(cast: Cast, cookie_of: Callable[..., bytes]) -> None:
    cookie = await sync_to_async(cookie_of)(cast.owner)
    assert not await Socket(cookie, origin=None).connect()


async def test_subscribe__member__gets_the_state_then_every_ring(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes]
) -> None:
    cookie = await sync_to_async(cookie_of)(cast.viewer)
    topic = f"job.{job.pk}"
    async with watching(cookie) as page:
        assert await page.ask(subscribe=topic, after=0) == {
            "topic": topic, "type": "subscribed", "to_seq": 0, "status": "queued",
        }  # fmt: skip
        await ring(topic, type="events", to_seq=3)
        assert await page.hear() == {"topic": topic, "type": "events", "to_seq": 3}


async def test_subscribe__own_workspace__is_allowed_and_others_not(cast: Cast, cookie_of: Callable[..., bytes]) -> None:
    cookie = await sync_to_async(cookie_of)(cast.annotator)
    async with watching(cookie) as page:
        assert (await page.ask(subscribe=f"workspace.{cast.workspace.pk}"))["type"] == "subscribed"
        assert (await page.ask(subscribe=f"workspace.{cast.other_workspace.pk}"))["type"] == "refused"


@pytest.mark.parametrize("person", ["stranger", "annotator"])
async def test_subscribe__not_allowed__is_refused_and_hears_nothing(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes], person: str
) -> None:
    cookie = await sync_to_async(cookie_of)(getattr(cast, person))
    topic = f"job.{job.pk}"
    async with watching(cookie) as page:
        assert await page.ask(subscribe=topic) == {"topic": topic, "type": "refused", "reason": "not found"}
        await ring(topic, type="changed")
        assert await page.hears_nothing(0.2)


TOPICS = [
    "", "job", "job.", "job.x", "user.1", "job.00000000-0000-0000-0000-000000000000", "../x", "job." + "1" * 500, "j\u00f6b.1",
    "workspace.%00", "job.1 OR 1=1",
]  # fmt: skip


async def test_subscribe__to_what_is_no_topic__is_refused_and_the_page_lives_on(
    cast: Cast, cookie_of: Callable[..., bytes]
) -> None:
    cookie = await sync_to_async(cookie_of)(cast.owner)
    async with watching(cookie) as page:
        for topic in TOPICS:
            assert (await page.ask(subscribe=topic))["type"] == "refused", topic
        assert await page.ask(anything=1) == {"type": "pong"}


async def test_unsubscribe__after_watching__hears_no_more(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes]
) -> None:
    cookie = await sync_to_async(cookie_of)(cast.owner)
    topic = f"job.{job.pk}"
    async with watching(cookie, topic) as page:
        await page.say(json.dumps({"unsubscribe": topic}))
        assert await page.ask(anything=1) == {"type": "pong"}
        await ring(topic, type="changed")
        assert await page.hears_nothing(0.2)


async def test_subscribe__more_topics_than_the_limit__is_refused(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MAX_TOPICS", 1)
    cookie = await sync_to_async(cookie_of)(cast.owner)
    async with watching(cookie, f"job.{job.pk}") as page:
        assert (await page.ask(subscribe=f"workspace.{cast.workspace.pk}"))["reason"] == "too many topics"
        assert (await page.ask(subscribe=f"job.{job.pk}"))["type"] == "subscribed"


async def test_messages__too_many_in_a_second__end_the_connection(cast: Cast, cookie_of: Callable[..., bytes]) -> None:
    page = Socket(await sync_to_async(cookie_of)(cast.owner))
    await page.connect()
    for _number in range(consumers.MAX_MESSAGES_PER_SECOND + 1):
        await page.say("{}")
    for _number in range(consumers.MAX_MESSAGES_PER_SECOND):
        assert await page.hear() == {"type": "pong"}
    assert await page.code_of_close() == 4400


async def test_frame__that_is_no_object__ends_the_connection_without_an_error(
    cast: Cast, cookie_of: Callable[..., bytes]
) -> None:
    cookie = await sync_to_async(cookie_of)(cast.owner)
    for text in ("", "{", "nonsense", "7", "[]", '"x"', "null", "[" * 60_000):
        page = Socket(cookie)
        await page.connect()
        await page.say(text)
        assert await page.code_of_close() == 4400, text[:20]


async def test_frame__of_bytes__ends_the_connection(cast: Cast, cookie_of: Callable[..., bytes]) -> None:
    page = Socket(await sync_to_async(cookie_of)(cast.owner))
    await page.connect()
    await page.say(data=json.dumps({"subscribe": "x"}).encode())
    assert await page.code_of_close() == 4400


def ends_membership(cast: Cast) -> None:
    Membership.objects.filter(user=cast.owner).delete()


def becomes_annotator(cast: Cast) -> None:
    Membership.objects.filter(user=cast.owner).update(role="annotator")


def closes_account(cast: Cast) -> None:
    User.objects.filter(pk=cast.owner.pk).update(is_active=False)


def changes_password(cast: Cast) -> None:
    cast.owner.set_password("another long phrase")
    cast.owner.save()


@pytest.mark.parametrize("what", [ends_membership, becomes_annotator, closes_account, changes_password])
async def test_recheck__right_to_watch_ended__ends_the_connection(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, what: Callable[[Cast], None]
) -> None:
    monkeypatch.setattr(consumers, "RECHECK", 0.1)
    cookie = await sync_to_async(cookie_of)(cast.owner)
    async with watching(cookie, f"job.{job.pk}") as page:
        assert await page.hears_nothing(0.3)
        await database_sync_to_async(what)(cast)
        assert await page.code_of_close() == 4403


async def test_recheck__database_away_for_a_moment__looks_again(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK", 0.1)
    cookie = await sync_to_async(cookie_of)(cast.owner)
    failures = iter([OSError("the database is away")])

    async def fail_once(self: consumers.LiveConsumer) -> bool:
        for failure in failures:
            raise failure
        return False

    async with watching(cookie, f"job.{job.pk}") as page:
        monkeypatch.setattr(consumers.LiveConsumer, "_is_signed_in", fail_once)
        assert await page.code_of_close() == 4403


async def test_doorbell__client_that_does_not_read__is_dropped(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SEND_TIMEOUT", 0.1)
    cookie = await sync_to_async(cookie_of)(cast.owner)
    async with watching(cookie, f"job.{job.pk}") as page:
        real = consumers.LiveConsumer.send_json

        async def stuck(self: consumers.LiveConsumer, content: Any, close: bool = False) -> None:
            await asyncio.sleep(30 if content.get("type") == "events" else 0)
            await real(self, content, close)

        monkeypatch.setattr(consumers.LiveConsumer, "send_json", stuck)
        await ring(f"job.{job.pk}", type="events")
        assert await page.code_of_close() == 4408


async def test_disconnect__after_watching__leaves_its_groups(
    job: Job, cast: Cast, cookie_of: Callable[..., bytes]
) -> None:
    cookie = await sync_to_async(cookie_of)(cast.owner)
    async with watching(cookie, f"job.{job.pk}"):
        assert get_channel_layer().groups
    assert not get_channel_layer().groups
