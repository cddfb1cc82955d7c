"""Rows and shards for tests of recipes."""

import json
from pathlib import Path
from typing import Any

from workers.cleaning import Cleaning
from workers.cleaning.base import Facts
from workers.cleaning.engine import Item, Line
from workers.formats.chat import Message, TrainingRow, row_id
from workers.formats.forms import make_row
from workers.formats.shards import ShardWriter
from workers.formats.stored import read_rows


def chat(question: str, answer: str, line: int = 1, split: str = "", **extra: Any) -> TrainingRow:
    messages = [Message("user", question), Message("assistant", answer)]
    return TrainingRow(row_id(messages), messages, line, json.dumps(extra) if extra else None, split)


def table(line: int = 1, *, label: Any = None, **values: Any) -> TrainingRow:
    return make_row("tabular", [], {"values": values, "label": label}, source_line=line)


def shards_of(folder: Path, rows: list[TrainingRow], shard_rows: int = 7) -> list[Path]:
    folder.mkdir()
    writer = ShardWriter(folder, shard_rows=shard_rows)
    for item in rows:
        writer.add(item)
    writer.close()
    return [folder / shard.name for shard in writer.shards]


def made_by(result: dict[str, Any], parent: list[Path], folder: Path) -> list[TrainingRow]:
    """The rows of what a preparation left in `folder`."""
    new = [folder / shard["name"] for shard in result["shards"]]
    kept = parent if result["keeps_parent"] else []
    patch = [folder / result["patch"]["name"]] if result["patch"] else []
    return list(read_rows([*kept, *new, *patch]))


def through(
    steps: list[Any], rows: list[TrainingRow], form: str = "chat", **facts: Any
) -> tuple[list[TrainingRow], Line]:
    """The rows after a recipe, and the line that they went through."""
    line = Line(Cleaning.read(steps), Facts(form=form, **facts))
    line.tally.rows = len(rows)
    items = [Item(place, row) for place, row in enumerate(rows)]
    for number in range(line.rounds):
        items = list(line.run(number, items))
        if number + 1 < line.rounds:
            for count, item in enumerate(items):
                line.table(number).look(item.row, count)
            line.decide(number)
    return [item.row for item in items], line
