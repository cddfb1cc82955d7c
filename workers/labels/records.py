"""Records of JSON, JSON Lines, CSV, TSV and Parquet: whole tasks with their answers, or a row for each answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workers.formats.problems import Problem, RowFault
from workers.formats.rows import Row
from workers.formats.values import JsonReader
from workers.labels.found import Found, each_row, whole

HEAD = ("task", "key", "split")  # columns of our tables
TAIL = ("annotator", "annotation_id", "accepted", "lead_time", "created_at")
_BESIDE = (*HEAD, *TAIL, "id", "updated_at", "agreement", "annotator_id", "source", "data")
_BESIDE_TASK = ("annotations", "completions", "predictions")  # they are read by themselves
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet takes what begins so for a formula


def of_json(rows: Iterable[Row | Problem | None]) -> Iterator[Found]:
    """Objects of a JSON array or of JSON Lines, each a whole task or a flat record."""
    for place, values, fault in each_row(rows, "line"):
        if values is None:
            yield Found(place, fault=fault)
        elif is_whole(values):
            yield _whole(place, values)
        else:
            yield _flat(place, values, is_text=False)


def of_table(rows: Iterable[Row | Problem | None], *, word: str, is_text: bool) -> Iterator[Found]:
    """Rows of a table. `is_text`: every cell is text, as in CSV."""
    for place, values, fault in each_row(rows, word):
        yield Found(place, fault=fault) if values is None else _flat(place, values, is_text=is_text)


def is_whole(values: Mapping[str, Any]) -> bool:
    """Whether an object is a task with its data below "data", and not a flat record with a column of that name."""
    return isinstance(values.get("data"), dict) and "annotation_id" not in values and "annotator" not in values


def _whole(place: str, values: Mapping[str, Any]) -> Found:
    meta = values.get("meta")
    key = meta.get("key") if isinstance(meta, dict) else None
    given = values.get("annotations", values.get("completions")) or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        return Found(place, fault="“annotations” is a list of objects.")
    told = values.get("predictions") or []
    predictions = [prediction(one) for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    task = {name: value for name, value in values.items() if name not in _BESIDE_TASK}
    answers = [annotation(one) for one in given]
    key = key if isinstance(key, str) else ""
    return Found(place, key, whole(values.get("id")), task=task, answers=answers, predictions=predictions)


def annotation(given: Mapping[str, Any]) -> dict[str, Any]:
    """An annotation of Label Studio as an answer. `ground_truth` is its mark of gold; `accepted` and `by_reviewer` are ours."""
    return {
        "is_skipped": bool(given.get("was_cancelled") or given.get("skipped")),
        "is_accepted": given.get("accepted") is True,
        "is_gold": given.get("ground_truth") is True,
        "is_review": given.get("by_reviewer") is True,
        "result": given.get("result"),
        "person": person_of(given.get("completed_by")),
        "seconds": _seconds(given.get("lead_time")),
        "created": _text(given.get("created_at")),
    }


def prediction(given: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction of Label Studio: its regions, which model says so, and how sure it is."""
    score: Any = given.get("score")
    model = given.get("model_version")
    is_number = isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < 1e9
    words = "".join(letter for letter in str(model or "") if letter.isprintable())
    return {"result": given.get("result"), "model": words.strip()[:80], "score": float(score) if is_number else None}


def person_of(given: Any) -> str:
    """Label Studio names a person by an id, an address or an object with one of them."""
    if isinstance(given, dict):
        given = given.get("email") or given.get("id")
    text = str(given or "").strip()[:200]
    return text if text.isprintable() else ""


def _flat(place: str, values: Mapping[str, Any], *, is_text: bool) -> Found:
    """A row for one answer. Which columns are questions, the stage knows; all but our own are in `said` and in `shown`."""
    cells = {name.removeprefix("\ufeff"): unguarded(cell) if is_text else cell for name, cell in values.items()}
    said = {name: cell for name, cell in cells.items() if name not in _BESIDE and cell is not None and cell != ""}
    key = cells.get("key")
    shown = {name: cell for name, cell in cells.items() if name not in (*HEAD, *TAIL) and cell is not None}
    answer = {
        "said": said,
        "person": person_of(cells.get("annotator")),
        "seconds": _seconds(cells.get("lead_time")),
        "created": _text(cells.get("created_at")),
    }
    number = whole(cells.get("task")) or whole(cells.get("id"))
    return Found(place, key if isinstance(key, str) else "", number, shown, answers=[answer])


def unguarded(cell: Any) -> Any:
    """A cell without the apostrophe that keeps a spreadsheet from running it."""
    is_guarded = isinstance(cell, str) and cell.startswith("'") and cell[1:].lstrip(" ").startswith(_RUNS)
    return cell[1:] if is_guarded or (isinstance(cell, str) and cell[:1] == "'" and cell[1:2] in _RUNS) else cell


def as_json(cell: str) -> Any:
    """The value of a cell that holds JSON; None when it does not."""
    try:
        return JsonReader().read(cell)
    except (json.JSONDecodeError, RowFault):
        return None


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0.0
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 24 * 3600
    return float(value) if is_time else 0.0


def _text(value: Any) -> str:
    return value[:40] if isinstance(value, str) else str(value)[:40] if value is not None else ""
