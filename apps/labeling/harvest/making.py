"""Rows out of tasks and the answers that count."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.labeling.harvest.shapes import Shape
from apps.labeling.models import LabelProject, Task
from apps.labeling.schema.parts import Config, Control
from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import TALKS, content_of_row, key_of, make_row
from workers.formats.stored import Stored, as_row

ANSWER = "answer"  # the TextArea of this name is what the model shall say
_ROW = re.compile(r"row:([0-9]+):[0-9a-f]{16}")
Answers = dict[str, Any]


class Sources:
    """Rows of a version by their places, quickest when asked for in ascending order: a row group is in memory."""

    def __init__(self, version: DatasetVersion) -> None:
        version.require_rows()
        self._stored = Stored(version.shard_paths())
        self._groups: Iterator[tuple[int, pa.Table]] = iter(())
        self._first, self._rows = 0, list[TrainingRow]()

    def at(self, place: int) -> TrainingRow:
        """Raises Problem for a place that is not there."""
        if place < self._first or not self._rows:
            self._groups, self._rows = self._stored.groups(place), []
        while not self._rows or place >= self._first + len(self._rows):
            try:
                self._first, group = next(self._groups)
            except StopIteration:
                raise Problem(_("Row %(place)d is not in the version.") % {"place": place}, field="tasks") from None
            self._rows = [as_row(row) for row in group.to_pylist()]
        return self._rows[place - self._first]


class Maker:
    """Makes the rows of one shape for a project."""

    def __init__(self, project: LabelProject, shape: Shape) -> None:
        self.shape, self.config, self.version = shape, project.config, project.dataset_version
        self._sources = Sources(self.version) if self.version else None
        self._fields = {part.name: part.field for part in self.config.shown}

    def place_of(self, task: Task) -> int | None:
        """The place of the source's row that the task shows."""
        found = _ROW.fullmatch(task.key)
        is_ours = self.version is not None and task.provenance_id == self.version.pk
        return int(found[1]) if found and is_ours else None

    def row(self, task: Task, answers: Answers, number: int) -> TrainingRow:
        """Raises RowFault when nothing could be learned from it, Problem when the task is no row of this form at all."""
        place = self.place_of(task)
        source = self._sources.at(place) if self._sources and place is not None else None
        if not self.shape.is_same:
            return self._by_question(task, source, answers, number)
        if source is None:
            return self._of_data(task, answers, number)
        return self._changed(source, task, answers)

    def _changed(self, source: TrainingRow, task: Task, answers: Answers) -> TrainingRow:
        """The source's row with what was answered; its key and line stay."""
        messages, content, used = list(source.messages), content_of_row(source), set[str]()
        corrected = answers.get(ANSWER)
        if self.shape.form in TALKS and isinstance(corrected, str) and self._is_text(ANSWER):
            messages = [
                *(messages[:-1] if messages and messages[-1].role == "assistant" else messages),
                Message("assistant", corrected),
            ]
            used.add(ANSWER)
        used |= _answered(self.shape, self.config, self._fields, task, answers, messages, content)
        return make_row(
            self.shape.form,
            messages,
            content,
            source_line=source.source_line,
            extra=source.extra if used >= answers.keys() else _extra(json.loads(source.extra or "{}"), answers, used),
            split=source.split,
            key=key_of(source),
        )

    def _is_text(self, name: str) -> bool:
        control = self.config.control(name)
        return control is not None and control.kind == "TextArea"

    def _of_data(self, task: Task, answers: Answers, number: int) -> TrainingRow:
        """A task that came by itself: a conversation, or a text."""
        kept: dict[str, Any] = {"source_line": number, "split": task.split}
        if self.shape.form in ("text", "classification", "ner"):
            content, messages = {"text": str(task.data.get("text") or "")}, list[Message]()
            used = _answered(self.shape, self.config, self._fields, task, answers, messages, content)
            return make_row(self.shape.form, [], content, extra=_extra(task.extra, answers, used), **kept)
        corrected = answers.get(ANSWER) if isinstance(answers.get(ANSWER), str) else None
        turns, given = _turns(task.data), corrected if corrected is not None else str(task.data.get("answer") or "")
        if self.shape.form != "chat" or not turns or not given.strip():
            message = _("Task %(number)d has no conversation that ends with an answer, so it cannot be a row.")
            hint = _("Data needs messages, or prompt and answer; or ask for the answer in a TextArea named “answer”.")
            raise Problem(message % {"number": task.number}, field="data", hint=hint)
        used = {ANSWER} if corrected is not None else set()
        messages = [*turns, Message("assistant", given)]
        return make_row("chat", messages, None, extra=_extra(task.extra, answers, used), **kept)

    def _by_question(self, task: Task, source: TrainingRow | None, answers: Answers, number: int) -> TrainingRow:
        """A row of another form than the source's, by the answer to the shape's question."""
        asked = self.shape.question
        assert asked is not None
        messages, content = list[Message](), dict[str, Any]()
        if self.shape.form == "preference":
            messages, content = self._pair(asked, task, answers)
        else:
            content["text"] = str(task.data.get(self._fields.get(asked.to, "")) or "")
            name, value = (
                ("spans", _spans(answers.get(asked.name)))
                if self.shape.form == "ner"
                else ("label", answers.get(asked.name))
            )
            content[name] = value
        is_same_text = source is not None and content_of_row(source).get("text") == content.get("text")
        return make_row(
            self.shape.form,
            messages,
            content,
            source_line=source.source_line if source else number,
            extra=_extra(task.extra, answers, {asked.name}),
            split=task.split,
            key=key_of(source) if source and is_same_text else "",
        )

    def _pair(self, asked: Control, task: Task, answers: Answers) -> tuple[list[Message], dict[str, Any]]:
        left, right = (str(task.data.get(self._fields.get(name, "")) or "") for name in asked.objects)
        chosen, rejected = (left, right) if answers.get(asked.name) == "left" else (right, left)
        turns = [*_turns(task.data), Message("assistant", chosen)]
        return turns, {"rejected": [{"role": "assistant", "content": rejected}]}


def _answered(
    shape: Shape,
    config: Config,
    fields: dict[str, str],
    task: Task,
    answers: Answers,
    messages: list[Message],
    content: dict[str, Any],
) -> set[str]:
    """Put into messages and content what the form has a place for; the names of the questions that went there."""
    asked, used = shape.question, set[str]()
    if asked is not None and asked.name in answers:
        answer = answers[asked.name]
        if shape.form == "ner":
            content["spans"] = _spans(answer)
        elif shape.form == "preference":
            _prefer(_preferred(asked, fields, task, answer), messages, content)
        else:
            content["label"] = answer == "true" if shape.form == "kto" else answer
        used.add(asked.name)
    if shape.form == "image":
        boxes = [
            control for control in config.controls if control.kind == "RectangleLabels" and control.name in answers
        ]
        if boxes:
            content["boxes"] = [_box(box, content) for control in boxes for box in answers[control.name]]
            used |= {control.name for control in boxes}
    return used


def _preferred(asked: Control, fields: dict[str, str], task: Task, answer: Any) -> str:
    """The text of the answer that was chosen."""
    if asked.kind == "Pairwise":
        return str(task.data.get(fields.get(asked.objects[answer == "right"], "")) or "")
    items = {item["id"]: item.get("body", "") for item in task.data.get(fields.get(asked.to, "")) or ()}
    return str(items.get(answer[0], "")) if answer else ""


def _prefer(chosen: str, messages: list[Message], content: dict[str, Any]) -> None:
    """Let the two answers change places when the rejected one was chosen."""
    rejected = content["rejected"][-1]["content"]
    if chosen == rejected != messages[-1].content:
        content["rejected"][-1] = {"role": "assistant", "content": messages[-1].content}
        messages[-1] = Message("assistant", rejected)


def _spans(marks: Any) -> list[dict[str, Any]]:
    return [
        {"start": mark["start"], "end": mark["end"], "label": label} for mark in marks or () for label in mark["labels"]
    ]


def _box(mark: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    """Percent of the picture as pixels."""
    wide, high = image["width"] / 100, image["height"] / 100
    x, y, width, height = mark["x"] * wide, mark["y"] * high, mark["width"] * wide, mark["height"] * high
    sides = {"x": x, "y": y, "width": width, "height": height}
    return {"label": mark["labels"][0], **{side: round(value, 2) for side, value in sides.items()}}


def _extra(columns: dict[str, Any], answers: Answers, used: set[str]) -> str | None:
    kept = {**columns, **{name: value for name, value in answers.items() if name not in used}}
    return json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":")) if kept else None


def _turns(data: dict[str, Any]) -> list[Message]:
    if data.get("messages"):
        return [Message(turn["role"], turn["content"]) for turn in data["messages"]]
    prompt = str(data.get("prompt") or data.get("text") or "")
    return [Message("user", prompt)] if prompt.strip() else []
