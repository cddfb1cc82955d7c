"""The job that makes a large project's tasks: killed in the middle and taken up again, cancelled and gone on with."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.core.errors import Conflict
from apps.datasets.models import DatasetVersion
from apps.jobs import services as jobs
from apps.jobs.models import Job, Status
from apps.labeling import services
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.queueing import filling
from apps.labeling.queueing.jobs import KIND
from apps.labeling.queueing.writing import write_tasks
from tests.cast import Cast
from tests.labeling.conftest import CONFIG
from workers.choose_rows import OUTPUT

pytestmark = pytest.mark.django_db
ROWS = 6


class Killed(BaseException):
    """Nothing catches this, as nothing catches a SIGKILL."""


@pytest.fixture
def filled_by_job(cast: Cast, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch) -> LabelProject:
    monkeypatch.setattr(filling, "AT_ONCE", 3)
    monkeypatch.setattr(filling, "_PORTION", 2)
    return services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="Many", label_config=CONFIG, dataset_version=version
    )


def running(project: LabelProject) -> Job:
    """Its newest job, with what the program chose in its folder, as at the end of an attempt."""
    project.refresh_from_db()
    job = project.filling
    assert job
    Job.objects.filter(pk=job.pk).update(status=Status.RUNNING)
    job.refresh_from_db()
    chosen = job.folder / "artifacts"
    chosen.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"place": pa.array(range(ROWS), pa.int64())}), chosen / OUTPUT)
    assert KIND.prepare(job)["total"] == ROWS
    return job


def after_portions(count: int, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """`act` instead of the portion that comes after so many."""
    done = iter(range(count))

    def written(*given: Any, **more: Any) -> int:
        if next(done, None) is None:
            act()
        return write_tasks(*given, **more)

    monkeypatch.setattr(filling, "write_tasks", written)


def end(job: Job) -> None:
    KIND.verify(job, {})
    KIND.on_success(job, {})


def numbers(project: LabelProject) -> list[int]:
    return list(project.tasks.order_by("number").values_list("number", flat=True))


def kill() -> None:
    raise Killed


def test_fill__killed_in_the_middle__goes_on_where_it_was_and_doubles_nothing(
    filled_by_job: LabelProject, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, job = filled_by_job, running(filled_by_job)
    with monkeypatch.context() as patched:
        after_portions(2, kill, patched)
        with pytest.raises(Killed):
            KIND.verify(job, {})
    project.refresh_from_db()
    assert (project.task_count, numbers(project), project.is_filled) == (4, [1, 2, 3, 4], False)
    with pytest.raises(Conflict):
        services.move_project(actor=cast.curator, project=project, to=ProjectStatus.OPEN)
    end(running(project))  # the next attempt
    project.refresh_from_db()
    assert (project.task_count, numbers(project), project.is_filled) == (ROWS, [1, 2, 3, 4, 5, 6], True)
    assert len(set(project.tasks.values_list("key", flat=True))) == ROWS
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.OPEN)


def test_fill__two_attempts_at_once__the_late_one_adds_nothing(filled_by_job: LabelProject) -> None:
    """A worker that was thought lost writes on after the next attempt has finished."""
    project, job = filled_by_job, running(filled_by_job)
    looks = iter(range(100))

    def other_ends() -> None:
        if next(looks) == 1:  # before its second portion
            end(job)

    version = project.dataset_version
    assert version
    filling.fill(project, version, range(ROWS), other_ends)
    assert numbers(project) == [1, 2, 3, 4, 5, 6] and project.task_count == ROWS


def test_fill__cancelled_in_the_middle__stops_before_the_next_portion_and_can_go_on(
    filled_by_job: LabelProject, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, job = filled_by_job, running(filled_by_job)

    def written(*given: Any, **more: Any) -> int:
        jobs.cancel(actor=cast.curator, job=Job.objects.get(pk=job.pk))
        return write_tasks(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(filling, "write_tasks", written)
        with pytest.raises(Conflict):
            KIND.verify(job, {})
    assert Job.objects.get(pk=job.pk).status == Status.CANCELLING and numbers(project) == [1, 2]
    with pytest.raises(Conflict):  # not while it is ending
        filling.go_on(actor=cast.curator, project=project)
    Job.objects.filter(pk=job.pk).update(status=Status.CANCELLED)
    filling.go_on(actor=cast.curator, project=project)
    again = running(project)
    assert again.pk != job.pk
    end(again)
    project.refresh_from_db()
    assert (numbers(project), project.is_filled) == ([1, 2, 3, 4, 5, 6], True)


def test_fill__cancelled__what_is_there_can_be_taken_as_all(
    filled_by_job: LabelProject, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, job = filled_by_job, running(filled_by_job)
    with monkeypatch.context() as patched:
        after_portions(1, kill, patched)
        with pytest.raises(Killed):
            KIND.verify(job, {})
    Job.objects.filter(pk=job.pk).update(status=Status.CANCELLED)
    filling.stop_here(actor=cast.curator, project=project)
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.OPEN)
    project.refresh_from_db()
    assert (project.status, project.task_count, numbers(project)) == (ProjectStatus.OPEN, 2, [1, 2])
