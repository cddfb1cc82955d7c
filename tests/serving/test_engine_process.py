"""A real engine process under its supervisor: deployed, asked, killed in the middle, back by itself, stopped."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.core.storage import storage
from apps.jobs import protocol, supervisor
from apps.jobs.models import Attempt, Job
from apps.jobs.timing import Timing
from apps.serving import asking, engines, exchanges, services
from apps.serving.models import Deployment, Exchange, Status
from apps.training.models import BaseModel, Checkpoint
from tests.registry.making import make_checkpoint
from tests.serving.making import make_model_version
from tests.workers import tiny
from tests.workers.conftest import Trainer

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = Timing(
    lease=30, heartbeat=0.3, fence=8, kill=12, slack=1, sweep=1, poll=0.02, batch=0.02, grace=5, stall=60, retry=0.1
)
QUESTION = [{"role": "user", "content": "Who mends the boat number 1?"}]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny base model and an adapter that knows its answers."""
    folder = tmp_path_factory.mktemp("trained")
    model = tiny.make_model(folder / "tiny")
    shard = tiny.write_shard(folder / "rows.parquet", [tiny.conversation(number) for number in range(27)])
    outcome = Trainer(model, shard)(folder / "run", max_steps=30, learning_rate=3e-2, eval_fraction=0.0, save_every=0)
    return model, outcome.folder / str(outcome.result["checkpoint"])


@pytest.fixture
def checkpoint(workspace: Workspace, trained: tuple[Path, Path]) -> Checkpoint:
    model, adapter = trained
    made = make_checkpoint(workspace)
    BaseModel.objects.filter(pk=made.run.base_model_id).update(path=str(model))
    target = storage().local(made.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(adapter, target)
    return made


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    """One engine slot: takes what waits, as a Celery process would, and looks after engines, as beat would."""
    monkeypatch.setattr(supervisor, "TIMING", QUICK)
    monkeypatch.setattr(protocol, "TIMING", QUICK)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            if supervisor.run_next(queue="serve", slots=["h:serve0"], worker="w", env={}) is None:
                engines.keep()
                time.sleep(0.1)
        connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    Job.objects.update(desired="cancel")
    is_over.set()
    thread.join(20)
    assert not thread.is_alive()


def wait_until(is_so: Callable[[], Any], what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        job = Job.objects.order_by("-created_at").first()
        told = f"{job.status} {job.failure_message}" if job else ""
        assert time.monotonic() < until, f"not in time: {what} ({told})"
        time.sleep(0.05)


def is_ready(deployment: Deployment) -> bool:
    return Deployment.objects.filter(pk=deployment.pk, status=Status.READY).exists()


def ask(deployment: Deployment, **more: Any) -> Exchange:
    """One question, as the gateway asks it. Raises Problem."""
    row = Deployment.objects.select_related("engine", "model_version").get(pk=deployment.pk)
    request = {"messages": QUESTION, "max_tokens": 12, "temperature": 0.0, **more}
    exchange = exchanges.begin(deployment=row, request=request)

    async def read() -> None:
        async for _delta in asking.answers(exchange):
            pass

    async_to_sync(read)()
    exchange.refresh_from_db()
    return exchange


def test_engine__killed_in_the_middle__is_back_by_itself_and_stops_when_told(
    worker: None, owner: User, workspace: Workspace, checkpoint: Checkpoint
) -> None:
    version = make_model_version(workspace, checkpoint=checkpoint)
    deployment = services.deploy(
        actor=owner, workspace=workspace, name="support-a", model_version=version, allow_unapproved=True
    )
    wait_until(lambda: is_ready(deployment), "the engine is ready")
    first = ask(deployment)
    assert "Mara" in first.answer and first.status == "succeeded"

    attempt = Attempt.objects.get()
    assert attempt.pid is not None
    os.kill(attempt.pid, signal.SIGKILL)
    with pytest.raises(Problem) as away:
        for _try in range(200):
            ask(deployment)
    assert away.value.status in (500, 503)  # in the middle of an answer, or before it
    wait_until(lambda: Attempt.objects.count() == 2 and is_ready(deployment), "it is back")
    assert ask(deployment).answer == first.answer

    second = services.deploy(
        actor=owner, workspace=workspace, name="support-b", model_version=version, allow_unapproved=True
    )
    wait_until(lambda: is_ready(second), "another name for a loaded adapter")
    assert ask(second).answer == first.answer
    for one in (deployment, second):
        services.stop_deployment(actor=owner, deployment=one)
    wait_until(lambda: not Deployment.objects.exclude(status=Status.STOPPED).exists(), "all have stopped")
    wait_until(lambda: Job.objects.get(kind=engines.ENGINE).status == "succeeded", "the engine has left")


def test_engine__full_fine_tune__is_one_of_its_own(
    worker: None, owner: User, workspace: Workspace, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    made = make_checkpoint(workspace, method="full")
    shutil.copytree(trained[0], storage().local(made.key))
    version = make_model_version(workspace, checkpoint=made)
    deployment = services.deploy(
        actor=owner, workspace=workspace, name="whole", model_version=version, allow_unapproved=True
    )
    wait_until(lambda: is_ready(deployment), "the engine is ready")
    assert ask(deployment, max_tokens=5).completion_tokens == 5
