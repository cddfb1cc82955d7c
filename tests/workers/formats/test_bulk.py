"""Many rows at once: the same that the readers and `map_row` make of them one by one, whatever stands in a file."""

import io
import json
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workers.formats import FileRefused, Problem, Row
from workers.formats.bulk import convert_rows, in_json
from workers.formats.csv_pieces import Cutter, read_records
from workers.formats.csv_rows import read_below, read_csv, read_header
from workers.formats.json_pieces import read_lines_of_json
from workers.formats.json_rows import read_jsonl
from workers.formats.layouts import LAYOUTS, read_mapping
from workers.formats.parts import Part, convert
from workers.formats.rows import Rows

thorough = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
said = storable | st.sampled_from(
    ["a", "b", "", " ", " c ", 'say "hi"\\\n\t\r', "\x01\x1f\x7f", "d" * 201, "\n\nHuman: a\n\nAssistant: b",
     '[{"role": "assistant", "content": "e"}]']
)  # fmt: skip
text = st.sampled_from(["a", "b", ' "c"\n', "d" * 201])
role = st.sampled_from(["user", "assistant", "system", "human", "gpt", " User ", "judge", "", 1, None])
turn = st.fixed_dictionaries({}, optional={"role": role, "content": said | st.none(), "from": role, "value": said})
odd = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
good = st.builds(
    lambda q, a, s: [*s, {"role": "user", "content": q, "from": "human", "value": q}, {"role": "assistant", "content": a, "from": "gpt",
                                                                                      "value": a}],
    storable | text, storable | text, st.sampled_from([[], [{"role": "system", "content": "s", "from": "system", "value": "s"}]]),
)  # fmt: skip
late = good.map(
    lambda turns: [*turns[:-1], {"role": "system", "content": "s", "from": "system", "value": "s"}, turns[-1]]
)
listed = good | late | st.lists(turn, max_size=4) | st.lists(st.integers() | said, max_size=2)
value = said | said | listed | odd | st.dictionaries(st.sampled_from(["b", "c.d"]), said, max_size=2)
NAMES = ("a", "a.b", "b", "c", "ü")


def turned(row: dict[str, Any]) -> dict[str, Any]:
    """The same columns in the opposite order."""
    return dict(reversed(row.items()))


def tables(draw: Callable[[st.SearchStrategy[Any]], Any], name: str) -> tuple[list[dict[str, Any]], Any]:
    """Rows and a mapping for them, most of them such that a builder finds what it looks for."""
    layout = LAYOUTS[name]
    optional = draw(st.lists(st.sampled_from(layout.optional), unique=True)) if layout.optional else []
    wanted = [*layout.roles, *optional][: len(NAMES)]
    columns = dict(zip(wanted, draw(st.permutations(NAMES)), strict=False))
    likely = {name: good | listed if part in ("messages", "conversations") else said for part, name in columns.items()}
    is_ragged = draw(st.booleans())
    row = st.fixed_dictionaries({name: likely.get(name, value) | value for name in NAMES})
    some = st.dictionaries(st.sampled_from(NAMES), value, min_size=1)
    words = {name: text if of is said else of for name, of in likely.items()}
    plain = st.fixed_dictionaries({**words, "n": st.integers(), "m": said})
    rows = draw(st.lists(plain | (row | some | plain.map(turned) if is_ragged else row), min_size=1, max_size=8))
    return rows, {"layout": layout.name, "columns": columns}


def same(one: Part, other: Part) -> None:
    assert one.problems == other.problems
    assert one.rows.to_pylist() == other.rows.to_pylist() and one.rows.schema.equals(other.rows.schema)
    one.rows.validate(full=True)
    assert one[1:] == other[1:]


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - {"image"}))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_convert_rows__any_rows_of_a_layout__is_what_each_row_makes_alone(layout: str, data: st.DataObject) -> None:
    rows, raw = tables(data.draw, layout)
    mapping = read_mapping(raw, [])
    items = [Row(line, row, json.dumps(row)) for line, row in enumerate(rows, 5)]
    found = convert_rows(Rows([item.line for item in items], rows, lambda place: items[place].raw), mapping)
    same(found, convert(items, mapping))


@thorough
@given(st.lists(storable | said, max_size=6))
def test_in_json__any_texts__are_written_as_json_does(texts: list[str]) -> None:
    assert in_json(texts) == [encode_basestring(text)[1:-1] for text in texts]


def read_one_by_one(items: Any) -> tuple[list[Row], list[Problem], int]:
    found = list(items)
    rows, problems = ([item for item in found if isinstance(item, kind)] for kind in (Row, Problem))
    return rows, problems, found.count(None)  # type: ignore[return-value]


def read_at_once(rows: Rows, problems: list[Problem], blank: int) -> tuple[list[Row], list[Problem], int]:
    return [rows.row(place) for place in range(len(rows.lines))], problems, blank


fragments = st.sampled_from(
    ['{"a": 1}', '{"a": "b"}', '{"a": ', "1}", '{"a": [1', '"b": 2}]}', '{"a": 1},{"b": 2}', "\n", "\r\n", "\r", " ", "\t", "NaN", "-0",
     '{"a": 1e999}', '{"a": [NaN]}', '{"a": [-Infinity]}', '{"a": "\\ud83d\\ude00"}', '{"a": "\\ud800"}', '{"a": ["\\u0000"]}', "\0",
     '{"a": 1, "a": 2}', "[1]", '{"é": "你"}', '{"a": ' + "9" * 1000 + "}", '{"a": -' + "9" * 1000 + "}", '{"a": [' + "9" * 1001 + "]}",
     '{"a": ' + "[" * 63 + "]" * 63 + "}", '{"a": ' + "[" * 64 + "]" * 64 + "}", '{"a": "' + "[" * 70 + '"}', '{"a": 1.50}', "\ufeff", "{}"]
)  # fmt: skip
objects = st.dictionaries(storable, storable | odd | st.lists(odd, max_size=2), max_size=3).map(json.dumps)
lines_of_json = st.lists(objects | fragments, max_size=8).map(
    lambda parts: "".join(f"{part}\n" for part in parts).encode()
)


@thorough
@given(
    lines_of_json
    | st.lists(fragments, max_size=12).map(lambda parts: "".join(parts).encode())
    | st.binary(max_size=60),
    st.integers(1, 9),
)
@example(b'{"a": "\xff"}\n{"a": 1}', 1)
def test_lines_of_json__any_lines__are_read_as_one_by_one(data: bytes, first: int) -> None:
    alone = read_one_by_one(read_jsonl(io.BufferedReader(io.BytesIO(data)), first=first))
    together = read_at_once(*read_lines_of_json(data, first))
    assert together == alone
    assert [list(row.values) for row in together[0]] == [list(row.values) for row in alone[0]]
    assert repr(together) == repr(alone)  # 1 is no 1.0, and -0.0 no 0


cells = st.sampled_from(
    ["a", "", '"b"', '"c\nd"', '"e\r\nf"', '"g""h"', '""', '""""', 'i"j', ' "k"', '"l" ', '"m', "n\r", "é", "\0", "\udcff", '"o,p"', "qq"]
)  # fmt: skip
records = st.lists(cells, min_size=1, max_size=4).map(",".join)
csv_files = st.tuples(st.lists(records, max_size=9), st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
    lambda drawn: ("a,b\n" + drawn[1].join(drawn[0]) + (drawn[1] if drawn[2] else "")).encode(
        "utf-8", "surrogateescape"
    )
)
some_bytes = st.lists(st.sampled_from([b'"', b'"', b",", b"\n", b"\r", b"a", b"\xff"]), max_size=25).map(b"".join)


def in_pieces(data: bytes, size: int) -> tuple[list[Row], list[Problem], int]:
    stream: Any = io.BufferedReader(io.BytesIO(data))
    names, first = read_header(stream, ",")
    cutter = Cutter(stream, ",", first)
    rows, problems, blank = list[Row](), list[Problem](), 0
    for line, piece in cutter.pieces(size):
        assert piece and cutter.line == line + piece.count(b"\n")
        more = read_at_once(*read_records(piece, line, names, ","))
        rows, problems, blank = rows + more[0], problems + more[1], blank + more[2]
    behind = read_one_by_one(read_below(cutter.rest(), ",", names, cutter.line))
    return rows + behind[0], problems + behind[1], blank + behind[2]


@thorough
@given(csv_files | some_bytes.map(lambda data: b"a,b\n" + data), st.integers(1, 40))
@example(b'a,b\n1,2\n"x', 1)
@example(b'a,b\n5" disk,2\n3,"4\n5"\n6,7\n', 4)
def test_csv_pieces__any_records_and_size__are_read_as_by_one_process(data: bytes, size: int) -> None:
    try:
        alone = read_one_by_one(read_csv(io.BufferedReader(io.BytesIO(data)), ","))
    except FileRefused as refusal:
        with pytest.raises(FileRefused) as again:
            in_pieces(data, size)
        assert again.value.as_dict() == refusal.as_dict()
        return
    assert in_pieces(data, size) == alone


def test_csv_pieces__well_formed_records__are_all_cut() -> None:
    data = b"a,b\n" + b'"x, ""y""\nz",1\r\n2,"\n"\n' * 50
    stream: Any = io.BufferedReader(io.BytesIO(data))
    names, first = read_header(stream, ",")
    cutter = Cutter(stream, ",", first)
    cut = list(cutter.pieces(64))
    assert len(cut) > 10 and b"".join(piece for _line, piece in cut) == data[4:] and not cutter.rest().read()
    assert names == ["a", "b"] and cut[0][0] == 2


def test_convert_rows__no_rows__is_an_empty_part() -> None:
    mapping = read_mapping({"prompt": "a", "completion": "b"}, [])
    found = convert_rows(Rows([], []), mapping)
    assert isinstance(found.rows, pa.Table) and found == convert([], mapping)
