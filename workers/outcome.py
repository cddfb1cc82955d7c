"""The rows of the next version as they come: a patch over its parent while few are other than there, else shards written anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.cleaning.engine import Item
from workers.comparison import compare
from workers.formats.amending import MOST_CHANGES, amend, is_worth_it
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.shards import ShardWriter
from workers.formats.statistics import Statistics
from workers.formats.stored import Stored, read_rows

HELD_CHARACTERS = 64 * 2**20  # of changed rows that are kept in memory


class Outcome:
    """Takes rows in order, each with its place in the parent. Changed rows are held in memory, at most MOST_CHANGES of them."""

    def __init__(self, paths: Sequence[Path], folder: Path) -> None:
        self._paths, self._folder, self._stored = list(paths), folder, Stored(paths)
        self._parent_rows = self._stored.rows
        self._patched = self._stored.patches.num_rows if self._stored.patches is not None else 0
        self._changes: dict[int, TrainingRow | None] = {}
        self._next = self._held = 0
        self._writer: ShardWriter | None = None
        self._statistics, self._splits, self.rows = Statistics(), Counter[str](), 0

    @property
    def splits(self) -> dict[str, int]:
        """Rows of each split."""
        return {split: self._splits[split] for split in SPLITS if self._splits[split]}

    def add(self, item: Item) -> None:
        """Take the next row. Raises OSError when the disk is full."""
        self.rows += 1
        self._statistics.add(item.row)
        self._splits[item.row.split] += 1
        if self._writer is None and (item.place < self._next or not self._can_hold(item.place - self._next)):
            self._write_anew()
        if self._writer is not None:
            self._writer.add(item.row)
            return
        self._skip_to(item.place)
        if item.is_changed:
            self._changes[item.place] = item.row
            self._held += sum(len(message.content) for message in item.row.messages) + len(item.row.content or "")
        self._next = item.place + 1

    def close(self) -> dict[str, Any]:
        """Finish the files. The result says what is in them; `keeps_parent` when the parent's shards come before the new ones."""
        if self._writer is None and not self._can_hold(self._parent_rows - self._next):
            self._write_anew()
        if self._writer is None:
            self._skip_to(self._parent_rows)
            made = {**amend(self._paths, self._changes, [], self._folder), "keeps_parent": True}
        else:
            content_hash = self._writer.close()
            shards = self._writer.as_dicts()
            made = {
                "content_hash": content_hash,
                "row_count": self.rows,
                "shards": shards,
                "patch": None,
                "keeps_parent": False,
            }
        added, removed = compare(self._paths, self._files(made))
        told = {"statistics": self._statistics.as_dict(), "split_counts": self.splits}
        return {**made, **told, "added": added, "removed": removed}

    def _can_hold(self, more: int) -> bool:
        """Whether so many rows more may be gone, and the next changed, and a patch is still worth it."""
        changes = len(self._changes) + self._patched + more + 1
        return more <= MOST_CHANGES and self._held < HELD_CHARACTERS and is_worth_it(changes, self._parent_rows)

    def _skip_to(self, place: int) -> None:
        self._changes.update((gone, None) for gone in range(self._next, place))
        self._next = place

    def _write_anew(self) -> None:
        """Too much is other than it was: write the rows so far to shards, as will be those that come."""
        self._writer = ShardWriter(self._folder)
        for place, row in enumerate(read_rows(self._paths) if self._next else ()):
            if place >= self._next:
                break
            if (kept := self._changes.get(place, row)) is not None:
                self._writer.add(kept)
        self._changes = {}

    def _files(self, made: dict[str, Any]) -> list[Path]:
        new = [self._folder / shard["name"] for shard in made["shards"]]
        if not made["keeps_parent"]:
            return new
        patch = [self._folder / made["patch"]["name"]] if made["patch"] else []
        return [*self._stored.shards, *new, *patch]
