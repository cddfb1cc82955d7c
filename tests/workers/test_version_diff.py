"""What differs between two versions, row by row: whatever they share, in however many rounds, as a plain count of rows would tell."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.comparison import Pair, compare
from workers.context import Context, Spec
from workers.formats.amending import amend
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.forms import key_of, make_row, with_texts
from workers.formats.shards import ShardWriter
from workers.formats.stored import is_patch, read_rows
from workers.reporter import Reporter
from workers.version_diff import KINDS, diff, main, read


def row(number: int, text: str = "", split: str = "", **extra: Any) -> TrainingRow:
    beside = json.dumps(extra) if extra else None
    return make_row("text", [], {"text": text or f"row {number}"}, source_line=number, split=split, extra=beside)


def write(folder: Path, rows: Sequence[TrainingRow], *, shard_rows: int = 20) -> list[Path]:
    """The files of a version, named by their content as in storage."""
    folder.mkdir(parents=True)
    writer = ShardWriter(folder, shard_rows=shard_rows)
    for one in rows:
        writer.add(one)
    writer.close()
    return [(folder / shard.name).replace(folder / f"{shard.sha256}.parquet") for shard in writer.shards]


def child(
    folder: Path, paths: list[Path], changes: dict[int, TrainingRow | None], added: Sequence[TrainingRow] = ()
) -> list[Path]:
    folder.mkdir()
    result = amend(paths, changes, added, folder)
    new = [(folder / s["name"]).replace(folder / f"{s['sha256']}.parquet") for s in result["shards"]]
    patch = [folder / result["patch"]["name"]] if result["patch"] else []
    return [*(path for path in paths if not is_patch(path)), *new, *patch]


def edited(one: TrainingRow, text: str) -> TrainingRow:
    return with_texts(one, [text], form="text")


def listed(before: list[Path], after: list[Path], **options: Any) -> list[tuple[str, int, int]]:
    table = diff(before, after, **options).table
    return [(KINDS[one["kind"]], one["before"], one["after"]) for one in table.to_pylist()]


@pytest.fixture
def fifty(tmp_path: Path) -> list[Path]:
    return write(tmp_path / "fifty", [row(number, split=SPLITS[number % 3]) for number in range(50)])


def test_diff__edited_dropped_added_and_moved__each_is_named_by_its_places(fifty: list[Path], tmp_path: Path) -> None:
    rows = list(read_rows(fifty))
    changes: dict[int, TrainingRow | None] = {3: edited(rows[3], "new"), 10: None, 45: rows[45]._replace(split="test")}
    after = child(tmp_path / "after", fifty, changes, [row(99, split="train")])
    wanted = [("changed", 3, 3), ("moved", 45, 44), ("added", -1, 49), ("removed", 10, -1)]
    assert listed(fifty, after) == wanted
    anew = write(tmp_path / "anew", list(read_rows(after)), shard_rows=7)
    assert listed(fifty, anew) == wanted
    assert diff(fifty, anew).counts == dict.fromkeys(KINDS, 1)
    assert listed(after, anew) == []
    assert listed(after, fifty) == [("changed", 3, 3), ("moved", 44, 45), ("added", -1, 10), ("removed", 49, -1)]
    [moved] = [one for one in diff(fifty, after).table.to_pylist() if one["kind"] == KINDS.index("moved")]
    assert (SPLITS[moved["split_before"]], SPLITS[moved["split_after"]]) == (rows[45].split, "test")


def test_diff__files_imported_anew__pairs_rows_by_a_column(tmp_path: Path) -> None:
    before = write(tmp_path / "a", [row(n, id=f"r/{n}") for n in range(30)])
    again = [row(n, "edited" if n == 4 else "", id=f"r/{n}") for n in reversed(range(1, 31))]
    after = write(tmp_path / "b", again)
    assert listed(before, after, by="id") == [("changed", 4, 26), ("added", -1, 0), ("removed", 0, -1)]
    assert [kind for kind, _before, _after in listed(before, after)] == ["added", "added", "removed", "removed"]
    assert listed(before, after, by="no such") == listed(before, after)


def test_diff__a_column_among_the_values_of_a_table__pairs_rows_too(tmp_path: Path) -> None:
    def line(number: int, price: float) -> TrainingRow:
        return make_row("tabular", [], {"values": {"a/b": number, "price": price}}, source_line=number)

    before = write(tmp_path / "a", [line(n, 1.5) for n in range(5)])
    after = write(tmp_path / "b", [line(n, 2.5 if n == 3 else 1.5) for n in range(5)])
    assert listed(before, after, by="a/b") == [("changed", 3, 3)]


def test_diff__shards_of_both__are_not_read(fifty: list[Path], tmp_path: Path) -> None:
    after = child(tmp_path / "after", fifty, {3: edited(next(read_rows(fifty)), "new")})
    left, right = Pair(fifty, after).leftovers()
    assert (left.places.tolist(), right.places.tolist()) == ([3], [3])
    left, right = Pair(after, after).leftovers()
    assert left.rows.tolist() == right.rows.tolist() and len(left) == 1  # the row of the patch


def plain_counts(before: Sequence[TrainingRow], after: Sequence[TrainingRow]) -> dict[str, int]:
    """The definition, with counters."""
    one, other = (Counter((r.row_id, r.split) for r in rows) for rows in (before, after))
    left, right = one - other, other - one
    ids, other_ids = Counter[str](), Counter[str]()
    for counter, found in ((left, ids), (right, other_ids)):
        for (row_id, _split), count in counter.items():
            found[row_id] += count
    moved = (ids & other_ids).total()
    return {"moved": moved, "gone": ids.total() - moved, "come": other_ids.total() - moved}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_diff__any_two_versions_of_a_line__counts_as_the_definition(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance, folder = random.Random(seed), tmp_path_factory.mktemp("line")
    rows = [row(chance.randrange(60), split=chance.choice(SPLITS)) for _ in range(chance.randint(2, 90))]
    versions = [write(folder / "0", rows)]
    for step in range(3):
        rows = list(read_rows(versions[-1]))
        changes: dict[int, TrainingRow | None] = {}
        for place in chance.sample(range(len(rows)), chance.randint(0, len(rows) - 1)):
            there = rows[place]
            changes[place] = chance.choice(
                [None, edited(there, f"edit {chance.randrange(9)}"), there._replace(split=chance.choice(SPLITS))]
            )
        added = [row(chance.randrange(80), split="train") for _ in range(chance.randint(0, 30))]
        versions.append(child(folder / str(step + 1), versions[-1], changes, added))
    versions.append(write(folder / "anew", list(read_rows(versions[2])), shard_rows=11))
    before, after = chance.choice(versions), chance.choice(versions)
    found, mine, theirs = diff(before, after), list(read_rows(before)), list(read_rows(after))
    wanted = plain_counts(mine, theirs)
    changed = found.counts["changed"]
    assert found.counts["moved"] == wanted["moved"]
    assert (found.counts["removed"] + changed, found.counts["added"] + changed) == (wanted["gone"], wanted["come"])
    assert compare(before, after) == (wanted["come"], wanted["gone"])
    assert sorted(map(str, diff(before, after, held_rows=17).table.to_pylist())) == sorted(
        map(str, found.table.to_pylist())
    )
    for one in found.table.to_pylist():
        kind = KINDS[one["kind"]]
        old = mine[one["before"]] if one["before"] >= 0 else None
        new = theirs[one["after"]] if one["after"] >= 0 else None
        if old and new:
            assert (key_of(old) == key_of(new)) or kind == "moved"
            assert (old.row_id == new.row_id) is (kind == "moved")
        assert (old is None, new is None) == (kind == "added", kind == "removed")
        for side, held in (("split_before", old), ("split_after", new)):
            assert one[side] == (SPLITS.index(held.split) if held else -1)


def test_program__two_versions__leaves_the_rows_that_differ(fifty: list[Path], tmp_path: Path) -> None:
    after = child(tmp_path / "after", fifty, {3: None})
    inputs = {name: [str(path) for path in paths] for name, paths in (("before", fifty), ("after", after))}
    reporter = Reporter(tmp_path / "events.jsonl", 1)
    result = main(Context(Spec("version_diff", tmp_path, inputs=inputs, settings={"by": ""}), reporter))
    reporter.close()
    assert result["counts"]["removed"] == 1
    assert read(tmp_path / "artifacts" / "diff.parquet").table.equals(diff(fifty, after).table)
