"""What browsing needs to know of each row: small columns beside the row itself, so that a filter or a sort never reads the rows.

`describe` makes of rows, as they are stored, a table with a row for each:

    place               of the row in its file, from 0; of a patch, the place in all shards that it is about
    gone                only of a patch: whether it takes the row out
    row_id, source_line, split ("" where it has none)
    question, answer    the first 100 characters of the first user's message and of the last answer (of its text, values or image name)
    question_whole, answer_whole  the same texts to their end, only in files and where they are asked for: filters are about these
    turns, characters, answer_characters
    label               its class as text
    x_<12 hex digits>   a column kept beside the row, or a value of a table, as text; the digits are of the sha256 of its name

The schema's metadata tells under "columns" the names behind the x_ columns and whether all their values are numbers.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workers.formats.forms import canonical
from workers.formats.stored import is_patch

SHOWN = 100  # characters of question and answer
MOST_CHARACTERS = 500  # of a value that is kept
MOST_COLUMNS = 200  # x_ columns of one file, the first that come
NAMES = b"columns"
BATCH_ROWS = 10_000
_READ = ["row_id", "messages", "source_line", "split", "content", "extra"]


def column_id(name: str) -> str:
    """The id of a column that is kept beside the rows: the same in every file, and safe to stand in a query."""
    return f"x_{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:12]}"


def describe(rows: pa.Table, first: int = 0, *, whole: bool = False) -> pa.Table:
    """The small columns of rows as they are stored (of a patch where they have `place`); `first` is the place of the first."""
    messages = rows.column("messages").combine_chunks()
    contents = [json.loads(text) if text else {} for text in _values(rows, "content")]
    turns = _turns(messages)
    texts = [_text_of(content) for content in contents]
    own = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    has_turns = turns["turns"] > 0
    columns: dict[str, Any] = {
        "place": rows.column("place")
        if "place" in rows.column_names
        else pa.array(range(first, first + rows.num_rows)),
        **({"gone": rows.column("gone")} if "gone" in rows.column_names else {}),
        "row_id": rows.column("row_id"),
        "source_line": rows.column("source_line"),
        "split": pa.array([split or "" for split in _values(rows, "split")], pa.string()),
        "question": _either(_cut(turns["question"]), has_turns, [text[:SHOWN] for text in texts]),
        "answer": _cut(turns["answer"]),
        **(
            {"question_whole": _either(turns["question"], has_turns, texts), "answer_whole": turns["answer"]}
            if whole
            else {}
        ),
        "turns": pa.array(turns["turns"], pa.int32()),
        "characters": pa.array(np.where(has_turns, turns["characters"], own), pa.int64()),
        "answer_characters": pa.array(turns["answer_characters"], pa.int64()),
        "label": pa.array([_as_text(content.get("label")) for content in contents], pa.string()),
    }
    found = _beside(_values(rows, "extra"), contents)
    columns |= {column_id(name): pa.array(values, pa.string()) for name, values in found.items()}
    names = {column_id(name): [name, all(map(is_number, values))] for name, values in found.items()}
    return pa.table(columns).replace_schema_metadata({NAMES: json.dumps(names).encode()})


def describe_file(path: Path) -> Iterator[pa.Table]:
    """The small columns of a file of a version, some rows at a time; each table with the x_ columns it has met."""
    first = 0
    with pq.ParquetFile(path, memory_map=False) as file:
        there = set(file.schema_arrow.names)
        wanted = [*(["place", "gone"] if is_patch(path) else []), *(name for name in _READ if name in there)]
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
            yield describe(pa.Table.from_batches([batch]), first, whole=True)
            first += batch.num_rows


def joined(tables: Iterable[pa.Table]) -> pa.Table:
    """One table of several descriptions; a column that some lack is null there."""
    kept = list(tables)
    names: dict[str, Any] = {}
    for table in kept:
        for column, (name, is_numeric) in names_of(table.schema).items():
            names[column] = [name, is_numeric and names.get(column, [name, True])[1]]
    whole = pa.concat_tables(kept, promote_options="default")
    spare = [name for name in whole.column_names if name.startswith("x_")][MOST_COLUMNS:]
    kept_names = {column: told for column, told in names.items() if column not in spare}
    return whole.drop_columns(spare).replace_schema_metadata({NAMES: json.dumps(kept_names).encode()})


def names_of(schema: pa.Schema) -> dict[str, list[Any]]:
    """x_ column -> [its name, whether all its values are numbers]."""
    found: dict[str, list[Any]] = json.loads((schema.metadata or {}).get(NAMES, b"{}"))
    return found


def is_number(text: str | None) -> bool:
    """Whether a value that is kept as text is a finite number, or missing."""
    if text is None:
        return True
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _values(rows: pa.Table, name: str) -> list[Any]:
    return rows.column(name).to_pylist() if name in rows.column_names else [None] * rows.num_rows


def _turns(messages: pa.Array) -> dict[str, Any]:
    """Counts and first words of conversations, all at once: a row of a long table costs microseconds."""
    count = len(messages)
    turns = pc.fill_null(pc.list_value_length(messages), 0).to_numpy(zero_copy_only=False)
    flat, parents = pc.list_flatten(messages), pc.list_parent_indices(messages).to_numpy()
    texts, roles = pc.struct_field(flat, "content"), pc.struct_field(flat, "role")
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    is_answer = pc.equal(roles, "assistant").to_numpy(zero_copy_only=False)
    is_user = pc.equal(roles, "user").to_numpy(zero_copy_only=False)
    last = np.cumsum(turns) - 1
    return {
        "turns": turns,
        "characters": np.bincount(parents, lengths, count).astype(np.int64),
        "answer_characters": np.bincount(parents[is_answer], lengths[is_answer], count).astype(np.int64),
        "question": texts.take(pa.array(_first_places(parents, is_user, count))),
        "answer": texts.take(pa.array(np.where(turns > 0, last, 0), mask=turns == 0)),
    }


def _first_places(parents: Any, wanted: Any, count: int) -> pa.Array:
    """For each row the place of its first wanted turn among all turns, or null."""
    places = np.flatnonzero(wanted)[::-1]
    found = np.full(count, -1, np.int64)
    found[parents[places]] = places
    return pa.array(found, mask=found < 0)


def _either(shown: pa.Array, has_turns: Any, texts: list[str]) -> pa.Array:
    if has_turns.all():
        return shown
    return pc.if_else(pa.array(has_turns), shown, pa.array(texts, pa.string()))


def _cut(texts: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, 0, SHOWN)


def _text_of(content: Mapping[str, Any]) -> str:
    """What a row without messages says first."""
    if "values" in content:
        return "; ".join(f"{name}: {value}" for name, value in content["values"].items())
    return str(content.get("text") or content.get("image") or "")


def _beside(extras: list[str | None], contents: list[dict[str, Any]]) -> dict[str, list[str | None]]:
    """The values of what is kept beside the rows and of tables, by column name."""
    found: dict[str, list[str | None]] = {}
    for number, (extra, content) in enumerate(zip(extras, contents, strict=True)):
        pairs = json.loads(extra) if extra else {}
        if "values" in content:
            pairs = {**pairs, **content["values"]}
        for name, value in pairs.items():
            column = found.get(name)
            if column is None:
                if len(found) >= MOST_COLUMNS:
                    continue
                column = found[name] = [None] * len(extras)
            column[number] = _as_text(value)
    return found


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value[:MOST_CHARACTERS] if value else None
    if isinstance(value, list | dict):
        return canonical(value)[:MOST_CHARACTERS]
    return json.dumps(value)
