"""What the identities of all rows tell before any text is read: exact repetitions, exact leaks, and which rows a sample takes.

A row costs 9 bytes here. Identities are compared by their first 64 bits: two of a million differing rows are taken for the same with
a chance of about 3 in 100 million (the birthday bound n^2 / 2^65).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from workers.formats.chat import SPLITS


@dataclass
class Identities:
    """`ids`: 64 bits of each row's identity; `parts`: 0 for no split, else 1 + its place in SPLITS. In the order of the rows."""

    ids: Any
    parts: Any

    @classmethod
    def read(cls, tables: Iterable[pa.Table]) -> Identities:
        """Of tables with row_id and split."""
        ids, parts = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint8)]
        for table in tables:
            ids.append(_first_bits(table.column("row_id")))
            parts.append(_parts(table.column("split")))
        return cls(np.concatenate(ids), np.concatenate(parts))

    def __len__(self) -> int:
        return len(self.ids)

    def repeated(self) -> int:
        """Rows that are the same as an earlier one."""
        return len(self.ids) - len(np.unique(self.ids))

    def split_counts(self) -> dict[str, int]:
        """Rows of each split, in the order of SPLITS; {} without splits."""
        counts = np.bincount(self.parts, minlength=len(SPLITS) + 1)[1:]
        return {split: int(count) for split, count in zip(SPLITS, counts, strict=True) if count}

    def leaked(self) -> int:
        """Rows of validation and test that are the same as a row of an earlier split (train, validation, test)."""
        return leaked_rows(self.ids, self.parts)

    def threshold(self, rows: int, seed: int) -> int:
        """The greatest score of a sample of so many rows: who scores no more is in it. Samples of a seed contain each other."""
        scores = self.scores(seed)
        return int(np.partition(scores, rows - 1)[rows - 1]) if 0 < rows < len(scores) else 2**64 - 1

    def scores(self, seed: int) -> Any:
        """A number for each row, by its identity and the seed alone: uniform over 64 bits."""
        return mixed(self.ids ^ mixed(np.array([seed], np.uint64))[0])


def leaked_rows(groups: Any, parts: Any) -> int:
    """Rows whose group holds a row of an earlier split. `parts` as in Identities; rows without a split do not count."""
    groups, parts = groups[parts > 0], parts[parts > 0]
    if not len(groups):
        return 0
    _names, members = np.unique(groups, return_inverse=True)
    first = np.full(int(members.max()) + 1, 255, np.uint8)
    np.minimum.at(first, members, parts)
    return int((parts > first[members]).sum())


def mixed(numbers: Any) -> Any:
    """SplitMix64's finalizer (Steele, Lea & Flood 2014): close numbers become unlike ones."""
    with np.errstate(over="ignore"):
        numbers = (numbers + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return numbers ^ (numbers >> np.uint64(31))


def _first_bits(column: Any) -> Any:
    texts = np.array([text[:16] for text in column.to_pylist()], "S16")
    digits = np.frombuffer(texts.tobytes(), np.uint8).reshape(-1, 16)
    values = np.where(digits >= 97, digits - 87, digits - 48).astype(np.uint64)
    shifts = np.arange(60, -4, -4, dtype=np.uint64)
    return np.bitwise_or.reduce(values << shifts, axis=1)


def _parts(column: Any) -> Any:
    codes = {split: place for place, split in enumerate(SPLITS, 1)}
    return np.array([codes.get(split, 0) for split in column.to_pylist()], np.uint8)
