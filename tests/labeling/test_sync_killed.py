"""A sync whose program is killed with SIGKILL, or whose writing stops in the middle: nothing is doubled and nothing is lost."""

import os
import signal
from collections.abc import Callable

import psutil
import pytest

from apps.jobs import kinds, supervisor
from apps.jobs.models import Job, Status
from apps.labeling.models import Annotation, LabelProject, RemoteAnswer, RemoteTask
from apps.labeling.syncing import jobs as syncjobs
from apps.labeling.syncing import services as syncing
from apps.labeling.syncing import taking
from tests.cast import Cast
from tests.labeling.conftest import says
from tests.labeling.fakestudio import TOKEN, FakeStudio
from tests.labeling.syncruns import is_sound, ran


def killed_at(method: str, path: str, *, call: int = 1) -> Callable[[str, str], int | None]:
    """The server does what it is asked at this call, but who asked is dead before it hears of it."""
    calls: list[int] = []

    def fault(way: str, asked: str) -> int | None:
        if way != method or not asked.startswith(path):
            return None
        calls.append(1)
        if len(calls) < call:
            return None
        for child in psutil.Process().children(recursive=True):
            if "workers.run" in child.cmdline():
                os.kill(child.pid, signal.SIGKILL)
        return 503

    return fault


def attempt(job_of: Callable[[], Job]) -> Job:
    Job.objects.filter(pk=job_of().pk).update(not_before=None)
    supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    return job_of()


@pytest.mark.django_db(transaction=True)
def test_run__killed_while_it_sends_and_while_it_fetches__doubles_and_loses_nothing(
    cast: Cast, project: LabelProject, studio: FakeStudio
) -> None:
    connection = syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    first = connection.runs.get().job
    assert first

    def job_of() -> Job:
        return Job.objects.get(pk=first.pk)

    studio.after += [killed_at("POST", "/api/projects/1/import"), killed_at("GET", "/api/tasks/", call=2)]
    states = [attempt(job_of).status for _number in range(3)]
    assert states == [Status.QUEUED, Status.QUEUED, Status.SUCCEEDED] and job_of().crashes == 2
    assert len(studio.projects) == 1 and len(studio.tasks) == 6 and not studio.after
    assert RemoteTask.objects.filter(connection=connection, is_gone=False).count() == 6


@pytest.mark.django_db
def test_answers__when_their_writing_is_killed_between_two_portions__come_once(
    cast: Cast, project: LabelProject, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    ran()
    for number in range(1, 7):
        studio.says(number, says("good"))
    monkeypatch.setattr(taking, "_PORTION", 2)
    calls: list[int] = []

    def dies() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(syncjobs, "check_alive", lambda job: dies)
    syncing.sync_now(actor=cast.curator, project=project)
    with pytest.raises(KeyboardInterrupt):
        ran()
    assert Annotation.objects.count() == 4
    job = Job.objects.order_by("-created_at").first()
    assert job
    monkeypatch.setattr(syncjobs, "check_alive", lambda job: lambda: None)
    kinds.get(job.kind).verify(job, {})
    assert Annotation.objects.count() == 6 == RemoteAnswer.objects.filter(connection=connection).count()
    kinds.get(job.kind).verify(job, {})
    assert Annotation.objects.count() == 6 and is_sound(project)
