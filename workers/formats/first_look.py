"""A look at a file before its import: what was found, the first rows raw and as training rows, and what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.formats.chat import TrainingRow
from workers.formats.detection import Detected, columns_of, detect_layout, numbers_of, paths_of
from workers.formats.forms import content_of_row
from workers.formats.layouts import ColumnMapping, map_row, read_mapping
from workers.formats.problems import FileRefused, Problem, excerpt
from workers.formats.rows import Row
from workers.formats.table import FileFacts, Table, inspect_file

FULL_CHECK = 32 * 2**20  # bytes: files up to this size are checked to their end
FIRST_PART = 4 * 2**20  # bytes looked at in bigger files
SHOWN = 20
SAMPLE = 200
_CELL = 600  # characters of one value shown
_TEXT = 4 * _CELL  # of one turn or passage
_COLUMNS = 100


def preview(path: Path, *, name: str = "", format: str = "", encoding: str = "", mapping: Any = None) -> dict[str, Any]:
    """Read a file and describe it as plain JSON values.

    Keys: format, encoding, delimiter, columns, paths (into nested columns), mapping (found or given, None when none fits),
    mapping_certain, form, raw (first 20 rows), training (the same as training rows or problems), counts {rows, good, bad, blank,
    complete}, reasons {code: count}, problems (first 20), notes. Files up to 32 MiB are read whole; of bigger ones the first 4 MiB
    (counts.complete False).
    Raises FileRefused for a broken file, a wrong mapping, or a file of which no row can be read. That no row fits the mapping
    (counts.good is 0) is left to the caller: a person may still correct the mapping.
    """
    facts = inspect_file(path, name=name, format=format, encoding=encoding)
    table = Table(path, facts)
    items = table.rows()
    sample = _sample(table, items)
    rows = [item for item in sample if isinstance(item, Row)]
    found = detect_layout(rows) if mapping is None else Detected(_given(mapping, rows, facts))
    check = _Check(found.mapping if found else None)
    for item in sample:
        check.add(item)
    whole = table.size <= FULL_CHECK
    for item in items:
        check.add(item)
        if not whole and table.position > FIRST_PART + table.facts.encoding.bom:
            break
    else:
        whole = True
    check.refuse_if_useless()
    return _description(table, facts, rows, found, check, whole)


def _given(mapping: Any, rows: list[Row], facts: FileFacts) -> ColumnMapping:
    """The mapping a person chose; of a table in CSV it is found out which columns are numbers, unless that is said."""
    read = read_mapping(mapping, columns_of(rows))
    if read.form == "tabular" and facts.format in ("csv", "tsv") and "numbers" not in mapping:
        return replace(read, numbers=numbers_of(rows))
    return read


def _sample(table: Table, items: Iterator[Row | Problem]) -> list[Row | Problem]:
    """The first 200 rows, fewer when they are long: they are all held at once."""
    sample: list[Row | Problem] = []
    for item in items:
        sample.append(item)
        if len(sample) >= SAMPLE or table.position > 2 * FIRST_PART:
            break
    return sample


class _Check:
    """Counts what would go in and what would not; keeps the first of both."""

    def __init__(self, mapping: ColumnMapping | None) -> None:
        self._mapping = mapping
        self.rows = self.readable = self.good = self.bad = 0
        self.reasons: Counter[str] = Counter()
        self.problems: list[Problem] = []
        self.training: list[dict[str, Any]] = []

    def add(self, item: Row | Problem) -> None:
        """Count one row of the file."""
        self.rows += 1
        self.readable += isinstance(item, Row)
        made = map_row(item, self._mapping) if isinstance(item, Row) and self._mapping else item
        if isinstance(made, Problem):
            self.bad += 1
            self.reasons[made.code] += 1
            if len(self.problems) < SHOWN:
                self.problems.append(made)
            self._show({"line": made.line, "problem": made.reason})
        elif not isinstance(made, Row):
            self.good += 1
            if len(self.training) < SHOWN:
                thumb = item.values.get("thumb", "") if isinstance(item, Row) and made.content else ""
                self._show(shown_row(made) | ({"thumb": thumb} if thumb else {}))

    def _show(self, shown: dict[str, Any]) -> None:
        if len(self.training) < SHOWN:
            self.training.append(shown)

    def refuse_if_useless(self) -> None:
        """Raise FileRefused for a file with no rows, or of which not one row could be read."""
        if not self.rows:
            raise FileRefused("no_rows", "The file has no rows, only a header or an empty list.")
        if not self.readable:
            first = self.problems[0]
            many = f"None of the {self.rows} rows can" if self.rows > 1 else "The only row cannot"
            message = f"{many} be read. Line {first.line}: {first.reason}"
            raise FileRefused("all_rows_bad", message, hint="Mend the file, or say its format.", line=first.line)


def shown_row(row: TrainingRow) -> dict[str, Any]:
    """What a page shows of a training row: its turns and what it holds besides, long texts cut, a text with spans in its pieces."""
    shown: dict[str, Any] = {"line": row.source_line, "messages": [_turn(m.role, m.content) for m in row.messages]}
    content = content_of_row(row)
    if "spans" in content:
        shown["pieces"] = pieces_of(content["text"][:_TEXT], content["spans"])
    for name, value in content.items():
        shown[name] = value[:_TEXT] if isinstance(value, str) else value
    if "rejected" in content:
        shown["rejected"] = [_turn(turn["role"], turn["content"]) for turn in content["rejected"]]
    if "values" in content:
        cells = list(content["values"].items())[:_COLUMNS]
        shown["cells"] = {name: excerpt(_shown(value), _CELL) for name, value in cells}
    return {name: value for name, value in shown.items() if name not in ("spans", "values")}


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content[:_TEXT]}


def pieces_of(text: str, spans: list[dict[str, Any]]) -> list[dict[str, str]]:
    """A text as pieces {"text", "label"}, the label "" between spans; of spans that overlap the first is kept whole."""
    pieces, at = list[dict[str, str]](), 0
    for span in spans:
        start, end = max(span["start"], at), min(span["end"], len(text))
        if start >= end:
            continue
        if start > at:
            pieces.append({"text": text[at:start], "label": ""})
        pieces.append({"text": text[start:end], "label": span["label"]})
        at = end
    return [*pieces, {"text": text[at:], "label": ""}] if at < len(text) else pieces


def _description(
    table: Table, facts: FileFacts, rows: list[Row], found: Detected | None, check: _Check, whole: bool
) -> dict[str, Any]:
    encoding = facts.encoding
    return {
        "format": facts.format,
        "delimiter": facts.delimiter,
        "encoding": {
            "name": encoding.name,
            "label": encoding.label,
            "certain": encoding.certain,
            "first_bad_line": encoding.first_bad_line,
        },
        "columns": [name for name in columns_of(rows) if name != "thumb"],
        "paths": paths_of(rows),
        "form": found.mapping.form if found else "",
        "mapping": found.mapping.as_dict() if found else None,
        "mapping_certain": bool(found and found.certain),
        "raw": [{"line": row.line, "values": _cells(row)} for row in rows[:SHOWN]],
        "training": check.training,
        "counts": {
            "rows": check.rows,
            "good": check.good,
            "bad": check.bad,
            "blank": table.blank_lines,
            "complete": whole,
        },
        "reasons": dict(check.reasons),
        "problems": [problem.as_dict() | {"raw": excerpt(problem.raw, _CELL)} for problem in check.problems],
        "notes": facts.notes,
        "size": table.size,
    }


def _cells(row: Row) -> dict[str, str]:
    cells = [(name, value) for name, value in row.values.items() if name != "thumb"]
    return {name: excerpt(_shown(value), _CELL) for name, value in cells[:_COLUMNS]}


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
