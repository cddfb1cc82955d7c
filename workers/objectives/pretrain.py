"""Continued pre-training (Gururangan et al. 2020, arXiv:2004.10964): the loss is on every token of plain texts.

A text that is longer than a row goes on in further rows, so that nothing of it is lost; packed, short texts share a row.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workers import data, tokens
from workers.data import SCHEMA, Example, Rows
from workers.masking import Message
from workers.objectives.chat import Chat


class WholeTexts:
    """Every token of each text, with an end token behind it."""

    schema = SCHEMA
    columns: tuple[str, ...] = ("content",)

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self._end, self._most = str(tokenizer.eos_token), max_length
        self._encode = tokens.masker_for(tokenizer, max_length).encode

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each text: all of it."""
        texts = [str(json.loads(row["content"])["text"]) + self._end for row in rows]
        return [
            Example({"input_ids": one.ids, "labels": one.ids}, len(one.ids), len(one.ids) - 1, len(one.ids))
            for one in self._encode(texts)
        ]

    def question(self, row: Mapping[str, Any]) -> list[Message] | None:
        """None: a sample answer would be asked through a chat template, which this model does not learn."""
        return None


def pieces(example: Example, most: int) -> list[Example]:
    """The example in pieces of at most `most` tokens each, in order; a last piece of one token, which nothing predicts, is left out."""
    ids = example.values["input_ids"]
    parts = [ids[start : start + most] for start in range(0, len(ids), most)]
    return [
        Example({"input_ids": part, "labels": part}, len(part), len(part) - 1, len(part))
        for part in parts
        if len(part) > 1
    ]


class Pretrain(Chat):
    """Plain texts, whole."""

    def read_rows(self, processor: Any) -> Rows:
        texts = WholeTexts(processor, self.recipe.max_length)
        return data.tokenize(self.context, texts, self.recipe, lambda example: pieces(example, self.recipe.max_length))


TASK = Pretrain
