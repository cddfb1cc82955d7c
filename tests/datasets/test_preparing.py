"""Recipes over versions: what is refused at once, what the job makes, and the way back."""

from typing import Any

import pytest

from apps.accounts.models import User, Workspace
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.datasets import preparing, rows, services
from apps.datasets.jobs import PREPARE
from apps.datasets.models import DatasetVersion
from apps.jobs import services as jobs
from apps.jobs import supervisor
from apps.jobs.models import Job, Status
from tests.make import as_jsonl, make_version

DIRTY = [
    {"prompt": f"<p>Question {n % 18}?</p>", "completion": f"Answer  {n % 18}.", "user": f"u{n % 9}"} for n in range(20)
]
STEPS = [{"step": "html"}, {"step": "whitespace"}, {"step": "duplicates"}]
SPLIT = {"fractions": {"train": 0.7, "validation": 0.15, "test": 0.15}, "seed": 5, "group_by": ""}


@pytest.fixture
def dirty(workspace: Workspace) -> DatasetVersion:
    return make_version(workspace, as_jsonl(DIRTY))


def run_job() -> Job:
    job = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert job is not None
    job.refresh_from_db()
    return job


@pytest.mark.django_db(transaction=True)
def test_prepare_job__run_by_a_real_process__makes_the_next_version(dirty: DatasetVersion, owner: User) -> None:
    services.prepare_version(actor=owner, version=dirty, steps=STEPS, split={**SPLIT, "group_by": "user"})
    job = run_job()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    made = dirty.dataset.newest
    assert made and (made.number, made.step, made.parent, made.created_by) == (2, "recipe", dirty, owner)
    assert (made.provenance_kind, made.provenance_id) == ("version", dirty.pk)
    assert (made.row_count, made.added_count, made.removed_count) == (18, 18, 20)
    assert made.recipe["changed"] == {"html": 20, "whitespace": 20} and made.recipe["dropped"] == {"duplicates": 2}
    assert made.recipe["steps"][-1] == {"step": "duplicates", "of": "conversation"}
    assert made.splits["seed"] == 5 and made.splits["group_by"] == "user"
    assert sum(made.splits["counts"].values()) == 18 and set(made.splits["counts"]) == {"train", "validation", "test"}
    assert (made.source_name, made.layout) == (dirty.source_name, dirty.layout)
    sides: dict[str, set[str]] = {}
    for row in rows.iterate(made):
        assert row.question == f"Question {row.answer.split()[1][:-1]}?"
        sides.setdefault(row.extra["user"], set()).add(row.split)
    assert all(len(found) == 1 for found in sides.values())
    assert LedgerEntry.objects.filter(verb="dataset.version_frozen", object_id=str(made.pk)).exists()
    assert job.url == f"/datasets/{dirty.dataset_id}/versions/"


@pytest.mark.django_db(transaction=True)
def test_prepare_job__again_on_another_day__gives_the_same_hash(dirty: DatasetVersion) -> None:
    for _day in range(2):
        services.prepare_version(actor=None, version=dirty, steps=STEPS, split=SPLIT)
        assert run_job().status == Status.SUCCEEDED
    first, second = dirty.dataset.versions.filter(step="recipe")
    assert first.content_hash == second.content_hash and first.shards == second.shards
    assert second.parent == first.parent == dirty


@pytest.mark.django_db(transaction=True)
def test_prepare_job__long_version_of_which_nothing_is_left__fails_in_words(
    dirty: DatasetVersion, monkeypatch: Any
) -> None:
    monkeypatch.setattr("apps.datasets.preparing.SAMPLE_ROWS", 2)
    steps = [{"step": "length", "min_characters": 500}]
    services.prepare_version(actor=None, version=dirty, steps=steps, split=None)
    job = run_job()
    assert job.status == Status.FAILED and job.failure_class == "user_error" and "leaves no row" in job.failure_message
    assert dirty.dataset.versions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_prepare_job__second_attempt_after_files_moved__ends_the_same(dirty: DatasetVersion) -> None:
    from workers.cleaning import Cleaning
    from workers.prepare_table import prepare

    job = services.prepare_version(actor=None, version=dirty, steps=STEPS, split=None)
    folder = job.folder / "artifacts" / "table"
    for _attempt in range(2):
        result = prepare(dirty.shard_paths(), folder, Cleaning.read(STEPS), None)
        PREPARE.verify(job, result)
        PREPARE.verify(job, result)
    PREPARE.on_success(job, result)
    assert [version.row_count for version in dirty.dataset.versions.all()] == [18, 20]


@pytest.mark.parametrize(
    ("steps", "split", "field", "said"),
    [
        ([], None, "steps", "at least one step"),
        ([{"step": "magic"}], None, "steps.0", "no step"),
        ({"step": "html"}, None, "steps", "must be a list"),
        ([{"step": "length", "min_characters": 9, "max_characters": 3}], None, "steps.0.min_characters", "above"),
        ([{"step": "length", "min_characters": 999}], None, "steps", "leaves no row"),
        ([], {"fractions": {"train": 0.7, "test": 0.2}}, "split.fractions", "sum to 0.9"),
        ([], {"group_by": "nobody"}, "split.group_by", "no column|No row has a column"),
        ([], {"fractions": {"train": 0.98, "test": 0.02}}, "split.fractions.test", "test split would be empty"),
        ([], [], "split", "must be an object"),
    ],
    ids=["nothing", "step", "no-list", "length", "no-row", "sum", "column", "empty-split", "no-object"],
)
def test_prepare__bad_option__is_refused_at_once(
    steps: Any, split: Any, field: str, said: str, dirty: DatasetVersion
) -> None:
    with pytest.raises(Problem, match=said) as caught:
        services.prepare_version(actor=None, version=dirty, steps=steps, split=split)
    assert caught.value.field == field and not Job.objects.filter(kind="datasets.prepare").exists()


def test_prepare__while_it_is_being_prepared__is_a_conflict(dirty: DatasetVersion) -> None:
    job = services.prepare_version(actor=None, version=dirty, steps=STEPS, split=None)
    with pytest.raises(Conflict, match="already"):
        services.prepare_version(actor=None, version=dirty, steps=STEPS, split=None)
    with pytest.raises(Conflict, match="being prepared"):
        services.delete_dataset(actor=None, dataset=dirty.dataset)
    jobs.cancel(actor=None, job=job)
    services.prepare_version(actor=None, version=dirty, steps=STEPS, split=None)


def test_trial__first_rows__tell_counts_columns_and_examples(dirty: DatasetVersion, monkeypatch: Any) -> None:
    told = preparing.attempt(dirty, preparing.read(STEPS, SPLIT)).as_dict()
    assert told["is_whole"] and told["kept"] == 18 and told["columns"] == ["user"] and told["problem"] is None
    assert told["split_counts"] == {"train": 13, "validation": 2, "test": 3}
    assert told["examples"][0]["before"][0]["content"] == "<p>Question 0?</p>"
    assert told["examples"][0]["after"][0]["content"] == "Question 0?"
    monkeypatch.setattr("apps.datasets.preparing.SAMPLE_CHARACTERS", 100)
    few = preparing.attempt(dirty, preparing.read(STEPS, None))
    assert not few.is_whole and 1 < few.found["rows"] < 20


def test_roll_back__to_an_earlier_version__is_a_new_version_with_its_rows(dirty: DatasetVersion, owner: User) -> None:
    newer = services.freeze_rows(
        actor=None,
        dataset=dirty.dataset,
        rows=[{"messages": row.messages} for row in list(rows.iterate(dirty))[:5]],
        step="x",
    )
    back = services.roll_back(actor=owner, version=dirty)
    assert (back.number, back.step, back.parent, back.note) == (3, "rollback", newer, "Back to v1")
    assert back.shards == dirty.shards and back.content_hash == dirty.content_hash
    assert (back.added_count, back.removed_count) == (15, 0)
    assert (back.provenance_kind, back.provenance_id, back.created_by) == ("version", dirty.pk, owner)
    assert dirty.dataset.versions.count() == 3
    with pytest.raises(Conflict, match="already"):
        services.roll_back(actor=owner, version=dirty)
