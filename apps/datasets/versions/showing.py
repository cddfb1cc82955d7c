"""The rows that differ, a page at a time: each with the fields that changed, word by word."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing.reading import rows_at
from apps.datasets.differences import Piece, differences
from apps.datasets.rows import StoredRow
from apps.datasets.versions.diffing import Comparison
from workers.formats.chat import SPLITS
from workers.version_diff import KINDS, Difference

MAX_LIMIT = 100
SEARCH_SECONDS = 1.5
_CHUNK = 200  # rows that differ and are looked at at once by a search


@dataclass(frozen=True, slots=True)
class Field:
    """One part of a row that is not the same in both versions; None where a side does not have it."""

    name: str
    before: str | None
    after: str | None

    @property
    def pieces(self) -> list[Piece]:
        return differences(self.before or "", self.after or "")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that differs. `before` is None for an added one, `after` for a removed one."""

    kind: str
    before: StoredRow | None
    after: StoredRow | None

    @property
    def row(self) -> StoredRow:
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def fields(self) -> list[Field]:
        """What changed; of an added or removed row nothing, its whole is new or gone."""
        return changed_fields(self.before, self.after) if self.before and self.after else []


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that differ, and where to go on (None at the end). `seen` is how many were looked at."""

    entries: list[Entry]
    next: int | None
    total: int
    seen: int


def page(seen: Comparison, query: Mapping[str, str], *, limit: int = 20) -> Page:
    """What `kind`, `split`, `q`, `cursor` and `limit` ask for. Raises Problem naming the parameter."""
    assert seen.found is not None
    numbers = wanted(seen.found, query)
    start, text = _number(query, "cursor", 0), query.get("q", "").strip()
    limit = min(max(_number(query, "limit", limit), 1), MAX_LIMIT)
    if len(text) > 200 or "\0" in text:
        raise Problem(_("Search for at most 200 characters."), field="q")
    if start > len(numbers):
        raise Problem(_("This cursor is not from a page of this comparison."), field="cursor")
    if text:
        return _searched(seen, numbers, start, limit, text.casefold())
    entries = _entries(seen, numbers[start : start + limit])
    after = start + len(entries)
    return Page(entries, after if after < len(numbers) else None, len(numbers), len(entries))


def wanted(found: Difference, query: Mapping[str, str]) -> Any:
    """The numbers of the entries of one kind, or of those with one split before or after. Raises Problem."""
    kind, split, table = query.get("kind", ""), query.get("split", ""), found.table
    if kind and kind not in KINDS:
        hint = _("There are: %(kinds)s.") % {"kinds": ", ".join(KINDS)}
        raise Problem(_("Rows do not differ in this way."), field="kind", hint=hint)
    if split and split not in SPLITS:
        raise Problem(_("There is no such split."), field="split")
    mask = np.ones(table.num_rows, bool)
    if kind:
        mask &= table.column("kind").to_numpy() == KINDS.index(kind)
    if split:
        sides = [table.column(name).to_numpy() == SPLITS.index(split) for name in ("split_before", "split_after")]
        mask &= sides[0] | sides[1]
    return np.flatnonzero(mask)


def _searched(seen: Comparison, numbers: Any, start: int, limit: int, text: str) -> Page:
    """Those with this text on either side; it stops after a while, and `next` says where to go on."""
    deadline, entries, place = time.monotonic() + SEARCH_SECONDS, list[Entry](), start
    while place < len(numbers) and time.monotonic() < deadline:
        for entry in _entries(seen, numbers[place : place + _CHUNK]):
            place += 1
            if any(
                text in part.casefold() for row in (entry.before, entry.after) if row for part in parts(row).values()
            ):
                entries.append(entry)
            if len(entries) == limit:
                return Page(entries, place if place < len(numbers) else None, len(numbers), place - start)
    return Page(entries, place if place < len(numbers) else None, len(numbers), place - start)


def _entries(seen: Comparison, numbers: Any) -> list[Entry]:
    assert seen.found is not None
    chosen = seen.found.table.take(numbers).to_pylist()
    sides = [
        {row.index: row for row in rows_at(version, [one[side] for one in chosen if one[side] >= 0])}
        for side, version in (("before", seen.before), ("after", seen.after))
    ]
    return [Entry(KINDS[one["kind"]], sides[0].get(one["before"]), sides[1].get(one["after"])) for one in chosen]


def changed_fields(before: StoredRow, after: StoredRow) -> list[Field]:
    """The parts that are not equal, in the order of the new row; what it lost comes last."""
    old, new = parts(before), parts(after)
    names = [*new, *(name for name in old if name not in new)]
    return [Field(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def parts(row: StoredRow) -> dict[str, str]:
    """Everything that a row holds as text by name: its turns, its content, its split, and what is kept beside it."""
    found = dict(_turns(row.messages))
    for name, value in row.content.items():
        if name == "rejected":
            found |= {_("rejected: %(turn)s") % {"turn": turn}: text for turn, text in _turns(value)}
        elif name == "values":
            found |= {column: _text(inner) for column, inner in value.items()}
        else:
            found[name] = _text(value)
    if row.split:
        found[_("split")] = row.split
    return found | {_("beside: %(column)s") % {"column": name}: _text(value) for name, value in row.extra.items()}


def _turns(messages: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    counts: dict[str, int] = {}
    for message in messages:
        role = message["role"]
        counts[role] = counts.get(role, 0) + 1
        yield role if counts[role] == 1 else f"{role} {counts[role]}", message["content"]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_text(inner) for inner in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Problem(_("%(name)s must be a whole number, 0 or more.") % {"name": name}, field=name)
    return int(text)
