"""Folders of this test alone, and a version to deploy."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.jobs import protocol
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from apps.serving import exchanges
from tests import make
from tests.serving.making import make_model_version


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    make.with_fake_kind(monkeypatch)
    exchanges._rung.clear()


@pytest.fixture
def version(workspace: Workspace) -> ModelVersion:
    return make_model_version(workspace)


def claim(queue: str = "serve") -> Job:
    job = protocol.claim(queue=queue, slot=f"h:{queue}0", worker="w")
    assert job is not None
    return job


def tell(job: Job, *events: dict[str, Any]) -> None:
    """What the job's program says, with the numbers that belong to it."""
    job.refresh_from_db()
    numbered = [{"seq": job.last_seq + place, "at": 1.0, **event} for place, event in enumerate(events, 1)]
    protocol.record_events(job=job, epoch=job.epoch, events=numbered)
    job.refresh_from_db()
