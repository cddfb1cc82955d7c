"""A small Label Studio in this process: the answers of 1.23.2 to what the console asks, kept in lists, with faults on demand.

Like the real one it checks nothing that is put in, takes the same tasks twice, and stamps a task at every change of its answers.
"""

import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLOCK = "%Y-%m-%dT%H:%M:%S.%fZ"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


class FakeStudio:
    """`faults`: functions (method, path) -> status to answer with (0 breaks the connection), None to let it pass; asked in order."""

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.answers: dict[int, dict[str, Any]] = {}
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.people = {1: "ls@example.com", 2: "anton@example.com", 3: "far@example.org"}
        self.asked: list[str] = []
        self.before: list[Callable[[str, str], int | None]] = []
        self.after: list[Callable[[str, str], int | None]] = []
        self.release: str | None = "1.23.2"
        self._ticks = 0
        self.lock = threading.RLock()
        fake = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, said = fake.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
                if status == 0:
                    self.close_connection = True
                    return
                told = json.dumps(said).encode() if status != 204 else b""
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "http://169.254.169.254/")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = do_PATCH = do_DELETE = _do

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # ---- what people do there

    def says(self, task: int, result: Any, *, person: int = 3, **values: Any) -> int:
        """Somebody answers a task. The id of the answer."""
        with self.lock:
            number = len(self.answers) + 1
            now = self.tick(task)
            self.answers[number] = {
                "id": number, "task": task, "result": result, "completed_by": person, "lead_time": 3.0,
                "was_cancelled": False, "updated_at": now, "created_at": now, **values,
            }  # fmt: skip
            return number

    def changes(self, answer: int, result: Any) -> None:
        with self.lock:
            self.answers[answer] |= {"result": result, "updated_at": self.tick(self.answers[answer]["task"])}

    def deletes(self, answer: int) -> None:
        with self.lock:
            self.tick(self.answers.pop(answer)["task"])

    def tick(self, task: int | None = None) -> str:
        """The next moment of the server's clock, at which this task changed."""
        self._ticks += 1
        now = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self._ticks)).strftime(CLOCK)
        if task is not None:
            self.tasks[task]["updated_at"] = now
        return now

    # ---- the doors

    def answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any]:
        parts = urlsplit(path)
        with self.lock:
            self.asked.append(f"{method} {parts.path}")
            for faults in (self.before, self.after):
                fault = faults[0](method, parts.path) if faults else None
                if fault is not None:
                    faults.pop(0)
                    if faults is self.after:
                        self._route(method, parts.path, parse_qs(parts.query), body)
                    return fault, {"detail": "a fault"}
            if parts.path != "/api/version" and parts.path != "/api/version/" and token != f"Token {TOKEN}":
                return 401, {"detail": "Invalid token."}
            return self._route(method, parts.path, parse_qs(parts.query), body)

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        for way, pattern, door in self._doors():
            found = re.fullmatch(pattern, path)
            if found and way == method:
                said: tuple[int, Any] = door(*map(int, found.groups()), query=query, body=body)
                return said
        return 404, {"detail": "Not found."}

    def _doors(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        return [
            ("GET", "/api/version/?", lambda **_: (200, {"release": self.release, "edition": "Community"})),
            ("GET", "/api/current-user/whoami", lambda **_: (200, {"id": 1, "email": self.people[1]})),
            ("GET", "/api/users/", lambda **_: (200, [{"id": k, "email": v} for k, v in self.people.items()])),
            ("GET", "/api/projects/", self._list_projects),
            ("POST", "/api/projects/", self._make_project),
            ("GET", r"/api/projects/(\d+)/", lambda n, **_: self._one(self.projects, n)),
            ("POST", r"/api/projects/(\d+)/import", self._import),
            ("GET", "/api/tasks/", self._list_tasks),
            ("GET", r"/api/annotations/(\d+)/", lambda n, **_: self._one(self.answers, n)),
            ("PATCH", r"/api/annotations/(\d+)/", self._patch),
            ("POST", "/api/webhooks/", self._make_webhook),
            ("DELETE", r"/api/webhooks/(\d+)/", lambda n, **_: (204, self.webhooks.pop(n, None))),
        ]

    def _one(self, rows: dict[int, Any], number: int) -> tuple[int, Any]:
        return (200, rows[number]) if number in rows else (404, {"detail": "Not found."})

    def _list_projects(self, *, query: dict[str, list[str]], **_: Any) -> tuple[int, Any]:
        rows = list(self.projects.values()) if query.get("page", ["1"]) == ["1"] else []
        return 200, {"count": len(self.projects), "next": None, "previous": None, "results": rows}

    def _make_project(self, *, body: Any, **_: Any) -> tuple[int, Any]:
        number = len(self.projects) + 1
        self.projects[number] = {"id": number, **body}
        return 201, self.projects[number]

    def _import(self, project: int, *, body: Any, **_: Any) -> tuple[int, Any]:
        for item in body:
            number = len(self.tasks) + 1
            self.tasks[number] = {"id": number, "project": project, **item}
            self.tick(number)
        return 201, {"task_count": len(body), "annotation_count": 0, "prediction_count": 0, "duration": 0.1}

    def _list_tasks(self, *, query: dict[str, list[str]], **_: Any) -> tuple[int, Any]:
        project, size, page = (int(query[name][0]) for name in ("project", "page_size", "page"))
        if project not in self.projects:
            return 404, {"detail": "Not found."}
        asked = json.loads(query["query"][0])
        rows = [self._with_answers(task) for task in self.tasks.values() if task["project"] == project]
        for item in asked["filters"]["items"]:
            name, value = item["filter"].rpartition(":")[2], item["value"]
            if item["type"] == "Datetime" and not re.fullmatch(r"[\d-]+T[\d:]+\.\d{6}Z", value):
                return 500, {"detail": "time data does not match format"}
            compare = {
                "greater": lambda a, b: a > b,
                "equal": lambda a, b: a == b,
                "greater_or_equal": lambda a, b: a >= b,
            }
            rows = [row for row in rows if compare[item["operator"]](row[name], value)]
        order = asked["ordering"][0]
        rows.sort(key=lambda row: row[order.lstrip("-").partition(":")[2]], reverse=order.startswith("-"))
        rows = rows[(page - 1) * size : page * size]
        if page > 1 and not rows:
            return 404, {"detail": "Invalid page."}
        if "include" in query:
            rows = [{name: row.get(name) for name in query["include"][0].split(",")} for row in rows]
        return 200, {"total": len(rows), "total_annotations": 0, "total_predictions": 0, "tasks": rows}

    def _with_answers(self, task: dict[str, Any]) -> dict[str, Any]:
        answers = [answer for answer in self.answers.values() if answer["task"] == task["id"]]
        return {**task, "annotations": answers, "total_annotations": len(answers)}

    def _patch(self, number: int, *, body: Any, **_: Any) -> tuple[int, Any]:
        if number not in self.answers:
            return 404, {"detail": "Not found."}
        self.changes(number, body["result"])
        return 200, self.answers[number]

    def _make_webhook(self, *, body: Any, **_: Any) -> tuple[int, Any]:
        number = len(self.webhooks) + 1
        self.webhooks[number] = {"id": number, **body}
        return 201, self.webhooks[number]


def once(path: str, status: int, method: str = "POST") -> Callable[[str, str], int | None]:
    """A fault at the first call of this door."""
    return lambda way, asked: status if way == method and asked.startswith(path) else None
