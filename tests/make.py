"""Rows for tests, with as little said as possible."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import ApiKey, User, Workspace
from apps.core.storage import storage
from apps.datasets import services as datasets
from apps.datasets.models import DatasetVersion, Upload
from apps.jobs import kinds, services
from apps.jobs.kinds import Kind
from apps.jobs.models import Job
from workers.import_table import import_file


def make_job(workspace: Workspace, *, actor: User | None = None, kind: str = "test.fake", **values: Any) -> Job:
    inputs, settings = values.pop("inputs", {}), values.pop("settings", {})
    job = services.submit(
        actor=actor,
        workspace=workspace,
        kind=kind,
        title=values.pop("title", "a job"),
        inputs=inputs,
        settings=settings,
    )
    if values:
        Job.objects.filter(pk=job.pk).update(**values)
        job.refresh_from_db()
    return job


def make_api_key(user: User, workspace: Workspace, **fields: Any) -> str:
    return ApiKey.issue(user=user, workspace=workspace, name="test", **fields)[1]


FAKE = Kind(name="test.fake", label="Fake", program="fake", queue="gpu")


def with_fake_kind(monkeypatch: Any, fake: Kind = FAKE) -> None:
    """Let `kinds.get` know a kind that only tests have."""
    real = kinds.get
    monkeypatch.setattr(kinds, "get", lambda name: fake if name == fake.name else real(name))


def as_jsonl(rows: Sequence[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


PAIRS = [
    {"prompt": f"Question {n}?", "completion": f"Answer {n}.", "topic": "odd" if n % 2 else "even"} for n in range(6)
]


def make_upload(
    workspace: Workspace,
    content: bytes = as_jsonl(PAIRS),
    *,
    name: str = "support",
    file: str = "rows.jsonl",
    **values: Any,
) -> Upload:
    """A file received through the front door."""
    upload = SimpleUploadedFile(file, content)
    return datasets.receive_upload(
        actor=values.pop("actor", None), workspace=workspace, file=upload, name=name, **values
    )


def finish_import(upload: Upload) -> DatasetVersion:
    """What the import job would do, here and now."""
    path = storage().local(upload.key)
    mapping = upload.mapping or upload.preview["mapping"]
    folder = path.with_name(f"{path.name}-table")
    result = import_file(path, folder, mapping=mapping, name=upload.name, encoding=upload.encoding)
    datasets.keep_files(upload, result, folder)
    return datasets.register_version(upload=upload, actor=upload.created_by, result=result)


def make_version(workspace: Workspace, content: bytes = as_jsonl(PAIRS), **values: Any) -> DatasetVersion:
    return finish_import(make_upload(workspace, content, **values))
