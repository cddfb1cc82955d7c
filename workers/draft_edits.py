"""The edits of a draft, applied to rows: single ones, and operations on many rows.

An edit is {"kind": "row", "place", "row"}, {"kind": "delete", "place"} or {"kind": "bulk", "operation", "places"} (places: a file that
`write_places` wrote). They are applied in their order; a row that an operation would make useless stays as it was, and is counted.
Operations: {"op": "delete"}, {"op": "label", "value"}, {"op": "split", "value"}, {"op": "replace", "find", "with", "is_pattern"} and
{"op": "column", "name", "value"}.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import re2

from workers.formats.chat import SPLITS, Message, TrainingRow
from workers.formats.forms import canonical, content_of_row, key_of, make_row, texts_of, with_texts
from workers.formats.problems import RowFault

OPERATIONS = ("delete", "label", "split", "replace", "column")
LABELLED = ("kto", "classification", "tabular", "image")
_PATTERN_BYTES = 8 << 20

Change = Callable[[TrainingRow], TrainingRow | None]


def write_places(places: Any, path: Path) -> None:
    """Keep places (ascending) in a file: neighbours cost next to nothing."""
    table = pa.table({"place": pa.array(places, pa.int64())})
    pq.write_table(
        table, path, compression="zstd", use_dictionary=False, column_encoding={"place": "DELTA_BINARY_PACKED"}
    )


def read_places(path: Path) -> Any:
    """The places that `write_places` kept, as int64."""
    return pq.read_table(path, use_threads=False).column("place").to_numpy()


def row_of(form: str, raw: Mapping[str, Any], old: TrainingRow) -> TrainingRow:
    """A row as a person wants it: {"messages", "content", "extra", "split"}; what is not said stays, and so does its key. Raises
    RowFault when nothing could be learned from it."""
    messages = (
        [Message(turn["role"], turn["content"]) for turn in raw["messages"]] if "messages" in raw else old.messages
    )
    content = raw["content"] if "content" in raw else content_of_row(old)
    extra = old.extra if "extra" not in raw else canonical(raw["extra"]) if raw["extra"] else None
    split = raw.get("split", old.split)
    return make_row(
        form, messages, content or None, source_line=old.source_line, extra=extra, split=split, key=key_of(old)
    )


def change_of(operation: Mapping[str, Any], form: str) -> Change:
    """What an operation does to one row; None where it goes. The change may raise RowFault. Raises ValueError for an operation that is
    none, or a pattern that RE2 does not take."""
    op = operation.get("op")
    if op == "delete":
        return lambda row: None
    if op == "label":
        return lambda row: _with_label(row, operation["value"], form)
    if op == "split":
        if operation["value"] not in SPLITS:
            raise ValueError("no such split")
        return lambda row: row._replace(split=operation["value"], key=key_of(row))
    if op == "replace":
        return _replacing(operation, form)
    if op == "column":
        return lambda row: _with_column(row, operation["name"], operation["value"], form)
    raise ValueError(f"no operation {op!r}")


def _replacing(operation: Mapping[str, Any], form: str) -> Change:
    find, put = operation["find"], operation["with"]
    if operation.get("is_pattern"):
        options = re2.Options()
        options.log_errors, options.max_mem = False, _PATTERN_BYTES
        pattern = re2.compile(find, options=options)
        swap: Callable[[str], str] = lambda text: pattern.sub(put, text)  # noqa: E731
        if any(int(group) > pattern.groups for group in re.findall(r"\\(\d)", put)):
            raise ValueError("The replacement names a group that the pattern does not have.")
    else:
        swap = lambda text: text.replace(find, put)  # noqa: E731

    def change(row: TrainingRow) -> TrainingRow:
        texts = texts_of(row)
        new = [swap(text) for text in texts]
        return row if new == texts else with_texts(row, new, form=form)

    return change


def _with_label(row: TrainingRow, value: Any, form: str) -> TrainingRow:
    content = {**content_of_row(row), "label": value}
    return _remade(row, form, content, row.extra)


def _with_column(row: TrainingRow, name: str, value: Any, form: str) -> TrainingRow:
    content = content_of_row(row)
    if name in content.get("values", {}):
        return _remade(row, form, {**content, "values": {**content["values"], name: value}}, row.extra)
    extra = {**(json.loads(row.extra) if row.extra else {}), name: value}
    return row._replace(extra=canonical(extra), key=key_of(row))


def _remade(row: TrainingRow, form: str, content: Mapping[str, Any], extra: str | None) -> TrainingRow:
    return make_row(
        form, row.messages, content, source_line=row.source_line, extra=extra, split=row.split, key=key_of(row)
    )


class Edits:
    """The edits of a draft in their order."""

    def __init__(self, edits: Iterable[Mapping[str, Any]], form: str) -> None:
        self.form = form
        self._edits: list[tuple[Any, Change]] = [self._read(edit) for edit in edits]
        self.refused: Counter[str] = Counter()  # reason -> rows that an operation would have made useless

    def _read(self, edit: Mapping[str, Any]) -> tuple[Any, Change]:
        if edit["kind"] == "bulk":
            return read_places(Path(edit["places"])), change_of(edit["operation"], self.form)
        here = np.asarray([edit["place"]], np.int64)
        if edit["kind"] == "delete":
            return here, lambda row: None
        return here, lambda row: row_of(self.form, edit["row"], row)

    @property
    def places(self) -> Any:
        """The places of all rows that some edit is about, ascending."""
        held = [places for places, _change in self._edits]
        return np.unique(np.concatenate(held)) if held else np.zeros(0, np.int64)

    def within(self, low: int, high: int) -> dict[int, list[Change]]:
        """place -> the changes of the rows from `low` up to `high`, in their order."""
        found: dict[int, list[Change]] = {}
        for places, change in self._edits:
            start, end = np.searchsorted(places, [low, high])
            for place in places[start:end].tolist():
                found.setdefault(place, []).append(change)
        return found

    def apply(self, row: TrainingRow, changes: Sequence[Change]) -> TrainingRow | None:
        """The row after its changes; None where it goes."""
        now: TrainingRow | None = row
        for change in changes:
            if now is None:
                break
            try:
                now = change(now)
            except RowFault as fault:
                self.refused[fault.reason] += 1
        return now
