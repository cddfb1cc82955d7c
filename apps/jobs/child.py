"""The program of a job as a process: its own session, its files, its end. No Django, no database."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from apps.jobs import events

ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "HF_HOME",
    "HF_ENDPOINT",
)
_SEQ = re.compile(rb'\{"seq": (\d+),')
EXIT_INTERRUPTED = 75  # saved and left because its supervisor asked it to, or because its deadline passed


class Child:
    """One run of `python -m workers.run spec.json`, alone in its session, with the right to live until `deadline`."""

    def __init__(
        self, *, folder: Path, spec: dict[str, Any], root: Path, extra_env: Mapping[str, str], deadline: float
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.epoch = folder, spec["epoch"]
        self.events_path = folder / f"events-{self.epoch}.jsonl"
        self.next_seq = int(spec["first_seq"])
        self._position = 0
        self._commands = 0
        (folder / "control.jsonl").write_text("")
        spec_path = folder / f"spec-{self.epoch}.json"
        spec_path.touch(mode=0o600)  # it may hold a token
        spec_path.write_text(json.dumps({**spec, "supervisor_pid": os.getpid()}, indent=1))
        self.set_deadline(deadline)  # before the start: the file still holds the last attempt's
        self.process = self._start(spec_path, root, extra_env)

    def _start(self, spec_path: Path, root: Path, extra_env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        env = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | dict(extra_env)
        with open(self.folder / f"log-{self.epoch}.txt", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "workers.run", str(spec_path)],
                cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.poll()

    def set_deadline(self, moment: float) -> None:
        """Let the program live until `moment` (CLOCK_MONOTONIC, seconds). It checks by itself, should we be frozen."""
        temporary = self.folder / ".deadline"
        temporary.write_text(f"{moment:.3f}")
        temporary.replace(self.folder / "deadline")

    def command(self, name: str, /, **payload: Any) -> None:
        self._commands += 1
        line = json.dumps({**payload, "n": self._commands, "command": name})
        with open(self.folder / "control.jsonl", "a", encoding="utf-8") as inbox:
            inbox.write(line + "\n")

    def read_events(self, limit: int = 2000) -> list[dict[str, Any]]:
        """The next whole lines the program wrote; call `accepted` once they are in the database. Raises ValueError."""
        if not self.events_path.exists():
            return []
        with open(self.events_path, "rb") as source:
            source.seek(self._position)
            return list(_whole_events(source, limit))

    def accepted(self, events: list[dict[str, Any]]) -> None:
        self._position = events[-1]["_end"]
        self.next_seq = events[-1]["seq"] + 1

    def ask_to_leave(self) -> None:
        """SIGTERM to the program alone: save and go."""
        if self.exit_code() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the program and all it started, now. Only what is certainly ours is hit: numbers of processes come again."""
        strays: list[psutil.Process] = []
        if self.exit_code() is None:
            with suppress(psutil.NoSuchProcess):
                strays = psutil.Process(self.pid).children(recursive=True)  # also those that left the session
            self.process.kill()
            self.process.wait()
        for _round in range(20):  # what is killed may just have started another one
            members = [*_session_of(self.pid), *(p for p in strays if p.is_running() and not _is_zombie(p))]
            if not members:
                return
            for process in members:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.01)

    def log_tail(self, lines: int = 40) -> list[str]:
        path = self.folder / f"log-{self.epoch}.txt"
        with open(path, "rb") as log:
            log.seek(max(0, path.stat().st_size - 16_000))
            return log.read().decode("utf-8", "replace").splitlines()[-lines:]


def _whole_events(source: IO[bytes], limit: int) -> Iterator[dict[str, Any]]:
    """Parse complete lines; the unfinished last one waits. Each event gets `_end`, its place in the file."""
    for _number in range(limit):
        line = source.readline()
        if not line.endswith(b"\n"):
            return
        yield {**events.read(line), "_end": source.tell()}


def leftovers(folder: Path, *, before_epoch: int, after_seq: int) -> Iterator[dict[str, Any]]:
    """Events after `after_seq` that the newest attempt before `before_epoch` left in its file, without a gap.

    Ends at the first line that cannot be read: the program may have died while it wrote.
    """
    files = {path.stem.removeprefix("events-"): path for path in folder.glob("events-*.jsonl")}
    older = [int(epoch) for epoch in files if epoch.isdigit() and int(epoch) < before_epoch]
    if not older:
        return
    with open(files[str(max(older))], "rb") as source:
        for line in source:
            known = _SEQ.match(line)
            if known and int(known[1]) <= after_seq:
                continue  # a long file is mostly this
            try:
                event = events.read(line)
            except ValueError:
                return
            if not line.endswith(b"\n") or event["seq"] > after_seq + 1:
                return
            if event["seq"] == after_seq + 1:
                after_seq += 1
                yield event


def _session_of(leader: int) -> list[psutil.Process]:
    """Processes that the dead `leader` left in its session, wherever they hang in the tree.

    While one of them lives the kernel gives the number to nobody else; so if the number itself is alive, it is another's.
    """
    members = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(pid) == leader and not _is_zombie(process := psutil.Process(pid)):
                members.append(process)
    return [] if any(process.pid == leader for process in members) else members


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def end_orphans_of(folder: Path, *, older_than_epoch: int, wait: float = 5.0) -> int:
    """Kill programs of earlier attempts that still work in this folder (only their spec path can name it). How many."""
    found = 0
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if "workers.run" not in words or not words[-1].startswith(f"{folder}{os.sep}spec-"):
            continue
        epoch = Path(words[-1]).stem.removeprefix("spec-")
        if epoch.isdigit() and int(epoch) < older_than_epoch:
            with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                process.kill()
                process.wait(wait)
            for member in _session_of(process.pid):
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            found += 1
    return found


def monotonic() -> float:
    """CLOCK_MONOTONIC, the clock shared with the program."""
    return time.monotonic()
