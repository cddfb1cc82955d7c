"""Leaks over splits: equal and near rows, and the step that drops them from train."""

from pathlib import Path

from tests.workers.cleaning.rows import chat, made_by, shards_of
from workers.cleaning import Cleaning
from workers.leaks import leaks
from workers.prepare_table import prepare
from workers.splits import SplitPlan

LONG = " ".join(f"word{n}" for n in range(60))
ROWS = [
    chat(LONG, "yes", 0, "train"),
    chat(LONG + " more", "yes", 1, "test"),
    chat("short question", "a", 2, "train"),
    chat("short question", "a", 3, "validation"),
    chat("something else", "b", 4, "train"),
    chat("something else", "b", 5, "train"),
    chat(LONG + " even more words", "yes", 6),
]


def test_leaks__equal_and_near_rows__are_reported_with_their_pairs() -> None:
    told = leaks(ROWS).as_dict()
    assert (told["checked"], told["count"], told["exact"], told["near"]) == (7, 2, {"validation": 1}, {"test": 1})
    assert [(pair["train"], pair["other"], pair["is_exact"]) for pair in told["pairs"]] == [(2, 3, True), (0, 1, False)]
    assert 0.8 < told["pairs"][1]["likeness"] < 1


def test_leaks__no_split_or_no_row__is_none() -> None:
    assert leaks([]).count == 0 and leaks([row._replace(split="") for row in ROWS]).count == 0


def test_leak_step__drops_from_train_alone(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row.split]
    shards = shards_of(tmp_path / "x", rows)
    result = prepare(shards, tmp_path / "t", Cleaning.read(["leaks"]), None)
    assert [row.source_line for row in made_by(result, shards, tmp_path / "t")] == [1, 3, 4, 5]
    assert result["tally"]["steps"][0]["facts"] == {"exact": {"validation": 1}, "near": {"test": 1}}


def test_leak_step__named_before_a_split__runs_after_it(tmp_path: Path) -> None:
    rows = [chat(" ".join(f"w{n // 2}x{k}" for k in range(50)), "yes" + "." * (n % 2), n) for n in range(60)]
    shards = shards_of(tmp_path / "x", rows)
    steps = [{"step": "leaks", "threshold": 0.9}, "whitespace"]
    result = prepare(
        shards, tmp_path / "t", Cleaning.read(steps), SplitPlan.read({"fractions": {"train": 0.5, "test": 0.5}})
    )
    made = made_by(result, shards, tmp_path / "t")
    assert (
        leaks(made, threshold=0.9).count == 0 and result["split_counts"]["test"] == 30 > result["split_counts"]["train"]
    )
