"""A whole console as a person starts it: `manage.py up` on a free port with a data folder of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from console.plan import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
EMAIL, PASSWORD = "mara@example.com", "a long pass phrase"


class Console:
    """Started, asked over HTTP, stopped with Ctrl-C; nothing of it is left behind."""

    def __init__(
        self, data: Path, *, database_url: str = "", demo: bool = False, env: dict[str, str] | None = None
    ) -> None:
        self.data, self.port = data, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            "TUNELOOP_DATA": str(data),
            "TUNELOOP_ADMIN_EMAIL": EMAIL,
            "TUNELOOP_ADMIN_PASSWORD": PASSWORD,
            "TUNELOOP_AUTO_PROFILE": "0",
        }
        for name in ("REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "STATIC_FROM_SOURCE"):
            self.env.pop(name, None)
        self.env.update(env or {})
        if database_url:
            self.env["DATABASE_URL"] = database_url
        self.demo = demo
        self._key = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, wait: float = 90) -> None:
        words = ["manage.py", "up", "--port", str(self.port), *([] if self.demo else ["--no-demo"])]
        self.data.mkdir(parents=True, exist_ok=True)
        with open(self.data / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + wait
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.base}/healthz", timeout=2).status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the console did not start:\n{self.logs()}")

    def stop(self) -> None:
        """Ctrl-C; what does not leave within a minute is killed and told as a failure."""
        if self.process is None:
            return
        tree = self.tree()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
        _gone, alive = psutil.wait_procs(tree, timeout=5)
        for process in alive:
            process.kill()
        self.process = None
        assert not alive, f"left behind: {[p.cmdline() for p in alive if p.is_running()]}"

    def tree(self) -> list[psutil.Process]:
        """Every process of this console."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def find(self, *words: str) -> psutil.Process:
        """The process whose command line has all these words; the eldest of several."""
        found = [p for p in self.tree() if all(any(word in part for part in p.cmdline()) for word in words)]
        return min(found, key=lambda p: p.create_time())

    def api_key(self) -> str:
        """The owner's key, made by the command once: every start of it costs two seconds of a processor."""
        self._key = self._key or self._make_api_key()
        return self._key

    def _make_api_key(self) -> str:
        command = [sys.executable, "manage.py", "create_api_key", "--user", EMAIL, "--workspace", "home"]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[-1]

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.api_key()}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60)

    def logs(self) -> str:
        paths = [self.data / "up.log", *sorted((self.data / "log").glob("*.log"))]
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in paths if path.exists()
        )


@contextlib.contextmanager
def running_console(data: Path, **options: Any) -> Iterator[Console]:
    """A console for a test, on PostgreSQL when the suite runs there (then in a database of its own)."""
    with own_database(os.environ.get("DATABASE_URL", "")) as url:
        console = Console(data, database_url=url, **options)
        try:
            console.start()
            yield console
        except BaseException:
            print(console.logs())
            raise
        finally:
            console.stop()


@contextlib.contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """A fresh PostgreSQL database beside the one named; nothing to do for SQLite."""
    if not server_url.startswith("postgres"):
        yield ""
        return
    import psycopg

    name = f"tuneloop_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield server_url.rsplit("/", 1)[0] + f"/{name}"
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
