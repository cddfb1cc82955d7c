"""The import program as a process: constant memory, whole or nothing, cancel, and what it reports."""

import contextlib
import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workers.formats.files import ROOT, run_measured
from workers.formats.chat import Message, TrainingRow, row_id
from workers.formats.shards import SCHEMA, ShardWriter
from workers.import_table import import_file

MAPPING = {"prompt": "prompt", "completion": "completion"}


def write_rows(path: Path, megabytes: float) -> int:
    """A JSONL file of about this size, with a bad row in every hundred; how many rows."""
    text, count = "words of a customer " * 20, 0
    with path.open("w") as file:
        while file.tell() < megabytes * 2**20:
            for _ in range(100):
                count += 1
                answer = "" if count % 100 == 0 else f"answer {count} {text}"
                file.write(json.dumps({"prompt": f"question {count} {text}", "completion": answer, "n": count}) + "\n")
    return count


def write_spec(folder: Path, file: Path) -> Path:
    settings = {"mapping": MAPPING, "name": file.name}
    folder.mkdir(exist_ok=True)
    spec = folder / "spec-1.json"
    spec.write_text(json.dumps({"program": "import_table", "inputs": {"file": str(file)}, "settings": settings}))
    return spec


def start(folder: Path, file: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "workers.run", str(write_spec(folder, file))]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def events(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events-1.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_import__60_mb__stays_below_256_mb_and_tells_its_progress(tmp_path: Path) -> None:
    count = write_rows(tmp_path / "rows.jsonl", 60)
    code, _output, size = run_measured("workers.run", write_spec(tmp_path / "job", tmp_path / "rows.jsonl"))
    assert code == 0
    assert size < 256 * 1024  # KiB; the limit for any file is 512 MiB
    told = events(tmp_path / "job")
    result = told[-1]["result"]
    assert result["row_count"] == count - count // 100 and result["quarantined_count"] == count // 100
    assert len(result["shards"]) == -(-result["row_count"] // 50_000)
    done = [event["done"] for event in told if event["type"] == "progress"]
    assert done == sorted(done) and done[-1] == (tmp_path / "rows.jsonl").stat().st_size and len(done) >= 2
    table = tmp_path / "job" / "artifacts" / "table"
    assert sum(pq.read_metadata(table / shard["name"]).num_rows for shard in result["shards"]) == result["row_count"]
    bad = [json.loads(line) for line in (table / "quarantine.jsonl").read_text().splitlines()]
    assert [row["line"] for row in bad[:3]] == [100, 200, 300] and bad[0]["code"] == "empty_answer"


def test_import__memory_below_what_it_needs__is_the_users_error(tmp_path: Path) -> None:
    """B25: 1.2 GB of text in a file of 1 KB, by a dictionary that the metadata does not tell of."""
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 300, pa.int32()), ["a" * 4_000_000])
    heavy = pa.table({"prompt": repeated, "completion": ["b"] * 300})
    pq.write_table(heavy, tmp_path / "rows.parquet", compression="zstd", store_schema=False)
    code, _output, size = run_measured("workers.run", write_spec(tmp_path / "job", tmp_path / "rows.parquet"))
    assert code == 2 and size < 512 * 1024
    failure = events(tmp_path / "job")[-1]
    assert failure["class"] == "user_error" and "memory" in failure["message"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """An import that has begun and is far from its end."""
    write_rows(tmp_path / "rows.jsonl", 80)
    folder = tmp_path / "job"
    process = start(folder, tmp_path / "rows.jsonl")
    while process.poll() is None and not list(folder.glob("artifacts/table.partial/shard-*")):
        time.sleep(0.01)
    yield folder, process
    process.kill()
    process.wait()


def test_import__cancelled__leaves_soon_and_leaves_nothing(running: tuple[Path, subprocess.Popen[bytes]]) -> None:
    folder, process = running
    (folder / "control.jsonl").write_text('{"n": 1, "command": "cancel"}\n')
    assert process.wait(5) == 75
    assert events(folder)[-1]["type"] == "interrupted" and not list((folder / "artifacts").iterdir())


def test_import__killed__is_never_half_there_and_runs_again_from_zero(
    running: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    folder, process = running
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "artifacts" / "table").exists()
    again = start(folder, tmp_path / "rows.jsonl")
    assert again.wait(60) == 0
    fresh = import_file(tmp_path / "rows.jsonl", tmp_path / "other", mapping=MAPPING, name="rows.jsonl")
    assert events(folder)[-1]["result"] == fresh
    assert [path.name for path in (folder / "artifacts").iterdir()] == ["table"]


def of_process(pid: int) -> set[int]:
    """The processes that one has started, by their own ids."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return set()


def test_import__killed_with_processes_beside__none_of_them_stays(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", 80)
    folder = tmp_path / "job"
    process = start(folder, tmp_path / "rows.jsonl")
    beside = set[int]()
    while process.poll() is None and not list(folder.glob("artifacts/table.partial/shard-*")):
        beside |= of_process(process.pid)
        time.sleep(0.01)
    ends = [os.pidfd_open(pid) for pid in beside]
    process.kill()
    process.wait()
    assert len(ends) == 2 and all(select.select([end], [], [], 20)[0] for end in ends)
    assert not (folder / "artifacts" / "table").exists()
    for end in ends:
        os.close(end)


def test_import__no_good_row__names_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "completion": ""}\n')
    assert start(tmp_path / "job", tmp_path / "rows.jsonl").wait(30) == 2
    failure = events(tmp_path / "job")[-1]
    assert failure["class"] == "user_error" and "Line 1: An assistant's answer is empty." in failure["message"]


def test_import__many_bad_rows__keeps_the_text_of_the_first_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.import_table.FULL_EXCERPTS", 2)
    good = '{"prompt": "a", "completion": "b"}\n'
    (tmp_path / "rows.jsonl").write_text(good + "bad\n" * 4)
    import_file(tmp_path / "rows.jsonl", tmp_path / "table", mapping=MAPPING)
    bad = [json.loads(line) for line in (tmp_path / "table" / "quarantine.jsonl").read_text().splitlines()]
    assert [row["raw"] for row in bad] == ["bad", "bad", "", ""] and bad[3]["line"] == 5


def rows(count: int) -> list[TrainingRow]:
    made = []
    for number in range(count):
        messages = [Message("user", f"q{number}"), Message("assistant", f"a{number}")]
        made.append(TrainingRow(row_id(messages), messages, number + 1, '{"n":1}' if number % 2 else None))
    return made


@pytest.mark.parametrize("shard_rows", [1, 3, 7, 100])
def test_shards__of_any_size__hold_all_rows_under_one_hash(shard_rows: int, tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, shard_rows=shard_rows)
    for row in rows(10):
        writer.add(row)
    writer.close()
    tables = [pq.read_table(tmp_path / shard.name) for shard in writer.shards]
    assert all(table.schema.equals(SCHEMA) for table in tables)
    assert [line for table in tables for line in table.column("source_line").to_pylist()] == list(range(1, 11))
    assert [shard.rows for shard in writer.shards] == [len(table) for table in tables]


def test_content_hash__is_over_the_ordered_row_ids(tmp_path: Path) -> None:
    made = rows(5)
    hashes = []
    for shard_rows in (2, 50):
        (folder := tmp_path / str(shard_rows)).mkdir()
        writer = ShardWriter(folder, shard_rows=shard_rows)
        for row in made:
            writer.add(row)
        hashes.append(writer.close())
    expected = hashlib.sha256("".join(f"{row.row_id}\n" for row in made).encode()).hexdigest()
    assert hashes == [expected, expected]
