"""The runner as a process: its last event, its exit code, and that it never outlives its right to run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import read_events, run_program
from workers.context import Context, Spec, Wish
from workers.lifeline import read_deadline
from workers.reporter import Reporter

ROOT = Path(__file__).resolve().parents[2]
SUPERVISOR = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "workers.run", sys.argv[1]], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


class Started:
    """A program in its own process."""

    def __init__(self, folder: Path, **spec: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.spec = folder, folder / "spec-1.json"
        self.spec.write_text(json.dumps({"program": "tests.workers.programs", "settings": {"act": "sleep"}, **spec}))
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "Started":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workers.run", str(self.spec)],
            cwd=ROOT,
            start_new_session=True,
            text=True,
            stderr=subprocess.PIPE,
        )
        return self

    def events(self) -> list[dict[str, Any]]:
        path = self.folder / "events-1.jsonl"
        return read_events(path) if path.exists() else []

    def is_awake(self) -> bool:
        return any(event["type"] == "fact" for event in self.events())

    def command(self, name: str, **payload: Any) -> None:
        with (self.folder / "control.jsonl").open("a") as inbox:
            inbox.write(json.dumps({"n": 1, "command": name, **payload}) + "\n")


def until(condition: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def is_alive(pid: int) -> bool:
    """Alive and no zombie (there may be no init that reaps orphans here)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    all_started: list[Started] = []

    def start(**spec: Any) -> Started:
        all_started.append(Started(tmp_path / "job", **spec))
        return all_started[-1]

    yield start
    for program in all_started:
        if program.process is not None and program.process.poll() is None:
            program.process.kill()
            program.process.wait()


def sleeping(started: Callable[..., Started], **spec: Any) -> Started:
    program = started(**spec).start()
    assert until(program.is_awake)
    return program


def wait(program: Started) -> int:
    assert program.process is not None
    return program.process.wait(15)


def test_run__by_hand__prints_where_its_events_are_and_ends_with_a_result(started: Callable[..., Started]) -> None:
    program = started(settings={"act": "greet"}).start()
    assert program.process is not None
    _out, said = program.process.communicate(timeout=15)
    assert program.process.returncode == 0
    assert f"events: {program.folder / 'events-1.jsonl'}" in said
    assert program.events()[-1]["result"] == {"act": "greet"}
    assert program.events()[-1]["seq"] == 1


def test_run__no_spec__says_how_to_call_it() -> None:
    done = subprocess.run([sys.executable, "-m", "workers.run"], cwd=ROOT, capture_output=True, text=True, timeout=15)
    assert done.returncode == 64 and "usage:" in done.stderr


@pytest.mark.parametrize(
    ("act", "code", "failure_class"),
    [("refuse", 2, "user_error"), ("disk_full", 3, "disk_full"), ("crash", 3, "crashed")],
)
def test_run__program_that_fails__leaves_class_hint_and_exit_code(
    tmp_path: Path, act: str, code: int, failure_class: str
) -> None:
    outcome = run_program(Spec("tests.workers.programs", tmp_path, settings={"act": act}))
    assert (outcome.code, outcome.failure["class"]) == (code, failure_class)
    assert outcome.failure["hint"]
    assert outcome.events[-1] is outcome.failure
    assert (outcome.failure.get("field") == "number") == (act == "refuse")
    assert bool(outcome.of("log")) == (act != "refuse")


def test_run__unknown_program__is_a_failure_and_no_traceback_only(tmp_path: Path) -> None:
    outcome = run_program(Spec("no_such_program", tmp_path))
    assert (outcome.code, outcome.failure["class"]) == (3, "crashed")


def test_run__sigterm__is_reported_as_interrupted(started: Callable[..., Started]) -> None:
    program = sleeping(started)
    assert program.process is not None
    program.process.send_signal(signal.SIGTERM)
    assert wait(program) == 75
    assert (program.events()[-1]["type"], program.events()[-1]["reason"]) == ("interrupted", "leave")


def test_run__commands__are_obeyed(started: Callable[..., Started], tmp_path: Path) -> None:
    program = sleeping(started)
    program.command("stop_and_save")
    assert wait(program) == 0
    assert program.events()[-1]["result"] == {"stopped": True}


def test_run__cancel__ends_as_interrupted(started: Callable[..., Started]) -> None:
    program = sleeping(started)
    program.command("cancel")
    assert wait(program) == 75
    assert program.events()[-1]["reason"] == "cancel"


def test_lifeline__deadline_passes__process_ends_by_itself(started: Callable[..., Started]) -> None:
    program = started()
    (program.folder / "deadline").write_text(f"{time.monotonic() + 1.5:.3f}")
    began = time.monotonic()
    assert wait(program.start()) == 75
    assert 1.0 < time.monotonic() - began < 4


def test_lifeline__deadline_moved_on__process_lives(started: Callable[..., Started]) -> None:
    program = started()
    (program.folder / "deadline").write_text(f"{time.monotonic() + 2:.3f}")
    program.start()
    until(program.is_awake)
    (program.folder / "deadline").write_text(f"{time.monotonic() + 60:.3f}")
    time.sleep(2.5)
    assert program.process is not None and program.process.poll() is None


@pytest.mark.parametrize("act", ["sleep", "sleep unwatched", "sleep untied"])
def test_lifeline__supervisor_killed__program_is_gone_within_a_second(
    started: Callable[..., Started], act: str
) -> None:
    supervisor, pid = supervised(started(settings={"act": act}))
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(5)
    assert until(lambda: not is_alive(pid), 1.5)


def test_lifeline__supervisor_frozen__program_ends_at_its_deadline(started: Callable[..., Started]) -> None:
    program = started()
    supervisor, pid = supervised(program)
    try:
        os.kill(supervisor.pid, signal.SIGSTOP)
        (program.folder / "deadline").write_text(f"{time.monotonic() + 1:.3f}")
        assert until(lambda: not is_alive(pid), 4.0)
    finally:
        supervisor.kill()
        supervisor.wait(5)


def test_lifeline__supervisor_already_gone__program_never_begins(started: Callable[..., Started]) -> None:
    program = started(supervisor_pid=1)
    assert wait(program.start()) == 75
    assert program.events() == []


def supervised(program: Started) -> tuple[subprocess.Popen[str], int]:
    """The program as the child of a process that does nothing but live."""
    script = f"import os, json; path = {str(program.spec)!r}; spec = json.load(open(path)); spec['supervisor_pid'] = os.getpid()\n"
    script += "json.dump(spec, open(path, 'w'))\n" + SUPERVISOR
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script, str(program.spec)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    assert until(program.is_awake)
    return supervisor, pid


def test_deadline__missing_or_garbled__is_none(tmp_path: Path) -> None:
    assert read_deadline(tmp_path / "deadline") is None
    (tmp_path / "deadline").write_text("soon")
    assert read_deadline(tmp_path / "deadline") is None


def test_context__half_written_command__waits_for_its_end(tmp_path: Path) -> None:
    context = Context(Spec("x", tmp_path), Reporter(tmp_path / "events-1.jsonl"))
    inbox = tmp_path / "control.jsonl"
    inbox.write_text('{"n": 1, "command": "message", "id": "a"}\n{"n": 2, "comm')
    assert [message["id"] for message in context.take_messages()] == ["a"]
    time.sleep(0.25)
    with inbox.open("a") as more:
        more.write('and": "stop_and_save"}\n')
    assert until(lambda: context.should_stop() == Wish.STOP_AND_SAVE, 2)
    context.ask(Wish.CANCEL)
    context.ask(Wish.LEAVE)
    assert context.should_stop() == Wish.CANCEL
