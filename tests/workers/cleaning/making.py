"""Rows and steps for tests of steps."""

from pathlib import Path
from typing import Any

from workers.cleaning.base import Dropped, Facts, RowStep, read_steps
from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import make_row, texts_of


def chat(question: str, answer: str = "Yes.", *, system: str = "", extra: str | None = None) -> TrainingRow:
    turns = [Message("system", system)] if system else []
    turns += [Message("user", question), Message("assistant", answer)]
    return make_row("chat", turns, None, source_line=1, extra=extra)


def row_of(form: str, content: dict[str, Any], extra: str | None = None) -> TrainingRow:
    return make_row(form, [], content, source_line=1, extra=extra)


def made(
    name: str, *, form: str = "chat", key: bytes | None = None, model_dir: Path | None = None, **options: Any
) -> RowStep:
    [(kind, checked)] = read_steps([{"step": name, **options}])
    step = kind.make(checked, Facts(form=form, workspace_key=key, model_dir=model_dir))
    assert callable(step)
    return step


def texts_after(step: RowStep, row: TrainingRow) -> list[str]:
    after = step(row)
    assert not isinstance(after, Dropped), after
    return texts_of(after)


def is_dropped(step: RowStep, row: TrainingRow, reason: str = "") -> bool:
    after = step(row)
    return isinstance(after, Dropped) and after.reason == reason
