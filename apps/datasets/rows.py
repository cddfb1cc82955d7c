"""Pages of rows out of Parquet shards: reads the row groups of the page, never a whole version. Knows no database."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from workers.browse_text import asked, matching
from workers.formats.forms import KEY_DIGITS
from workers.formats.stored import Stored

SEARCH_ROWS = 100_000  # rows looked at for one page of a search
SEARCH_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of a version. `index` is its place, from 0."""

    index: int
    row_id: str
    messages: list[dict[str, str]]
    source_line: int
    extra: dict[str, Any]
    split: str = ""  # train, validation or test; "" where the version has no split
    content: dict[str, Any] = field(default_factory=dict)  # what it holds besides its messages (workers.formats.forms)
    key: str = ""  # what stays the same when it is edited

    @property
    def place(self) -> int:
        """Its place as people count, from 1."""
        return self.index + 1

    @property
    def question(self) -> str:
        """The first thing the user says; of a row without messages its text, its values, or the name of its image."""
        if self.messages:
            return next((m["content"] for m in self.messages if m["role"] == "user"), "")
        if "values" in self.content:
            return "; ".join(f"{name}: {value}" for name, value in self.content["values"].items())
        return str(self.content.get("text") or self.content.get("image") or "")

    @property
    def answer(self) -> str:
        """What is to be learned: the last answer, or the label."""
        return self.messages[-1]["content"] if self.messages else self.label

    @property
    def label(self) -> str:
        """Its class as text; "" where it has none."""
        label = self.content.get("label")
        return json.dumps(label) if isinstance(label, bool) else str(label or "")

    @property
    def characters(self) -> int:
        return sum(len(m["content"]) for m in self.messages) if self.messages else len(self.question)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, where to go on (None at the end), and how many rows were looked at to find them."""

    rows: list[StoredRow]
    next: int | None
    scanned: int
    total: int | None = None  # rows on all pages, where it is known


def read_page(shards: Sequence[Path], *, start: int, limit: int, total: int) -> Page:
    """`limit` rows from place `start` on, of `total`."""
    rows: list[StoredRow] = []
    for first, group in Stored(shards).groups(start):
        skip = max(start - first, 0)
        rows += stored_rows(group.slice(skip, limit - len(rows)), first + skip)
        if len(rows) >= limit:
            break
    after = start + len(rows)
    return Page(rows, after if rows and after < total else None, len(rows))


def search(shards: Sequence[Path], text: str, *, start: int, limit: int, split: str = "", total: int = 0) -> Page:
    """`limit` rows from place `start` on that say the words of `text` (workers.browse_text), and are of `split` if it is said.

    Bounded: after 100,000 rows or 1.5 seconds it stops with what it has, and `next` says where to go on.
    """
    deadline, rows, seen = time.monotonic() + SEARCH_SECONDS, list[StoredRow](), start
    for first, group in Stored(shards).groups(start):
        for place in _matches(group, text, split):
            if first + place < start:
                continue
            rows += stored_rows(group.slice(place, 1), first + place)
            if len(rows) == limit:
                seen = first + place + 1
                return Page(rows, seen if seen != total else None, seen - start)
        seen = first + group.num_rows
        if seen - start >= SEARCH_ROWS or time.monotonic() > deadline:
            return Page(rows, seen, seen - start)
    return Page(rows, None, seen - start)


class HasShards(Protocol):
    """What `iterate` needs of a version."""

    def shard_paths(self) -> list[Path]: ...


def iterate(version: HasShards, *, split: str | None = None) -> Iterator[StoredRow]:
    """Every row of a version in order, or those of one split; none for a split that the version does not have."""
    for row in each_row(version.shard_paths()):
        if split is None or row.split == split:
            yield row


def each_row(shards: Sequence[Path]) -> Iterator[StoredRow]:
    """Every row, a row group at a time."""
    for first, group in Stored(shards).groups():
        yield from stored_rows(group, first)


def _matches(group: pa.Table, text: str, split: str) -> list[int]:
    """Places in the group of rows that say the words of `text`, and are of `split` if it is said."""
    places = list(range(group.num_rows))
    if text:
        words = asked(text)
        places = matching(group, words) if words.words else []
    if not split:
        return places
    splits = group.column("split").to_pylist()
    return [place for place in places if splits[place] == split]


def stored_rows(rows: pa.Table, first: int) -> list[StoredRow]:
    return [
        StoredRow(
            index=first + number,
            row_id=row["row_id"],
            messages=row["messages"],
            source_line=row["source_line"],
            extra=json.loads(row["extra"]) if row["extra"] else {},
            split=row["split"] or "",
            content=json.loads(row["content"]) if row["content"] else {},
            key=row["key"] or row["row_id"][:KEY_DIGITS],
        )
        for number, row in enumerate(rows.to_pylist())
    ]
