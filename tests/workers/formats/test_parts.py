"""Parts of a file, made here or by processes beside: the same rows, whatever the form, the format and the size of the parts."""

import csv
import io
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from workers.failures import UserError
from workers.formats import Table
from workers.formats.lines import lines_of_piece, pieces
from workers.formats.shards import SCHEMA
from workers.import_table import import_file

SMALL_PIECES = {"size": 40_000, "cap": 4 * 2**20}  # so many that each process is asked again and again
MAPPING = {"prompt": "prompt", "completion": "completion"}
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
words = text.filter(lambda said: said.strip() != "" and "\r" not in said)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False, width=32).filter(
    lambda x: x % 1 != 0
)
label = st.sampled_from(["yes", "no", "可能"])


def spans(said: str) -> list[dict[str, Any]]:
    return [{"start": 0, "end": len(said), "label": "X"}]


def turns(*said: str) -> list[dict[str, str]]:
    return [{"role": role, "content": one} for role, one in zip(("user", "assistant"), said, strict=False)]


FORMS: dict[str, tuple[st.SearchStrategy[dict[str, Any]], dict[str, Any]]] = {
    "chat": (st.fixed_dictionaries({"prompt": words, "completion": words}), MAPPING),
    "messages": (st.builds(lambda q, a: {"m": turns(q, a)}, words, words), {"messages": "m"}),
    "preference": (
        st.builds(lambda q, a: {"p": q, "c": f"{a}!", "r": a}, words, words), {"prompt": "p", "chosen": "c", "rejected": "r"},
    ),
    "kto": (st.fixed_dictionaries({"q": words, "a": words, "l": st.booleans()}), {"prompt": "q", "completion": "a", "label": "l"}),
    "text": (st.fixed_dictionaries({"text": words}), {"text": "text"}),
    "classification": (st.fixed_dictionaries({"t": words, "l": label}), {"text": "t", "label": "l"}),
    "ner": (st.builds(lambda said: {"t": said, "s": spans(said)}, words), {"text": "t", "spans": "s"}),
    "ner_tags": (
        st.builds(lambda w: {"w": w, "g": ["B-X"] + ["O"] * (len(w) - 1)}, st.lists(words, min_size=1, max_size=4)),
        {"tokens": "w", "tags": "g"},
    ),
    "tabular": (
        st.fixed_dictionaries({"n": numbers, "w": words.filter(lambda w: not w[-1].isdigit()), "l": label}),
        {"layout": "tabular", "columns": {"label": "l"}, "numbers": ["n"]},
    ),
}  # fmt: skip


def written(rows: list[dict[str, Any]]) -> dict[str, bytes]:
    """The rows in every format that can hold them; nested values stand in CSV as JSON."""
    table, names = pa.Table.from_pylist(rows), list(rows[0])
    held, parquet, arrow = io.StringIO(newline=""), io.BytesIO(), io.BytesIO()
    cells = [
        [value if isinstance(value, str) else json.dumps(value) for value in map(row.__getitem__, names)]
        for row in rows
    ]
    csv.writer(held, quoting=csv.QUOTE_ALL).writerows([names, *cells])
    pq.write_table(table, parquet)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return {
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "a.json": json.dumps(rows, ensure_ascii=False, indent=1).encode(),
        "a.csv": held.getvalue().encode(),
        "a.parquet": parquet.getvalue(),
        "a.arrow": arrow.getvalue(),
    }


def imported(folder: Path, name: str, content: bytes, mapping: Any, **options: Any) -> dict[str, Any]:
    (folder / name).write_bytes(content)
    return import_file(folder / name, folder / f"{name}.out", mapping=mapping, name=name, **options)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_content_hash__same_rows_in_any_format_and_batch__is_the_same(form: str, data: st.DataObject) -> None:
    row, mapping = FORMS[form]
    rows = data.draw(st.lists(row, min_size=1, max_size=9))
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        found = {}
        patch.setattr("workers.formats.shards.sync", lambda path: None)
        patch.setattr("workers.import_table.sync", lambda path: None)
        for file, content in written(rows).items():
            patch.setattr("workers.formats.parting.PART_ROWS", data.draw(st.sampled_from([1, 2, 500])))
            patch.setattr("workers.formats.shards.GROUP_ROWS", data.draw(st.sampled_from([1, 3, 2000])))
            result = imported(Path(name), file, content, mapping)
            assert result["row_count"] == len(rows) and result["quarantined_count"] == 0, (file, result["reasons"])
            found[file] = result["content_hash"]
    assert len(set(found.values())) == 1, found


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=120) | st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"bbbbbbbbbbbb", b"\r"])).map(b"".join),
    st.integers(1, 20),
)
def test_pieces__of_any_size__hold_the_lines_of_the_whole(content: bytes, size: int) -> None:
    def stream(data: bytes) -> Any:
        return io.BufferedReader(io.BytesIO(data))

    def plain(items: Any) -> list[Any]:
        return [item if isinstance(item, tuple) else (item.line, item.code) for item in items]

    whole = plain(lines_of_piece(stream(content), 1, cap=8))
    cut = [
        plain(lines_of_piece(stream(data), first, cap=8)) for first, data in pieces(stream(content), size=size, cap=8)
    ]
    assert [item for part in cut for item in part] == whole


def columnar(rows: list[dict[str, Any]], format: str) -> bytes:
    held, table = io.BytesIO(), pa.Table.from_pylist(rows)
    if format == "parquet":
        pq.write_table(table, held)
        return held.getvalue()
    with pa.ipc.new_file(held, table.schema) as writer:
        writer.write_table(table, max_chunksize=1300)
    return held.getvalue()


def lines(count: int) -> bytes:
    rows = []
    for n in range(count):
        rows.append(json.dumps({"prompt": f"q {n}", "completion": "" if n % 97 == 0 else f"a {n}", "n": n}))
        rows += ["", "{broken"] if n % 1000 == 7 else []
    return "\n".join(rows).encode()


def records(count: int) -> bytes:
    """CSV with line breaks in values, blank lines, rows of a wrong length and, two thirds down, a quote that belongs to the text."""
    held = io.StringIO(newline="")
    table = csv.writer(held)
    table.writerow(["prompt", "completion", "n"])
    for n in range(count):
        table.writerow([f'"q"\n{n}', "" if n % 97 == 0 else f"a {n}", n])
        if n % 1000 == 7:
            held.write("\r\nonly one value\r\n")
        if n == count * 2 // 3:
            held.write('5" disk,yes,0\r\n')
    return held.getvalue().encode()


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet", "arrow"])
def test_sides__big_file__leave_what_one_process_leaves(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = lines(4000)
    if format == "csv":
        content = records(4000)
    elif format != "jsonl":
        good = [json.loads(line) for line in content.splitlines() if line.startswith(b'{"')]
        content = columnar(good, format)
    monkeypatch.setattr("workers.formats.lines.pieces.__kwdefaults__", SMALL_PIECES)
    monkeypatch.setattr("workers.formats.csv_pieces.Cutter.pieces.__defaults__", (SMALL_PIECES["size"],))
    alone = imported(tmp_path, f"a.{format}", content, MAPPING)
    bad = (tmp_path / f"a.{format}.out" / "quarantine.jsonl").read_text()
    monkeypatch.setattr("workers.formats.parting.WORTH_IT", 0)
    together = imported(tmp_path, f"a.{format}", content, MAPPING)
    assert together == alone and alone["quarantined_count"] >= 41
    assert (tmp_path / f"a.{format}.out" / "quarantine.jsonl").read_text() == bad
    shard = pq.ParquetFile(tmp_path / f"a.{format}.out" / alone["shards"][0]["name"])
    assert shard.schema_arrow.equals(SCHEMA) and shard.metadata.row_group(0).num_rows == 2000


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]


def watch(act: Callable[[], None]) -> Callable[[Table], None]:
    """Acts once, when the processes beside have begun."""
    done: list[int] = []

    def look(_table: Table) -> None:
        if not done and len(mine := set(children()) - before) == 2:
            done.extend(mine)
            act()

    before = set(children())
    return look


def test_sides__one_dies__the_import_fails_whole_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.formats.parting.WORTH_IT", 0)
    monkeypatch.setattr("workers.formats.lines.pieces.__kwdefaults__", SMALL_PIECES)
    before = set(children())

    def kill() -> None:
        os.kill((set(children()) - before).pop(), signal.SIGKILL)
        time.sleep(0.1)

    with pytest.raises(Exception, match="process that reads rows"):
        imported(tmp_path, "a.jsonl", lines(12_000), MAPPING, watch=watch(kill))
    assert set(children()) == before and [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_sides__interrupted__end_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.formats.parting.WORTH_IT", 0)
    monkeypatch.setattr("workers.formats.lines.pieces.__kwdefaults__", SMALL_PIECES)
    before = set(children())

    def stop() -> None:
        raise UserError("stopped")

    with pytest.raises(UserError, match="stopped"):
        imported(tmp_path, "a.jsonl", lines(12_000), MAPPING, watch=watch(stop))
    assert set(children()) == before and not (tmp_path / "a.jsonl.out").exists()
