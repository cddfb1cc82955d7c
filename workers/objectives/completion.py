"""Learn to continue: the loss is on all of a plain text, or on the answers of a conversation that is written without chat template."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workers import data, tokens
from workers.data import SCHEMA, Example, Rows
from workers.masking import Encoded, Message, labels_of
from workers.objectives.chat import Chat

Span = tuple[int, int]


class Continuations:
    """Texts with an end token behind each; messages are parted by an empty line."""

    schema = SCHEMA
    columns: tuple[str, ...] = ("messages", "content")

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self._end, self._most = str(tokenizer.eos_token), max_length
        self._encode = tokens.masker_for(tokenizer, max_length).encode

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each row, cut at the longest length."""
        texts = [written(row, self._end) for row in rows]
        encoded = self._encode([text for text, _spans in texts])
        return [self._example(one, spans) for one, (_text, spans) in zip(encoded, texts, strict=True)]

    def _example(self, encoded: Encoded, spans: Sequence[Span]) -> Example:
        ids, labels = encoded.ids[: self._most], labels_of(encoded, spans)[: self._most]
        taught = sum(label >= 0 for label in labels[1:])
        return Example({"input_ids": ids, "labels": labels}, len(ids), taught, len(encoded.ids))

    def question(self, row: Mapping[str, Any]) -> list[Message] | None:
        """None: a sample answer would be asked through a chat template, which this model does not learn."""
        return None


def written(row: Mapping[str, Any], end: str) -> tuple[str, list[Span]]:
    """The plain text of a stored row and the characters of it that are taught: all of a text, the answers of a conversation."""
    if not row["messages"]:
        text = str(json.loads(row["content"])["text"]) + end
        return text, [(0, len(text))]
    text, spans = "", list[Span]()
    for role, part in _parts(row["messages"], end):
        if role == "assistant":
            spans.append((len(text), len(text) + len(part)))
        text += part
    return text, spans


def _parts(messages: Sequence[Message], end: str) -> Iterator[tuple[str, str]]:
    for message in messages:
        is_answer = message["role"] == "assistant"
        yield message["role"], message["content"].strip() + (end if is_answer else "")
        yield "between", "" if message is messages[-1] else "\n\n"


class Completion(Chat):
    """Texts, and conversations as prompt and answer."""

    def read_rows(self, processor: Any) -> Rows:
        return data.tokenize(self.context, Continuations(processor, self.recipe.max_length), self.recipe)


TASK = Completion
