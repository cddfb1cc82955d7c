"""One websocket for all live parts of a page. Which topics exist, and who may watch them, console/topics.py tells."""

import asyncio
import logging
import re
import time
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)
SEND_TIMEOUT = 10.0  # seconds a client may take to read one message before it is dropped
MAX_TOPICS = 32
MAX_MESSAGES_PER_SECOND = 20
RECHECK = 30.0  # seconds between two looks at whether the watcher may still watch
TOPIC = re.compile(r"[a-z]+\.[0-9a-zA-Z-]{1,60}")  # what the channel layer can carry as a group's name


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Client: {"subscribe": "job.<uuid>", "after": seq} or {"unsubscribe": topic}. Server: {"topic", "type", ...}.

    Every message is a hint: what it carries can be read again from the API, so a lost one loses nothing.
    """

    async def connect(self) -> None:
        self.topics: set[str] = set()
        self.window, self.received = time.monotonic(), 0
        self.user = self.scope.get("user")
        if self.user is None or not self.user.is_authenticated:
            await self.close(code=4401)
            return
        await self.accept()
        self.watchdog = asyncio.create_task(self._recheck_for_ever())

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "watchdog"):
            self.watchdog.cancel()
        for topic in getattr(self, "topics", ()):
            await self._leave(topic)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """A frame that is no JSON, or far too deep, ends the connection; it is no error of ours."""
        try:
            content = await self.decode_json(text_data or "")
        except (ValueError, RecursionError):
            await self.close(code=4400)
            return
        await self.receive_json(content)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not self._within_rate() or not isinstance(content, dict):
            await self.close(code=4400)
        elif "subscribe" in content:
            await self._subscribe(str(content["subscribe"])[:100])
        elif "unsubscribe" in content:
            await self._unsubscribe(str(content["unsubscribe"])[:100])
        else:
            await self.send_json({"type": "pong"})

    async def _subscribe(self, topic: str) -> None:
        if not TOPIC.fullmatch(topic):
            await self.send_json({"topic": topic, "type": "refused", "reason": "not found"})
            return
        if topic not in self.topics and len(self.topics) >= MAX_TOPICS:
            await self.send_json({"topic": topic, "type": "refused", "reason": "too many topics"})
            return
        await self.channel_layer.group_add(topic, self.channel_name)
        # Looked up after joining: what happens between the two arrives twice, never not at all.
        state = await self._look_up(topic)
        if state is None:
            await self._unsubscribe(topic)
            await self.send_json({"topic": topic, "type": "refused", "reason": "not found"})
            return
        self.topics.add(topic)
        await self.send_json({"topic": topic, "type": "subscribed", **state})

    async def _unsubscribe(self, topic: str) -> None:
        self.topics.discard(topic)
        await self._leave(topic)

    async def _leave(self, topic: str) -> None:
        try:
            await self.channel_layer.group_discard(topic, self.channel_name)
        except Exception as exc:  # any broker fault: the membership runs out by itself
            log.warning("topic %s not left: %s", topic, exc)

    async def _look_up(self, topic: str) -> dict[str, Any] | None:
        look_up = import_string(settings.LIVE_TOPICS)
        result: dict[str, Any] | None = await database_sync_to_async(look_up)(self.user, topic)
        return result

    async def _recheck_for_ever(self) -> None:
        """Sign-in and membership can end while a page is open: then the connection ends as well."""
        while True:
            await asyncio.sleep(RECHECK)
            try:
                allowed = await self._is_signed_in() and all(
                    [await self._look_up(t) is not None for t in set(self.topics)]
                )
            except Exception as exc:  # the database is away: look again next time, never stop looking
                log.warning("a watcher could not be looked at: %s", exc)
                continue
            if not allowed:
                await self.close(code=4403)
                return

    async def _is_signed_in(self) -> bool:
        """Read the session anew: it ended, the account was closed, or the password was changed elsewhere."""
        if "session" not in self.scope:
            return True  # not from a browser
        store = import_module(settings.SESSION_ENGINE).SessionStore
        user = await get_user({"session": store(self.scope["session"].session_key)})
        return bool(user.is_authenticated)

    def _within_rate(self) -> bool:
        now = time.monotonic()
        if now - self.window > 1:
            self.window, self.received = now, 0
        self.received += 1
        return self.received <= MAX_MESSAGES_PER_SECOND

    async def doorbell(self, event: dict[str, Any]) -> None:
        """From the channel layer. A client that does not read is dropped, so that it cannot hold memory."""
        if event["topic"] not in self.topics:
            return
        try:
            await asyncio.wait_for(self.send_json({"topic": event["topic"], **event["message"]}), SEND_TIMEOUT)
        except TimeoutError:
            await self.close(code=4408)
