"""The worker's side: one owner at a time, every event once, one end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.jobs import protocol, services
from apps.jobs.kinds import Event
from apps.jobs.models import Artifact, Attempt, Desired, FailureClass, Job, Status
from apps.jobs.protocol import Fenced
from apps.jobs.timing import TIMING
from tests.jobs.said import checkpoint, curve, log, metric, other
from tests.make import FAKE, make_job, with_fake_kind
from tests.rings import Rings

pytestmark = pytest.mark.django_db


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def claim(slot: str = "h:gpu0", worker: str = "w", queue: str = "gpu") -> Job | None:
    return protocol.claim(queue=queue, slot=slot, worker=worker)


def record(job: Job, *events: dict[str, Any], epoch: int = 1) -> int:
    return protocol.record_events(job=job, epoch=epoch, events=list(events))


# ---- claim and renew


def test_claim__queued__is_running_with_epoch_lease_and_attempt(job: Job) -> None:
    claimed = claim()
    assert claimed is not None
    row = fresh(job)
    assert (row.status, row.epoch, row.slot, row.worker) == (Status.RUNNING, 1, "h:gpu0", "w")
    assert row.lease_until is not None
    assert row.claimed_at is not None
    assert TIMING.lease - 5 < (row.lease_until - timezone.now()).total_seconds() <= TIMING.lease + 1
    assert row.started_at is not None
    assert [(a.epoch, a.worker, a.slot) for a in row.attempts.all()] == [(1, "w", "h:gpu0")]
    assert [line.verb for line in ledger.history(job)] == ["job.running", "job.queued"]


def test_claim__twice__second_finds_nothing(job: Job) -> None:
    assert claim("h:gpu0") == job
    assert claim("h:gpu1") is None
    assert Attempt.objects.count() == 1


def test_claim__slot_in_use__leaves_the_job_queued(running: Job, workspace: Workspace) -> None:
    second = make_job(workspace)
    assert claim("h:gpu0") is None
    assert (fresh(second).status, fresh(second).epoch) == (Status.QUEUED, 0)
    assert claim("h:gpu1") == second


def test_claim__other_queue__is_not_taken(job: Job) -> None:
    assert claim(queue="cpu", slot="h:cpu0") is None


def test_claim__several__takes_by_priority_then_age(workspace: Workspace) -> None:
    old, young, urgent = (make_job(workspace, title=t) for t in ("old", "young", "urgent"))
    Job.objects.filter(pk=urgent.pk).update(priority=5)
    assert [claim(f"h:gpu{number}") for number in range(3)] == [urgent, old, young]


def test_claim__not_yet_due__waits(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() + timedelta(seconds=30))
    assert claim() is None
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    assert claim() == job


def test_claim__cancelled__is_never_taken(job: Job, owner: Any) -> None:
    services.cancel(actor=owner, job=job)
    assert claim() is None


def test_claim__again_after_a_crash__keeps_the_first_start(running: Job) -> None:
    began = fresh(running).started_at
    protocol.release(job=running, epoch=1)
    again = claim()
    assert again is not None
    assert (again.epoch, again.started_at) == (2, began)
    assert again.claimed_at is not None
    assert began is not None
    assert again.claimed_at >= began


def test_renew__owner__extends_and_brings_wishes(running: Job, owner: Any) -> None:
    Job.objects.filter(pk=running.pk).update(lease_until=timezone.now())
    assert protocol.renew(job=running, epoch=1) == Desired.RUN
    lease = fresh(running).lease_until
    assert lease is not None
    assert (lease - timezone.now()).total_seconds() > TIMING.lease - 5
    services.stop_and_save(actor=owner, job=running)
    assert protocol.renew(job=running, epoch=1) == Desired.STOP
    services.cancel(actor=owner, job=running)
    assert protocol.wishes(job=running, epoch=1) == Desired.CANCEL


def test_stale_epoch__any_write__is_fenced_and_changes_nothing(running: Job) -> None:
    Job.objects.filter(pk=running.pk).update(epoch=2)
    before = Job.objects.filter(pk=running.pk).values().get()
    mine: dict[str, Any] = {"job": running, "epoch": 1}
    for write in (
        lambda: protocol.renew(**mine),
        lambda: protocol.wishes(**mine),
        lambda: record(running, metric(1, 1)),
        lambda: protocol.succeed(**mine, result={}),
        lambda: protocol.fail(**mine, failure={}),
        lambda: protocol.release(**mine),
        lambda: protocol.end_cancelled(**mine),
    ):
        with pytest.raises(Fenced):
            write()
    assert Job.objects.filter(pk=running.pk).values().get() == before
    assert not running.points.exists()


@pytest.mark.parametrize("ended", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.QUEUED])
def test_own_epoch__job_not_alive__is_fenced(running: Job, ended: str) -> None:
    Job.objects.filter(pk=running.pk).update(status=ended)
    with pytest.raises(Fenced):
        record(running, metric(1, 1))
    with pytest.raises(Fenced):
        protocol.succeed(job=running, epoch=1, result={})


# ---- events


def test_record_events__a_batch__is_written_and_counted(running: Job) -> None:
    batch = [
        metric(1, 10, 2.5),
        metric(2, 10, 0.1, "learning_rate"),
        log(3, "first"),
        other(4, "fact", name="total", value=7),
    ]
    assert record(running, *batch) == 4
    row = fresh(running)
    assert (row.last_seq, row.last_step, row.facts) == (4, 10, {"total": 7})
    assert sorted(row.points.values_list("seq", "step", "name", "value")) == [
        (1, 10, "loss", 2.5),
        (2, 10, "learning_rate", 0.1),
    ]
    assert [(line.seq, line.level, line.text) for line in row.log_lines.all()] == [(3, "info", "first")]


def test_record_events__sent_twice__is_accepted_once(running: Job) -> None:
    batch = [metric(1, 1), log(2), metric(3, 2)]
    assert record(running, *batch) == 3
    assert record(running, *batch) == 3
    assert running.points.count() == 2
    assert running.log_lines.count() == 1


def test_record_events__overlapping__adds_only_what_is_new(running: Job) -> None:
    record(running, metric(1, 1), metric(2, 2))
    assert record(running, metric(2, 2, 99.0), metric(3, 3)) == 3
    assert list(running.points.order_by("seq").values_list("seq", "value")) == [(1, 1.0), (2, 1.0), (3, 1.0)]


@pytest.mark.parametrize("seqs", [[2], [3, 4], [1, 3], [1, 2, 2], [2, 1], [1, 2, 4]])
def test_record_events__with_a_gap__is_refused_whole(running: Job, seqs: list[int]) -> None:
    with pytest.raises(ValueError, match="missing"):
        record(running, *[metric(seq, seq) for seq in seqs])
    assert fresh(running).last_seq == 0
    assert not running.points.exists()


def test_record_events__while_cancelling__are_still_accepted(running: Job, owner: Any) -> None:
    services.cancel(actor=owner, job=running)
    assert record(running, log(1, "leaving")) == 1


def test_record_events__nan__is_a_null_point_not_a_lost_one(running: Job) -> None:
    record(running, metric(1, 1, None), metric(2, 2, 3.0))
    assert list(running.points.order_by("step").values_list("value", flat=True)) == [None, 3.0]


def test_record_events__a_step_told_again__counts_as_last_told(running: Job) -> None:
    record(running, metric(1, 5, 1.0), metric(2, 5, 2.0))
    record(running, metric(3, 5, 3.0))
    assert list(running.points.values_list("seq", "step", "value")) == [(3, 5, 3.0)]


def test_record_events__progress__is_the_last_one(running: Job) -> None:
    record(running, other(1, "progress", done=1, total=4, unit="steps", phase="Training", eta_s=9.0))
    record(running, other(2, "progress", done=3, total=4, unit="steps", phase="Training", eta_s=None))
    row = fresh(running)
    assert row.progress == {"done": 3, "total": 4, "unit": "steps", "phase": "Training", "eta_s": None}
    assert row.percent == 75


def test_record_events__facts__are_gathered(running: Job) -> None:
    record(running, other(1, "fact", name="a", value=1), other(2, "fact", name="b", value=2))
    record(running, other(3, "fact", name="a", value=3))
    assert fresh(running).facts == {"a": 3, "b": 2}


def test_record_events__resumed__voids_later_points_of_all_metrics(running: Job) -> None:
    record(running, *curve(1, range(1, 6), 1.0), *curve(6, range(1, 6), 2.0, "grad_norm"))
    record(running, other(11, "resumed", step=3), metric(12, 4, 7.0))
    assert sorted(running.points.values_list("name", "step", "value")) == [
        ("grad_norm", 1, 2.0), ("grad_norm", 2, 2.0), ("grad_norm", 3, 2.0),
        ("loss", 1, 1.0), ("loss", 2, 1.0), ("loss", 3, 1.0), ("loss", 4, 7.0),
    ]  # fmt: skip
    assert fresh(running).last_step == 4


def test_record_events__resumed_from_nothing__voids_all(running: Job) -> None:
    record(running, *curve(1, range(1, 4)))
    record(running, other(4, "resumed", step=0))
    assert not running.points.exists()
    assert not running.blocks.exists()
    assert fresh(running).last_step == 0


def test_record_events__checkpoint__is_an_artifact_once(running: Job) -> None:
    record(running, checkpoint(1, 100, metrics={"eval_loss": 1.5}, best=True))
    record(running, checkpoint(2, 100, metrics={"eval_loss": 1.4}))
    artifact = Artifact.objects.get()
    assert (artifact.kind, artifact.name, artifact.step, artifact.epoch) == (
        "checkpoint",
        "checkpoints/step-00000100",
        100,
        1,
    )
    assert (artifact.manifest["metrics"], artifact.manifest["best"], artifact.size) == ({"eval_loss": 1.4}, False, 7)


def test_record_events__kind_refuses_one__keeps_none_of_the_batch(
    running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(job: Job, event: Event) -> None:
        if event["type"] == "sample":
            raise RuntimeError("no")

    with_fake_kind(monkeypatch, replace(FAKE, on_event=refuse))
    with pytest.raises(RuntimeError):
        record(running, metric(1, 1), other(2, "sample", step=1))
    assert (fresh(running).last_seq, running.points.count()) == (0, 0)


def test_record_events__committed__tells_pages_points_and_range(running: Job, rings: Rings) -> None:
    with rings.on_commit():
        record(running, metric(1, 1, 0.5), log(2, "x"), other(3, "sample", step=1, answer="hi"), checkpoint(4, 1))
    [message] = rings.of("events")
    assert (message["from_seq"], message["to_seq"], message["partial"], message["step"]) == (1, 4, False, 1)
    assert message["points"] == [[1, 1, "loss", 0.5]]
    assert [line[0::2] for line in message["logs"]] == [[2, "info"]]
    assert [event["type"] for event in message["events"]] == ["sample", "checkpoint"]
    assert "manifest" not in message["events"][1]


def test_record_events__too_many_for_a_message__says_that_it_is_partial(running: Job, rings: Rings) -> None:
    with rings.on_commit():
        record(running, *curve(1, range(protocol.POINT_LIMIT + 1)))
    [message] = rings.of("events")
    assert (len(message["points"]), message["partial"], message["to_seq"]) == (500, True, 501)


def test_record_events__points_before_resumed__make_the_message_partial(running: Job, rings: Rings) -> None:
    with rings.on_commit():
        record(running, metric(1, 1), other(2, "resumed", step=1), metric(3, 2))
    [message] = rings.of("events")
    assert (message["points"], message["partial"]) == ([[3, 2, "loss", 1.0]], True)


# ---- the end


def test_succeed__owner__ends_with_result_and_frees_the_slot(running: Job, hints: list[str], rings: Rings) -> None:
    with rings.on_commit():
        protocol.succeed(job=running, epoch=1, result={"step": 3})
    row = fresh(running)
    assert (row.status, row.result, row.slot, row.lease_until) == (Status.SUCCEEDED, {"step": 3}, None, None)
    assert row.finished_at is not None
    assert row.attempts.get().outcome == "succeeded"
    assert row.attempts.get().ended_at is not None
    assert hints[-1] == "gpu"


def test_succeed__after_a_crashed_attempt__forgets_its_failure(running: Job) -> None:
    protocol.fail(job=running, epoch=1, failure={"class": "crashed", "message": "boom", "hint": "x"})
    Job.objects.update(not_before=None)
    again = claim()
    assert again is not None
    protocol.succeed(job=again, epoch=2, result={})
    row = fresh(running)
    assert (row.failure_class, row.failure_message, row.failure_hint, row.crashes) == ("", "", "", 1)


def test_succeed__after_an_acknowledged_cancel__is_a_conflict(running: Job, owner: Any) -> None:
    services.cancel(actor=owner, job=Job.objects.get(pk=running.pk))
    with pytest.raises(Conflict):
        protocol.succeed(job=running, epoch=1, result={})
    assert fresh(running).status == Status.CANCELLING


def test_succeed__verify_refuses__writes_nothing(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(job: Job, result: Event) -> None:
        raise Problem("the manifest does not fit")

    with_fake_kind(monkeypatch, replace(FAKE, verify=refuse))
    with pytest.raises(Problem):
        protocol.succeed(job=running, epoch=1, result={})
    assert fresh(running).status == Status.RUNNING


def test_succeed__on_success_fails__is_still_running(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(job: Job, result: Event) -> None:
        Artifact.objects.create(job=job, kind="x", name="x", epoch=1)
        raise RuntimeError

    with_fake_kind(monkeypatch, replace(FAKE, on_success=explode))
    with pytest.raises(RuntimeError):
        protocol.succeed(job=running, epoch=1, result={})
    assert fresh(running).status == Status.RUNNING
    assert not Artifact.objects.exists()


@pytest.mark.parametrize("retried", [FailureClass.CRASHED, FailureClass.STALLED])
def test_fail__retryable__waits_longer_each_time_then_fails_at_the_cap(running: Job, retried: str) -> None:
    for crash, factor in ((1, 1), (2, 2)):
        protocol.fail(job=running, epoch=crash, failure={"class": retried, "message": "boom"})
        row = fresh(running)
        assert (row.status, row.crashes, row.slot, row.failure_class) == (Status.QUEUED, crash, None, retried)
        assert row.not_before is not None
        wait = (row.not_before - timezone.now()).total_seconds()
        assert TIMING.retry * factor - 2 < wait <= TIMING.retry * factor + 1
        Job.objects.update(not_before=None)
        assert claim() is not None
    protocol.fail(job=running, epoch=3, failure={"class": retried, "message": "boom"})
    row = fresh(running)
    assert (row.status, row.crashes, row.attempts.count()) == (Status.FAILED, 3, 3)


@pytest.mark.parametrize("told", ["user_error", "out_of_memory", "nan", "disk_full"])
def test_fail__by_a_cause_that_stays__fails_at_once(running: Job, told: str) -> None:
    protocol.fail(job=running, epoch=1, failure={"class": told, "message": "m", "hint": "h"})
    row = fresh(running)
    assert (row.status, row.failure_class, row.failure_message, row.failure_hint) == (Status.FAILED, told, "m", "h")
    assert row.finished_at is not None


@pytest.mark.parametrize("failure", [{}, {"class": "no such class"}, {"class": None, "message": None, "hint": None}])
def test_fail__told_badly__counts_as_a_crash(running: Job, failure: dict[str, Any]) -> None:
    protocol.fail(job=running, epoch=1, failure=failure)
    assert (fresh(running).failure_class, fresh(running).crashes) == (FailureClass.CRASHED, 1)


def test_fail__while_cancelling__is_cancelled_not_failed(running: Job, owner: Any) -> None:
    services.cancel(actor=owner, job=Job.objects.get(pk=running.pk))
    protocol.fail(job=running, epoch=1, failure={"class": "out_of_memory", "message": ""})
    row = fresh(running)
    assert (row.status, row.failure_class, row.crashes) == (Status.CANCELLED, "", 0)


def test_fail__of_a_kind_that_is_gone__fails_without_another_try(running: Job) -> None:
    Job.objects.filter(pk=running.pk).update(kind="test.gone")
    protocol.fail(job=running, epoch=1, failure={"class": "crashed", "message": ""})
    assert fresh(running).status == Status.FAILED


def test_release__owner__queues_again_and_counts_nothing(running: Job) -> None:
    protocol.release(job=running, epoch=1)
    row = fresh(running)
    assert (row.status, row.crashes, row.losses, row.slot, row.not_before) == (Status.QUEUED, 0, 0, None, None)
    assert row.attempts.get().outcome == "released"
    assert row.finished_at is None


def test_release__while_cancelling__is_cancelled(running: Job, owner: Any) -> None:
    services.cancel(actor=owner, job=Job.objects.get(pk=running.pk))
    protocol.release(job=running, epoch=1)
    assert fresh(running).status == Status.CANCELLED


def test_stop__worker_lost_meanwhile__is_wanted_of_the_next_attempt(running: Job, owner: Any) -> None:
    services.stop_and_save(actor=owner, job=running)
    protocol.release(job=running, epoch=1)
    again = claim()
    assert again is not None
    assert again.desired == Desired.STOP


def test_end_cancelled__when_cancelling_or_stopped_with_nothing__is_cancelled(running: Job) -> None:
    protocol.end_cancelled(job=running, epoch=1)
    assert fresh(running).status == Status.CANCELLED
