"""Keeping processes alive, and stopping all of them."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console import processes
from console.processes import Keeper, Process

SLEEPER = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
LEAVING = """
import signal, sys, time

def leave(*_):
    open("ORDER", "a").write("NAME")
    sys.exit()

signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(processes, "POLL", 0.02)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def program(name: str, code: str, *, stop_wait: float = 5.0, stage: int = 1) -> Process:
    return Process(name, [sys.executable, "-c", code], {}, stop_wait=stop_wait, stage=stage)


def keep(folder: Path, meanwhile: Callable[[], None], *group: Process) -> list[str]:
    """Run the keeper until `meanwhile` is done; what it said."""
    said: list[str] = []

    def then_stop() -> None:
        meanwhile()
        os.kill(os.getpid(), signal.SIGINT)

    Keeper(list(group), log_folder=folder, say=said.append).run(then_stop)
    return said


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_keeper__process_dies__is_started_again_and_told(tmp_path: Path) -> None:
    sleeper = program("sleeper", SLEEPER)
    first: list[int] = []

    def kill_it() -> None:
        assert sleeper.popen is not None
        first.append(sleeper.popen.pid)
        sleeper.popen.kill()
        wait_until(lambda: sleeper.popen is not None and sleeper.popen.pid != first[0])

    said = keep(tmp_path, kill_it, sleeper)
    assert "sleeper ended (-9)" in said[0]
    assert not sleeper.is_alive


def test_keeper__ctrl_c__stops_all_from_the_highest_stage_down(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = LEAVING.replace("ORDER", str(order))
    group = [program(name, code.replace("NAME", name), stage=stage) for stage, name in enumerate("abc")]
    logs = [tmp_path / f"{process.name}.log" for process in group]
    assert keep(tmp_path, lambda: wait_until(lambda: all("up" in log.read_text() for log in logs)), *group) == []
    assert order.read_text() == "cba"


def test_keeper__deaf_process__is_killed_after_its_time(tmp_path: Path) -> None:
    deaf = program("deaf", DEAF, stop_wait=0.3)
    said = keep(tmp_path, lambda: wait_until(lambda: "deaf" in (tmp_path / "deaf.log").read_text()), deaf)
    assert said == ["deaf did not stop in time; killed."]
    assert not deaf.is_alive


def test_keeper__ctrl_c_while_it_waits_for_the_start__stops_at_once(tmp_path: Path) -> None:
    sleeper = program("sleeper", SLEEPER)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    Keeper([sleeper], log_folder=tmp_path, say=lambda text: None).run(lambda: time.sleep(8))
    assert time.monotonic() - began < 5
    assert not sleeper.is_alive


def test_keeper__start_fails__stops_all_and_raises_it(tmp_path: Path) -> None:
    sleeper = program("sleeper", SLEEPER)

    def fail() -> None:
        raise RuntimeError("the web does not answer")

    with pytest.raises(RuntimeError, match="does not answer"):
        Keeper([sleeper], log_folder=tmp_path, say=lambda text: None).run(fail)
    assert not sleeper.is_alive


def test_note_death__again_and_again__waits_longer_up_to_a_limit() -> None:
    process = program("x", "")
    pauses = []
    for _number in range(8):
        process.started_at = time.monotonic()
        process.note_death()
        pauses.append(process.pause)
    assert pauses == [0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]
    process.started_at = time.monotonic() - processes.HEALTHY_AFTER - 1
    process.note_death()
    assert process.pause == 0.2
