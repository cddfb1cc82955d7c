"""The program as a process: its files, its session, its end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from apps.jobs.child import EXIT_INTERRUPTED, Child, end_orphans_of, monotonic

ROOT = Path(__file__).resolve().parent.parent.parent
Start = Callable[..., Child]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the test program with these steps; all are dead at the end."""
    children: list[Child] = []

    def run(*steps: list[Any], epoch: int = 1, first_seq: int = 1, life: float = 60, **env: str) -> Child:
        spec = {
            "program": "tests.jobs.program", "job": "j", "epoch": epoch, "first_seq": first_seq, "folder": str(tmp_path),
            "inputs": {}, "settings": {"steps": steps},
        }  # fmt: skip
        child = Child(folder=tmp_path, spec=spec, root=ROOT, extra_env=env, deadline=monotonic() + life)
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()


def events_until(child: Child, wanted: str, seconds: float = 20) -> list[dict[str, Any]]:
    """All events, once one of this type is among them."""
    seen: list[dict[str, Any]] = []
    until = time.monotonic() + seconds
    while not any(event["type"] == wanted for event in seen):
        assert time.monotonic() < until, (seen, child.log_tail())
        if events := child.read_events():
            child.accepted(events)
            seen += events
        time.sleep(0.02)
    return seen


def fact(events: list[dict[str, Any]], name: str) -> Any:
    return next(event["value"] for event in events if event["type"] == "fact" and event["name"] == name)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_child__runs_through__leaves_events_log_and_zero(start: Start) -> None:
    child = start(["metric", 3])
    events = events_until(child, "result")
    assert child.process.wait(10) == 0
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["value"] for event in events if event["type"] == "metric"] == [1.0, 0.5, 1 / 3]
    assert child.next_seq == len(events) + 1


def test_child__second_attempt__goes_on_counting_in_a_file_of_its_own(start: Start, tmp_path: Path) -> None:
    child = start(["metric", 1], epoch=4, first_seq=77)
    assert events_until(child, "result")[0]["seq"] == 77
    assert (tmp_path / "events-4.jsonl").exists()
    assert json.loads((tmp_path / "spec-4.json").read_text())["supervisor_pid"] == os.getpid()


def test_child__environment__is_only_what_it_needs(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "TUNELOOP_ADMIN_PASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HOME", "/root")
    events = events_until(start(["tell_environment"], CUDA_VISIBLE_DEVICES="3"), "result")
    names = set(fact(events, "environment"))
    assert {"PATH", "HOME", "CUDA_VISIBLE_DEVICES"} <= names
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "TUNELOOP_ADMIN_PASSWORD", "AWS_SECRET_ACCESS_KEY"} & names
    pid, session, parent = fact(events, "session")
    assert (pid, parent) == (session, os.getpid())


def test_read_events__unfinished_line__waits_until_it_is_whole(start: Start, tmp_path: Path) -> None:
    child = start(["sleep", 30])
    events_until(child, "progress")
    with open(child.events_path, "ab") as file:
        file.write(b'{"seq": 2, "type": "x"')
        file.flush()
        assert child.read_events() == []
        file.write(b"}\n")
    assert [event["seq"] for event in child.read_events()] == [2]


def test_read_events__not_accepted__are_read_again(start: Start) -> None:
    child = start(["metric", 5])
    child.process.wait(20)
    first = child.read_events(2)
    assert [event["seq"] for event in first] == [1, 2]
    assert child.read_events(2) == first
    child.accepted(first)
    assert [event["seq"] for event in child.read_events(2)] == [3, 4]


def test_command__in_order__reach_the_program(start: Start) -> None:
    child = start(["answer", 2], ["obey"])
    child.command("message", id="1", text="one", name="a", n=99, command="cancel")
    child.command("message", id="2", text="two")
    events = events_until(child, "reply")
    child.command("stop_and_save")
    events += events_until(child, "result")
    assert [event["text"] for event in events if event["type"] == "reply"] == ["ONE", "TWO"]
    assert fact(events, "stopped") is True


def test_ask_to_leave__obedient_program__is_interrupted(start: Start) -> None:
    child = start(["obey"])
    events_until(child, "progress")
    child.ask_to_leave()
    assert child.process.wait(10) == EXIT_INTERRUPTED
    assert child.read_events()[-1]["type"] == "interrupted"
    child.ask_to_leave()


def test_deadline__passed__ends_the_program_by_itself(start: Start) -> None:
    child = start(["deafen"], life=0.3)
    assert child.process.wait(15) == EXIT_INTERRUPTED


def test_deadline__of_the_last_attempt__does_not_end_this_one(start: Start, tmp_path: Path) -> None:
    (tmp_path / "deadline").write_text("1.0")
    child = start(["sleep", 0.8], ["metric", 1])
    assert child.process.wait(20) == 0


def test_kill__deaf_program_with_children__leaves_nothing(start: Start) -> None:
    child = start(["spawn"], ["spawn", "apart"], ["deafen"])
    events = events_until(child, "log")
    spawned = [event["value"] for event in events if event["type"] == "fact"]
    child.kill()
    assert child.exit_code() == -9
    for pid in spawned:
        wait_until(lambda pid=pid: is_gone(pid))  # type: ignore[misc]
    child.kill()


def test_kill__program_left_its_children_behind__ends_them(start: Start) -> None:
    child = start(["spawn"])
    events = events_until(child, "result")
    assert child.process.wait(10) == 0
    orphan = fact(events, "spawned")
    assert not is_gone(orphan)
    child.kill()
    wait_until(lambda: is_gone(orphan))


def test_kill__number_was_given_to_another__hits_nobody(start: Start) -> None:
    child = start(["metric", 1])
    child.process.wait(20)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        child.process.pid = other.pid  # as if the kernel had used the number again
        child.kill()
        time.sleep(0.1)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_log_tail__much_output__is_its_end(start: Start) -> None:
    child = start(["leave", 5])
    assert child.process.wait(20) == 5
    assert child.log_tail(1) == ["last words"]


def test_end_orphans_of__earlier_attempt__is_killed_and_its_own_spared(start: Start, tmp_path: Path) -> None:
    old, new = start(["spawn"], ["deafen"], epoch=1), start(["deafen"], epoch=2)
    spawned = fact(events_until(old, "log"), "spawned")
    events_until(new, "log")
    assert end_orphans_of(tmp_path, older_than_epoch=2) == 1
    assert is_gone(old.pid)
    assert new.exit_code() is None
    wait_until(lambda: is_gone(spawned))
    assert end_orphans_of(tmp_path, older_than_epoch=2) == 0
    assert end_orphans_of(tmp_path / "elsewhere", older_than_epoch=9) == 0
