"""A running engine for tests: the program in a thread, its door on loopback, and a client that speaks to it."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.workers.conftest import Outcome, run_program
from workers.context import Context, Spec

TOKEN = "engine-token"


class RunningEngine:
    """`workers.serve` over a model folder; `leave` stops it and keeps its outcome."""

    def __init__(
        self, folder: Path, model: Path, adapters: dict[str, Path], own: str | None = None, **settings: Any
    ) -> None:
        self.folder = folder
        inputs = {
            "model": {"folder": str(model)}, "own": own, "listen": {"host": "127.0.0.1", "port": 0}, "token": TOKEN,
            "adapters": [{"name": name, "folder": str(path)} for name, path in adapters.items()],
        }  # fmt: skip
        self.states: dict[str, dict[str, Any]] = {}
        self.address = ""
        self.outcome: Outcome | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._spec = Spec("serve", folder, inputs=inputs, settings=settings)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.wait(lambda: all(name in self.states for name in [*adapters, *([own] if own else [])]))

    def _run(self) -> None:
        self.outcome = run_program(self._spec, self._note)

    def _note(self, _context: Context, event: dict[str, Any]) -> None:
        if event["type"] == "listening":
            self.address = event["address"]
        elif event["type"] == "model":
            self.states[event["model"]] = event

    def wait(self, is_so: Any, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while not is_so():
            assert self.outcome is None, self.outcome.events[-2:]
            assert time.monotonic() < until, "the engine did not get there"
            time.sleep(0.01)

    def order(self, **order: Any) -> None:
        with (self.folder / "control.jsonl").open("a") as inbox:
            inbox.write(json.dumps({"command": "message", **order}) + "\n")

    def leave(self) -> Outcome:
        with (self.folder / "control.jsonl").open("a") as inbox:
            inbox.write(json.dumps({"command": "stop_and_save"}) + "\n")
        self._thread.join(30)
        assert self.outcome is not None
        return self.outcome

    def post(self, *, token: Any = TOKEN, path: Any = "/generate", **body: Any) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=30)
        connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.connection = connection  # type: ignore[attr-defined]  # to break it off
        return response

    def health(self) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=30)
        connection.request("GET", "/health", headers={"Authorization": f"Bearer {TOKEN}"})
        return dict(json.loads(connection.getresponse().read()))

    def ask(self, **body: Any) -> tuple[str, dict[str, Any]]:
        """The whole text and the last line."""
        lines = list(pieces(self.post(**body)))
        return "".join(line.get("text", "") for line in lines), lines[-1]


def pieces(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    assert response.status == 200, response.read()
    for line in response:
        yield json.loads(line)
