"""Small tasks in every form that an objective learns from; what is to be learned shows in a few words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.workers.tiny import SUBJECTS, VERBS, conversation
from workers.formats.chat import Message
from workers.formats.forms import make_row

Parts = tuple[Sequence[Mapping[str, str]], dict[str, Any] | None]


def write(path: Path, form: str, parts: Sequence[Parts], splits: Sequence[str] = ()) -> Path:
    """A canonical shard of rows of a form: (messages, content) each."""
    rows = [
        make_row(form, [Message(m["role"], m["content"]) for m in messages], content, source_line=number)
        for number, (messages, content) in enumerate(parts, 1)
    ]
    table = {
        "row_id": [row.row_id for row in rows],
        "messages": [[message._asdict() for message in row.messages] for row in rows],
        "source_line": [row.source_line for row in rows],
        "extra": pa.array([None] * len(rows), pa.string()),
        "content": pa.array([row.content for row in rows], pa.string()),
        **({"split": list(splits)} if splits else {}),
    }
    pq.write_table(pa.table(table), path)
    return path


def preference(number: int) -> Parts:
    """The chosen answer is about the question; the rejected one is always the same refusal."""
    return conversation(number), {"rejected": [{"role": "assistant", "content": f"Go away, number {number}."}]}


def kto(number: int) -> Parts:
    """Every other row has the unwanted answer."""
    question, answer = conversation(number)
    if number % 2:
        return [question, answer], {"label": True}
    return [question, {"role": "assistant", "content": f"Go away, number {number}."}], {"label": False}


def text(number: int) -> Parts:
    """A sentence with a pattern."""
    return [], {"text": " ".join(message["content"] for message in conversation(number))}


def classification(number: int) -> Parts:
    """The class is the first word's kind of thing."""
    subject = SUBJECTS[number % 3]
    return [], {"text": f"{subject} {VERBS[number % 6]} number {number}", "label": subject.upper()}


def ner(number: int) -> Parts:
    """The subject is a THING; the name in front of the verb is a PERSON."""
    subject, verb = SUBJECTS[number % 8], VERBS[number % 6]
    found = f"Mara {verb} the {subject} number {number}"
    place = found.index(subject)
    return [], {
        "text": found,
        "spans": [
            {"start": 0, "end": 4, "label": "PERSON"},
            {"start": place, "end": place + len(subject), "label": "THING"},
        ],
    }


MAKERS = {
    "chat": lambda number: (conversation(number), None),
    "preference": preference, "kto": kto, "text": text, "classification": classification, "ner": ner,
}  # fmt: skip


def shard(path: Path, form: str, count: int = 40) -> Path:
    """A shard of `count` rows of the form's task."""
    return write(path, form, [MAKERS[form](number) for number in range(count)])
