"""Between the server and Django: the body of a PATCH reaches the doors of receptions piece by piece, each by a request of its own.

Django reads a whole body before a door sees it, and forgets it when the connection breaks. A program that sends ten gigabytes in one
request would begin again at every break. Here its bytes are handed on every few megabytes, and those of a broken connection at
once; whoever sends them is asked for its rights with each piece, by the same door that serves a small request.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]

SEGMENT = 8 * 1024 * 1024  # bytes in memory for each connection that sends
KEY = "tuneloop.segment"
_DOOR = re.compile(r"/api/v1/uploads/[^/]+/$")
_DONE = 204


@dataclass(frozen=True)
class Segment:
    """Bytes of a body, until the next piece comes, and whether they are all of it."""

    data: memoryview
    is_whole: bool


class Segments:
    """ASGI middleware around Django."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] != "PATCH" or not _DOOR.search(scope["path"]) or _offset(scope) is None:
            await self.app(scope, receive, send)
        else:
            await self._patch(scope, receive, send)

    async def _patch(self, scope: Message, receive: Receive, send: Send) -> None:
        offset, body = _offset(scope) or 0, _Body(receive)
        while True:
            is_first = body.taken == 0
            data = await body.take()
            if body.is_broken and not data:
                return
            segment = Segment(data, is_whole=is_first and body.is_over and not body.is_broken)
            answer = await _ask(self.app, _with(scope, offset, segment))
            offset += len(data)
            if answer.status != _DONE or body.is_over:
                await answer.send(send, is_last=not body.is_over)
                return


class _Body:
    """What comes of a request's body, in pieces that all lie in one buffer: memory does not grow with the body."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._left, self._has_ended = receive, b"", False
        self._buffer = memoryview(bytearray(SEGMENT))
        self.taken = 0
        self.is_broken = False

    @property
    def is_over(self) -> bool:
        return self._has_ended and not self._left

    async def take(self) -> memoryview:
        """The next SEGMENT bytes; fewer at the end, or where the connection broke."""
        filled = self._fill(0, self._left)
        while not self._left and not self._has_ended:
            message = await self._receive()
            self.is_broken = message["type"] == "http.disconnect"
            self._has_ended = self.is_broken or not message.get("more_body", False)
            filled = self._fill(filled, message.get("body", b""))
        self.taken += 1
        return self._buffer[:filled]

    def _fill(self, filled: int, block: bytes) -> int:
        """Add a block; what does not fit is left for the next piece. How much of the buffer is filled."""
        count = min(len(block), len(self._buffer) - filled)
        self._buffer[filled : filled + count] = block[:count]
        self._left = block[count:]
        return filled + count


class _Answer:
    """An answer of Django, kept until it is known whether it is the one that is sent."""

    def __init__(self) -> None:
        self.status = 500
        self._messages: list[Message] = []

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self._messages.append(message)

    async def send(self, send: Send, *, is_last: bool) -> None:
        """With `is_last`, the connection ends: what the sender still has to send is not wanted."""
        for message in self._messages:
            if is_last and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)


async def _ask(app: App, scope: Message) -> _Answer:
    """The answer to a request without a body of its own, which no breaking connection can cut short."""
    answer, bodies = _Answer(), iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        if message := next(bodies, None):
            return message
        await asyncio.Event().wait()  # for ever: the handler ends this wait with its answer
        raise AssertionError

    await app(scope, receive, answer.keep)
    return answer


def _with(scope: Message, offset: int, segment: Segment) -> Message:
    dropped = (b"upload-offset", b"content-length", b"transfer-encoding")
    headers = [pair for pair in scope["headers"] if pair[0] not in dropped]
    return {**scope, "headers": [*headers, (b"upload-offset", str(offset).encode())], KEY: segment}


def _offset(scope: Message) -> int | None:
    text = dict(scope["headers"]).get(b"upload-offset", b"")
    return int(text) if text.isdigit() and len(text) <= 20 else None
