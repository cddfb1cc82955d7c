"""Rows added and removed between two versions."""

import hashlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workers.comparison import compare, first_64_bits


def shard(path: Path, numbers: list[int]) -> Path:
    ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
    pq.write_table(pa.table({"row_id": pa.array(ids, pa.string())}), path)
    return path


@pytest.mark.parametrize("held_rows", [3, 7, 1000])
def test_compare__rows_that_come_and_go_and_repeat__counts_each(held_rows: int, tmp_path: Path) -> None:
    before, after = [n % 40 for n in range(60)], [n % 50 for n in range(10, 90)]
    shards = [shard(tmp_path / f"{n}.parquet", part) for n, part in enumerate((before[:20], before[20:], after))]
    added, removed = compare(shards[:2], shards[2:], held_rows=held_rows)
    kept = sum((Counter(before) & Counter(after)).values())
    assert (added, removed) == (len(after) - kept, len(before) - kept)


def test_compare__the_same_rows_in_another_order__finds_nothing(tmp_path: Path) -> None:
    one, other = shard(tmp_path / "a.parquet", list(range(20))), shard(tmp_path / "b.parquet", list(range(20))[::-1])
    assert compare([one], [other]) == (0, 0)
    assert compare([], [one]) == (20, 0)


def test_first_64_bits__of_a_slice__are_those_of_the_ids() -> None:
    ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(9)]
    sliced = pa.array(ids, pa.string()).slice(3, 4)
    assert first_64_bits(sliced).tolist() == [int(row_id[:16], 16) for row_id in ids[3:7]]
