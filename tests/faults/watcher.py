"""A page that watches a job, without a browser: the websocket for hints, the API for what they lost (as static/js/live.js does)."""

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import websockets

QUIET = 3.0  # seconds without news before the page asks (10 in a browser)


class Watcher:
    """Keeps the curve of one job up to date in a thread of its own, through any number of broken connections."""

    def __init__(self, port: int, cookie: str, job: str, quiet: float = QUIET) -> None:
        self.quiet, self.port, self.headers, self.job = quiet, port, {"Cookie": cookie}, job
        self.after = 0
        self.curve: dict[tuple[str, int], float | None] = {}
        self.seen: list[int] = []  # seq of every point that was taken, in the order of taking
        self.connections, self.gaps, self.delays = 0, 0, list[float]()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join(10)

    async def _watch(self) -> None:
        while not self._is_over.is_set():
            try:
                await self._listen()
            except (OSError, websockets.WebSocketException):  # also what urllib raises
                await asyncio.sleep(0.1)

    async def _listen(self) -> None:
        url = f"ws://127.0.0.1:{self.port}/ws/"
        origin = websockets.Origin(f"http://127.0.0.1:{self.port}")
        async with websockets.connect(url, additional_headers=self.headers, origin=origin, open_timeout=5) as socket:
            self.connections += 1
            heard_at = time.monotonic()
            await socket.send(json.dumps({"subscribe": f"job.{self.job}", "after": self.after}))
            while not self._is_over.is_set():
                try:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 0.2))
                except TimeoutError:
                    if time.monotonic() - heard_at > self.quiet:  # open and dumb: look for ourselves
                        heard_at = time.monotonic()
                        await self._fill()
                    continue
                heard_at = time.monotonic()
                await self._hear(message)

    async def _hear(self, message: dict[str, Any]) -> None:
        if "sent_at" in message:
            self.delays.append(time.monotonic() - message["sent_at"])
        if message["type"] == "subscribed" and message["to_seq"] > self.after:
            await self._fill()
        if message["type"] != "events" or message["to_seq"] <= self.after:
            return
        if message["from_seq"] > self.after + 1 or message["partial"]:
            self.gaps += 1
            await self._fill()
        else:
            self._take(message["points"], message["to_seq"])

    def _take(self, points: list[tuple[int, int, str, float | None]], to_seq: int) -> None:
        for seq, step, name, value in points:
            if seq > self.after:
                self.seen.append(seq)
                self.curve[name, step] = value
        self.after = max(self.after, to_seq)

    async def _fill(self) -> None:
        more = True
        while more:
            page = await asyncio.to_thread(self._get, f"/api/v1/jobs/{self.job}/metrics/?after={self.after}")
            self._take(page["points"], page["to_seq"])
            more = page["more"]

    def _get(self, path: str) -> dict[str, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=self.headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def has(self, to_seq: int) -> Callable[[], bool]:
        return lambda: self.after >= to_seq
