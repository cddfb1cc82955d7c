"""One round over the rows: everything that can be counted as they pass, in memory that does not grow with their number.

What needs the text of rows for longer (topics, label errors, perplexity) keeps that of a small sample. The whole state can be written
down and read again, so that a killed attempt costs little.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from workers.cleaning.languages import Guess
from workers.profiling.columns import Columns
from workers.profiling.reading import OWN_COLUMNS, Block, columns_of, excerpt, is_talk, labels_of
from workers.profiling.sketch import Sketch

SHOWN = 8  # longest and shortest rows that are shown
LONGEST = 8_000  # characters of a row of the sample that are kept
PREFIX = 600  # characters of a row by which its language is guessed
MOST_LABELS = 2_000
LENGTHS = ("characters", "words", "turns", "tokens")
SAMPLES = ("tokens", "personal", "languages", "near", "rows")  # what a sample is for; "rows": whose text is kept

CountTokens = Callable[[list[list[str]]], list[int]]
Detect = Callable[[str], Guess]
Find = Callable[[str], Iterable[str]]


class Tools:
    """What looks into texts, so far as it is there: the tokenizer, the guesser of languages, the finder of personal data."""

    def __init__(
        self, count_tokens: CountTokens | None = None, detect: Detect | None = None, find: Find | None = None
    ) -> None:
        self.count_tokens, self.detect, self.find = count_tokens, detect, find


class Tally:
    """What was counted so far. `rows` is also the place to go on from."""

    def __init__(self, form: str) -> None:
        self.form, self.rows = form, 0
        self.lengths = {name: Sketch() for name in LENGTHS}
        self.columns = Columns()
        self.labels: Counter[str] = Counter()
        self.labelled = 0
        self.taken: Counter[str] = Counter()  # rows of each sample
        self.languages: Counter[str] = Counter()
        self.personal_rows: Counter[str] = Counter()  # by kind; "": any
        self.personal_hits: Counter[str] = Counter()
        self.sample: list[dict[str, Any]] = []
        self.with_system = 0
        self._longest: list[tuple[int, int, str]] = []
        self._shortest: list[tuple[int, int, str]] = []

    def add(self, block: Block, picked: Mapping[str, list[int]], tools: Tools) -> None:
        """Count rows in; `picked` names the rows of the block that each sample takes."""
        characters, words = block.lengths()
        for name, values in (("characters", characters), ("words", words)):
            self.lengths[name].add(values)
        if is_talk(self.form):
            self.lengths["turns"].add(block.turns)
            self.with_system += sum(roles[:1] == ["system"] for roles in block.roles)
        self._note_extremes(block, characters.tolist())
        for content, extra in zip(block.contents, block.extras, strict=True):
            self.columns.add(columns_of(self.form, content, extra))
            self._note_labels(labels_of(content) if content else [])
        for name, places in picked.items():
            self.taken[name] += len(places)
        self._look_into(block, picked, tools)
        self.rows += len(block)

    def _note_labels(self, labels: list[str]) -> None:
        self.labelled += bool(labels)
        for label in labels:
            if label in self.labels or len(self.labels) < MOST_LABELS:
                self.labels[label] += 1

    def _note_extremes(self, block: Block, characters: list[int]) -> None:
        for found, sign in ((self._longest, 1), (self._shortest, -1)):
            for place, length in enumerate(characters):
                if len(found) < SHOWN or sign * length > found[0][0]:
                    item = (sign * length, -(block.first + place), excerpt(block.whole(place)))
                    heapq.heappush(found, item) if len(found) < SHOWN else heapq.heapreplace(found, item)

    def _look_into(self, block: Block, picked: Mapping[str, list[int]], tools: Tools) -> None:
        if tools.count_tokens and picked["tokens"]:
            self.lengths["tokens"].add(tools.count_tokens([block.texts[place] for place in picked["tokens"]]))
        for place in picked["languages"] if tools.detect else ():
            self.languages[_language(tools, block, place)] += 1
        for place in picked["personal"] if tools.find else ():
            self._note_personal(list(tools.find(block.whole(place))) if tools.find else [])
        for place in picked["rows"]:
            self.sample.append(self._kept(block, place, tools))

    def _note_personal(self, kinds: list[str]) -> None:
        self.personal_hits.update(kinds)
        self.personal_rows.update({*kinds, ""} if kinds else ())

    def _kept(self, block: Block, place: int, tools: Tools) -> dict[str, Any]:
        messages = block.messages(place)
        labels = labels_of(block.contents[place])
        kept: dict[str, Any] = {"place": block.first + place, "text": block.whole(place, without_system=True)[:LONGEST]}
        if messages and sum(len(turn["content"]) for turn in messages) <= LONGEST:
            kept["messages"] = messages
        if labels and self.form == "classification":
            kept["label"] = labels[0]
        if tools.detect:
            kept["language"] = _language(tools, block, place)
        return kept

    def extremes(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(shortest, longest) rows: {"place" from 0, "characters", "text"}."""
        return tuple(
            [{"place": -place, "characters": abs(length), "text": text} for length, place, text in sorted(found)[::-1]]
            for found in (self._shortest, self._longest)
        )  # type: ignore[return-value]

    @property
    def hidden_columns(self) -> frozenset[str]:
        """Columns that every row of the form has, and the label, which has a part of its own."""
        return frozenset({OWN_COLUMNS.get(self.form, ""), "label"})

    def save(self, path: Path) -> None:
        """Write all of it down, whole or not at all."""
        state = {name: getattr(self, name) for name in _PLAIN}
        state |= {"lengths": {name: one.as_dict() for name, one in self.lengths.items()}}
        state["columns"] = self.columns.as_dict()
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(state), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Tally:
        """What `save` wrote."""
        state = json.loads(path.read_text(encoding="utf-8"))
        made = cls(state["form"])
        for name in _PLAIN:
            value = state[name]
            setattr(made, name, Counter(value) if isinstance(value, dict) else value)
        made._longest, made._shortest = ([tuple(item) for item in state[name]] for name in ("_longest", "_shortest"))
        made.lengths = {name: Sketch.read(one) for name, one in state["lengths"].items()}
        made.columns = Columns.read(state["columns"])
        return made


_PLAIN = (
    "form", "rows", "labels", "labelled", "taken", "languages", "personal_rows", "personal_hits", "sample", "with_system", "_longest",
    "_shortest",
)  # fmt: skip


def _language(tools: Tools, block: Block, place: int) -> str:
    assert tools.detect
    guess = tools.detect(block.whole(place, without_system=True)[:PREFIX])
    return guess.language
