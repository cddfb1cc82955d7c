"""A model that is ready, data of thirty rows, and a run of the two. Nothing here loads torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User, Workspace
from apps.datasets.models import DatasetVersion
from apps.jobs import protocol
from apps.jobs.models import Job
from apps.training import services
from apps.training.models import BaseModel, Run
from tests.cast import Cast
from tests.make import as_jsonl, make_api_key, make_version
from tests.training.folders import FACTS, make_folder

ROWS = [{"prompt": f"Where is order {n}?", "completion": f"Order {n} is on its way."} for n in range(30)]


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> Path:
    """Storage, jobs and models of this test alone; models may be read from anywhere below."""
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    settings.MODEL_FOLDERS = [str(tmp_path / "shelf")]
    (tmp_path / "shelf").mkdir()
    return tmp_path


@pytest.fixture
def shelf(own_folders: Path) -> Path:
    """Where model folders may lie."""
    return own_folders / "shelf"


@pytest.fixture
def model(workspace: Workspace, shelf: Path) -> BaseModel:
    folder = make_folder(shelf / "tiny")
    made: BaseModel = BaseModel.objects.create(
        workspace=workspace, name="Tiny", slug="tiny", source="folder", path=str(folder), facts=FACTS
    )
    return made


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    return make_version(workspace, as_jsonl(ROWS))


@pytest.fixture
def launch(owner: User, workspace: Workspace, model: BaseModel, version: DatasetVersion) -> Callable[..., Run]:
    def go(**values: Any) -> Run:
        given = {"name": "first", "recipe": {"max_steps": 20}, "base_model": model, "dataset_version": version}
        return services.launch_run(actor=owner, workspace=workspace, **{**given, **values})

    return go


@pytest.fixture
def run(launch: Callable[..., Run]) -> Run:
    return launch()


@pytest.fixture
def running(run: Run) -> Run:
    """Claimed by a worker, epoch 1."""
    claim("gpu")
    run.job.refresh_from_db()
    return run


def claim(queue: str) -> Job:
    job = protocol.claim(queue=queue, slot=f"h:{queue}0", worker="w")
    assert job is not None
    return job


def tell(job: Job, *events: dict[str, Any]) -> None:
    """What the job's program says, with the numbers that belong to it."""
    job.refresh_from_db()
    numbered = [{"seq": job.last_seq + place, "at": 1.0, **event} for place, event in enumerate(events, 1)]
    protocol.record_events(job=job, epoch=job.epoch, events=numbered)
    job.refresh_from_db()


@pytest.fixture
def page(cast: Cast, browser_of: Callable[[User], Client]) -> Client:
    """The engineer's browser."""
    return browser_of(cast.engineer)


@pytest.fixture
def client_of(cast: Cast) -> Callable[[str], Client]:
    def client(role: str) -> Client:
        workspace = cast.other_workspace if role == "stranger" else cast.workspace
        return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.by_role(role), workspace)}")

    return client


@pytest.fixture
def engineer(client_of: Callable[[str], Client]) -> Client:
    return client_of("engineer")
