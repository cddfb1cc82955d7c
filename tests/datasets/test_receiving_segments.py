"""The body of a PATCH on its way to Django: handed on in pieces, and what broke off is not lost."""

from typing import Any

import pytest

from apps.datasets.receiving import segments
from apps.datasets.receiving.segments import KEY, Message, Segments

DOOR = "/api/v1/uploads/0c1f/"


class App:
    """Stands for Django: takes what fits on, and notes what it was asked."""

    def __init__(self, refuse_at: int = -1) -> None:
        self.content, self.asked, self.sizes, self.refuse_at = b"", list[Message](), list[int](), refuse_at

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        self.asked.append(scope)
        assert (await receive())["more_body"] is False
        headers = dict(scope["headers"])
        offset, status = int(headers[b"upload-offset"]), 204
        if offset != len(self.content) or offset == self.refuse_at:
            status = 409
        else:
            self.content += bytes(scope[KEY].data)
            self.sizes.append(len(scope[KEY].data))
        told = [(b"upload-offset", str(len(self.content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": b""})


async def patch(app: App, *parts: bytes, ends: bool = True, path: str = DOOR) -> list[Message]:
    """Send the parts; with `ends` False the connection breaks behind them. What was answered."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False} if ends else {"type": "http.disconnect"})
    answers = list[Message]()

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    headers = [(b"upload-offset", b"0"), (b"content-length", b"99"), (b"x-other", b"1")]
    await Segments(app)({"type": "http", "method": "PATCH", "path": path, "headers": headers}, receive, send)
    return answers


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT", 10)


@pytest.mark.parametrize("part", [1, 3, 10, 25, 100])
async def test_long_body__is_handed_on_in_order__and_answered_once(part: int) -> None:
    app, body = App(), bytes(range(95))
    answers = await patch(app, *(body[at : at + part] for at in range(0, 95, part)))
    assert app.content == body
    assert app.sizes == [10] * 9 + [5]
    assert [message["type"] for message in answers] == ["http.response.start", "http.response.body"]
    assert (b"upload-offset", b"95") in answers[0]["headers"]
    assert (b"x-other", b"1") in app.asked[-1]["headers"]


@pytest.mark.parametrize(("length", "is_whole"), [(0, True), (9, True), (10, True), (11, False)])
async def test_piece__knows_whether_it_is_all(length: int, is_whole: bool) -> None:
    app = App()
    await patch(app, bytes(length))
    assert app.asked[0][KEY].is_whole is is_whole and len(app.content) == length


async def test_connection_breaks__what_came_is_handed_on() -> None:
    app = App()
    await patch(app, bytes(7), bytes(8), bytes(8), ends=False)
    assert len(app.content) == 23 and not any(scope[KEY].is_whole for scope in app.asked)
    nothing = App()
    assert await patch(nothing, ends=False) == [] and nothing.asked == []


async def test_refused__the_rest_is_not_read_and_the_connection_ends() -> None:
    app = App(refuse_at=20)
    answers = await patch(app, *[bytes(10)] * 9)
    assert len(app.content) == 20 and len(app.asked) == 3
    assert answers[0]["status"] == 409 and (b"connection", b"close") in answers[0]["headers"]


async def test_other_doors__are_not_touched() -> None:
    seen = list[Message]()

    async def app(scope: Message, receive: Any, send: Any) -> None:
        seen.append(scope)

    unused: Any = None
    doors = [
        ("/api/v1/uploads/", "PATCH", b"0"),
        (DOOR, "GET", b"0"),
        ("/api/v1/jobs/1/", "PATCH", b"0"),
        (DOOR, "PATCH", b"x"),
    ]
    for path, method, offset in doors:
        scope = {"type": "http", "method": method, "path": path, "headers": [(b"upload-offset", offset)]}
        await Segments(app)(scope, unused, unused)
    assert len(seen) == 4 and not any(KEY in scope for scope in seen)
