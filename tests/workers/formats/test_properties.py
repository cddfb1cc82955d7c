"""Readers on whatever hypothesis thinks of: what was written is read back, and nothing but our two errors comes out."""

import contextlib
import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workers.formats.files import items_of
from workers.formats import FileRefused, Message, Problem, Row, TrainingRow, detect_layout, map_row, preview, row_id
from workers.formats.forms import TALKS
from workers.formats.layouts import LAYOUTS, read_mapping

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
words = storable.filter(lambda text: text.strip() != "")
numbers = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | storable, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
columns = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
objects = st.dictionaries(columns, values, min_size=1, max_size=4)


def read(content: bytes, name: str) -> list[Row | Problem]:
    with tempfile.TemporaryDirectory() as folder:
        return items_of(Path(folder), content, name)


def rows_in(content: bytes, name: str) -> list[dict[str, Any]]:
    items = read(content, name)
    assert not [item for item in items if isinstance(item, Problem)], items
    return [item.values for item in items if isinstance(item, Row)]


@quick
@given(st.lists(objects, min_size=1, max_size=6), st.booleans(), st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_jsonl__any_objects__come_back(rows: list[dict[str, Any]], is_ascii: bool, end: bytes) -> None:
    lines = [json.dumps(row, ensure_ascii=is_ascii).encode() for row in rows]
    assert rows_in(end.join(lines), "rows.jsonl") == rows


@quick
@given(st.lists(objects, min_size=1, max_size=6), st.sampled_from([None, 1, 7]))
def test_json_array__any_objects__come_back(rows: list[dict[str, Any]], indent: int | None) -> None:
    assert rows_in(json.dumps(rows, indent=indent, ensure_ascii=False).encode(), "rows.json") == rows


@quick
@given(
    st.lists(columns, min_size=2, max_size=4, unique=True),
    st.data(),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_csv__any_text__comes_back(names: list[str], data: st.DataObject, quoting: Any) -> None:
    width = len(names)
    row = st.lists(storable, min_size=width, max_size=width).filter(lambda cells: any(cells))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    held = io.StringIO(newline="")
    csv.writer(held, quoting=quoting).writerows([names, *rows])
    assert rows_in(held.getvalue().encode(), "rows.csv") == [dict(zip(names, cells, strict=True)) for cells in rows]


@quick
@given(st.lists(st.tuples(words, words), min_size=1, max_size=6))
def test_all_formats__same_rows__have_the_same_identity(pairs: list[tuple[str, str]]) -> None:
    rows = [{"prompt": prompt, "completion": completion} for prompt, completion in pairs]
    held, table = io.StringIO(newline=""), io.BytesIO()
    csv.writer(held).writerows([["prompt", "completion"], *pairs])
    pq.write_table(pa.Table.from_pylist(rows), table)
    written = {
        "rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "rows.json": json.dumps(rows, ensure_ascii=False).encode(),
        "rows.csv": held.getvalue().encode(),
        "rows.parquet": table.getvalue(),
    }
    mapping = read_mapping({"prompt": "prompt", "completion": "completion"}, [])
    expected = [row_id([Message("user", p), Message("assistant", c)]) for p, c in pairs]
    for name, content in written.items():
        made = [map_row(item, mapping) for item in read(content, name) if isinstance(item, Row)]
        assert [row.row_id for row in made if isinstance(row, TrainingRow)] == expected, name


pieces = st.sampled_from(
    [b'"', b",", b"\n", b"\r\n", b"\r", b"{", b"}", b"[", b"]", b"a", b":", b"\\", b"\0", b"\xff", b"\xef\xbb\xbf", b"NaN", b"1e999",
     b"\\ud800", b'{"a": 1}', b"\t", b";", "é你".encode(), b"PAR1", b"true"]
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(pieces, max_size=30).map(b"".join) | st.binary(max_size=200),
    st.sampled_from(["r.csv", "r.tsv", "r.json", "r.jsonl", "r"]),
)
def test_any_bytes__are_rows_problems_or_a_refusal(content: bytes, name: str) -> None:
    try:
        items = read(content, name)
    except FileRefused as refusal:
        assert refusal.message and refusal.code
        return
    assert [item.line for item in items] == sorted(item.line for item in items)
    for item in items:
        if isinstance(item, Problem):
            json.dumps(item.as_dict()).encode()
            assert item.reason and item.code
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        with contextlib.suppress(FileRefused):
            json.dumps(preview(path, name=name), allow_nan=False).encode()


@quick
@given(objects, st.sampled_from(sorted(LAYOUTS)), st.data())
def test_map_row__any_values__is_a_checked_conversation_or_a_problem(
    row: dict[str, Any], layout: str, data: st.DataObject
) -> None:
    roles = LAYOUTS[layout].roles
    names = data.draw(st.lists(st.sampled_from(sorted(row)), min_size=len(roles), max_size=len(roles)))
    if len(set(names)) < len(names):
        return
    made = map_row(Row(1, row), read_mapping({"layout": layout, "columns": dict(zip(roles, names, strict=True))}, []))
    if isinstance(made, TrainingRow):
        assert bool(made.messages) == (LAYOUTS[layout].form in TALKS)
        assert made.messages == [] or made.messages[-1].role == "assistant"
        assert all(m.content.strip() for m in made.messages)
        json.loads(made.content or "null")
        assert len(made.row_id) == 64
        json.loads(made.extra or "null")
    else:
        assert made.reason


@quick
@given(st.lists(objects, max_size=4))
def test_detect__any_rows__is_a_mapping_that_reads_back(rows: list[dict[str, Any]]) -> None:
    found = detect_layout([Row(n, row) for n, row in enumerate(rows, 1)])
    if found:
        assert read_mapping(found.mapping.as_dict(), sorted({name for row in rows for name in row})) == found.mapping


@quick
@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), storable), max_size=5))
def test_row_id__is_the_sha256_of_canonical_json(turns: list[tuple[str, str]]) -> None:
    import hashlib

    listed = [{"content": content, "role": role} for role, content in turns]
    canonical = json.dumps(listed, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert row_id([Message(*turn) for turn in turns]) == hashlib.sha256(canonical.encode()).hexdigest()
