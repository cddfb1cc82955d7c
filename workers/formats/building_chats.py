"""From columns to conversations: the builders of the layouts whose rows are talk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from workers.formats.chat import Message, content_of, turns_of
from workers.formats.problems import RowFault
from workers.formats.values import value_at

Built = tuple[list[Message], "dict[str, Any] | None"]
_SPEAKERS = re.compile(r"\n\n(Human|Assistant): ?")
_YES = {"true", "yes", "1", "good", "desirable", "wanted", "chosen", "positive", "up", "like", "是", "好", "正", "喜欢"}
_NO = {
    "false",
    "no",
    "0",
    "bad",
    "undesirable",
    "unwanted",
    "rejected",
    "negative",
    "down",
    "dislike",
    "-1",
    "否",
    "差",
    "负",
    "不喜欢",
}


def chat_messages(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A list of {"role", "content"}."""
    column = columns["messages"]
    return _system(values, columns) + turns_of(value_at(values, column), column, "role", "content"), None


def sharegpt(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A list of {"from", "value"}."""
    column = columns["conversations"]
    return _system(values, columns) + turns_of(value_at(values, column), column, "from", "value"), None


def pair(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A question and its answer."""
    asked, answered = _said(values, columns, "prompt", "user"), _said(values, columns, "completion", "assistant")
    return [*_system(values, columns), asked, answered], None


def alpaca(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """Instruction and input, joined by an empty line, are the question (Taori et al. 2023); `history` holds earlier pairs."""
    question = _joined(_said(values, columns, "instruction", "user"), values, columns)
    earlier = _history(value_at(values, columns["history"])) if "history" in columns else []
    return [*_system(values, columns), *earlier, question, _said(values, columns, "output", "assistant")], None


def preference(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A chosen and a rejected answer to one prompt.

    The prompt is text or a list of turns, each answer text, a turn, or a list of turns. Without a prompt both are whole
    conversations (TRL's "implicit prompt", or Anthropic's text of "Human:" and "Assistant:"); what they share is the prompt.
    """
    system, asked = _system(values, columns), _asked(values, columns)
    chosen, rejected = (_answer(value_at(values, columns[role]), columns[role]) for role in ("chosen", "rejected"))
    shared = _shared(chosen, rejected) if len(chosen) > 1 or not asked else 0
    if asked and chosen[: len(asked)] == asked == rejected[: len(asked)]:
        asked = []
    return [*system, *asked, *chosen], {"rejected": [turn._asdict() for turn in rejected[shared:]]}


def kto_messages(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A conversation, and whether its last answer is wanted."""
    column = columns["messages"]
    return _system(values, columns) + _turns(value_at(values, column), column), _wanted(values, columns)


def kto_pair(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A question (text or turns) and its answer, and whether the answer is wanted."""
    asked = _asked(values, columns)
    answer = _answer(value_at(values, columns["completion"]), columns["completion"])
    return [*_system(values, columns), *asked, *answer], _wanted(values, columns)


def _wanted(values: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    value = value_at(values, columns["label"])
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if word in _YES or word in _NO:
        return {"label": word in _YES}
    raise RowFault("no_label", f"“{columns['label']}” must be true or false; this is “{str(value)[:40]}”.")


def _system(values: Mapping[str, Any], columns: Mapping[str, str]) -> list[Message]:
    value = value_at(values, columns["system"]) if "system" in columns else None
    return [Message("system", content_of(value, "The system message"))] if value not in (None, "") else []


def _said(values: Mapping[str, Any], columns: Mapping[str, str], part: str, role: str) -> Message:
    column = columns[part]
    value = values.get(column)
    if value.__class__ is str:
        return Message(role, value)
    return Message(role, content_of(value_at(values, column), f"“{column}” ({part})"))


def _joined(question: Message, values: Mapping[str, Any], columns: Mapping[str, str]) -> Message:
    given = value_at(values, columns["input"]) if "input" in columns else None
    if given in (None, ""):
        return question
    return Message("user", f"{question.content}\n\n{content_of(given, 'The input')}")


def _history(value: Any) -> list[Message]:
    if value in (None, ""):
        return []
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise RowFault("bad_history", "The history must be a list of [question, answer] pairs.")
    words = ("user", "assistant")
    return [
        Message(role, content_of(text, "A turn of the history"))
        for pair in value
        for role, text in zip(words, pair, strict=True)
    ]


def _asked(values: Mapping[str, Any], columns: Mapping[str, str]) -> list[Message]:
    """What was said before the answers: a question with its input, or turns."""
    if "prompt" not in columns:
        return []
    column = columns["prompt"]
    value = value_at(values, column)
    if is_turns(value):
        return _turns(value, column)
    return [_joined(Message("user", content_of(value, f"“{column}” (prompt)")), values, columns)]


def _answer(value: Any, column: str) -> list[Message]:
    """An answer as turns: of text, of one turn, or of a list of them."""
    if isinstance(value, Mapping):
        return _turns([value], column)
    if is_turns(value):
        return _turns(value, column)
    text = content_of(value, f"“{column}”")
    if text.startswith("\n\nHuman:"):
        parts = _SPEAKERS.split(text)[1:]
        roles = {"Human": "user", "Assistant": "assistant"}
        return [Message(roles[who], said.strip()) for who, said in zip(parts[::2], parts[1::2], strict=True)]
    return [Message("assistant", text)]


def is_turns(value: Any) -> bool:
    """Whether a value is a list of turns, or such a list as JSON text."""
    if isinstance(value, str) and value.lstrip().startswith(("[{", "[ {", "[\n")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, Mapping) and ({"role", "content"} <= first.keys() or {"from", "value"} <= first.keys())


def _turns(value: Any, column: str) -> list[Message]:
    """Turns of either kind: role and content, or from and value."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RowFault("bad_json", f"“{column}” is not a list in JSON.") from None
    first = value[0] if isinstance(value, list) and value else None
    is_shared = isinstance(first, Mapping) and "from" in first
    return turns_of(value, column, *(("from", "value") if is_shared else ("role", "content")))


def _shared(chosen: list[Message], rejected: list[Message]) -> int:
    """How many turns both begin with, the last of either left out."""
    most = min(len(chosen), len(rejected)) - 1
    return next((n for n in range(most) if chosen[n] != rejected[n]), max(most, 0))
