"""Events: one whole JSON line each, numbered without gaps, even when the disk is full."""

import json
import math
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.workers.conftest import read_events
from workers.reporter import QUIET_S, Reporter


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: a full disk that does not disturb anyone else."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_reporter__events__are_numbered_from_first_seq(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "events-2.jsonl", first_seq=41)
    reporter.metric(1, "loss", 2.5)
    reporter.fact("rows", np.int64(7))
    reporter.progress(1, 2, "steps", "Training")
    reporter.close()
    events = read_events(tmp_path / "events-2.jsonl")
    assert [event["seq"] for event in events] == [41, 42, 43]
    assert events[0] | {"at": 0} == {"seq": 41, "at": 0, "type": "metric", "step": 1, "name": "loss", "value": 2.5}
    assert events[1]["value"] == 7
    assert list(tmp_path.iterdir()) == [tmp_path / "events-2.jsonl"]


@pytest.mark.parametrize(("value", "kind"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "inf")])
def test_reporter__value_that_is_no_number__stays_as_null_with_its_kind(
    tmp_path: Path, value: float, kind: str
) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")
    reporter.metric(3, "loss", value)
    reporter.emit("result", result={"deep": [value]})
    reporter.close()
    metric, result = read_events(tmp_path / "events-1.jsonl")
    assert (metric["value"], metric["nonfinite"]) == (None, kind)
    assert result["result"] == {"deep": [None]}


def test_reporter__several_threads__lose_and_mix_nothing(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")

    def talk() -> None:
        for _ in range(200):
            reporter.fact("x", "y" * 50)

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reporter.close()
    assert [event["seq"] for event in read_events(reporter.path)] == list(range(1, 801))


def test_reporter__disk_full_for_a_while__tears_no_line_and_loses_none(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")
    reporter.fact("before", 1)
    with files_at_most(reporter.path.stat().st_size + 30):  # room for a part of the next line only
        for number in range(5):
            reporter.fact("during", number)
        text = reporter.path.read_text()
        assert text.endswith("\n") and len(text.splitlines()) == 1
    reporter.fact("after", 1)
    reporter.close()
    events = read_events(reporter.path)
    assert [event["seq"] for event in events] == list(range(1, 8))
    assert [event["name"] for event in events] == ["before", *["during"] * 5, "after"]


def test_reporter__disk_full_at_the_end__closes_without_raising(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")
    with files_at_most(0):
        reporter.emit("failure", **{"class": "disk_full"})
        reporter.close()
    assert reporter.path.read_text() == ""


def test_reporter__text__is_kept_as_written(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")
    reporter.log("info", "schnüre ⛵\nzwei Zeilen \x1b[31m")
    reporter.close()
    (line,) = reporter.path.read_bytes().splitlines()
    assert json.loads(line)["text"] == "schnüre ⛵\nzwei Zeilen \x1b[31m"


def test_reporter__half_of_a_surrogate_pair__is_replaced_and_the_line_stays_whole(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")
    reporter.emit("sample", answer="so \ud83d")
    reporter.close()
    assert [event["answer"] for event in read_events(reporter.path)] == ["so ?"]


def test_reporter__long_silence_in_slow_work__last_progress_is_said_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Reporter(tmp_path / "events-1.jsonl")
    reporter.still_at_work()  # nothing was begun yet
    reporter.progress(3, 9, "steps", "Training")
    reporter.still_at_work()  # it has just spoken
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + QUIET_S + 1)
    reporter.still_at_work()
    reporter.still_at_work()
    reporter.close()
    assert [(event["type"], event["done"]) for event in read_events(reporter.path)] == [("progress", 3)] * 2
