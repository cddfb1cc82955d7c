"""Versions made in the console: rows in, a frozen version with splits, fingerprint and what changed against its parent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.core.models import LedgerEntry
from apps.core.storage import storage
from apps.datasets import rows, services
from apps.datasets.models import Dataset, DatasetVersion
from tests.cast import Cast
from tests.make import make_version


def talk(number: int, **values: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": f"a{number}"}]
    return {"messages": messages, **values}


def split_talks(splits: Sequence[str]) -> list[dict[str, Any]]:
    return [talk(number, split=split) for number, split in enumerate(splits)]


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return services.create_dataset(actor=None, workspace=workspace, name="made")


def freeze(dataset: Dataset, made: Any, **values: Any) -> DatasetVersion:
    return services.freeze_rows(actor=values.pop("actor", None), dataset=dataset, rows=made, step="label", **values)


def test_freeze__rows_with_extra__come_back_as_they_were(dataset: Dataset, owner: User) -> None:
    made_from = uuid4()
    made = [talk(0, extra={"topic": "Zürich"}), talk(1)]
    version = freeze(dataset, iter(made), actor=owner, note="first", provenance=("labelproject", made_from))
    assert [(row.messages, row.extra, row.split) for row in rows.iterate(version)] == [
        (made[0]["messages"], {"topic": "Zürich"}, ""),
        (made[1]["messages"], {}, ""),
    ]
    assert (version.number, version.step, version.note, version.splits) == (1, "label", "first", {})
    assert (version.provenance_kind, version.provenance_id, version.created_by) == ("labelproject", made_from, owner)
    assert (version.added_count, version.removed_count, version.statistics["turns"]) == (2, 0, 4)
    line = LedgerEntry.objects.get(verb="dataset.version_frozen")
    assert line.data["step"] == "label" and line.actor_id == str(owner.pk)


def test_freeze__rows_with_splits__keep_and_count_them(dataset: Dataset) -> None:
    version = freeze(dataset, split_talks(["train", "test", "train", "validation"]))
    assert version.splits["counts"] == {"train": 2, "validation": 1, "test": 1}
    assert version.splits["fractions"] == {"train": 0.5, "validation": 0.25, "test": 0.25}
    assert [row.question for row in rows.iterate(version, split="train")] == ["q0", "q2"]
    assert [row.split for row in rows.iterate(version)] == ["train", "test", "train", "validation"]


def test_freeze__other_splits_or_none__give_another_hash(dataset: Dataset) -> None:
    plain = freeze(dataset, [talk(0), talk(1)])
    one = freeze(dataset, split_talks(["train", "test"]))
    other = freeze(dataset, split_talks(["test", "train"]))
    again = freeze(dataset, split_talks(["train", "test"]), note="again")
    assert len({plain.content_hash, one.content_hash, other.content_hash}) == 3
    assert again.content_hash == one.content_hash and again.shards == one.shards


def test_freeze__second_version__counts_what_changed_against_its_parent(dataset: Dataset) -> None:
    first = freeze(dataset, [talk(0), talk(1), talk(1), talk(2)])
    second = freeze(dataset, [talk(1), talk(2), talk(3), talk(4)])
    assert (second.parent, second.added_count, second.removed_count) == (first, 2, 2)
    third = freeze(dataset, [talk(0), talk(1), talk(1)], parent=first)
    assert (third.parent, third.number, third.added_count, third.removed_count) == (first, 3, 0, 1)


@pytest.mark.parametrize(
    ("made", "said", "code"),
    [
        ([], "No row is left", "no_rows"),
        ([talk(0), {"messages": [{"role": "user", "content": "q"}]}], "Row 2: The last turn", "no_answer"),
        ([{"messages": "none"}], "Row 1: ", "not_a_list"),
        ([{}], "Row 1: ", "missing_text"),
        ([talk(0, split="dev")], "Row 1: A split is one of train, validation, test", "bad_split"),
        ([talk(0), talk(1, split="train")], "Row 2: Either every row", "mixed_splits"),
        ([talk(0, split="train"), talk(1)], "Row 2: Either every row", "mixed_splits"),
        ([talk(0, extra=["no", "object"])], "Row 1: What is kept", "bad_extra"),
        ([talk(0, extra={"score": float("nan")})], "Row 1: What is kept", "bad_extra"),
    ],
    ids=["none", "no-answer", "no-list", "no-messages", "split", "late-split", "lost-split", "extra", "nan"],
)
def test_freeze__bad_rows__are_named_and_nothing_stays(
    made: list[dict[str, Any]], said: str, code: str, dataset: Dataset, own_storage: Path
) -> None:
    with pytest.raises(Problem, match=said) as caught:
        freeze(dataset, made)
    assert caught.value.code == code and caught.value.field == "rows"
    assert not dataset.versions.exists() and not list(own_storage.rglob("*.parquet"))


def test_freeze__parent_of_another_workspace__refuses(dataset: Dataset, cast: Cast) -> None:
    strange = make_version(cast.other_workspace)
    with pytest.raises(Problem, match="another workspace"):
        freeze(dataset, [talk(0)], parent=strange)


def test_rows__shards_from_before_splits__still_read(workspace: Workspace) -> None:
    version = make_version(workspace)
    path = version.shard_paths()[0]
    pq.write_table(pq.read_table(path).drop_columns(["split"]), path)
    assert pa.types.is_string(pq.read_schema(path).field("extra").type) and "split" not in pq.read_schema(path).names
    assert {row.split for row in rows.iterate(version)} == {""} and not list(rows.iterate(version, split="train"))
    assert services.freeze_rows(actor=None, dataset=version.dataset, rows=[talk(0)], step="label").removed_count == 6


def test_import__next_version__is_compared_with_the_one_before(workspace: Workspace) -> None:
    version = make_version(workspace)
    assert (version.added_count, version.removed_count, version.step) == (version.row_count, 0, "import")
    assert storage().exists(version.shards[0]["key"])
