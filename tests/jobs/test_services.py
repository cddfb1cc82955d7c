"""What people and the sweeper do with jobs."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.core import ledger
from apps.core.errors import Conflict
from apps.core.transitions import move
from apps.jobs import curves, protocol, services, slots
from apps.jobs.models import Artifact, Desired, Job, Message, Slot, Status
from apps.jobs.timing import TIMING
from tests.jobs.said import curve, other
from tests.make import FAKE, make_job
from tests.rings import Rings

pytestmark = pytest.mark.django_db
ENDS = [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED]


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def expire(job: Job, *, by: float = TIMING.slack + 1) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=by))


# ---- submit


def test_submit__committed__hints_once_and_has_its_line(
    workspace: Workspace, owner: User, hints: list[str], rings: Rings
) -> None:
    with rings.on_commit():
        job = make_job(workspace, actor=owner, inputs={"a": 1}, settings={"b": 2})
        assert hints == []
    row = fresh(job)
    assert (row.status, row.queue, row.inputs, row.settings, row.created_by) == (
        Status.QUEUED,
        "gpu",
        {"a": 1},
        {"b": 2},
        owner,
    )
    assert hints == ["gpu"]
    assert [(line.verb, line.actor_label) for line in ledger.history(job)] == [("job.queued", "Olga")]


def test_submit__unknown_kind__is_loud_and_writes_nothing(workspace: Workspace) -> None:
    with pytest.raises(KeyError):
        make_job(workspace, kind="test.unheard")
    assert not Job.objects.exists()


def test_submit__title_longer_than_its_column__is_cut(workspace: Workspace) -> None:
    assert len(make_job(workspace, title="x" * 500).title) == 200


def test_job__of_a_kind_that_is_gone__still_has_a_page_row(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(kind="test.gone")
    assert fresh(job).url == ""


# ---- cancel


def test_cancel__queued__is_cancelled_at_once(job: Job, owner: User) -> None:
    services.cancel(actor=owner, job=job)
    row = fresh(job)
    assert (row.status, row.desired) == (Status.CANCELLED, Desired.CANCEL)
    assert row.finished_at is not None


def test_cancel__running__is_cancelling_until_the_worker_answers(running: Job, owner: User) -> None:
    services.cancel(actor=owner, job=running)
    assert (fresh(running).status, fresh(running).slot) == (Status.CANCELLING, "h:gpu0")
    protocol.end_cancelled(job=running, epoch=1)
    assert (fresh(running).status, fresh(running).slot) == (Status.CANCELLED, None)


def test_cancel__twice__is_the_same_as_once(running: Job, owner: User) -> None:
    services.cancel(actor=owner, job=running)
    services.cancel(actor=owner, job=running)
    assert ledger.history(running).filter(verb="job.cancelling").count() == 1


@pytest.mark.parametrize("status", ENDS)
def test_cancel__ended__changes_nothing(job: Job, owner: User, status: str) -> None:
    Job.objects.filter(pk=job.pk).update(status=status)
    assert services.cancel(actor=owner, job=job).status == status
    assert fresh(job).desired == Desired.RUN


def test_cancel__claimed_between_look_and_write__is_cancelling(
    job: Job, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(row: Job, to: str, **kwargs: Any) -> None:
        monkeypatch.setattr("apps.jobs.services.move", move)
        assert protocol.claim(queue="gpu", slot="h:gpu0", worker="w") == job
        move(row, to, **kwargs)

    monkeypatch.setattr("apps.jobs.services.move", slowly)
    services.cancel(actor=owner, job=job)
    assert fresh(job).status == Status.CANCELLING


# ---- stop


def test_stop__running__is_wished_for_and_told(running: Job, owner: User, rings: Rings) -> None:
    with rings.on_commit():
        services.stop_and_save(actor=owner, job=running)
    assert (fresh(running).status, fresh(running).desired) == (Status.RUNNING, Desired.STOP)
    assert rings.of("changed")
    services.stop_and_save(actor=owner, job=running)
    assert ledger.history(running).filter(verb="job.stop").count() == 1


def test_stop__queued_with_nothing_yet__is_cancelled(job: Job, owner: User) -> None:
    services.stop_and_save(actor=owner, job=job)
    assert fresh(job).status == Status.CANCELLED


def test_stop__waiting_for_its_next_attempt__keeps_what_it_has(running: Job, owner: User) -> None:
    Artifact.objects.create(job=running, kind="checkpoint", name="checkpoints/step-1", step=1, epoch=1)
    protocol.release(job=running, epoch=1)
    services.stop_and_save(actor=owner, job=running)
    assert (fresh(running).status, fresh(running).desired) == (Status.QUEUED, Desired.STOP)


def test_stop__claimed_since_the_page_was_read__does_not_cancel(job: Job, owner: User) -> None:
    stale = Job.objects.get(pk=job.pk)
    protocol.claim(queue="gpu", slot="h:gpu0", worker="w")
    services.stop_and_save(actor=owner, job=stale)
    assert (fresh(job).status, fresh(job).desired) == (Status.RUNNING, Desired.STOP)


@pytest.mark.parametrize("status", [*ENDS, Status.CANCELLING])
def test_stop__too_late__is_a_conflict(job: Job, owner: User, status: str) -> None:
    Job.objects.filter(pk=job.pk).update(status=status)
    with pytest.raises(Conflict):
        services.stop_and_save(actor=owner, job=job)


# ---- messages


def test_send_message__to_an_ended_job__is_a_conflict(job: Job, owner: User) -> None:
    services.send_message(job=job, payload={"id": "1"})
    services.cancel(actor=owner, job=job)
    with pytest.raises(Conflict):
        services.send_message(job=job, payload={"id": "2"})
    assert Message.objects.count() == 1


# ---- sweep


def seen(*names: str) -> None:
    for name in names:
        Slot.objects.create(name=name, queue=slots.queue_of(name), host="h", seen_at=timezone.now())


def test_sweep__waiting_jobs_and_free_slots__hints_for_the_smaller_number(
    workspace: Workspace, hints: list[str]
) -> None:
    for _number in range(3):
        make_job(workspace)
    hints.clear()
    assert services.sweep() == 0
    seen("h:cpu0", "h:gpu0", "h:gpu1")
    assert services.sweep() == 2
    seen("h:gpu2", "h:gpu3", "h:gpu4")
    assert services.sweep() == 3
    assert hints == ["gpu"] * 5


def test_sweep__every_slot_in_use__is_silent(running: Job, workspace: Workspace, hints: list[str]) -> None:
    make_job(workspace)
    hints.clear()
    seen("h:gpu0")
    assert services.sweep() == 0
    protocol.release(job=running, epoch=1)
    assert services.sweep() == 1


def test_sweep__a_hundred_jobs_and_slots__floods_nobody(workspace: Workspace) -> None:
    for number in range(12):
        make_job(workspace)
        seen(f"h:gpu{number}")
    assert services.sweep() == services.MAX_HINTS


def test_sweep__slot_not_seen_for_long_or_nothing_due__is_silent(job: Job, hints: list[str]) -> None:
    hints.clear()
    minute = timedelta(seconds=61)
    slot = Slot.objects.create(name="h:gpu0", queue="gpu", host="h", seen_at=timezone.now() - minute)
    assert services.sweep() == 0
    Slot.objects.filter(pk=slot.pk).update(seen_at=timezone.now())
    Job.objects.update(not_before=timezone.now() + minute)
    assert services.sweep() == 0
    assert hints == []


# ---- reap


def test_reap__valid_or_within_the_slack__is_left_alone(running: Job) -> None:
    assert services.reap() == 0
    expire(running, by=TIMING.slack - 5)
    assert services.reap() == 0
    assert fresh(running).status == Status.RUNNING


def test_reap__lease_over__queues_again_with_a_new_epoch(running: Job, hints: list[str], rings: Rings) -> None:
    expire(running)
    with rings.on_commit():
        assert services.reap() == 1
    row = fresh(running)
    assert (row.status, row.epoch, row.losses, row.crashes, row.slot, row.lease_until) == (
        Status.QUEUED,
        2,
        1,
        0,
        None,
        None,
    )
    assert row.attempts.get().outcome == "lost"
    assert hints[-1] == "gpu"
    with pytest.raises(protocol.Fenced):
        protocol.renew(job=running, epoch=1)
    assert services.reap() == 0


@pytest.mark.parametrize("claimed", [True, False])
def test_reap__no_lease_at_all__counts_as_over(running: Job, claimed: bool) -> None:
    long_ago = timezone.now() - timedelta(seconds=TIMING.slack + 1)
    Job.objects.filter(pk=running.pk).update(lease_until=None, claimed_at=long_ago if claimed else None)
    assert services.reap() == 1
    assert (fresh(running).status, fresh(running).epoch) == (Status.QUEUED, 2)


def test_reap__no_lease_but_just_claimed__is_left_alone(running: Job) -> None:
    Job.objects.filter(pk=running.pk).update(lease_until=None)
    assert services.reap() == 0


def test_reap__cancelling__is_cancelled(running: Job, owner: User) -> None:
    services.cancel(actor=owner, job=running)
    expire(running)
    assert services.reap() == 1
    assert (fresh(running).status, fresh(running).epoch) == (Status.CANCELLED, 2)


def test_reap__for_the_third_time__fails_with_advice(running: Job) -> None:
    for loss in range(1, FAKE.max_losses + 1):
        expire(running)
        assert services.reap() == 1
        if loss < FAKE.max_losses:
            assert fresh(running).status == Status.QUEUED
            assert protocol.claim(queue="gpu", slot="h:gpu0", worker="w") is not None
    row = fresh(running)
    assert (row.status, row.losses, row.failure_class, row.crashes) == (Status.FAILED, 3, "lost_worker", 0)
    assert "3 times" in row.failure_message
    assert row.failure_hint
    assert row.finished_at is not None


def test_reap__one_kind_is_gone__fails_that_job_and_still_reaps_the_rest(running: Job, workspace: Workspace) -> None:
    second = make_job(workspace)
    protocol.claim(queue="gpu", slot="h:gpu1", worker="w")
    Job.objects.filter(pk=running.pk).update(kind="test.gone")
    expire(running)
    expire(second)
    assert services.reap() == 2
    assert (fresh(running).status, fresh(second).status) == (Status.FAILED, Status.QUEUED)


def test_reap__renewed_between_look_and_write__is_left_alone(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    expire(running)
    stale = fresh(running)
    protocol.renew(job=running, epoch=1)
    assert services._reap_one(stale) is False
    assert (fresh(running).status, fresh(running).epoch) == (Status.RUNNING, 1)


@pytest.mark.parametrize("status", [Status.QUEUED, *ENDS])
def test_reap__not_alive__is_never_touched(job: Job, status: str) -> None:
    Job.objects.filter(pk=job.pk).update(status=status, lease_until=None, claimed_at=None)
    assert services.reap() == 0


# ---- history


def test_copy_history__up_to_a_step__is_the_same_curve_and_goes_on_after_it(running: Job, workspace: Workspace) -> None:
    events = [*curve(1, range(300), 2.0), *curve(301, range(0, 300, 10), 1.0, "eval_loss")]
    protocol.record_events(job=running, epoch=1, events=events)
    target = make_job(workspace)
    services.copy_history(source=running, target=target, up_to_step=150)
    target.refresh_from_db()
    assert (target.last_seq, target.last_step) == (331, 150)
    assert target.points.filter(name="loss").count() == 151
    assert list(target.points.filter(name="eval_loss").order_by("step").values_list("seq", flat=True)) == list(
        range(301, 317)
    )
    assert [line.seq for line in target.log_lines.all()] == [331]
    assert_blocks_fit(target)
    assert running.points.count() == 330


def test_copy_history__of_nothing__says_so_in_the_log_only(job: Job, workspace: Workspace) -> None:
    target = make_job(workspace)
    services.copy_history(source=job, target=target, up_to_step=0)
    target.refresh_from_db()
    assert (target.last_seq, target.points.count(), target.log_lines.count()) == (1, 0, 1)


def assert_blocks_fit(job: Job) -> None:
    """The derived blocks are what they would be if derived from all points anew."""
    columns = ("name", "block", "first_step", "last_step", "low", "high", "nulls")
    kept = sorted(job.blocks.values_list(*columns))
    job.blocks.all().delete()
    touched: dict[str, set[int]] = {}
    for name, step in job.points.values_list("name", "step"):
        touched.setdefault(name, set()).add(step)
    curves.update_blocks(job, touched)
    assert kept == sorted(job.blocks.values_list(*columns))


def test_blocks__after_resuming__fit_the_points(running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=curve(1, range(200)))
    protocol.record_events(
        job=running, epoch=1, events=[other(201, "resumed", step=100), *curve(202, range(101, 110), 5.0)]
    )
    assert_blocks_fit(running)
