import pytest

from apps.accounts.models import Workspace
from apps.jobs import protocol
from apps.jobs.models import Job
from tests.make import make_job, with_fake_kind


@pytest.fixture(autouse=True)
def fake_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fake_kind(monkeypatch)


@pytest.fixture
def job(workspace: Workspace) -> Job:
    """Queued."""
    return make_job(workspace)


@pytest.fixture
def running(job: Job) -> Job:
    """Claimed by the worker w on the slot h:gpu0, epoch 1."""
    claimed = protocol.claim(queue="gpu", slot="h:gpu0", worker="w")
    assert claimed == job
    return claimed
