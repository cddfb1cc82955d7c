"""The plain cases of the layouts, for many rows at once: what a row says, without a look at what is odd in it.

Each builder takes the columns of a row and gives `Said`, or None where only `workers.formats.layouts.map_row` can tell: a missing or
empty text, a role in another spelling, a nested answer. So a builder knows no fault, and whatever it gives `map_row` gives too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from workers.formats.chat import ROLE_WORDS
from workers.formats.layouts import ColumnMapping


class Said(NamedTuple):
    """The roles of a row's messages, their texts, and behind these the texts of its content."""

    roles: tuple[str, ...]
    texts: tuple[str, ...]


Values = Mapping[str, Any]
Builder = Callable[[Values], Said | None]
Writer = Callable[[Sequence[str]], str]  # the canonical JSON of a content, from its texts as they stand in JSON


class Bulk(NamedTuple):
    """How a layout's plain rows are built, and how their content is written; None where they have none."""

    build: Builder
    write: Writer | None


class _Odd(Exception):
    """This row is for `map_row`."""


_PAIR = ("user", "assistant")
_WITH_SYSTEM = ("system", "user", "assistant")


def bulk_of(mapping: ColumnMapping) -> Bulk | None:
    """How the plain rows of a mapping are made; None where each row needs `map_row`."""
    make = _LAYOUTS.get(mapping.layout)
    return make(mapping.columns) if make else None


def _pair(columns: Mapping[str, str]) -> Bulk:
    asked, answered, system = columns["prompt"], columns["completion"], columns.get("system")

    def build(values: Values) -> Said | None:
        question, answer = values.get(asked), values.get(answered)
        if question.__class__ is not str or answer.__class__ is not str:
            return None
        return _talk(values, system, question, answer)

    return Bulk(build, None)


def _alpaca(columns: Mapping[str, str]) -> Bulk | None:
    if "history" in columns:
        return None
    asked, answered, system = columns["instruction"], columns["output"], columns.get("system")
    given = columns.get("input")

    def build(values: Values) -> Said | None:
        question, answer = values.get(asked), values.get(answered)
        if question.__class__ is not str or answer.__class__ is not str:
            return None
        try:
            return _talk(values, system, _with_input(question, values, given), answer)
        except _Odd:
            return None

    return Bulk(build, None)


def _talk(values: Values, system: str | None, question: Any, answer: Any) -> Said | None:
    """A question and an answer, with what stands in the column of system messages."""
    if system is None:
        return Said(_PAIR, (question, answer))
    try:
        said = _text_or_none(values, system)
    except _Odd:
        return None
    return Said(_WITH_SYSTEM, (said, question, answer)) if said else Said(_PAIR, (question, answer))


def _with_input(question: Any, values: Values, column: str | None) -> str:
    given = _text_or_none(values, column) if column is not None else None
    return f"{question}\n\n{given}" if given else question


def _text_or_none(values: Values, column: str) -> str | None:
    """The text in a column, None where there is none. Raises _Odd for anything else."""
    if column not in values and "." in column:
        raise _Odd
    value = values.get(column)
    if value is not None and value.__class__ is not str:
        raise _Odd
    return value or None


def _turns(role_key: str, content_key: str, part: str) -> Callable[[Mapping[str, str]], Bulk]:
    def make(columns: Mapping[str, str]) -> Bulk:
        column, system = columns[part], columns.get("system")

        def build(values: Values) -> Said | None:
            try:
                before = _text_or_none(values, system) if system is not None else None
                return _conversation(values.get(column), role_key, content_key, before)
            except (_Odd, KeyError, TypeError):
                return None

        return Bulk(build, None)

    return make


def _conversation(turns: Any, role_key: str, content_key: str, system: str | None) -> Said:
    """The turns of a conversation in good order. Raises _Odd, or KeyError or TypeError for what is no turn."""
    if turns.__class__ is not list or not turns:
        raise _Odd
    roles = tuple([ROLE_WORDS[turn[role_key]] for turn in turns])
    texts = tuple([turn[content_key] for turn in turns])
    if system is not None:
        roles, texts = ("system", *roles), (system, *texts)
    talk = roles[1:] if roles[0] == "system" else roles
    if not talk or talk[0] != "user" or talk[-1] != "assistant" or "system" in talk:
        raise _Odd
    if any(text.__class__ is not str for text in texts):
        raise _Odd
    return Said(roles, texts)


def _text(columns: Mapping[str, str]) -> Bulk:
    column = columns["text"]

    def build(values: Values) -> Said | None:
        text = values.get(column)
        return Said((), (text,)) if text.__class__ is str else None

    return Bulk(build, lambda texts: f'{{"text":"{texts[0]}"}}')


def _classification(columns: Mapping[str, str]) -> Bulk:
    column, classes = columns["text"], columns["label"]

    def build(values: Values) -> Said | None:
        text, label = values.get(column), values.get(classes)
        if text.__class__ is not str or label.__class__ is not str or len(label) > 200:
            return None
        return Said((), (text, label.strip()))

    return Bulk(build, lambda texts: f'{{"label":"{texts[1]}","text":"{texts[0]}"}}')


def _preference(columns: Mapping[str, str]) -> Bulk | None:
    if "prompt" not in columns:
        return None
    asked, chosen, rejected = columns["prompt"], columns["chosen"], columns["rejected"]
    given, system = columns.get("input"), columns.get("system")

    def build(values: Values) -> Said | None:
        question, good, bad = values.get(asked), values.get(chosen), values.get(rejected)
        if not (_is_plain(question) and _is_plain(good) and _is_plain(bad)) or good == bad:
            return None
        try:
            said = _talk(values, system, _with_input(question, values, given), good)
        except _Odd:
            return None
        return Said(said.roles, (*said.texts, str(bad))) if said else None

    return Bulk(build, lambda texts: f'{{"rejected":[{{"content":"{texts[0]}","role":"assistant"}}]}}')


def _is_plain(value: Any) -> bool:
    """Whether a value is a text that cannot be turns in disguise."""
    return value.__class__ is str and not value.startswith("\n\nHuman:") and value.lstrip()[:1] != "["


_LAYOUTS: dict[str, Callable[[Mapping[str, str]], Bulk | None]] = {
    "prompt_completion": _pair,
    "alpaca": _alpaca,
    "messages": _turns("role", "content", "messages"),
    "sharegpt": _turns("from", "value", "conversations"),
    "text": _text,
    "classification": _classification,
    "preference": _preference,
}
