"""Columns of a piece: the same part that its rows make one by one, and no row of a well-formed file is looked at alone."""

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.workers.formats.test_bulk import fragments, odd, said, same, storable, text
from workers.formats.columnar import rows_of
from workers.formats.columns import can_convert
from workers.formats.csv_rows import read_csv
from workers.formats.json_rows import read_jsonl
from workers.formats.layouts import read_mapping
from workers.formats.parts import convert
from workers.formats.pieces import Piece, convert_piece

thorough = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
MAPPINGS: list[dict[str, Any]] = [
    {"prompt": "a", "completion": "b"},
    {"prompt": "a", "completion": "b", "system": "c"},
    {"instruction": "a", "output": "b", "input": "c"},
    {"layout": "alpaca", "columns": {"instruction": "a", "output": "b", "input": "c", "system": "ü"}},
    {"layout": "text", "columns": {"text": "a"}},
    {"layout": "classification", "columns": {"text": "a", "label": "b"}},
    {"layout": "preference", "columns": {"prompt": "a", "chosen": "b", "rejected": "c"}},
    {"layout": "preference", "columns": {"prompt": "a", "chosen": "b", "rejected": "c", "input": "ü", "system": "d"}},
]
mappings = st.sampled_from(MAPPINGS).map(lambda raw: read_mapping(raw, []))
words = (
    said
    | storable
    | text
    | st.sampled_from(["\u3000", "\x85", "\xa0\u2003", "\u3000 x", "😀", "你好", "ü", "[", "É", "\u1680"])
)
plain = st.fixed_dictionaries({"a": words, "b": words, "c": words, "ü": words, "d": words})
last = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
NAMES = ("a", "b", "c", "ü", "d")
fewer = st.lists(st.sampled_from(NAMES), min_size=2, unique=True)
oddities = fragments | st.sampled_from(
    ["", '{"a": "x", "b": "y"}', '{"a":"x","b":"y","c":"z"}{"a":"x"}', '{"a": "\\\\ud83d\\ude00", "b": "y"}', '{"a": "x" , "b" : "y"}',
     '{"q\\"a": "x", "b": "y"}', '{"a": "\\":", "b": "\\\\"}', '{"a": "x", "b": "y", "b": "z"}', '{"a": "x", "b": NaN}',
     '{"a": 01, "b": 2}',     '{"a": "x", "b": "\x01"}', '{"a": "x", "b": {"c": "d"}}', ' {"a": "x", "b": "y"} ', '{"a": "x", "b": "y"} 5',
     '{"a": "\\/", "b": "\\b"}']
)  # fmt: skip


@thorough
@given(data=st.data())
def test_json_columns__any_lines__make_the_part_of_each_line_alone(data: st.DataObject) -> None:
    mapping, names = data.draw(mappings), data.draw(st.just(list(NAMES)) | fewer)
    ends = data.draw(st.sampled_from([words, last, st.integers(), st.floats(allow_nan=False), odd]))
    rows = data.draw(st.lists(st.tuples(plain, ends), min_size=1, max_size=8))
    is_ascii, separators = data.draw(st.booleans()), data.draw(st.sampled_from([None, (",", ":"), (" ,", ":  ")]))
    lines = [
        json.dumps({**{name: row[name] for name in names}, "n": end}, ensure_ascii=is_ascii, separators=separators)
        for row, end in rows
    ]
    for _ in range(data.draw(st.integers(0, 2))):
        lines.insert(data.draw(st.integers(0, len(lines))), data.draw(oddities))
    content = data.draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode() + data.draw(st.sampled_from([b"", b"\n"]))
    alone = convert(read_jsonl(io.BufferedReader(io.BytesIO(content)), first=7), mapping)
    same(convert_piece(Piece(7, content), mapping), alone)


@thorough
@given(
    st.lists(st.one_of(oddities, st.just('{"a": "x", "b": "y"}'), st.just('{"a": "é\\n", "b": "y"}')), max_size=9),
    mappings,
)
@example(['{"a": "x", "b": "y"}', '{"a": "\\\\ud83d\\ude00", "b": "y"}'], read_mapping(MAPPINGS[0], []))
def test_json_columns__odd_lines_among_good_ones__make_the_part_of_each_line_alone(
    lines: list[str], mapping: Any
) -> None:
    content = "\n".join(lines).encode()
    same(
        convert_piece(Piece(1, content), mapping),
        convert(read_jsonl(io.BufferedReader(io.BytesIO(content)), first=1), mapping),
    )


@thorough
@given(data=st.data())
def test_csv_columns__any_records__make_the_part_of_each_record_alone(data: st.DataObject) -> None:
    mapping, held = data.draw(mappings), io.StringIO(newline="")
    is_quoted, end = (
        data.draw(st.booleans()),
        data.draw(st.sampled_from(["\n", "\r\n"])),
    )
    table = csv.writer(held, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL, lineterminator=end)
    for row in data.draw(st.lists(plain, min_size=1, max_size=8)):
        table.writerow([value.replace("\r", "") for value in row.values()])
        held.write(data.draw(st.sampled_from(["", "", "", "", end, f",,,,{end}", f"x,y{end}", f"x,y,z,ü,d,,{end}"])))
    content = held.getvalue().encode()
    whole = "a,b,c,ü,d\n".encode() + content
    alone = convert(read_csv(io.BufferedReader(io.BytesIO(whole)), ","), mapping)
    same(convert_piece(Piece(2, content, NAMES, ","), mapping), alone)


@thorough
@given(data=st.data())
def test_arrow_columns__any_batch__makes_the_part_of_each_row_alone(data: st.DataObject) -> None:
    mapping = data.draw(mappings)
    kinds = [data.draw(st.sampled_from([pa.string(), pa.string(), pa.large_string()])) for _name in NAMES]
    rows = data.draw(
        st.lists(st.fixed_dictionaries({name: words | st.none() for name in NAMES}), min_size=1, max_size=8)
    )
    columns = [pa.array([row[name] for row in rows], kind) for name, kind in zip(NAMES, kinds, strict=True)]
    ends: Any = data.draw(
        st.sampled_from([(pa.int64(), st.integers(-5, 5)), (pa.float64(), st.floats()), (pa.bool_(), st.booleans()),
                         (pa.list_(pa.int8()), st.lists(st.integers(0, 9), max_size=2)), (pa.string(), st.just("\0") | words)])
    )  # fmt: skip
    last = pa.array([data.draw(ends[1] | st.none()) for _row in rows], ends[0])
    batch = pa.RecordBatch.from_arrays([*columns, last], [*NAMES, "n"]).slice(data.draw(st.integers(0, 1)))
    same(convert_piece(Piece(4, batch), mapping), convert(rows_of(batch, 4), mapping))


@pytest.mark.parametrize("raw", MAPPINGS, ids=str)
@pytest.mark.parametrize("format", ["json", "csv", "arrow"])
def test_columns__well_formed_rows__are_not_looked_at_one_by_one(
    format: str, raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"a": f'Say "{n}"\n', "b": f"你好 {n}", "c": "c", "ü": "" if n % 2 else " x", "d": "d" * (n % 3), "n": str(n)}
        for n in range(40)
    ]
    held = io.StringIO(newline="")
    csv.writer(held).writerows([row.values() for row in rows])
    pieces = {
        "json": Piece(1, "".join(json.dumps(row) + "\n" for row in rows).encode()),
        "csv": Piece(1, held.getvalue().encode(), list(rows[0]), ","),
        "arrow": Piece(0, pa.RecordBatch.from_pylist(rows)),
    }
    mapping = read_mapping(raw, [])
    assert can_convert(mapping)
    monkeypatch.setattr("workers.formats.columns.map_row", _refuse)
    monkeypatch.setattr("workers.formats.pieces.convert_rows", _refuse)
    assert convert_piece(pieces[format], mapping).rows.num_rows == len(rows)


def _refuse(*_what: Any) -> Any:
    raise AssertionError("A row was looked at by itself.")
