"""Steps that drop rows which others say already: exactly, nearly, or in meaning."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workers.cleaning.base import Facts, Option, StepKind, register
from workers.cleaning.engine import Item
from workers.duplicates import NearDuplicates, equal_groups, first_of_each, semantic_groups
from workers.failures import UserError
from workers.formats.chat import TrainingRow, row_id
from workers.formats.forms import FORMS, canonical, content_of_row, identity, texts_of

MOST_NEAR = 3_000_000  # rows that are compared by shingles: 120 bytes of memory each
MOST_SEMANTIC = 100_000  # rows that are compared in meaning: about 300 are embedded a second on two cores
COMPARED_CHARACTERS = 1_000_000  # of a row
_EMBED_ROWS = 512
_TEXT_FORMS = frozenset(FORMS) - {"image"}
OF = Option(
    "of",
    "choice",
    "Compare",
    "conversation",
    ("conversation", "question", "answer"),
    choice_labels=("the whole row", "the question or text, whatever the answer or label", "the last answer"),
)
KEEP = Option(
    "keep", "choice", "Of each group keep", "first", ("first", "longest"), choice_labels=("the first", "the longest")
)
NEAR = Option(
    "threshold",
    "number",
    "Likeness",
    0.8,
    least=0.4,
    most=1,
    help="Of the shingles of both rows, the share that is in common (Jaccard).",
)
UNIT = Option(
    "unit",
    "choice",
    "Shingles of",
    "auto",
    ("auto", "words", "characters"),
    help="Five words or characters in a row. Characters forgive small changes in short texts.",
    choice_labels=("words; characters in Chinese and Japanese", "words", "characters"),
)
COSINE = Option(
    "threshold",
    "number",
    "Likeness",
    0.95,
    least=0.5,
    most=1,
    help="The cosine of the two texts' vectors (all-MiniLM-L6-v2).",
)


def part_of(row: TrainingRow, of: str) -> tuple[list[Any], dict[str, Any]]:
    """The messages and the content that are compared: all; all before the last answer or without the label; or the answer."""
    content = content_of_row(row)
    if of == "conversation":
        return list(row.messages), content
    if of == "question":
        return list(row.messages[:-1]), {
            name: value for name, value in content.items() if name not in ("label", "rejected")
        }
    label = {"label": content["label"]} if content.get("label") is not None and not row.messages else {}
    return list(row.messages[-1:]), label


def duplicate_key(row: TrainingRow, of: str) -> int:
    """64 bits of what makes two rows duplicates."""
    if of == "conversation":
        name = row.row_id
    else:
        messages, content = part_of(row, of)
        name = identity(messages, canonical(content)) if content else row_id(messages)
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def text_of(row: TrainingRow, of: str) -> str:
    """What of a row is compared, as one text."""
    messages, content = part_of(row, of)
    part = row._replace(messages=messages, content=canonical(content) if content else None)
    texts = [content["text"]] if "spans" in content else texts_of(part)
    if of == "answer" and "label" in content:
        texts.append(str(content["label"]))
    return "\n".join(texts)[:COMPARED_CHARACTERS]


class GroupStep(ABC):
    """A table step that keeps one row of each group. A kind of it says how rows are looked at and grouped.

    When it has decided, `groups` holds the places of rows that belong together, and `kept` the one of each that stays.
    """

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        self._of, self._keep, self._facts = options["of"], options.get("keep", "first"), facts
        self._sizes = array("I")
        self.groups: list[list[int]] = []
        self.kept: list[int] = []
        self._gone: frozenset[int] = frozenset()

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        text = text_of(row, self._of)
        self._sizes.append(len(text))
        self.take(text, number)

    @abstractmethod
    def take(self, text: str, number: int) -> None:
        """See the text of a row."""

    @abstractmethod
    def grouped(self) -> list[list[int]]:
        """The groups among all rows."""

    def decide(self) -> dict[str, Any]:
        """Find the groups and the row of each that stays."""
        self.groups = self.grouped()
        self.kept = [self._stays(group) for group in self.groups]
        self._gone = frozenset(
            place for group, kept in zip(self.groups, self.kept, strict=True) for place in group if place != kept
        )
        return {"groups": len(self.groups), "largest_group": max(map(len, self.groups), default=0)}

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row, unless another of its group stays."""
        if number not in self._gone:
            yield row

    def _stays(self, group: list[int]) -> int:
        return max(group, key=lambda place: (self._sizes[place], -place)) if self._keep == "longest" else group[0]


class NearStep(GroupStep):
    """Near duplicates by shingles."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        super().__init__(options, facts)
        self._near = NearDuplicates(options["threshold"], unit=options["unit"], seed=facts.seed)

    def take(self, text: str, number: int) -> None:
        """See the text of a row. Raises UserError when there are too many."""
        if number >= MOST_NEAR:
            raise UserError(f"At most {MOST_NEAR} rows can be compared.", "Divide the data set.")
        self._near.add(text)

    def grouped(self) -> list[list[int]]:
        """The groups among all rows."""
        try:
            return self._near.groups(lambda done, total: self._facts.watch(done, total, "Comparing the rows"))
        finally:
            self._near.close()


class SemanticStep(GroupStep):
    """Rows of the same meaning, by the angle between their vectors. Memory: 768 bytes a row (half precision)."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        super().__init__(options, facts)
        self._threshold, self._waiting = options["threshold"], list[str]()
        self._vectors: list[Any] = []

    def take(self, text: str, number: int) -> None:
        """See the text of a row. Raises UserError when there are too many, or the model is not there."""
        if number >= MOST_SEMANTIC:
            told = f"At most {MOST_SEMANTIC} rows can be compared in meaning."
            raise UserError(told, "Drop exact and near duplicates first, or divide the data set.")
        self._waiting.append(text)
        if len(self._waiting) >= _EMBED_ROWS:
            self._embed()

    def _embed(self) -> None:
        if not self._waiting:
            return
        if self._facts.embed is None:
            raise UserError("Meaning is compared by a job, not in a preview.", "Run the recipe to see what goes.")
        watch = self._facts.watch
        found = self._facts.embed(self._waiting, lambda done, total: watch(done, total, "Reading the meaning"))
        self._vectors.append(found.astype(np.float16))
        self._waiting = []

    def grouped(self) -> list[list[int]]:
        """The groups among all rows."""
        self._embed()
        vectors = np.concatenate(self._vectors) if self._vectors else np.zeros((0, 1), np.float16)
        watch = self._facts.watch
        return semantic_groups(
            vectors, self._threshold, watch=lambda done, total: watch(done, total, "Comparing the meaning")
        )


class ExactStep:
    """Equal rows: the first stays. Memory: 8 bytes a row."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        self._of, self._keys = options["of"], array("Q")
        self._is_kept: Any = None

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        self._keys.append(duplicate_key(row, self._of))

    def decide(self) -> dict[str, Any]:
        """Find the first of each kind."""
        self._is_kept = first_of_each(self._keys)
        return {"kinds": int(self._is_kept.sum())}

    @property
    def groups(self) -> list[list[int]]:
        """The places of equal rows."""
        return equal_groups(self._keys)

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row, if it is the first of its kind."""
        if self._is_kept[number]:
            yield row


def groups_of(step: ExactStep | GroupStep) -> list[tuple[list[int], int]]:
    """What a step found when it has decided: (places, the one that stays) of each group."""
    if isinstance(step, ExactStep):
        return [(group, group[0]) for group in step.groups]
    return list(zip(step.groups, step.kept, strict=True))


def found_in(step: ExactStep | GroupStep, items: Iterator[Item]) -> list[tuple[list[int], int]]:
    """The groups among items, by looking at all of them."""
    for number, item in enumerate(items):
        step.look(item.row, number)
    step.decide()
    return groups_of(step)


register(
    StepKind(
        "duplicates",
        "Drop exact duplicates",
        "Of equal rows, as they stand after the steps before, the first stays.",
        "duplicates",
        (OF,),
        ExactStep,
    )
)
register(
    StepKind(
        "near_duplicates",
        "Drop near duplicates",
        "Of rows that share most of their shingles, one stays. To look at them before, find them on the page “Duplicates”.",
        "duplicates",
        (OF, NEAR, UNIT, KEEP),
        NearStep,
        forms=_TEXT_FORMS,
    )
)
register(
    StepKind(
        "semantic_duplicates",
        "Drop rows that mean the same",
        "Of rows whose texts point the same way, one stays. Made for English texts; slow on many rows.",
        "duplicates",
        (OF, COSINE, KEEP),
        SemanticStep,
        forms=_TEXT_FORMS,
        is_heavy=lambda options: True,
    )
)
