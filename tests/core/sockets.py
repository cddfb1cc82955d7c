"""A page's websocket, spoken to the ASGI application directly (the library's own tester wants a server we do not install)."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

from console.asgi import application

ORIGIN = b"http://localhost"
WAIT = 5.0


class Socket(ApplicationCommunicator):
    """One connection to /ws/."""

    def __init__(self, cookie: bytes = b"", origin: bytes | None = ORIGIN) -> None:
        named = {b"host": b"localhost", b"origin": origin, b"cookie": cookie}
        scope = {
            "type": "websocket",
            "path": "/ws/",
            "query_string": b"",
            "headers": [(name, value) for name, value in named.items() if value],
            "subprotocols": [],
        }
        super().__init__(application, scope)  # type: ignore[no-untyped-call]

    async def _put(self, message: dict[str, Any]) -> None:
        await self.send_input(message)  # type: ignore[no-untyped-call]

    async def _get(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.receive_output(WAIT)  # type: ignore[no-untyped-call]
        return message

    async def connect(self) -> bool:
        await self._put({"type": "websocket.connect"})
        return bool((await self._get())["type"] == "websocket.accept")

    async def say(self, text: str | None = None, data: bytes | None = None) -> None:
        await self._put({"type": "websocket.receive", "text": text, "bytes": data})

    async def ask(self, **words: object) -> dict[str, Any]:
        await self.say(json.dumps(words))
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        message = await self._get()
        assert message["type"] == "websocket.send", message
        answer: dict[str, Any] = json.loads(message["text"])
        return answer

    async def hears_nothing(self, seconds: float) -> bool:
        return bool(await self.receive_nothing(seconds))  # type: ignore[no-untyped-call]

    async def code_of_close(self) -> int:
        message = await self._get()
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def disconnect(self) -> None:
        await self._put({"type": "websocket.disconnect", "code": 1000})
        await self.wait(WAIT)  # type: ignore[no-untyped-call]
