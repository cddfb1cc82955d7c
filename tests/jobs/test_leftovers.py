"""Events that a lost attempt wrote and nobody delivered."""

import json
from pathlib import Path

from apps.jobs.child import leftovers


def write(folder: Path, epoch: int, seqs: range, *, torn: str = "") -> None:
    lines = [json.dumps({"seq": seq, "at": 1.0, "type": "progress", "done": seq}) for seq in seqs]
    (folder / f"events-{epoch}.jsonl").write_text("".join(f"{line}\n" for line in lines) + torn)


def left(folder: Path, *, before_epoch: int, after_seq: int) -> list[int]:
    return [event["seq"] for event in leftovers(folder, before_epoch=before_epoch, after_seq=after_seq)]


def test_leftovers__attempt_died_ahead_of_the_database__gives_the_rest(tmp_path: Path) -> None:
    write(tmp_path, 1, range(1, 9))
    assert left(tmp_path, before_epoch=3, after_seq=5) == [6, 7, 8]


def test_leftovers__line_torn_by_the_death__ends_before_it(tmp_path: Path) -> None:
    write(tmp_path, 1, range(1, 5), torn='{"seq": 5, "ty')
    assert left(tmp_path, before_epoch=2, after_seq=3) == [4]


def test_leftovers__unreadable_line__ends_before_it(tmp_path: Path) -> None:
    write(tmp_path, 1, range(1, 5), torn="no event\n")
    assert left(tmp_path, before_epoch=2, after_seq=2) == [3, 4]


def test_leftovers__newer_attempt_went_on__older_file_is_not_touched(tmp_path: Path) -> None:
    write(tmp_path, 1, range(1, 9))
    write(tmp_path, 2, range(6, 8))
    assert left(tmp_path, before_epoch=3, after_seq=7) == []


def test_leftovers__file_that_does_not_follow_on__gives_nothing(tmp_path: Path) -> None:
    write(tmp_path, 1, range(10, 15))
    assert left(tmp_path, before_epoch=2, after_seq=3) == []


def test_leftovers__own_and_newer_files__are_not_older_attempts(tmp_path: Path) -> None:
    write(tmp_path, 4, range(1, 9))
    assert left(tmp_path, before_epoch=4, after_seq=0) == []
