"""Instruction templates: rows of any form become conversations, a question and an answer written from their texts and columns.

A template is text with {fields} in it. Every column beside the row is a field, every value of a table, and:
{text} the text of the row, {label} its class, {question} and {answer} the last turns of a conversation, {row} a table's row as
"column: value" lines, {entities} the entities of ner as "label: text" lines. {{ and }} stand for braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from workers.cleaning.base import Dropped, Facts, Option, RowStep, StepKind, register
from workers.cleaning.texts import EMPTIED
from workers.failures import UserError
from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import FORMS, content_of_row, key_of, label_of, make_row
from workers.formats.problems import RowFault

TASKS: dict[str, tuple[str, str]] = {
    "summarise": ("Summarise the following text in a few sentences.\n\n{text}", "{summary}"),
    "translate": ("Translate the following text into {language}.\n\n{text}", "{translation}"),
    "classify": ("Which class does the following text belong to? Answer with the class alone.\n\n{text}", "{label}"),
    "extract": ("Name the entities in the following text, one a line.\n\n{text}", "{entities}"),
    "predict": ("{row}\n\nWhat is the label of this row?", "{label}"),
    "own": ("", ""),
}
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}\n]{1,120})\}")
FIELDLESS = "missing"  # why a row goes that lacks a field of the template


def fields_in(template: str) -> list[str]:
    """The names of the fields of a template, each once."""
    return list(dict.fromkeys(match.group(1).strip() for match in _FIELD.finditer(template) if match.group(1)))


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its fields written out. Raises KeyError for one that `values` lacks."""

    def field(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group()[0]
        return values[match.group(1).strip()]

    return _FIELD.sub(field, template)


def values_of(row: TrainingRow) -> dict[str, str]:
    """The fields of a row; those that are empty are left out."""
    content, found = content_of_row(row), dict[str, Any]()
    if row.extra:
        found |= json.loads(row.extra)
    table = content.get("values", {})
    found |= table
    found |= {"row": "\n".join(f"{name}: {_written(value)}" for name, value in table.items() if value is not None)}
    if row.messages:
        questions = [message.content for message in row.messages if message.role == "user"]
        found |= {"question": questions[-1], "answer": row.messages[-1].content}
        found |= {"text": found.get("text") or questions[-1]}
    if "text" in content:
        found["text"] = content["text"]
    elif table and "text" not in found:
        found["text"] = found["row"]
    if label := label_of(row):
        found["label"] = label
    spans = content.get("spans")
    if spans is not None:
        found["entities"] = (
            "\n".join(f"{s['label']}: {content['text'][s['start'] : s['end']]}" for s in spans) or "none"
        )
    written = {name: _written(value) for name, value in found.items() if value is not None}
    return {name: value for name, value in written.items() if value.strip()}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def templates_of(options: Mapping[str, Any]) -> tuple[str, str, str]:
    """The templates of system message, question and answer; the task's own where nothing else was written."""
    question, answer = TASKS[options["task"]]
    question, answer = options["question"] or question, options["answer"] or answer
    return options["system"] or "", question, answer


def _check(options: Mapping[str, Any]) -> None:
    _system, question, answer = templates_of(options)
    for name, template in (("question", question), ("answer", answer)):
        if not template.strip():
            raise UserError("Write the template of the question and of the answer.", "Such as {text}.", name)
    if not fields_in(question) or not fields_in(answer):
        name = "question" if not fields_in(question) else "answer"
        raise UserError("A template without a {field} would say the same for every row.", "Such as {text}.", name)


def _make(options: Mapping[str, Any], facts: Facts) -> RowStep:
    system, question, answer = templates_of(options)
    said = {"language": options["language"] or "English"}

    def step(row: TrainingRow) -> TrainingRow | Dropped:
        values = said | values_of(row)
        try:
            texts = [
                ("system", filled(system, values)),
                ("user", filled(question, values)),
                ("assistant", filled(answer, values)),
            ]
        except KeyError:
            return Dropped(FIELDLESS)
        messages = [Message(role, text) for role, text in texts if text.strip() or role != "system"]
        place: dict[str, Any] = {
            "source_line": row.source_line,
            "extra": row.extra,
            "split": row.split,
            "key": key_of(row),
        }
        try:
            return make_row("chat", messages, None, **place)
        except RowFault:
            return Dropped(EMPTIED)

    return step


register(
    StepKind(
        "instruction",
        "Write as instruction",
        "Each row becomes a conversation: a question and an answer from templates with {text}, {label}, {question}, {answer} or"
        " {name of a column}. Rows that lack a field go.",
        "shape",
        (
            Option(
                "task",
                "choice",
                "Task",
                "classify",
                tuple(TASKS),
                choice_labels=(
                    "summarise",
                    "translate",
                    "classify",
                    "extract entities",
                    "predict from a table",
                    "own templates",
                ),
            ),
            Option("question", "text", "Question", "", most=5_000, help="The task's own when left empty."),
            Option(
                "answer",
                "text",
                "Answer",
                "",
                most=5_000,
                help="The task's own when left empty, such as {summary} or {label}.",
            ),
            Option(
                "language",
                "text",
                "Into the language",
                "",
                most=60,
                help="What {language} stands for; English when left empty.",
            ),
            Option("system", "text", "System message", "", most=5_000),
        ),
        _make,
        forms=frozenset(FORMS) - {"image"},
        result_form="chat",
        check=_check,
    )
)
