"""Answers that are compared: a prompt's tokens and those of each answer, by the rules of `workers.masking`. No torch."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from workers.data import Example, question_of
from workers.masking import IGNORED, MaskedRow, Masker, Message

IDS = pa.list_(pa.int32())


def conversations_of(row: Mapping[str, Any]) -> tuple[list[Message], list[Message]]:
    """The chosen and the rejected conversation of a stored preference row, from the first message on.

    A single rejected turn stands for the last one of the messages. Several stand for as many at the end of the messages, or for
    the nearest place before which the roles go on in turn.
    """
    chosen, rejected = list(row["messages"]), list(json.loads(row["content"])["rejected"])
    return chosen, [*chosen[: _parting(chosen, rejected)], *rejected]


def _parting(chosen: Sequence[Message], rejected: Sequence[Message]) -> int:
    """How many messages the two share."""
    first = rejected[0]["role"]
    fitting = [place for place in range(len(chosen)) if chosen[place]["role"] == first]
    wanted = max(len(chosen) - len(rejected), 0)
    return min(fitting, key=lambda place: abs(place - wanted), default=wanted)


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences share at their start."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class Pairs:
    """A row of prompt, chosen and rejected answer. Answers begin behind the same prompt."""

    schema = pa.schema([("prompt_ids", IDS), ("chosen_ids", IDS), ("rejected_ids", IDS)])
    columns: tuple[str, ...] = ("messages", "content")

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each pair; nothing is taught where a cut leaves no difference."""
        both = [conversations_of(row) for row in rows]
        chosen = self._masker.mask([pair[0] for pair in both])
        rejected = self._masker.mask([pair[1] for pair in both])
        return [self._example(*pair) for pair in zip(chosen, rejected, strict=True)]

    def _example(self, chosen: MaskedRow, rejected: MaskedRow) -> Example:
        shared = common_length(chosen.input_ids, rejected.input_ids)
        places = [place for place, label in enumerate(chosen.labels) if label != IGNORED]
        opening = [p for p in places if p <= shared and (p == 0 or chosen.labels[p - 1] == IGNORED)]
        start = opening[-1] if opening else shared
        good, bad = chosen.input_ids[start:], rejected.input_ids[start:]
        values = {"prompt_ids": chosen.input_ids[:start], "chosen_ids": good, "rejected_ids": bad}
        lengths = len(chosen.input_ids) + len(rejected.input_ids), chosen.full_length + rejected.full_length
        taught = len(good) + len(bad) if start and good and bad and good != bad else 0
        return Example(values, lengths[0], taught, lengths[1])

    def question(self, row: Mapping[str, Any]) -> list[Message] | None:
        """Up to the question before the chosen answer."""
        return question_of(row["messages"])


class WholePairs(Pairs):
    """Both conversations from their first token on, for a model that gives each a number."""

    schema = pa.schema([("chosen_ids", IDS), ("rejected_ids", IDS)])

    def _example(self, chosen: MaskedRow, rejected: MaskedRow) -> Example:
        good, bad = chosen.input_ids, rejected.input_ids
        length, full = len(good) + len(bad), chosen.full_length + rejected.full_length
        return Example({"chosen_ids": good, "rejected_ids": bad}, length, length if good != bad else 0, full)

    def question(self, row: Mapping[str, Any]) -> None:
        """None: it writes no text."""


class Thumbs:
    """A prompt, one answer, and whether it is wanted. The last answer of the conversation is the one that is judged."""

    schema = pa.schema([("prompt_ids", IDS), ("completion_ids", IDS), ("label", pa.bool_())])
    columns: tuple[str, ...] = ("messages", "content")

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each answer; nothing is taught where the cut leaves none of it."""
        masked = self._masker.mask([row["messages"] for row in rows])
        return [self._example(row, json.loads(raw["content"])["label"]) for row, raw in zip(masked, rows, strict=True)]

    def _example(self, row: MaskedRow, label: bool) -> Example:
        places = [place for place, kept in enumerate(row.labels) if kept != IGNORED]
        starts = [place for place in places if place and row.labels[place - 1] == IGNORED]
        start = starts[-1] if starts else len(row.input_ids)
        prompt, answer = row.input_ids[:start], row.input_ids[start:]
        values = {"prompt_ids": prompt, "completion_ids": answer, "label": label}
        return Example(values, len(row.input_ids), len(answer), row.full_length)

    def question(self, row: Mapping[str, Any]) -> list[Message] | None:
        """Up to the question before the answer, where the answer is a wanted one."""
        return question_of(row["messages"]) if json.loads(row["content"])["label"] else None
