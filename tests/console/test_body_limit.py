from collections.abc import MutableMapping
from typing import Any

from console.body_limit import FORM_FIELDS, BodyLimit

Message = MutableMapping[str, Any]


async def ask(headers: list[tuple[bytes, bytes]], bodies: list[bytes]) -> tuple[int, list[str]]:
    """The status sent, and the types of the messages the application saw."""
    seen: list[str] = []
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]

    async def app(scope: Message, receive: Any, send: Any) -> None:
        for _body in bodies:
            seen.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyLimit(app, most=10)({"type": "http", "headers": headers}, receive, send)
    return int(sent[0]["status"]), seen


async def test_body_limit__length_announced_beyond_it__refused_before_a_byte_is_read() -> None:
    assert await ask([(b"content-length", str(FORM_FIELDS + 11).encode())], [b"x"]) == (413, [])


async def test_body_limit__length_within_it__passes() -> None:
    assert await ask([(b"content-length", b"10")], [b"0123456789"]) == (200, ["http.request"])


async def test_body_limit__no_length_and_too_many_bytes__cut_off() -> None:
    _status, seen = await ask([], [b"x" * FORM_FIELDS, b"x" * 11])
    assert seen == ["http.request", "http.disconnect"]


async def test_body_limit__length_that_is_no_number__refused() -> None:
    assert (await ask([(b"content-length", b"-1")], []))[0] == 413
