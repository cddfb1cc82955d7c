"""A version made by few changes: small in storage, the same as if its rows had been written anew."""

import pytest

from apps.core.errors import Problem
from apps.datasets import rows
from apps.datasets.amending import amend_version
from apps.datasets.models import DatasetVersion
from tests.cast import Cast
from tests.make import as_jsonl, make_version
from workers.formats.forms import key_of, make_row, with_texts
from workers.formats.stored import read_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    pairs = [{"prompt": f"Question {number}?", "completion": "Answer. " * number} for number in range(1, 21)]
    return make_version(cast.workspace, as_jsonl(pairs), actor=cast.owner)


def test_amended_version__changes_drops_and_adds__keeps_the_shards_of_its_parent(
    cast: Cast, version: DatasetVersion
) -> None:
    old = list(read_rows(version.shard_paths()))
    edited = with_texts(old[3], ["Other question?", "Other answer."], form="chat")
    new = make_row("chat", old[0].messages[:1] + edited.messages[1:], None, source_line=1)
    made = amend_version(actor=cast.owner, parent=version, changes={3: edited, 19: None}, added=[new], step="edit")
    found = list(read_rows(made.shard_paths()))
    assert [row.row_id for row in found] == [row.row_id for row in [*old[:3], edited, *old[4:19], new]]
    assert key_of(found[3]) == key_of(old[3])
    assert made.shards[: len(version.shards)] == version.shards
    assert (made.row_count, made.added_count, made.removed_count, made.parent) == (20, 2, 2, version)
    assert made.statistics["characters"] == sum(len(m.content) for row in found for m in row.messages)
    assert made.statistics["most_characters"] == max(sum(len(m.content) for m in row.messages) for row in found)
    assert rows.read_page(made.shard_paths(), start=18, limit=5, total=20).rows[-1].row_id == new.row_id


def test_amended_version__of_an_amended_one__adds_up(cast: Cast, version: DatasetVersion) -> None:
    one = amend_version(actor=cast.owner, parent=version, changes={0: None, 1: None}, step="edit")
    two = amend_version(actor=cast.owner, parent=one, changes={0: None}, step="edit")
    old = list(read_rows(version.shard_paths()))
    assert [row.row_id for row in read_rows(two.shard_paths())] == [row.row_id for row in old[3:]]
    assert two.removed_count == 1


def test_amended_version__without_rows__is_refused(cast: Cast, version: DatasetVersion) -> None:
    with pytest.raises(Problem, match="at least one"):
        amend_version(actor=cast.owner, parent=version, changes=dict.fromkeys(range(20)), step="edit")


def test_amended_version__a_split_for_some_rows_only__is_refused(cast: Cast, version: DatasetVersion) -> None:
    row = next(read_rows(version.shard_paths()))._replace(split="train")
    with pytest.raises(Problem, match="none has"):
        amend_version(actor=cast.owner, parent=version, added=[row], step="edit")
    assert DatasetVersion.objects.count() == 1


def test_require_form__of_another_form__names_both(version: DatasetVersion) -> None:
    version.require_form("chat")
    with pytest.raises(Problem, match="Chat") as refused:
        version.require_form("tabular", "image")
    assert "Table" in refused.value.hint
