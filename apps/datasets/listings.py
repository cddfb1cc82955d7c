"""What the pages and the API list of a version: rows and quarantined rows, by cursor."""

import json
from collections.abc import Mapping
from typing import Any

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets.browsing import metadata, reading
from apps.datasets.browsing.finding import Question, count, find, read_question, split_of
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import Page, StoredRow, read_page, search

MAX_LIMIT = 200
__all__ = ["page_of", "quarantine", "row_as_dict", "rows", "split_of"]


def rows(version: DatasetVersion, query: Mapping[str, str], *, limit: int = 50) -> Page:
    """The page of rows that `q`, `filter`, `split`, `sort`, `cursor` and `limit` ask for. Raises Problem naming the parameter."""
    start, limit = page_of(version, query, limit)
    question = read_question(version, query)
    if not metadata.is_ready(version):
        return _unindexed(version, question, start, limit)
    found = find(version, question, start=start, limit=limit)
    is_plain = question.is_plain and question.order is None
    kept = (
        read_page(version.shard_paths(), start=start, limit=limit, total=version.row_count).rows
        if is_plain
        else reading.rows_at(version, found.places)
    )
    scanned = len(kept) if is_plain else found.scanned or version.row_count
    total = count(version, question) if found.total is None and query.get("count") else found.total
    return Page(kept, found.after(start), scanned, total)


def page_of(version: DatasetVersion, query: Mapping[str, str], limit: int) -> tuple[int, int]:
    """Where a page begins and how many rows it has. Raises Problem."""
    start, limit = _number(query, "cursor", 0), min(_number(query, "limit", limit), MAX_LIMIT)
    if start > version.row_count:
        raise Problem("This cursor is not from a page of this version.", field="cursor")
    return start, limit


def _unindexed(version: DatasetVersion, question: Question, start: int, limit: int) -> Page:
    """While the index is built, rows are read through; here a cursor is a place."""
    paths, total = version.shard_paths(), version.row_count
    if question.is_plain:
        return read_page(paths, start=start, limit=limit, total=total)
    return search(paths, question.text, start=start, limit=limit, split=question.split, total=total)


def row_as_dict(row: StoredRow) -> dict[str, Any]:
    return {
        "index": row.index,
        "row_id": row.row_id,
        "messages": row.messages,
        "source_line": row.source_line,
        "extra": row.extra,
        "split": row.split,
    }


def quarantine(
    version: DatasetVersion, query: Mapping[str, str], *, limit: int = 50
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of quarantined rows and the cursor of the next (a place in bytes), or None. Raises Problem."""
    version.require_rows()
    if not version.quarantine_key:
        return [], None
    start, limit = _number(query, "cursor", 0), min(_number(query, "limit", limit), MAX_LIMIT)
    with storage().open(version.quarantine_key) as file:
        file.seek(max(start - 1, 0))
        if start and file.read(1) != b"\n":
            raise Problem("This cursor is not from a page of this version.", field="cursor")
        found = [json.loads(line) for line in (file.readline() for _ in range(limit)) if line]
        after = file.tell()
        return found, after if file.read(1) else None


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Problem(f"{name} must be a whole number, 0 or more.", field=name)
    return max(int(text), 1) if name == "limit" else int(text)
