"""Bad rows cost themselves, bad files are refused, and both say where (the ids are those of the bad-input matrix)."""

import pickle
import sqlite3
import zipfile
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workers.formats.files import PAIR, facts_of, items_of, problems_of, values_of
from workers.formats import FileRefused, Problem, Row
from workers.formats.problems import EXCERPT

LONG = b'{"prompt": "' + b"a" * (5 * 2**20) + b'", "completion": "b"}\n'
DEEP = b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"

BAD_LINES: dict[str, tuple[bytes, str]] = {
    "B13 depth 100,000": (DEEP, "too_deep"),
    "B13 depth 65": (b'{"prompt": ' + b"[" * 65 + b"]" * 65 + b"}\n", "too_deep"),
    "B14 NaN": (b'{"prompt": "a", "x": NaN}\n', "not_finite"),
    "B14 -Infinity": (b'{"prompt": "a", "x": [-Infinity]}\n', "not_finite"),
    "B14 1e400": (b'{"prompt": "a", "x": 1e400}\n', "not_finite"),
    "B16 10,000 digits": (b'{"prompt": "a", "x": -' + b"9" * 10_000 + b"}\n", "number_too_long"),
    "B17 lone surrogate": (b'{"prompt": "\\ud800", "completion": "b"}\n', "lone_surrogate"),
    "B17 lone surrogate in a key": (b'{"\\udfff": 1}\n', "lone_surrogate"),
    "B18 not UTF-8": ('{"prompt": "é"}\n'.encode("latin-1"), "not_utf8"),
    "B19 line of 5 MiB": (LONG, "line_too_long"),
    "B20 trailing comma": (b'{"prompt": "a"},\n', "trailing_comma"),
    "B20 bracket of an array": (b"[\n", "not_one_line"),
    "B20 a list": (b'["a", "b"]\n', "not_an_object"),
    "two objects": (b'{"a": 1} {"b": 2}\n', "extra_data"),
    "truncated": (b'{"prompt": "a", "compl\n', "truncated"),
    "single quotes": (b"{'prompt': 'a'}\n", "bad_json"),
    "NUL": (b'{"prompt": "a\0"}\n', "nul"),
    "NUL as an escape": (b'{"prompt": "a\\u0000"}\n', "nul"),
    "text": (b"hello\n", "bad_json"),
    "2001 columns": (b"{" + b",".join(b'"c%d": 1' % n for n in range(2001)) + b"}\n", "too_many_columns"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_jsonl__bad_line__costs_that_line_alone(case: str, tmp_path: Path) -> None:
    line, code = BAD_LINES[case]
    good = '{"prompt": "é", "completion": "b"}\n'.encode() * 2
    items = items_of(tmp_path, good + line + good)
    assert [item.line for item in items] == [1, 2, 3, 4, 5]
    assert [item.line for item in items if isinstance(item, Problem)] == [3]
    bad = items[2]
    assert isinstance(bad, Problem) and bad.code == code and bad.reason
    assert len(str(bad.as_dict()["raw"])) <= EXCERPT
    str(bad.as_dict()).encode()


@pytest.mark.parametrize("case", ["B14 NaN", "B14 1e400", "B16 10,000 digits", "B17 lone surrogate", "B13 depth 65"])
def test_json_array__bad_value__costs_that_row_alone(case: str, tmp_path: Path) -> None:
    line, code = BAD_LINES[case]
    items = items_of(tmp_path, b"[" + PAIR + b"," + line + b"," + PAIR + b"]", "rows.json")
    assert [getattr(item, "code", "") for item in items] == ["", code, ""]
    assert [item.line for item in items] == [1, 2, 3]


REFUSED: dict[str, tuple[bytes, str, str, int]] = {
    # id: content, name, code, line
    "B12 empty": (b"", "rows.jsonl", "empty", 0),
    "B12 mark": (b"\xef\xbb\xbf", "rows.csv", "empty", 0),
    "B12 white space": (b" \n\t\r\n", "rows.csv", "empty", 0),
    "B13 array of depth 100,000": (b"[" + DEEP + b"]", "rows.json", "too_deep", 1),
    "B19 array with a row of 15 MiB": (b'[{"a": "' + b"a" * (15 * 2**20) + b'"}]', "rows.json", "line_too_long", 1),
    "B20 array with a comma at the end": (b"[" + PAIR + b",\n]", "rows.json", "trailing_comma", 3),
    "truncated in a row": (b"[" + PAIR + b"," + PAIR[:-9], "rows.json", "truncated", 2),
    "truncated between rows": (b"[" + PAIR + b"," + PAIR, "rows.json", "truncated", 3),
    "text behind the array": (b"[" + PAIR + b"]\nend", "rows.json", "extra_data", 3),
    "missing comma": (b"[" + PAIR + PAIR + b"]", "rows.json", "bad_json", 2),
    "one object": (b'{\n "data": []\n}', "rows.json", "one_object", 1),
    "words named json": (b"hello there", "rows.json", "not_json", 1),
    "B22 unclosed quote": (b'a,b\n1,2\n"3,4\n5,6\n', "rows.csv", "unclosed_quote", 3),
    "B22 unclosed quote in the second column": (b'a,b\n1,2\n3,"x ""y"" \n5,6\n', "rows.csv", "unclosed_quote", 3),
    "B22 unclosed quote over 4 MiB": (b'a,b\n"3,4\n' + b"5,6\n" * 2**21, "rows.csv", "unclosed_quote", 2),
    "B22 every quote broken": (b"a,b\n" + b'"x"y,2\n' * 1100, "rows.csv", "broken_quotes", 1002),
    "two columns of one name": (b"a,a\n1,2\n", "rows.csv", "duplicate_column", 1),
    "B18 truncated UTF-16": ('{"a": "é"}'.encode("utf-16")[:-1], "rows.jsonl", "wrong_encoding", 1),
    "B25 Parquet cut off": (b"PAR1" + b"x" * 50, "rows.parquet", "truncated", 0),
    "B25 Parquet that lies about its footer": (
        b"PAR1" + b"x" * 50 + b"\xff\xff\xff\x7fPAR1",
        "rows.parquet",
        "damaged",
        0,
    ),
    "random bytes": (bytes(range(256)) * 20, "rows.csv", "binary_file", 0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_file__broken_as_a_whole__is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    content, name, code, line = REFUSED[case]
    with pytest.raises(FileRefused) as refusal:
        items_of(tmp_path, content, name)
    assert (refusal.value.code, refusal.value.line) == (code, line), refusal.value.message


def zipped(name: str) -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, b"0" * 1000)
    return held.getvalue()


def database(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "db")
    connection.execute("create table a (b)")
    connection.commit()
    return (folder / "db").read_bytes()


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows"])
def test_known_binaries__under_any_name__are_named(name: str, tmp_path: Path) -> None:
    """B1-B4, B25, B36: what is compressed is never unpacked, what can run code is never opened."""
    known = {
        "zip archive": zipped("rows.jsonl"),
        "Excel": zipped("xl/workbook.xml"),
        "gzip": b"\x1f\x8b\x08\x00",
        "bzip2": b"BZh91AY",
        "xz": b"\xfd7zXZ\x00\x00",
        "zstd": b"\x28\xb5\x2f\xfd\x00",
        "tar": b"rows.csv".ljust(257, b"\0") + b"ustar\x0000",
        "pickle": pickle.dumps({"prompt": "a"}),
        "SQLite": database(tmp_path),
        "PDF": b"%PDF-1.7\n",
        "PNG": b"\x89PNG\r\n\x1a\n\0\0",
        "JPEG": b"\xff\xd8\xff\xe0",
        "web page": b"\n<!DOCTYPE html><html>",
        "NumPy": b"\x93NUMPY\x01\x00",
    }
    for word, content in known.items():
        with pytest.raises(FileRefused, match=word) as refusal:
            facts_of(tmp_path, content, name)
        assert refusal.value.code == "binary_file"


CSV_ROWS: dict[str, tuple[bytes, dict[int, str]]] = {
    "B21 value of 140,000 characters": (b"a,b\n1," + b"x" * 140_000 + b"\n3,4\n", {2: "field_too_long"}),
    "B22 quote closed too early": (b'a,b\n"x" y,2\n3,4\n', {2: "bad_quote"}),
    "B22 quote swallows a line, then is found": (b'a,b\n"x,2\n"3","4"\n5,6\n', {2: "bad_quote"}),
    "B23 NUL": (b"a,b\n1,\x002\n3,4\n", {2: "nul"}),
    "too many values": (b"a,b\n1,2,3\n3,4\n", {2: "column_count"}),
    "too few values": (b"a,b\n1\n3,4\n", {2: "column_count"}),
    "line of 5 MiB": (b"a,b\n1," + b"x" * (5 * 2**20) + b"\n3,4\n", {2: "line_too_long"}),
}


@pytest.mark.parametrize("case", CSV_ROWS)
def test_csv__bad_row__costs_that_row_alone(case: str, tmp_path: Path) -> None:
    content, expected = CSV_ROWS[case]
    assert problems_of(tmp_path, content, "rows.csv") == expected
    last = items_of(tmp_path, content, "rows.csv")[-1]
    assert isinstance(last, Row) and list(last.values) == ["a", "b"]


def test_csv__value_over_many_lines__is_one_row_with_the_line_it_begins_on(tmp_path: Path) -> None:
    content = b'a,b\r\n"one\r\ntwo, ""three""",2\r\n\r\n4,5\r\n'
    items = items_of(tmp_path, content, "rows.csv")
    assert [(item.line, item.values) for item in items if isinstance(item, Row)] == [
        (2, {"a": 'one\r\ntwo, "three"', "b": "2"}),
        (5, {"a": "4", "b": "5"}),
    ]


def test_csv__empty_values_behind_the_header__are_left_out(tmp_path: Path) -> None:
    assert values_of(tmp_path, b"a,b,,\n1,2,,\n", "rows.csv") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("mark", "name"), [(",", "r.csv"), (";", "r.csv"), ("|", "r.csv"), ("\t", "r.tsv"), ("\t", "r.csv")]
)
def test_csv__delimiter__is_found(mark: str, name: str, tmp_path: Path) -> None:
    content = f'a{mark}b\n"x{mark}y"{mark}2\n'.encode()
    assert values_of(tmp_path, content, name) == [{"a": f"x{mark}y", "b": "2"}]


def test_csv__old_macintosh_line_ends__are_read(tmp_path: Path) -> None:
    assert values_of(tmp_path, b"a,b\r1,2\r3,4", "rows.csv") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_json__duplicate_keys__last_wins(tmp_path: Path) -> None:
    """B15, documented in workers.formats.values."""
    assert values_of(tmp_path, b'{"a": 1, "a": 2}\n', "rows.jsonl") == [{"a": 2}]


def test_jsonl__crlf_and_blank_lines__are_read_and_keep_their_numbers(tmp_path: Path) -> None:
    items = items_of(tmp_path, b'\r\n{"a": 1}\r\n\r\n{"a": 2}', "rows.jsonl")
    assert [item.line for item in items] == [2, 4]


def test_format__name_contradicts_content__content_wins_and_it_is_said(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, b'[{"a": 1}]', "rows.jsonl")
    assert facts.format == "json" and "JSON Lines" in facts.notes[0]
    assert facts_of(tmp_path, PAIR, "rows.json").format == "jsonl"


def test_parquet__missing_numbers_and_odd_columns(tmp_path: Path) -> None:
    """B25: NaN is pandas' "missing"; a column of pickles is left out, not opened."""
    table = pa.table(
        {
            "prompt": ["a", "b", "c"],
            "score": [1.5, float("nan"), float("inf")],
            "at": pa.array([0, 1, 2], pa.timestamp("s")),
            "object": [pickle.dumps({})] * 3,
            "turns": [[{"role": "user", "content": "x"}], None, []],
        }
    )
    pq.write_table(table, tmp_path / "upload")
    facts = facts_of(tmp_path, (tmp_path / "upload").read_bytes(), "rows.parquet")
    items = items_of(tmp_path, (tmp_path / "upload").read_bytes(), "rows.parquet")
    first, second, third = items
    assert isinstance(first, Row) and first.values["at"] == "1970-01-01 00:00:00" and "object" not in first.values
    assert first.values["turns"] == [{"role": "user", "content": "x"}]
    assert isinstance(second, Row) and second.values["score"] is None
    assert isinstance(third, Problem) and third.code == "not_finite"
    assert facts.format == "parquet"


def test_parquet__bytes_of_a_page_changed__is_refused_or_read_never_more(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": [f"text {n}" for n in range(500)]}), tmp_path / "good")
    good = (tmp_path / "good").read_bytes()
    for place in range(4, len(good), max(1, len(good) // 60)):
        damaged = good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]
        try:
            items_of(tmp_path, damaged, "rows.parquet")
        except FileRefused as refusal:
            assert refusal.message
