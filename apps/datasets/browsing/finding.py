"""Which rows of a version a question asks for: a page of their places, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing import metadata, tables, texts
from apps.datasets.browsing.columns import Column, column_called, columns_of
from apps.datasets.browsing.filters import Condition, Group, read_filter
from apps.datasets.models import DatasetVersion
from workers.browse_text import Words, asked

MOST_TEXT = 200


@dataclass(frozen=True)
class Question:
    """What is asked of a version: words, a filter, a split ("" for all), and an order (None: that of the rows)."""

    words: Words
    text: str
    filter: Group
    split: str
    order: Column | None = None
    is_descending: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it asks for all rows, in any order."""
        return not (self.text or self.filter.parts or self.split)

    @property
    def sort(self) -> str:
        return f"{'-' if self.is_descending else ''}{self.order.id}" if self.order else ""

    def where(self) -> tuple[str, list[Any]]:
        """The filter and the split in SQL, with the values to bind."""
        sql, values = self.filter.sql()
        return (f"({sql}) AND split = ?", [*values, self.split]) if self.split else (sql, values)


@dataclass(frozen=True)
class Found:
    """Places in the version of a page's rows, and how many rows there are on all pages: None where whole texts were read only as far
    as the page needs, which is `scanned` rows."""

    places: list[int]
    total: int | None
    scanned: int = 0

    def after(self, start: int) -> int | None:
        """Where the next page begins, if there is one."""
        end = start + len(self.places)
        return end if self.places and (self.total is None or end < self.total) else None


def read_question(version: DatasetVersion, query: Mapping[str, str]) -> Question:
    """What `q`, `filter`, `split` and `sort` say. Raises Problem naming the parameter."""
    text = query.get("q", "").strip()
    if len(text) > MOST_TEXT or "\0" in text:
        raise Problem(_("Search for at most %(most)s characters.") % {"most": MOST_TEXT}, field="q")
    needs_columns = bool(query.get("filter") or query.get("sort"))
    if needs_columns:
        tables.require_ready(version)
    columns = columns_of(version) if needs_columns else {}
    sort = query.get("sort", "")
    order = column_called(columns, sort.removeprefix("-"), "sort") if sort else None
    group = read_filter(query.get("filter", ""), columns)
    return Question(asked(text), text, group, split_of(version, query), order, sort.startswith("-"))


def split_of(version: DatasetVersion, query: Mapping[str, str]) -> str:
    """The split that `split` asks for, "" for all rows. Raises Problem for one that the version does not have."""
    split, known = query.get("split", ""), list(version.splits.get("counts", ()))
    if split and split not in known:
        hint = f"Its splits are: {', '.join(known)}." if known else "It has no splits; prepare it first."
        raise Problem("This version has no such split.", field="split", hint=hint)
    return split


def find(version: DatasetVersion, question: Question, *, start: int, limit: int) -> Found:
    """The rows of one page, in their order or the one that is asked for."""
    stop = start + limit
    if question.is_plain and question.order is None:
        return Found(list(range(start, min(stop, version.row_count))), version.row_count)
    has_where = bool(question.filter.parts or question.split)
    hits = None
    if question.text:
        most = version.row_count if has_where or question.order else stop
        hits = texts.find(version, question.words, most=most)
        if not (has_where or question.order):
            return Found([int(place) for place in hits.numbers[start:stop]], hits.total)
    held = as_base(version, hits.numbers) if hits is not None else None
    if question.order is None:
        rest, said = _without_texts(version, question)
        if held is None and said is None and _reads_texts(version, question):
            return _first(version, question, start, stop)
        places = _all_places(version, rest, said, held)
        return Found([int(place) for place in places[start:stop]], len(places))
    return _sorted(version, question, held, start, limit)


def _reads_texts(version: DatasetVersion, question: Question) -> bool:
    """Whether a filter looks at whole texts in the files, from the first on. Behind those of a patch the rows are in no order."""
    is_asked = any(one.column.is_cut and one.operator in _OF_TEXTS for one in question.filter.conditions)
    return is_asked and not metadata.is_small(version) and not version.patch


_OF_TEXTS = ("contains", "matches")


def _first(version: DatasetVersion, question: Question, start: int, stop: int) -> Found:
    """A page of rows, without a look at those behind it: DuckDB keeps the order of the files, and ends at the limit."""
    where, values = question.where()
    told = tables.ask(version, f"SELECT place FROM {{rows}} WHERE {where} LIMIT ?", [*values, stop + 1])  # noqa: S608
    places = [int(place) for place in told["place"]]
    if len(places) <= stop:
        return Found(places[start:], len(places), version.row_count)
    return Found(places[start:stop], None, places[stop - 1] + 1)


def count(version: DatasetVersion, question: Question) -> int:
    """How many rows a question asks for."""
    return len(resolved(version, question))


def as_base(version: DatasetVersion, places: Any) -> Any:
    """Places in the version as the table of its small columns counts them."""
    if metadata.is_small(version) or not version.patch:
        return places
    changes = metadata.patched(version)
    gone = changes.places[changes.gone]
    return places + np.searchsorted(gone - np.arange(len(gone)), places, side="right")


def as_places(version: DatasetVersion, base: Any) -> Any:
    return base if metadata.is_small(version) else metadata.as_places(version, base)


def all_places(version: DatasetVersion, question: Question, held: Any = None) -> Any:
    """The places of all rows that pass the filter and are among `held`, ascending."""
    return _all_places(version, *_without_texts(version, question), held)


def _all_places(version: DatasetVersion, question: Question, said: Any, held: Any) -> Any:
    if said is not None:
        held = said if held is None else np.intersect1d(said, held, assume_unique=True)
        if not (question.filter.parts or question.split):
            return as_places(version, held)
    where, values = question.where()
    found = tables.ask(version, f"SELECT place FROM {{rows}} WHERE {where}", values)["place"]  # noqa: S608
    base = np.sort(np.asarray(found, np.int64))
    if held is not None:
        base = base[np.isin(base, held, assume_unique=True)]
    return as_places(version, base)


def _without_texts(version: DatasetVersion, question: Question) -> tuple[Question, Any]:
    """The question without what an index of the texts has answered, and the rows that it leaves, as the small columns count them."""
    parts, said = list[Condition | Group](), None
    for part in question.filter.parts:
        held = None
        if isinstance(part, Condition) and part.is_piece_of_text and not question.filter.is_any:
            held = texts.containing(version, part.column.whole_id, part.value)
        if held is None:
            parts.append(part)
        else:
            said = held if said is None else np.intersect1d(said, held, assume_unique=True)
    return replace(question, filter=Group(question.filter.is_any, tuple(parts))), said


def resolved(version: DatasetVersion, question: Question) -> Any:
    """The places of all rows that a question asks for, ascending (int64)."""
    if question.is_plain:
        return np.arange(version.row_count, dtype=np.int64)
    hits = texts.find(version, question.words, most=version.row_count).numbers if question.text else None
    if not (question.filter.parts or question.split):
        return hits
    return all_places(version, question, None if hits is None else as_base(version, hits))


def _sorted(version: DatasetVersion, question: Question, held: Any, start: int, limit: int) -> Found:
    assert question.order is not None
    where, values = question.where()
    if held is not None:
        where = f"({where}) AND place IN (SELECT place FROM found)"  # noqa: S608
    direction = "DESC" if question.is_descending else "ASC"
    page = tables.ask(
        version,
        f"SELECT place FROM {{rows}} WHERE {where} ORDER BY {question.order.order} {direction} NULLS LAST, place"  # noqa: S608
        " LIMIT ? OFFSET ?",
        [*values, limit, start],
        found=held,
    )["place"]
    total = version.row_count
    if held is not None and not (question.filter.parts or question.split):
        total = len(held)
    elif not question.is_plain:
        counted = tables.ask(version, f"SELECT count(*) AS n FROM {{rows}} WHERE {where}", values, found=held)  # noqa: S608
        total = int(counted["n"][0])
    return Found([int(place) for place in as_places(version, np.asarray(page, np.int64))], total)
