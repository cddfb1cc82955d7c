"""What every reader yields: one place of a file with the task it speaks of and the answers to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from workers.formats.problems import Problem
from workers.formats.rows import Row


@dataclass(slots=True)
class Found:
    """One record. `fault` says why it cannot be used at all.

    A task is named by `key`, by `number`, by `shown` (fields by their names), by `words` (its text without white space) or by `picture`
    (the name of a file, with or without its ending). `task` is a whole task as Label Studio writes it, of which a new one can be made.
    Each answer is {"result" | "said" | "tokens" | "boxes", "person", "seconds", "created"}: regions of Label Studio; {question: cell};
    [[token, tag]]; or {"width", "height", "boxes": [{"label", "x", "y", "width", "height"}]} where `unit` is "pixel" or "share".
    Label Studio's answers also say what became of them: `is_skipped`, `is_accepted`, `is_gold`, and `is_review` for a reviewer's own.
    Each prediction is {"result", "model", "score"}; the score is a number or None.
    """

    place: str
    key: str = ""
    number: int | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    words: str = ""
    picture: str = ""
    task: dict[str, Any] | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""

    def line(self) -> str:
        """As a line of JSON, for the file that a program leaves."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, ensure_ascii=False) + "\n"


def lines(file: TextIO) -> Iterator[Found]:
    """What was written with `Found.line`."""
    for line in file:
        yield Found(**json.loads(line))


def each_row(rows: Iterable[Row | Problem | None], word: str) -> Iterator[tuple[str, Mapping[str, Any] | None, str]]:
    """(place, values or None, what is wrong) of each row that is not blank."""
    for row in rows:
        if isinstance(row, Problem):
            yield f"{word} {row.line}", None, row.reason
        elif row is not None:
            yield f"{word} {row.line}", row.values, ""


def whole(value: Any) -> int | None:
    """A number of a task, as a number or as the text of a cell."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and 0 < value < 2**31 else None
