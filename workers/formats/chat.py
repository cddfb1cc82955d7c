"""One training row: a conversation whose last turn is the assistant's, checked and with its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring as quoted  # a JSON string as json.dumps(ensure_ascii=False) writes it
from typing import Any, NamedTuple

from workers.formats.problems import RowFault
from workers.formats.values import check_storable, kind_of

ROLES = ("system", "user", "assistant")
SPLITS = ("train", "validation", "test")
ROLE_WORDS = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "customer": "user", "client": "user", "question": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatbot": "assistant",
    "agent": "assistant", "answer": "assistant", "chatgpt": "assistant", "ai": "assistant",
}  # fmt: skip


class Message(NamedTuple):
    """One turn. `role` is one of ROLES."""

    role: str
    content: str


class TrainingRow(NamedTuple):
    """A row as it is stored. `extra` is the JSON of the columns that were not mapped, or None; `split` is one of SPLITS, or "".

    `content` is what it holds besides its messages, and `key` what stays the same when it is edited ("": of its id); see `forms`.
    """

    row_id: str
    messages: list[Message]
    source_line: int
    extra: str | None
    split: str = ""
    content: str | None = None
    key: str = ""


def row_id(messages: Sequence[Message]) -> str:
    """Identity of a row: sha256 (hex) of the canonical JSON of its messages.

    Canonical: a list of {"content", "role"} with sorted keys, no spaces, UTF-8 unescaped. Columns that were not mapped do
    not count, so the same conversation has the same identity from CSV, JSON and Parquet.
    """
    turns = ",".join([f'{{"content":{quoted(content)},"role":"{role}"}}' for role, content in messages])
    return hashlib.sha256(f"[{turns}]".encode()).hexdigest()


def content_of(value: Any, where: str) -> str:
    """The text of one turn. Accepts a string, or OpenAI's list of {"type": "text"} parts. Raises RowFault."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(part, Mapping) and part.get("type") == "text" for part in value)
    ):
        value = "".join(str(part.get("text", "")) for part in value)
    if value is None:
        raise RowFault("missing_text", f"{where} is missing.")
    if not isinstance(value, str):
        raise RowFault("not_text", f"{where} must be text; this is {kind_of(value)}.")
    return value


def turns_of(value: Any, column: str, role_key: str, content_key: str) -> list[Message]:
    """The messages in a list of {role_key, content_key}, or in such a list written as JSON text. Raises RowFault."""
    turns = _listed(value, column)
    messages = []
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, Mapping):
            raise RowFault("bad_turn", f"Turn {number} of “{column}” must be an object; this is {kind_of(turn)}.")
        if role_key not in turn or content_key not in turn:
            raise RowFault(
                "bad_turn", f"Turn {number} of “{column}” has no “{role_key if role_key not in turn else content_key}”."
            )
        role = _role(turn[role_key], number)
        messages.append(Message(role, content_of(turn[content_key], f"The text of turn {number}")))
    return messages


def _listed(value: Any, column: str) -> list[Any]:
    if isinstance(value, str) and value.lstrip()[:1] == "[":  # a cell of CSV
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RowFault("bad_json", f"“{column}” is not a list in JSON.") from None
    if value is None or value == "":
        raise RowFault("missing_text", f"“{column}” is missing.")
    if not isinstance(value, list):
        raise RowFault("not_a_list", f"“{column}” must be a list of turns; this is {kind_of(value)}.")
    return value


def _role(word: Any, number: int) -> str:
    role = ROLE_WORDS.get(word.strip().lower()) if isinstance(word, str) else None
    if role is None:
        shown = word[:40] if isinstance(word, str) else kind_of(word)
        raise RowFault("unknown_role", f"Turn {number} has the role “{shown}”; known are system, user and assistant.")
    return role


def checked(messages: Sequence[Message]) -> list[Message]:
    """The conversation without empty system turns. Raises RowFault when a model could not learn from it."""
    kept = [message for message in messages if message.role != "system" or message.content.strip()]
    talk = [message for message in kept if message.role != "system"]
    if not talk:
        raise RowFault("empty_conversation", "The conversation has no turns.")
    if any(message.role == "system" for message in kept[1:]):
        raise RowFault("late_system", "A system message may only come first.")
    for message in talk:
        if not message.content.strip():
            code = "empty_answer" if message.role == "assistant" else "empty_question"
            raise RowFault(
                code, "An assistant's answer is empty." if message.role == "assistant" else "A user's message is empty."
            )
    if talk[-1].role != "assistant":
        raise RowFault("no_answer", "The last turn must be the assistant's: there is no answer to learn.")
    if talk[0].role != "user":
        raise RowFault("no_question", "The first turn must be the user's.")
    for message in kept:
        if not message.content.isascii() or "\0" in message.content:
            check_storable(message.content)
    return kept
