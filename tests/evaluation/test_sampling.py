"""Which rows are measured: the named split, what training kept out, or a seeded sample."""

from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.datasets import services as datasets
from apps.datasets.models import DatasetVersion
from apps.evaluation import sampling
from apps.evaluation.models import Split
from apps.training.models import Checkpoint
from tests.cast import Cast
from workers.data import split_hash


def conversation(number: int, split: str = "") -> dict[str, Any]:
    turns = [{"role": "user", "content": f"Q{number}"}, {"role": "assistant", "content": f"A{number}"}]
    return {"messages": turns, "split": split} if split else {"messages": turns}


@pytest.fixture
def split_version(cast: Cast, workspace: Workspace, version: DatasetVersion) -> DatasetVersion:
    rows = [conversation(n, ("train", "train", "validation", "test")[n % 4]) for n in range(40)]
    return datasets.freeze_rows(actor=cast.engineer, dataset=version.dataset, rows=rows, step="split")


def test_row_hash__of_any_row__is_the_one_training_keeps_rows_out_by() -> None:
    assert all(
        sampling.row_hash(f"{n:064x}", seed) == split_hash(f"{n:064x}", seed) for n in range(50) for seed in (0, 7)
    )


def test_split_for__version_with_splits__takes_test_first(split_version: DatasetVersion) -> None:
    assert sampling.split_for(split_version, "", None) == Split.TEST
    assert sampling.split_for(split_version, "validation", None) == Split.VALIDATION
    with pytest.raises(Problem) as refused:
        sampling.split_for(split_version, "held-out", None)
    assert refused.value.hint == "test, validation, sample"


def test_choose__test_split__gives_rows_of_it_alone(split_version: DatasetVersion) -> None:
    chosen = sampling.choose(split_version, split="test", most=100, seed=1, run=None)
    assert {row["reference"] for row in chosen.rows} == {f"A{n}" for n in range(3, 40, 4)}
    assert chosen.available == 10


def test_choose__held_out__gives_rows_that_the_run_did_not_learn_from(checkpoints: list[Checkpoint]) -> None:
    run = checkpoints[0].run
    version, recipe = run.dataset_version, run.recipe
    assert sampling.split_for(version, "", run) == Split.HELD_OUT
    kept = round(version.row_count * recipe["eval_fraction"])
    chosen = sampling.choose(version, split="held-out", most=1000, seed=99, run=run)
    hashes = sorted(split_hash(row["row_id"], recipe["seed"]) for row in chosen.rows)
    every = sampling.choose(version, split="sample", most=1000, seed=0, run=run)
    assert len(chosen.rows) == min(kept, recipe["eval_max_rows"])
    assert hashes == sorted(split_hash(row["row_id"], recipe["seed"]) for row in every.rows)[: len(hashes)]


def test_choose__sample__is_the_same_for_a_seed_and_stops_at_its_size(version: DatasetVersion) -> None:
    def drawn(seed: int) -> list[str]:
        return [row["row_id"] for row in sampling.choose(version, split="sample", most=10, seed=seed, run=None).rows]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(drawn(1)) == 10


def test_choose__equal_rows_and_rows_without_question__are_no_trouble(cast: Cast, version: DatasetVersion) -> None:
    rows = [
        conversation(1),
        conversation(1),
        {"messages": [{"role": "user", "content": "only asks"}, {"role": "assistant", "content": "x"}]},
    ]
    made = datasets.freeze_rows(actor=cast.engineer, dataset=version.dataset, rows=rows, step="label")
    chosen = sampling.choose(made, split="sample", most=10, seed=0, run=None)
    assert [row["reference"] for row in chosen.rows].count("A1") in (1, 2)  # a version may keep equal rows once
    assert len(chosen.rows) == chosen.available
    assert "speaks first" not in {row["reference"] for row in chosen.rows}
    assert all(row["messages"][-1]["role"] == "user" for row in chosen.rows)
