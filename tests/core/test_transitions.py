"""The one door to a status: table, guard, ledger, doorbell."""

import threading

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.core import ledger
from apps.core.errors import Conflict
from apps.core.transitions import move
from apps.jobs.models import Job, Status
from tests.cast import Cast, make_cast
from tests.make import make_job, with_fake_kind
from tests.rings import Rings


@pytest.fixture(autouse=True)
def fake_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fake_kind(monkeypatch)


@pytest.fixture
def job(cast: Cast) -> Job:
    return make_job(cast.workspace)


def test_move__allowed__writes_status_values_and_ledger(job: Job, cast: Cast) -> None:
    move(job, Status.CANCELLED, actor=cast.owner, note="not needed", worker="w")
    assert (job.status, job.worker) == (Status.CANCELLED, "w")
    job.refresh_from_db()
    assert (job.status, job.worker) == (Status.CANCELLED, "w")
    line = ledger.history(job).first()
    assert line is not None
    assert (line.verb, line.actor_label, line.note) == ("job.cancelled", "Olga", "not needed")
    assert line.data == {"was": "queued"}
    assert line.workspace_id == cast.workspace.pk


def test_move__not_in_the_table__is_a_conflict_and_writes_nothing(job: Job) -> None:
    lines = ledger.history(job).count()
    with pytest.raises(Conflict, match="queued"):
        move(job, Status.SUCCEEDED, actor="x")
    job.refresh_from_db()
    assert job.status == Status.QUEUED
    assert ledger.history(job).count() == lines


@pytest.mark.parametrize("ended", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
def test_move__from_an_end__is_a_conflict_whatever_the_target(job: Job, ended: str) -> None:
    Job.objects.filter(pk=job.pk).update(status=ended)
    job.refresh_from_db()
    for target in Status.values:
        with pytest.raises(Conflict):
            move(job, target, actor="x")


def test_move__row_changed_meanwhile__is_a_conflict_and_leaves_the_row(job: Job) -> None:
    stale = Job.objects.get(pk=job.pk)
    move(job, Status.CANCELLED, actor="x")
    with pytest.raises(Conflict, match="meanwhile"):
        move(stale, Status.RUNNING, actor="y", worker="y")
    stale.refresh_from_db()
    assert (stale.status, stale.worker) == (Status.CANCELLED, "")


def test_move__guard_not_met__is_a_conflict(job: Job) -> None:
    with pytest.raises(Conflict):
        move(job, Status.RUNNING, actor="x", guard={"epoch": 7})
    assert job.status == Status.QUEUED


def test_move__value_from_the_database__is_written_but_not_guessed_in_memory(job: Job) -> None:
    move(job, Status.CANCELLED, actor="x", finished_at=Now())
    assert job.finished_at is None
    job.refresh_from_db()
    assert job.finished_at is not None


def test_move__committed__rings_row_and_workspace_once_each(job: Job, cast: Cast, rings: Rings) -> None:
    with rings.on_commit():
        move(job, Status.CANCELLED, actor="x")
        assert rings.heard == []
    assert sorted(topic for topic, _message in rings.heard) == sorted(
        [f"job.{job.pk}", f"workspace.{cast.workspace.pk}"]
    )


@pytest.mark.django_db(transaction=True)
def test_move__by_eight_at_once__exactly_one_succeeds() -> None:
    job = make_job(make_cast().workspace)
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def contend() -> None:
        own = Job.objects.get(pk=job.pk)
        start.wait(10)
        try:
            move(own, Status.CANCELLED, actor="x")
            outcomes.append("moved")
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=contend) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["conflict"] * 7 + ["moved"]
    assert ledger.history(job).filter(verb="job.cancelled").count() == 1
