"""A row for each answer: CSV and TSV for spreadsheets, Parquet for programs.

Columns: what the task shows, the questions by their names, who said it and when. Spans, boxes and what else is a list of objects
stands as JSON. Columns of the data that the config does not show are kept together, as JSON, in the column `data`.
"""

import json
from collections.abc import Callable, Iterator
from io import IOBase
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apps.core.sheets import line
from apps.labeling.exchange.records import Answer, Answered
from apps.labeling.exchange.studio import flat
from apps.labeling.schema.label_config import Config

HEAD = ("task", "key", "split")
TAIL = ("annotator", "annotation_id", "accepted", "lead_time", "created_at")
_GROUP = 5000  # rows of one row group
_NUMBERS = ("Rating", "Number")


class Columns:
    """The columns of a config, and the cells of an answer. A question whose name is taken already is called `answer_<name>`."""

    def __init__(self, config: Config) -> None:
        self.shown = [field for field in config.fields if field not in (*HEAD, *TAIL)]
        taken = {*HEAD, *TAIL, *self.shown, "data"}
        questions = [control for control in config.controls if control.name]
        self.questions = {c.name: f"answer_{c.name}" if c.name in taken else c.name for c in questions}
        self.numbers = {self.questions[c.name] for c in questions if c.kind in _NUMBERS}

    @property
    def names(self) -> list[str]:
        return [*HEAD, *self.shown, "data", *self.questions.values(), *TAIL]

    def row(self, task: Answered, answer: Answer) -> list[Any]:
        """The cells: numbers and texts; None for a question without an answer."""
        said = flat(answer)
        rest = {name: value for name, value in task.data.items() if name not in self.shown}
        return [
            *(task.number, task.key, task.split),
            *(_cell(task.data.get(field)) for field in self.shown),
            _cell(rest),
            *(_cell(said.get(name)) for name in self.questions),
            *(answer.person, answer.id, answer.is_accepted, answer.lead_time, answer.created_at.isoformat()),
        ]


def _cell(value: Any) -> Any:
    is_plain = value is None or isinstance(value, str | int | float)
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def as_text(tasks: Iterator[Answered], config: Config, separator: str) -> Iterator[str]:
    """CSV or TSV, line by line; text that a spreadsheet would run as a formula is quoted by an apostrophe."""
    columns = Columns(config)
    yield line(columns.names, separator)
    for task in tasks:
        for answer in task.answers:
            cells = columns.row(task, answer)
            yield line(
                ["" if cell is None else "yes" if cell is True else "" if cell is False else cell for cell in cells],
                separator,
            )


def write_parquet(tasks: Iterator[Answered], config: Config, target: IOBase) -> Iterator[None]:
    """Write a Parquet file, a row group at a time; yields after each."""
    columns = Columns(config)
    schema = pa.schema([pa.field(name, _type(name, columns)) for name in columns.names])
    with pq.ParquetWriter(pa.PythonFile(target, mode="w"), schema, compression="zstd") as writer:
        for rows in _groups(columns, tasks):
            cells = [
                [_as(schema.field(place).type)(cell) for cell in column]
                for place, column in enumerate(zip(*rows, strict=True))
            ]
            writer.write_table(
                pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(cells, schema, strict=True)], schema=schema)
            )
            yield


def _groups(columns: Columns, tasks: Iterator[Answered]) -> Iterator[list[list[Any]]]:
    rows: list[list[Any]] = []
    for task in tasks:
        rows += [columns.row(task, answer) for answer in task.answers]
        if len(rows) >= _GROUP:
            yield rows
            rows = []
    if rows:
        yield rows


def _type(name: str, columns: Columns) -> Any:
    if name == "task":
        return pa.int64()
    if name == "accepted":
        return pa.bool_()
    return pa.float64() if name == "lead_time" or name in columns.numbers else pa.string()


def _as(type: Any) -> Callable[[Any], Any]:
    """Text columns hold text only, whatever the data of a task holds."""
    return (lambda cell: None if cell is None else str(cell)) if type == pa.string() else (lambda cell: cell)
