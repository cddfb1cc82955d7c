"""Tags, differences, the deletion of rows, and what a version keeps on the disk."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User, Workspace
from apps.core.errors import Conflict, Gone, Problem
from apps.core.models import LedgerEntry
from apps.core.storage import storage
from apps.datasets import amending, rows, services
from apps.datasets.models import Dataset, DatasetVersion, Purge
from apps.datasets.models.drafts import Draft
from apps.datasets.versions import diffing, lanes, purging, showing, tagging, tiers
from apps.jobs import supervisor
from apps.jobs.models import Status
from apps.labeling import services as labeling
from apps.labeling.schema.gallery import QUALITY
from tests.cast import Cast
from tests.make import finish_import, make_job, make_upload, make_version
from workers import comparison
from workers.formats.forms import with_texts


def talks(numbers: Sequence[int]) -> list[dict[str, Any]]:
    turns = [[("user", f"q{n}"), ("assistant", f"a{n}")] for n in numbers]
    return [{"messages": [{"role": role, "content": text} for role, text in talk]} for talk in turns]


def freeze(dataset: Dataset, numbers: Sequence[int], **values: Any) -> DatasetVersion:
    return services.freeze_rows(actor=None, dataset=dataset, rows=talks(numbers), step="label", **values)


def edit(version: DatasetVersion, place: int, text: str) -> DatasetVersion:
    [row] = amending.rows_at(version, {place: None})
    changed = with_texts(row, [text for _message in row.messages], form="chat")
    return amending.amend_version(actor=None, parent=version, changes={place: changed}, step="edit")


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return services.create_dataset(actor=None, workspace=workspace, name="made")


@pytest.fixture
def line(dataset: Dataset) -> list[DatasetVersion]:
    """Three versions: imported, one row edited (a patch over the same shards), other rows."""
    first = freeze(dataset, range(20))
    return [first, edit(first, 3, "other words"), freeze(dataset, range(5, 30))]


def files(own_storage: Path) -> set[str]:
    return {
        path.name for folder in ("shards", "patches") for path in own_storage.rglob(f"{folder}/*") if path.is_file()
    }


# --- Tags


def test_tag__set_moved_and_removed__is_in_the_ledger(line: list[DatasetVersion], owner: User) -> None:
    tag = tagging.set_tag(actor=owner, version=line[0], name=" gold ")
    assert tagging.set_tag(actor=owner, version=line[0], name="gold") == tag
    assert tagging.set_tag(actor=owner, version=line[2], name="gold").version == line[2]
    assert [str(found) for found in line[2].dataset.tags.all()] == ["gold"] and not line[0].tags.exists()
    tagging.remove_tag(actor=owner, tag=line[2].tags.get())
    told = [
        (e.verb, e.note, e.data.get("moved_from"))
        for e in LedgerEntry.objects.filter(verb__startswith="dataset.tag").order_by("at")
    ]
    assert told == [
        ("dataset.tag_set", "gold", None),
        ("dataset.tag_set", "gold", 1),
        ("dataset.tag_removed", "gold", None),
    ]


@pytest.mark.parametrize("name", ["", "Gold", "a b", "-a", "x" * 41, "a/b", "ü", None, "@gold", "a\n"])
def test_tag__odd_name__is_refused(name: Any, line: list[DatasetVersion]) -> None:
    if name == "a\n":
        assert tagging.checked_name(name) == "a"
        return
    with pytest.raises(Problem) as caught:
        tagging.set_tag(actor=None, version=line[0], name=name)
    assert caught.value.field == "name"


def test_tag__one_too_many__is_refused(line: list[DatasetVersion], monkeypatch: Any) -> None:
    monkeypatch.setattr(tagging, "MOST", 1)
    tagging.set_tag(actor=None, version=line[0], name="a")
    with pytest.raises(Problem, match="at most 1"):
        tagging.set_tag(actor=None, version=line[0], name="b")
    tagging.set_tag(actor=None, version=line[1], name="a")


# --- Differences


def test_difference__of_a_small_pair__is_found_at_once_and_kept(line: list[DatasetVersion], own_storage: Path) -> None:
    seen = diffing.look(line[0], line[1])
    assert seen.found and seen.found.counts == {"changed": 1, "moved": 0, "added": 0, "removed": 0}
    assert len(list(own_storage.rglob("meta/diff-*.parquet"))) == 1
    again = diffing.look(line[0], line[1]).found
    assert again and again.table.equals(seen.found.table)
    [entry] = showing.page(seen, {}).entries
    assert [field.name for field in entry.fields] == ["user", "assistant"]
    assert [piece.text for piece in entry.fields[0].pieces if piece.kind == "in"] == ["other words"]


def test_difference__cost__counts_only_what_is_not_shared(line: list[DatasetVersion]) -> None:
    assert diffing.cost(line[0], line[1]) == 1
    assert diffing.cost(line[0], line[2]) == 45
    assert diffing.cost(line[0], line[2], "id") == 45 * diffing.BY_COLUMN


def test_page__narrowed__lists_one_kind_and_goes_on(line: list[DatasetVersion]) -> None:
    seen = diffing.look(line[0], line[2])
    page = showing.page(seen, {"kind": "added", "limit": "4"})
    assert ([e.after.question for e in page.entries if e.after], page.next, page.total) == (
        ["q20", "q21", "q22", "q23"],
        4,
        10,
    )
    assert [e.row.question for e in showing.page(seen, {"q": "Q2"}).entries] == [
        *(f"q{n}" for n in range(20, 30)),
        "q2",
    ]
    assert showing.page(seen, {"split": "train"}).total == 0


@pytest.mark.parametrize(
    "query", [{"kind": "none"}, {"split": "dev"}, {"cursor": "-1"}, {"cursor": "99"}, {"limit": "x"}, {"q": "x" * 201}]
)
def test_page__bad_question__names_the_parameter(query: dict[str, str], line: list[DatasetVersion]) -> None:
    seen = diffing.look(line[0], line[2])
    with pytest.raises(Problem) as caught:
        showing.page(seen, query)
    assert caught.value.field == next(iter(query))


def test_changed_fields__of_every_kind_of_content__are_named() -> None:
    def stored(split: str, **content: Any) -> rows.StoredRow:
        return rows.StoredRow(0, "", [], 1, {"id": len(content)}, split, content)

    before = stored("train", text="a b", label="x", spans=[{"start": 0, "end": 1, "label": "P"}], values={"c": 1})
    after = stored("test", text="a c", spans=[{"start": 0, "end": 2, "label": "P"}], values={"c": 2.5, "d": None})
    found = {field.name: (field.before, field.after) for field in showing.changed_fields(before, after)}
    assert found == {
        "text": ("a b", "a c"),
        "label": ("x", None),
        "spans": ("start 0, end 1, label P", "start 0, end 2, label P"),
        "c": ("1", "2.5"),
        "d": (None, "null"),
        "split": ("train", "test"),
        "beside: id": ("4", "3"),
    }
    talk = rows.StoredRow(0, "", [{"role": "user", "content": str(n)} for n in range(2)], 1, {})
    assert list(showing.parts(talk)) == ["user", "user 2"]


@pytest.mark.django_db(transaction=True)
def test_difference__of_a_large_pair__is_found_by_a_job(dataset: Dataset, monkeypatch: Any) -> None:
    first, second = freeze(dataset, range(20)), freeze(dataset, range(5, 30))
    monkeypatch.setattr(diffing, "QUICK_ROWS", 3)
    monkeypatch.setattr(diffing.known_or_quick, "__defaults__", ("", 3))
    assert diffing.look(first, second).job is None
    job = diffing.start(first, second, actor=None).job
    assert job and diffing.start(first, second, actor=None).job == job
    done = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert done is not None
    done.refresh_from_db()
    assert done.status == Status.SUCCEEDED, (done.failure_message, done.failure_hint)
    assert f"v{second.number}/changes/?against={first.number}" in done.url
    found = diffing.look(first, second).found
    assert found and found.counts == {"changed": 0, "moved": 0, "added": 10, "removed": 5}


# --- Roll back


def test_rollback__over_shared_shards__reads_only_what_was_patched(
    line: list[DatasetVersion], monkeypatch: Any
) -> None:
    first = line[0]
    edited = edit(line[2], 0, "once more")
    read, real = list[int](), comparison._Reader.rows_at

    def counted(self: Any, path: Path, offsets: Any, start: int) -> Any:
        read.append(len(offsets))
        return real(self, path, offsets, start)

    monkeypatch.setattr(comparison._Reader, "rows_at", counted)
    made = services.roll_back(actor=None, version=line[2])
    assert (made.parent, made.content_hash) == (edited, line[2].content_hash)
    assert (made.added_count, made.removed_count) == (1, 1) and sum(read) == 1
    assert services.roll_back(actor=None, version=first).shards == first.shards


# --- Deletion of rows


def purge(version: DatasetVersion, actor: Any = None) -> Purge:
    return purging.purge_version(actor=actor, version=version, reason="asked for")


@pytest.mark.django_db(transaction=True)
def test_purge__of_a_version__deletes_its_files_and_leaves_a_tombstone(
    line: list[DatasetVersion], owner: User, own_storage: Path
) -> None:
    diffing.look(line[0], line[1])
    purge(line[1], owner)
    assert line[1].patch["key"].rsplit("/")[-1] not in files(own_storage)
    assert [row.question for row in rows.iterate(line[0])] == [f"q{n}" for n in range(20)]
    assert not list(own_storage.rglob("meta/diff-*.parquet"))
    stone = DatasetVersion.objects.get(pk=line[1].pk)
    assert (stone.number, stone.content_hash) == (2, line[1].content_hash)
    told = LedgerEntry.objects.get(verb="dataset.version_purged")
    assert told.note == "asked for" and told.data["rows"] == 20
    with pytest.raises(Gone, match=r"made v2 were deleted on .* by Olga") as caught:
        stone.shard_paths()
    assert (caught.value.status, caught.value.code) == (410, "rows_deleted")
    for verb in (
        lambda: purge(stone),
        lambda: services.roll_back(actor=None, version=stone),
        lambda: tagging.set_tag(actor=None, version=stone, name="gold"),
        lambda: diffing.look(line[0], stone),
        lambda: stone.require_form("chat"),
        lambda: freeze(stone.dataset, [1], parent=stone),
    ):
        with pytest.raises(Gone), transaction.atomic():
            verb()


def test_purge__newest__is_a_conflict(line: list[DatasetVersion]) -> None:
    with pytest.raises(Conflict) as caught:
        purge(line[2])
    assert caught.value.code == "newest"


def test_purge__held_by_a_stage_or_a_tag__names_them(line: list[DatasetVersion], cast: Cast) -> None:
    tagging.set_tag(actor=None, version=line[0], name="gold")
    version = DatasetVersion.objects.get(pk=line[0].pk)
    with pytest.raises(Conflict) as caught:
        purge(version)
    assert "the tag gold" in caught.value.hint
    labeling.create_project(
        actor=cast.curator, workspace=version.workspace, name="Tone", label_config=QUALITY, dataset_version=version
    )
    Draft.objects.create(workspace=cast.workspace, created_by=cast.curator, dataset=version.dataset, base=version)
    assert purging.holders_of(version) == ["1 label project", "1 open draft", "the tag gold"]


def test_purge__while_a_job_reads_the_dataset__is_a_conflict(line: list[DatasetVersion]) -> None:
    inputs = {"dataset": str(line[0].dataset_id), "version": str(line[2].pk)}
    make_job(line[0].workspace, kind="datasets.prepare", inputs=inputs, title="Prepare made v3")
    with pytest.raises(Conflict, match="Prepare made v3"):
        purge(line[0])


@pytest.mark.django_db(transaction=True)
def test_purge__of_an_import__deletes_its_quarantine_too(workspace: Workspace) -> None:
    first = make_version(workspace, b'{"prompt": "a", "completion": "b"}\nno json\n')
    services.freeze_rows(actor=None, dataset=first.dataset, rows=talks([1]), step="label")
    assert first.quarantine_key and storage().exists(first.quarantine_key)
    purge(first)
    assert not storage().exists(first.quarantine_key)


def test_freeze__files_gone_meanwhile__is_a_conflict_and_no_version(dataset: Dataset, monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.datasets.freezing.keep_shards", lambda *_args: None)
    with pytest.raises(Conflict) as caught:
        freeze(dataset, [1, 2])
    assert caught.value.code == "files_gone" and not dataset.versions.exists()


@pytest.mark.django_db(transaction=True)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_purge__in_any_order__never_deletes_what_another_version_needs(
    workspace: Workspace, data: st.DataObject
) -> None:
    name = f"line {next(_numbers)}"
    dataset = services.create_dataset(actor=None, workspace=workspace, name=name)
    freeze(dataset, range(8))
    for _step in range(data.draw(st.integers(3, 7))):
        there = list(dataset.versions.filter(purge=None).order_by("number"))
        version = data.draw(st.sampled_from(there))
        match data.draw(st.sampled_from(["edit", "anew", "back", "purge", "purge"])):
            case "edit":
                edit(version, data.draw(st.integers(0, version.row_count - 1)), data.draw(st.sampled_from("xyz")))
            case "anew":
                freeze(dataset, range(data.draw(st.integers(0, 2)), 9))
            case "back" if version.content_hash != there[-1].content_hash:
                services.roll_back(actor=None, version=version)
            case "purge" if version != there[-1]:
                purge(version)
    left = list(dataset.versions.filter(purge=None))
    for version in left:
        assert len(list(rows.iterate(version))) == version.row_count
    folder = f"datasets/{dataset.pk}"
    stored = {str(path).split(f"{folder}/")[-1] for path in storage().fs.find(storage().path(folder))}
    needed = {file["key"].removeprefix(f"{folder}/") for version in left for file in version.files}
    assert {name for name in stored if not name.startswith("meta/")} == needed


_numbers = itertools.count()


# --- Tiers, lanes, files


def test_tiers__of_a_patched_version__part_own_bytes_from_shared(workspace: Workspace) -> None:
    first = make_version(workspace)
    second = edit(first, 2, "other")
    diffing.look(first, second)
    found = {tier.name: tier for tier in tiers.tiers_of(second)}
    assert list(found) == ["raw", "processed", "tokenized", "metadata"]
    assert (found["raw"].files, found["raw"].bytes, found["raw"].is_rebuildable) == (
        1,
        first.dataset.uploads.get().size,
        False,
    )
    processed = found["processed"]
    assert (processed.files, processed.bytes, processed.own_bytes) == (2, second.size, second.patch["bytes"])
    assert found["metadata"].files == 1 and found["tokenized"].files == 0
    assert {tier.name: tier.own_bytes for tier in tiers.tiers_of(first)}["processed"] == 0


def test_tiers__of_images__tell_the_media(dataset: Dataset, own_storage: Path) -> None:
    folder = own_storage / f"datasets/{dataset.pk}/media"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"12345")
    version = freeze(dataset, [1])
    version.form = "image"
    media = tiers.tiers_of(version)[-1]
    assert (media.name, media.files, media.bytes) == ("media", 1, 5)


def test_uploads_behind__a_later_import__is_the_only_one(workspace: Workspace) -> None:
    first = make_version(workspace)
    second = finish_import(make_upload(workspace, dataset=first.dataset, file="again.jsonl"))
    assert [upload.name for upload in tiers.uploads_behind(edit(second, 0, "x"))] == ["again.jsonl"]
    back = services.roll_back(actor=None, version=first)
    assert [upload.name for upload in tiers.uploads_behind(back)] == ["rows.jsonl"]


def test_lanes__of_a_branch_and_a_foreign_parent__join_where_they_part() -> None:
    drawn = lanes.draw([(5, 3), (4, 2), (3, 2), (2, 1), (1, "elsewhere")])
    assert [strokes.dot for strokes in drawn] == [7, 21, 7, 7, 7]
    assert drawn[0].paths == ["M7 50V100"] and drawn[3].paths[:2] == ["M7 0V50", "M21 0C21 40 7 20 7 50"]
    assert drawn[4].paths == ["M7 0V50"] and {strokes.width for strokes in drawn} == {28}


def test_same_rows__imported_and_made_again__share_their_files(dataset: Dataset, own_storage: Path) -> None:
    one = freeze(dataset, range(9))
    freeze(dataset, range(4))
    other = freeze(dataset, range(9))
    assert other.shards == one.shards and len(files(own_storage)) == 2
