"""Arrow and plain text: read back, and refused when damaged."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.workers.formats.files import facts_of, items_of, problems_of, values_of
from workers.formats import FileRefused, Row, preview

TABLE = pa.table({"text": ["a", "你好", None], "n": [1, None, 3], "tags": [["x"], [], None], "raw": [b"1", b"2", b"3"]})
VALUES = [
    {"text": "a", "n": 1, "tags": ["x"]},
    {"text": "你好", "n": None, "tags": []},
    {"text": None, "n": 3, "tags": None},
]


def arrow(table: pa.Table, *, stream: bool = False, **options: Any) -> bytes:
    held = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(held, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return held.getvalue()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_arrow__file_or_stream__comes_back_without_binary_columns(
    stream: bool, compression: str | None, tmp_path: Path
) -> None:
    content = arrow(TABLE, stream=stream, compression=compression)
    assert values_of(tmp_path, content, "rows") == VALUES
    assert facts_of(tmp_path, content, "rows.csv").format == "arrow"


def test_arrow__cut_off_or_scribbled_on__is_refused(tmp_path: Path) -> None:
    for stream in (False, True):
        content = arrow(pa.table({"text": ["hello"] * 4000}), stream=stream)
        for broken in (content[:-2000], content[:400] + b"\xee" * 200 + content[600:]):
            with pytest.raises(FileRefused) as refusal:
                items_of(tmp_path, broken, "rows.arrow")
            assert refusal.value.code == "damaged"


def test_arrow__offsets_that_lie__are_refused_not_followed(tmp_path: Path) -> None:
    content = arrow(pa.table({"text": ["x" * 0x1234]}))
    honest = b"\0\0\0\0\x34\x12\0\0"
    assert honest in content
    start, end = content[: content.rindex(honest)], content[content.rindex(honest) + len(honest) :]
    with pytest.raises(FileRefused, match="cannot be read"):
        items_of(tmp_path, start + b"\0\0\0\0\xff\xff\xff\x7f" + end, "rows.arrow")


def test_arrow__infinity_and_nul__cost_their_rows(tmp_path: Path) -> None:
    content = arrow(pa.table({"text": ["a", "b\0", "c"], "x": [1.0, 2.0, float("inf")]}))
    assert problems_of(tmp_path, content, "rows.arrow") == {2: "nul", 3: "not_finite"}


@pytest.mark.parametrize("name", ["rows.arrow", "rows.feather"])
def test_arrow__only_by_name__is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="not an Arrow file"):
        facts_of(tmp_path, b"a,b\n1,2\n", name)


POEM = b"\n\nFirst line\nsecond line\n \n\n\nAnother  \n\n"


def test_text__with_blank_lines__is_passages_with_their_first_line(tmp_path: Path) -> None:
    items = items_of(tmp_path, POEM, "poem.txt")
    assert [(item.line, item.values["text"]) for item in items if isinstance(item, Row)] == [
        (3, "First line\nsecond line"), (8, "Another"),
    ]  # fmt: skip
    assert preview(tmp_path / "upload", name="poem.txt")["mapping"] == {"layout": "text", "columns": {"text": "text"}}


def test_text__as_a_person_says__is_lines(tmp_path: Path) -> None:
    found = values_of(tmp_path, POEM, "poem.txt", format="lines")
    assert [row["text"] for row in found] == ["First line", "second line", "Another"]
    assert facts_of(tmp_path, "一行\n又一行\n".encode("gb18030"), "诗.txt", encoding="gb18030").format == "lines"


@pytest.mark.parametrize(
    ("content", "format"),
    [(b"a\tb\n1\t2\n", "tsv"), (b'{"text": "a"}\n', "jsonl"), (b"a, b\nc\n", "lines"), (b"a\r\n\r\nb\r\n", "txt")],
)
def test_text__by_name__is_read_as_what_it_holds(content: bytes, format: str, tmp_path: Path) -> None:
    assert facts_of(tmp_path, content, "rows.txt").format == format


def test_text__bad_passages__cost_themselves(tmp_path: Path) -> None:
    long = b"x" * 1000 + b"\n"
    content = b"good\n\n" + "déjà\n\nvoilà\n\n".encode() + b"bad \xff\n\nNUL \0\n\n" + long * 4400 + b"\ngood\n"
    assert problems_of(tmp_path, content, "a.txt") == {7: "not_utf8", 9: "nul", 11: "line_too_long"}
    assert len(items_of(tmp_path, content, "a.txt")) == 7
