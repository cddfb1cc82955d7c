"""The page of rows: the table, the opened row, and the ways on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import Problem
from apps.datasets import listings
from apps.datasets.browsing import address, jobs, metadata, reading
from apps.datasets.browsing.columns import NUMBER, OPERATORS, Column, columns_of
from apps.datasets.browsing.filters import Group, checked
from apps.datasets.browsing.finding import Question, count, find, read_question
from apps.datasets.browsing.shown import Shown
from apps.datasets.drafts import services as drafts
from apps.datasets.models import DatasetVersion, DraftEdit
from apps.datasets.rows import StoredRow
from workers.formats.forms import TALKS

ROWS_SHOWN = 25
MOST_COLUMNS = 8
_FIRST = ("question", "turns", "characters")
_PLAIN = ("question", "label", "characters")
_WORDLESS = ("question", "label")  # of forms whose rows are no text


@dataclass(frozen=True)
class Head:
    """The head of a column: its link sorts by it."""

    column: Column
    url: str
    aria_sort: str


@dataclass(frozen=True)
class Line:
    """A row of the table. `edit` is how the viewer's draft changes it, if by itself."""

    index: int
    cells: list[tuple[Column, Any]]
    url: str
    edit: str = ""

    @property
    def place(self) -> int:
        return self.index + 1


def rows_page(version: DatasetVersion, query: Mapping[str, str], person: Any) -> dict[str, Any]:
    """A page of rows, with the chosen one (or the first) opened beside them."""
    is_ready = metadata.is_ready(version)
    columns = columns_of(version)
    problem = None
    try:
        question = read_question(version, query)
    except Problem as found:
        if found.field not in ("filter", "sort"):
            raise
        problem, question = found, read_question(version, {**query, "filter": "", "sort": ""})
    start, _limit = listings.page_of(version, {**query, "limit": ""}, ROWS_SHOWN)
    shown = [columns[name] for name in chosen(version, query, columns)]
    places, total, after, scanned = _places(version, question, query, start)
    lines = _lines(version, places, shown, {**query, "cursor": str(start)}, person)
    opened = next((place for place in places if str(place) == query.get("row")), places[0] if places else None)
    narrowed = address.link({**query, "sort": "", "columns": ""})[1:]
    return {
        "is_ready": is_ready,
        "index_job": None if is_ready else jobs.jobs_of(version).first(),
        "problem": problem,
        "question": question,
        "q": question.text,
        "split": question.split,
        "query": {name: query.get(name, "") for name in address.NAMES},
        "narrowed": narrowed,
        "heads": [_head(column, question, query) for column in shown],
        "columns": list(columns.values()),
        "shown_columns": {column.id for column in shown},
        "operators": OPERATORS.items(),
        "chips": address.chips(question.filter, query),
        "turned": address.link(query, filter=address.turned(question.filter)),
        "lines": lines,
        "total": total,
        "seen_to": start + scanned,
        "first": start + 1 if lines else 0,
        "last": start + len(lines),
        "page_url": address.link(query, cursor=start),
        "before": address.link(query, cursor=max(start - ROWS_SHOWN, 0)) if start else "",
        "after": address.link(query, cursor=after) if after is not None else "",
        "row": Shown(version, reading.rows_at(version, [opened])[0]) if opened is not None else None,
        "row_url": address.link(query, cursor=start, row=opened),
        "draft": drafts.draft_of(version.dataset, person),
        "can_edit_many": is_ready and bool(lines),
    }


def counted(version: DatasetVersion, query: Mapping[str, str]) -> dict[str, Any]:
    """How many rows the address asks for, and which of them its page shows: what a page does not wait for. Raises Problem."""
    start, _limit = listings.page_of(version, {**query, "limit": ""}, ROWS_SHOWN)
    total = count(version, read_question(version, query))
    return {"total": total, "first": min(start + 1, total), "last": min(start + ROWS_SHOWN, total)}


def row_of(version: DatasetVersion, query: Mapping[str, str]) -> dict[str, Any]:
    """One row alone, for the panel beside the table. Raises Problem."""
    text = query.get("row", "")
    if not (text.isascii() and text.isdigit()) or len(text) > 15 or int(text) >= version.row_count:
        raise Problem("There is no such row in this version.", field="row")
    place = int(text)
    url = address.link(query, cursor=query.get("cursor", ""), row=place)
    return {"row": Shown(version, reading.rows_at(version, [place])[0]), "row_url": url}


def chosen(version: DatasetVersion, query: Mapping[str, str], columns: Mapping[str, Column]) -> list[str]:
    """The columns that are shown: those the address says, else the first of the form and some of those kept beside the rows."""
    wanted = [name for name in query.get("columns", "").split(",") if name in columns]
    if wanted:
        return list(dict.fromkeys(wanted))[:MOST_COLUMNS]
    usual = _FIRST if version.form in TALKS else _WORDLESS if version.form in ("image", "tabular") else _PLAIN
    first = [name for name in usual if name in columns]
    return first + [name for name, column in columns.items() if column.is_own][:2]


def _places(
    version: DatasetVersion, question: Question, query: Mapping[str, str], start: int
) -> tuple[list[int], int | None, int | None, int]:
    """(places, how many on all pages, where to go on, rows looked at)."""
    if metadata.is_ready(version):
        found = find(version, question, start=start, limit=ROWS_SHOWN)
        return found.places, found.total, found.after(start), version.row_count
    page = listings.rows(version, {**query, "filter": "", "sort": "", "limit": ""}, limit=ROWS_SHOWN)
    return [row.index for row in page.rows], version.row_count if question.is_plain else None, page.next, page.scanned


def _head(column: Column, question: Question, query: Mapping[str, str]) -> Head:
    is_sorted = question.order == column
    url = address.link(query, sort=f"-{column.id}" if is_sorted and not question.is_descending else column.id)
    if is_sorted and question.is_descending:
        url = address.link(query, sort="")
    return Head(column, url, ("descending" if question.is_descending else "ascending") if is_sorted else "")


def _lines(
    version: DatasetVersion, places: Sequence[int], shown: Sequence[Column], query: Mapping[str, str], person: Any
) -> list[Line]:
    if not places:
        return []
    names = [column.id for column in shown]
    if metadata.is_ready(version):
        cells = reading.cells_at(version, places, names)
    else:
        cells = [_cells_of(row) for row in reading.rows_at(version, places)]
    edits = edited(version, places, person)
    return [
        Line(
            place,
            [(column, _said(column, values.get(column.id))) for column in shown],
            address.link(query, cursor=query["cursor"], row=place),
            edits.get(place, ""),
        )
        for place, values in zip(places, cells, strict=True)
    ]


def edited(version: DatasetVersion, places: Sequence[int], person: Any) -> dict[int, str]:
    """place -> "row" or "delete", of rows that the person's open draft of this version changes one by one."""
    draft = drafts.draft_of(version.dataset, person)
    if draft is None or draft.base_id != version.pk:
        return {}
    found = DraftEdit.objects.filter(draft=draft, place__in=places).order_by("number").values_list("place", "kind")
    return {place: kind for place, kind in found if place is not None}


def _said(column: Column, value: Any) -> Any:
    if isinstance(value, float) and column.is_own:  # a cell is narrow; the opened row tells every digit
        return float(f"{value:.5g}") if abs(value) < 1 else round(value, 4)
    if value is None or column.kind != NUMBER or column.is_own:
        return "" if value is None else value
    return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")


def _cells_of(row: StoredRow) -> dict[str, Any]:
    """What the small columns would say, of a row that was read."""
    return {
        "question": row.question[:100],
        "answer": row.messages[-1]["content"][:100] if row.messages else None,
        "turns": len(row.messages),
        "characters": row.characters,
        "label": row.label,
        "split": row.split,
        "source_line": row.source_line,
        "row_id": row.row_id,
    }


def with_one(version: DatasetVersion, query: Mapping[str, str], condition: Any) -> str:
    """The filter of the address and one condition more, all of which hold."""
    group = read_question(version, query).filter
    added = checked(condition, columns_of(version))
    parts = (group, *added.parts) if group.is_any and len(group.parts) > 1 else (*group.parts, *added.parts)
    return address.as_text(Group(False, parts))
