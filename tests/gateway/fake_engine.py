"""An engine at the outside edge: a server that answers as the test says, line by line."""

import json
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "fake-token"
USAGE = {"prompt_tokens": 9, "completion_tokens": 3}
END: dict[str, Any] = {"done": True, "finish": "stop", "usage": USAGE}
HELLO: list[dict[str, Any]] = [{"text": "On "}, {"text": "its "}, {"text": "way."}, END]


class FakeEngine(ThreadingHTTPServer):
    """`lines` are written one after the other, with `pause` seconds between them; `status` other than 200 refuses."""

    daemon_threads = True
    request_queue_size = 128  # the usual 5 drops connections of many clients at once

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lines: Sequence[dict[str, Any]] = HELLO
        self.status, self.error, self.pause = 200, {"code": "x", "message": "no"}, 0.0
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.broken_off = threading.Event()  # the client left before the end
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: FakeEngine

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        engine = self.server
        engine.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        engine.tokens.append(self.headers["Authorization"])
        self.send_response(engine.status)
        self.end_headers()
        if engine.status != 200:
            self.wfile.write(json.dumps({"error": engine.error}).encode())
            return
        try:
            for line in engine.lines:
                self.wfile.write(json.dumps(line).encode() + b"\n")
                time.sleep(engine.pause)
        except OSError:
            engine.broken_off.set()
