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
    rest, pieces = _without_pieces(version, question)
    if question.order is not None:
        return _sorted(version, rest, texts.saying(version, pieces, within=held)[0] if pieces else held, start, limit)
    if pieces:
        return _page(version, *texts.saying(version, pieces, within=_rows(version, rest, held), most=stop), start, stop)
    if held is None and _reads_texts(version, question):
        return _first(version, question, start, stop)
    return _page(version, _rows(version, rest, held), True, start, stop)


def _page(version: DatasetVersion, base: Any, is_whole: bool, start: int, stop: int) -> Found:
    """A page of rows that are given by their places in all shards: of all of them, or of more than `stop`."""
    places = [int(place) for place in as_places(version, base[: None if is_whole else stop])]
    if is_whole:
        return Found(places[start:stop], len(places), version.row_count)
    return Found(places[start:stop], None, places[-1] + 1)


def _reads_texts(version: DatasetVersion, question: Question) -> bool:
    """Whether a filter looks at whole texts in the files, from the first on."""
    is_asked = any(one.column.is_cut and one.operator in _OF_TEXTS for one in question.filter.conditions)
    return is_asked and not metadata.is_small(version)


_OF_TEXTS = ("contains", "matches")


def _first(version: DatasetVersion, question: Question, start: int, stop: int) -> Found:
    """A page of rows, without a look at those behind it: DuckDB keeps the order of the files, and ends at the limit. Those of a patch,
    which are few, are asked for by themselves and put in their places."""
    where, values = question.where()
    sql = f"SELECT place FROM {{rows}} WHERE {where}"  # noqa: S608
    changed, asked = metadata.patched(version).places, stop + 1
    while True:
        told = tables.ask(version, f"{sql} LIMIT ?", [*values, asked], part=tables.SHARDS)["place"]
        found, is_whole = told[~np.isin(told, changed)], len(told) < asked
        if is_whole or len(found) > stop:
            break
        asked += min(asked, len(changed))
    if version.patch:
        own = tables.ask(version, sql, values, part=tables.PATCH)["place"]
        found = np.sort(np.concatenate([found, own if is_whole else own[own < found[-1]]]))
    return _page(version, found, is_whole, start, stop)


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
    rest, pieces = _without_pieces(version, question)
    base = _rows(version, rest, held)
    return as_places(version, texts.saying(version, pieces, within=base)[0] if pieces else base)


def _rows(version: DatasetVersion, question: Question, held: Any) -> Any:
    """The rows that pass the filter and the split and are among `held`, as the small columns count them; `held` where there are none."""
    if not (question.filter.parts or question.split):
        return held
    where, values = question.where()
    found = tables.ask(version, f"SELECT place FROM {{rows}} WHERE {where}", values)["place"]  # noqa: S608
    base = np.sort(np.asarray(found, np.int64))
    return base if held is None else base[np.isin(base, held, assume_unique=True)]


def _without_pieces(version: DatasetVersion, question: Question) -> tuple[Question, list[texts.Piece]]:
    """The question without the pieces of text of which an index tells where they may be, and these."""
    parts, pieces = list[Condition | Group](), list[texts.Piece]()
    for part in question.filter.parts:
        piece = None
        if isinstance(part, Condition) and part.is_piece_of_text and not question.filter.is_any:
            piece = texts.piece_of(version, part.column.whole_id, part.value)
        if piece is None:
            parts.append(part)
        else:
            pieces.append(piece)
    return replace(question, filter=Group(question.filter.is_any, tuple(parts))), pieces


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
