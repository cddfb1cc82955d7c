"""F60-F62: imports that are killed, starved of disk or doubled. A version is there whole, or it is not there."""

import json
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from apps.core.storage import storage
from apps.datasets import services
from apps.datasets.models import Dataset, DatasetVersion, Upload
from apps.jobs.models import Job, Status
from tests.faults.console import Console
from tests.faults.stack import is_gone, wait_until
from workers.import_table import import_file

ROWS = 30_000
SLOT = "first:cpu0"


def rows(word: str, count: int = ROWS) -> bytes:
    lines = ({"prompt": f"{word} {n}? {'why ' * 20}", "completion": f"Because of {n}."} for n in range(count))
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def start_import(console: Console, content: bytes, **values: object) -> Upload:
    file = SimpleUploadedFile("rows.jsonl", content)
    target = values or {"name": f"faults {time.monotonic_ns()}"}
    return services.receive_upload(
        actor=console.user,
        workspace=console.workspace,
        file=file,
        start=True,
        **target,  # type: ignore[arg-type]
    )


def job_of(upload: Upload) -> Job:
    assert upload.job is not None
    return upload.job


def hash_of(content: bytes, folder: Path) -> str:
    """The content hash of an import that nothing disturbs."""
    path = folder / "reference.jsonl"
    path.write_bytes(content)
    columns = {"layout": "prompt_completion", "columns": {"prompt": "prompt", "completion": "completion"}}
    return str(import_file(path, folder / "table", mapping=columns)["content_hash"])


def program_of(job: Job, epoch: int = 1) -> int:
    """The pid of the import program, once it reads the file."""
    wait_until(lambda: job.attempts.filter(epoch=epoch, pid__isnull=False).exists(), "the program runs", 30)
    partial = job.folder / "artifacts" / "table.partial"
    wait_until(lambda: partial.exists() and any(partial.glob("shard-*")), "it writes rows", 30)
    return int(job.attempts.get(epoch=epoch).pid or 0)


@contextmanager
def nothing_half(dataset: Dataset) -> Iterator[None]:
    """Look at the dataset all the while as a page does: every version that shows can be read to its last row."""
    faults, is_over = list[str](), threading.Event()

    def look() -> None:
        while not is_over.wait(0.01):
            for version in DatasetVersion.objects.filter(dataset=dataset):
                missing = [file["key"] for file in version.files if not storage().exists(file["key"])]
                if missing or sum(shard["rows"] for shard in version.shards) != version.row_count:
                    faults.append(f"{version}: {missing}")
        connections.close_all()

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
    assert faults == []


def only_version(upload: Upload) -> DatasetVersion:
    version: DatasetVersion = DatasetVersion.objects.get(dataset=upload.dataset)
    return version


def left_behind(job: Job) -> list[str]:
    return [path.name for path in (job.folder / "artifacts").rglob("*") if path.suffix in (".partial", ".part")]


@pytest.mark.parametrize("victim", ["program", "worker"])
def test_f60_kill_while_importing__taken_up_again__one_whole_version(
    console: Console, tmp_path: Path, victim: str
) -> None:
    content = rows(victim)
    launcher = console.stack.launch(SLOT)
    upload = start_import(console, content)
    job = job_of(upload)
    with nothing_half(upload.dataset):
        program = program_of(job)
        assert not upload.dataset.versions.exists()
        os.kill(program if victim == "program" else launcher.pid, signal.SIGKILL)
        wait_until(lambda: is_gone(program), "the program is gone", 5)
        if victim == "worker":
            console.stack.launch("second:cpu0")
        console.wait_for_end(job, 90)
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 2)
    assert (only_version(upload).row_count, only_version(upload).content_hash) == (ROWS, hash_of(content, tmp_path))
    assert left_behind(job) == []


@pytest.mark.parametrize("point", ["before-finish", "after-finish"])
def test_f60_kill_around_the_end__one_whole_version(console: Console, tmp_path: Path, point: str) -> None:
    """Before: the shards are in the storage and no version tells of them. After: the version is there, nobody heard."""
    content = rows(point)
    launcher = console.stack.launch(SLOT, point)
    upload = start_import(console, content)
    job = job_of(upload)
    with nothing_half(upload.dataset):
        wait_until(lambda: not launcher.is_alive, "the launcher dies", 60)
        assert upload.dataset.versions.count() == (point == "after-finish")
        console.stack.launch("second:cpu0")
        console.wait_for_end(job, 90)
    assert job.status == Status.SUCCEEDED
    assert only_version(upload).content_hash == hash_of(content, tmp_path)


def test_f61_disk_full__failed_with_advice__imported_when_there_is_room(console: Console, tmp_path: Path) -> None:
    content = rows("full", 3 * ROWS)
    console.stack.launch(SLOT)
    upload = start_import(console, content)
    job = job_of(upload)
    with nothing_half(upload.dataset):
        program = psutil.Process(program_of(job))
        program.rlimit(psutil.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        console.wait_for_end(job, 60)
        assert (job.status, job.failure_class) == (Status.FAILED, "disk_full")
        assert job.failure_message and job.failure_hint
        assert not upload.dataset.versions.exists() and left_behind(job) == []
        again = services.start_import(actor=console.user, upload=upload)
        console.wait_for_end(again, 90)
    assert again.status == Status.SUCCEEDED
    assert only_version(upload).content_hash == hash_of(content, tmp_path)


def test_f62_two_imports_into_one_dataset__two_whole_versions(console: Console, tmp_path: Path) -> None:
    contents = [rows("one"), rows("other")]
    first = start_import(console, contents[0])
    second = start_import(console, contents[1], dataset=first.dataset)
    for slot in (SLOT, "second:cpu0"):
        console.stack.launch(slot)
    with nothing_half(first.dataset):
        for upload in (first, second):
            console.wait_for_end(job_of(upload), 90)
            assert job_of(upload).status == Status.SUCCEEDED
    versions = list(first.dataset.versions.order_by("number"))
    assert [version.number for version in versions] == [1, 2]
    hashes = {first.pk: contents[0], second.pk: contents[1]}
    for version in versions:
        assert version.provenance_id is not None
        folder = tmp_path / str(version.number)
        folder.mkdir()
        assert version.content_hash == hash_of(hashes[version.provenance_id], folder)
