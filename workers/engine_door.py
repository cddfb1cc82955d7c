"""The HTTP door of an engine: POST /generate answers with one JSON object a line as the words come; GET /health tells its load.

Meant for the console alone: it listens where the setting says (loopback by default) and wants the token made for this start. A
client that goes away ends its answer: nobody computes for a closed connection.
"""

import hmac
import json
import select
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty
from typing import Any

from workers.batching import Answer, Batcher, Closed, Full
from workers.failures import UserError

MOST_BYTES = 4 * 2**20
LOOK_EVERY_S = 0.2  # for a client that left while nothing was written
READ_WITHIN_S = 30.0
Read = Callable[[Mapping[str, Any]], Any]  # a body -> Ask; raises UserError


class Door(ThreadingHTTPServer):
    """Serves in threads of its own until `close`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, token: str, batcher: Batcher, read: Read) -> None:
        self.token, self.batcher, self.read = token, batcher, read
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    @property
    def address(self) -> str:
        """Where clients find it; a door open on all addresses is found by this machine's name."""
        host, port = str(self.server_address[0]), self.server_address[1]
        if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not opened
            host = socket.gethostname()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.1,), name="door", daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that broke off is no event worth a traceback."""


class Handler(BaseHTTPRequestHandler):
    server: Door
    protocol_version = "HTTP/1.1"
    timeout = READ_WITHIN_S
    disable_nagle_algorithm = True
    server_version, sys_version = "engine", ""

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are logged by the console, with who asked; here they would only fill the disk."""

    def do_GET(self) -> None:
        if not self._is_known():
            return
        if self.path != "/health":
            self._refuse(404, "not_found", "There is no such address.")
            return
        running, waiting = self.server.batcher.load_of()
        self._answer(200, {"models": self.server.batcher.residents.names, "running": running, "waiting": waiting})

    def do_POST(self) -> None:
        if not self._is_known():
            return
        if self.path != "/generate":
            self._refuse(404, "not_found", "There is no such address.")
            return
        try:
            ask = self.server.read(self._body())
            answer = self.server.batcher.submit(ask)
        except UserError as error:
            self._refuse(400, error.field or "invalid", error.message, hint=error.hint)
        except Full:
            self._refuse(429, "full", "Too many requests wait already.")
        except Closed:
            self._refuse(503, "closed", "This model is not here.")
        else:
            self._stream(answer)

    def _is_known(self) -> bool:
        given = self.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            return True
        self._refuse(401, "unknown", "The token is not this engine's.")
        return False

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            raise UserError("The request is too large.", field="body")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as exc:
            raise UserError("The request is no JSON.", field="body") from exc
        if not isinstance(body, dict):
            raise UserError("The request is no object.", field="body")
        return body

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def _refuse(self, status: int, code: str, message: str, **more: Any) -> None:
        self._answer(status, {"error": {"code": code, "message": message, **more}})

    def _stream(self, answer: Answer) -> None:
        """Every piece as a line, until the end or until the client is gone. The end of the connection ends the body."""
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            is_done = False
            while not is_done:
                try:
                    piece = answer.pieces.get(timeout=LOOK_EVERY_S)
                except Empty:
                    if self._has_left():
                        return
                    continue
                self.wfile.write(json.dumps(piece, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                is_done = bool(piece.get("done"))
        except OSError:
            return  # it left while we wrote
        finally:
            answer.cancel()

    def _has_left(self) -> bool:
        """Whether the other side closed: then there is something to read, and it is nothing."""
        ready, _write, _error = select.select([self.connection], [], [], 0)
        return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)
