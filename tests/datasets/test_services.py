"""Verbs and rows of datasets: versions that never change, imports that leave nothing half, the demo."""

from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apps.accounts.models import User, Workspace
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.core.storage import storage
from apps.datasets import services
from apps.datasets.inspection import inspect_upload
from apps.datasets.jobs import IMPORT
from apps.datasets.landing import label_of
from apps.datasets.models import Dataset, DatasetVersion, State, Upload
from apps.jobs import supervisor
from apps.jobs.models import Job, Status
from tests.make import PAIRS, as_jsonl, finish_import, make_upload, make_version

GOOD = as_jsonl(PAIRS)


def test_version__saved_again_or_updated__refuses(workspace: Workspace) -> None:
    version = make_version(workspace)
    version.note = "other"
    with pytest.raises(TypeError):
        version.save()
    with pytest.raises(TypeError):
        DatasetVersion.objects.filter(pk=version.pk).update(row_count=1)


def test_version__number_taken__is_refused_by_the_database(workspace: Workspace) -> None:
    version = make_version(workspace)
    values = {field.attname: getattr(version, field.attname) for field in DatasetVersion._meta.concrete_fields}
    values.pop("id")
    for wrong in ({}, {"number": 0}, {"number": 2, "row_count": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DatasetVersion.objects.create(**{**values, **wrong})


def test_content_hash__same_rows_in_other_formats__is_the_same(workspace: Workspace) -> None:
    """Shard size, format and columns that were not mapped do not matter; the order does."""
    csv = b"completion,prompt\n" + b"".join(f"{p['completion']},{p['prompt']}\n".encode() for p in PAIRS)
    json = b"[" + b",".join(GOOD.splitlines()) + b"]"
    first = make_version(workspace, name="a")
    for name, content in {"rows.csv": csv, "rows.json": json}.items():
        assert make_version(workspace, content, name=name, file=name).content_hash == first.content_hash
    other = make_version(workspace, as_jsonl(PAIRS[::-1]), name="reversed")
    assert other.content_hash != first.content_hash


def test_same_rows_twice__share_their_shard(workspace: Workspace) -> None:
    first = make_version(workspace)
    second = finish_import(make_upload(workspace, dataset=first.dataset))
    assert second.number == 2 and second.shards == first.shards
    assert len(storage().fs.find(storage().path(f"datasets/{first.dataset_id}/shards"))) == 1


def test_receive__refused_after_the_file_is_kept__leaves_nothing(
    workspace: Workspace, own_storage: Path, monkeypatch: Any
) -> None:
    def fail(*_args: Any, **_values: Any) -> None:
        raise Problem("no queue")

    monkeypatch.setattr("apps.jobs.services.submit", fail)
    with pytest.raises(Problem):
        make_upload(workspace, start=True)
    assert not Dataset.objects.exists() and not Upload.objects.exists()
    assert not [path for path in own_storage.rglob("*") if path.is_file()]


def test_receive__large_file__is_moved_not_copied(workspace: Workspace) -> None:
    from django.core.files.uploadedfile import TemporaryUploadedFile

    file = TemporaryUploadedFile("rows.jsonl", "text/plain", len(GOOD), None)
    file.write(GOOD)
    file.seek(0)
    path = Path(file.temporary_file_path())
    upload = services.receive_upload(actor=None, workspace=workspace, file=file, name="moved")
    file.close()  # as Django does when the request ends
    assert not path.exists() and storage().size(upload.key) == len(GOOD)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\temp\\rows.csv", "a\0b\n.csv", "\u202egnp.csv", "x" * 5000, "", "CON"]
)
def test_file_name__of_any_kind__is_only_a_label(name: str, workspace: Workspace) -> None:
    """B11"""
    label = label_of(name)
    assert label.isprintable() and "/" not in label and 0 < len(label) <= 200
    upload = make_upload(workspace)
    assert upload.key == f"datasets/{upload.dataset_id}/raw/{upload.pk}"


def test_state__follows_upload_job_and_versions(workspace: Workspace) -> None:
    upload = make_upload(workspace)
    dataset = upload.dataset
    seen = [dataset.state]
    services.start_import(actor=None, upload=upload)
    seen.append(dataset.state)
    Job.objects.update(status=Status.FAILED)
    seen.append(dataset.state)
    Job.objects.update(status=Status.SUCCEEDED)
    finish_import(upload)
    seen.append(dataset.state)
    assert seen == [State.MAPPING, State.IMPORTING, State.FAILED, State.READY]
    for state in State:
        found = list(Dataset.objects.all().with_newest().in_state(state))
        assert found == ([dataset] if state == State.READY else [])


def test_demo__loaded__is_whole_and_told_in_the_ledger(workspace: Workspace, owner: User) -> None:
    version = services.load_demo(workspace=workspace, actor=owner)
    assert version.row_count >= 300 and version.quarantined_count == 0
    assert services.load_demo(workspace=workspace, actor=owner) == version
    assert LedgerEntry.objects.filter(verb="dataset.version_frozen", object_id=str(version.pk)).count() == 1


def test_delete__while_importing__is_a_conflict(workspace: Workspace) -> None:
    upload = make_upload(workspace, start=True)
    with pytest.raises(Conflict, match="import is running"):
        services.delete_dataset(actor=None, dataset=upload.dataset)


def test_delete__learned_from__is_a_conflict(workspace: Workspace, monkeypatch: Any) -> None:
    version = make_version(workspace)

    def protect(self: Any) -> None:
        raise ProtectedError("a run", set())

    monkeypatch.setattr(Dataset, "delete", protect)
    with pytest.raises(Conflict, match="in use"):
        services.delete_dataset(actor=None, dataset=version.dataset)
    assert storage().exists(version.shards[0]["key"])


def test_inspection__process_that_breaks__is_a_problem(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "rows").write_bytes(GOOD)
    monkeypatch.setattr("apps.datasets.inspection.sys.executable", "/bin/false")
    with pytest.raises(Problem) as found:
        inspect_upload(tmp_path / "rows", name="rows.jsonl")
    assert (found.value.code, found.value.field) == ("unreadable", "file")


def run_import_job() -> Job:
    job = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert job is not None
    job.refresh_from_db()
    return job


@pytest.mark.django_db(transaction=True)
def test_import_job__run_by_a_real_process__makes_the_version(workspace: Workspace) -> None:
    upload = make_upload(workspace, GOOD + b"broken\n", start=True)
    job = run_import_job()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    version = upload.dataset.newest
    assert version and version.row_count == 6 and version.reasons == {"bad_json": 1}
    assert all(storage().exists(shard["key"]) for shard in version.shards)
    assert storage().exists(version.quarantine_key)
    assert job.progress["done"] == job.progress["total"] == upload.size
    assert job.url == upload.dataset.get_absolute_url()


@pytest.mark.django_db(transaction=True)
def test_import_job__file_turns_out_broken__fails_with_the_line_and_makes_nothing(workspace: Workspace) -> None:
    upload = make_upload(workspace, start=True)
    Path(storage().path(upload.key)).write_bytes(b"[" + GOOD.splitlines()[0] + b',\n{"prompt"')
    Upload.objects.update(format="json")
    Job.objects.update(settings={**upload.job.settings, "format": "json"})  # type: ignore[union-attr]
    job = run_import_job()
    assert job.status == Status.FAILED and job.failure_class == "user_error"
    assert "line 2" in job.failure_message and job.failure_hint
    assert not DatasetVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_import_job__second_attempt_after_files_moved__ends_the_same(workspace: Workspace) -> None:
    """F18: a crash between moving the shards and the commit."""
    upload = make_upload(workspace, start=True)
    job = Job.objects.get()
    folder = job.folder / "artifacts" / "table"
    from workers.import_table import import_file

    for _attempt in range(2):
        result = import_file(Path(storage().path(upload.key)), folder, mapping=upload.mapping, name="rows.jsonl")
        IMPORT.verify(job, result)
        IMPORT.verify(job, result)
    IMPORT.on_success(job, result)
    assert upload.dataset.newest and upload.dataset.versions.count() == 1
