"""Refuses a request body beyond the upload limit before it is spooled to disk."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
FORM_FIELDS = 1024 * 1024  # what a form around a file of the largest size may add


class BodyLimit:
    """ASGI middleware: 413 by the length that was announced, or once that many bytes have come."""

    def __init__(self, app: Callable[..., Awaitable[None]], most: int) -> None:
        self.app, self.most = app, most + FORM_FIELDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self.most:
            await self._refuse(send)
            return
        received = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self.most else {"type": "http.disconnect"}

        await self.app(scope, counted, send)

    async def _refuse(self, send: Send) -> None:
        message = f"The request is larger than {self.most // 1024**2} MB."
        body = json.dumps({"error": {"code": "too_large", "message": message, "hint": "Send a smaller file."}}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
