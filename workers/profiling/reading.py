"""A table of stored rows as texts, lengths and values, whatever their form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from workers.formats.forms import TALKS

_WORDS = re.compile(
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\s\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
OWN_COLUMNS = {
    "chat": "messages", "preference": "messages", "kto": "messages", "text": "text", "classification": "text", "ner": "text",
    "image": "image",
}  # fmt: skip


def count_words(text: str) -> int:
    """Words: what stands between white space; a Chinese, Japanese, Thai or Lao character counts as one by itself."""
    return len(text.split()) if text.isascii() else len(_WORDS.findall(text))


@dataclass
class Block:
    """Some rows of a version. `texts[i]` are the texts of row i, those of its messages first; `turns` how many messages it has."""

    first: int  # place of the first row
    roles: list[list[str]]
    texts: list[list[str]]
    contents: list[dict[str, Any]]
    extras: list[dict[str, Any]]
    splits: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def turns(self) -> Any:
        """Messages of each row."""
        return np.array([len(roles) for roles in self.roles], np.int64)

    def lengths(self) -> tuple[Any, Any]:
        """(characters, words) of each row: of all its texts."""
        characters = np.array([sum(map(len, texts)) for texts in self.texts], np.int64)
        words = np.array([sum(map(count_words, texts)) for texts in self.texts], np.int64)
        return characters, words

    def whole(self, place: int, *, without_system: bool = False) -> str:
        """The texts of a row, one below the other."""
        roles = self.roles[place]
        kept = [
            text
            for number, text in enumerate(self.texts[place])
            if not (without_system and number < len(roles) and roles[number] == "system")
        ]
        return "\n".join(kept)

    def messages(self, place: int) -> list[dict[str, str]]:
        """The conversation of a row; [] where its form has none."""
        pairs = zip(self.roles[place], self.texts[place], strict=False)
        return [{"role": role, "content": text} for role, text in pairs]


def read_block(first: int, table: pa.Table) -> Block:
    """The rows of a table with the columns messages, content, extra and split."""
    messages = _combined(table.column("messages"))
    offsets = messages.offsets.to_pylist()
    turns = messages.flatten()
    start = offsets[0]
    roles, said = turns.field("role").to_pylist(), turns.field("content").to_pylist()
    contents = [json.loads(text) if text else {} for text in table.column("content").to_pylist()]
    extras = [json.loads(text) if text else {} for text in table.column("extra").to_pylist()]
    pairs = [(low - start, high - start) for low, high in pairwise(offsets)]
    return Block(
        first,
        [roles[low:high] for low, high in pairs],
        [
            said[low:high] + (texts_in(content) if content else [])
            for (low, high), content in zip(pairs, contents, strict=True)
        ],
        contents,
        extras,
        [split or "" for split in table.column("split").to_pylist()],
    )


def texts_in(content: Mapping[str, Any]) -> list[str]:
    """The texts in what a row holds besides its messages, those with marked spans too."""
    found = [turn["content"] for turn in content.get("rejected", ())]
    if "text" in content:
        found.append(content["text"])
    return found + [value for value in content.get("values", {}).values() if isinstance(value, str)]


def columns_of(form: str, content: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The named values of a row: those of a table, what its form calls for, and what is kept beside it."""
    own = OWN_COLUMNS.get(form)
    values: dict[str, Any] = {own: True} if own else dict(content.get("values", {}))
    if "label" in content:
        values["label"] = content["label"]
    return {**values, **extra}


def labels_of(content: Mapping[str, Any]) -> list[str]:
    """The classes of a row: its label, or those of its spans or boxes."""
    label = content.get("label")
    if label is not None:
        return [json.dumps(label) if isinstance(label, bool) else str(label)]
    return [str(mark["label"]) for mark in [*content.get("spans", ()), *content.get("boxes", ())]]


def is_talk(form: str) -> bool:
    """Whether rows of this form are conversations."""
    return form in TALKS


def excerpt(text: str, limit: int = 160) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else f"{line[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def _combined(column: Any) -> Any:
    return column.combine_chunks() if not isinstance(column, Sequence) and column.num_chunks != 1 else column.chunk(0)
