"""F25, F27, F28: out of memory, poison, and a cancel at every moment of a job's life."""

import time
from typing import Any

import pytest

from apps.jobs import services
from apps.jobs.models import Status
from tests.faults.console import Console
from tests.faults.history import faults_of
from tests.faults.stack import BUSY, TIMING, programs, wait_until

GONE_WITHIN = TIMING["heartbeat"] + TIMING["grace"] + BUSY


def test_f25_out_of_memory__failed_with_advice__not_tried_for_ever(console: Console) -> None:
    job = console.submit(steps=20, memory_limit_mb=400, eat_at=7)
    console.wait_for_end(job)
    assert (job.status, job.failure_class, job.attempts.count()) == (Status.FAILED, "out_of_memory", 1)
    assert "batch" in job.failure_hint
    assert sorted(dict(job.points.values_list("step", "value"))) == [1, 2, 3, 4, 5, 6]
    assert faults_of(job) == []


def test_f26_nan_in_the_curve__stored_as_gap__run_goes_on(console: Console) -> None:
    job = console.wait_for_end(console.submit(steps=6, nan_at=3))
    assert job.status == Status.SUCCEEDED
    assert job.points.get(step=3).value is None
    assert faults_of(job) == []


def test_f26_loss_diverges__failed_as_nan__curve_kept(console: Console) -> None:
    job = console.wait_for_end(console.submit(steps=20, diverge_at=8))
    assert (job.status, job.failure_class, job.attempts.count()) == (Status.FAILED, "nan", 1)
    assert (job.points.count(), bool(job.failure_hint)) == (7, True)
    assert faults_of(job) == []


def test_stalled__no_word_for_too_long__ended_and_tried_again(console: Console) -> None:
    job = console.wait_for_end(console.submit(steps=10, hang_at=7))
    assert (job.status, job.crashes) == (Status.SUCCEEDED, 1)
    assert job.attempts.get(epoch=1).outcome == "stalled"
    assert faults_of(job) == []


@pytest.mark.parametrize("code", [1, 75])
def test_f27_poison__fails_at_the_cap__others_unaffected(console: Console, code: int) -> None:
    poison = console.submit(leave_at_start=code)
    good = [console.submit(steps=5) for _number in range(2)]
    console.wait_for_end(poison)
    assert (poison.status, poison.failure_class) == (Status.FAILED, "crashed")
    assert (poison.attempts.count(), poison.crashes) == (3, 3)
    for job in good:
        console.wait_for_end(job)
        assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)


def test_f28_cancel_while_queued__cancelled_at_once__never_runs(console: Console) -> None:
    busy = [console.submit(steps=30, step_s=0.03) for _slot in range(2)]
    for job in busy:
        console.wait_for_step(job, 1)
    queued = console.submit(steps=3)
    services.cancel(actor=console.user, job=queued)
    assert queued.status == Status.CANCELLED
    for job in busy:
        console.wait_for_end(job)
    time.sleep(2 * TIMING["sweep"])
    queued.refresh_from_db()
    assert (queued.status, queued.attempts.count()) == (Status.CANCELLED, 0)


@pytest.mark.parametrize("seed", range(6))
def test_f28_cancel_around_the_claim__one_end__never_succeeds(console: Console, seed: int) -> None:
    job = console.submit(steps=200, step_s=0.02)
    time.sleep(seed * 0.06)
    services.cancel(actor=console.user, job=job)
    wait_until(lambda: console.is_over(job), "the job ends", GONE_WITHIN)
    assert job.status == Status.CANCELLED
    assert not programs(job.folder)
    assert faults_of(job) == []


@pytest.mark.parametrize(
    ("orders", "name"),
    [({}, "running"), ({"slow_save_s": 0.5}, "saving"), ({"is_deaf": True, "stray_process": True}, "deaf")],
)
def test_f28_cancel_while_running_or_saving__gone_within_heartbeat_and_grace(
    console: Console, orders: dict[str, Any], name: str
) -> None:
    job = console.submit(steps=400, step_s=0.02, child_processes=True, **orders)
    console.wait_for_step(job, 5)
    services.cancel(actor=console.user, job=job)
    wait_until(lambda: console.is_over(job), f"the {name} job ends", GONE_WITHIN)
    assert job.status == Status.CANCELLED
    wait_until(lambda: not programs(job.folder), "its programs are gone", 1)
    assert faults_of(job) == []


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.2, 0.3, 0.4])
def test_f28_cancel_at_the_finish__acknowledged_cancel_wins_or_comes_too_late(console: Console, delay: float) -> None:
    job = console.submit(steps=15)
    console.wait_for_step(job, 1)
    time.sleep(delay)
    services.cancel(actor=console.user, job=job)
    acknowledged = job.status in (Status.CANCELLING, Status.CANCELLED)
    console.wait_for_end(job)
    assert job.status == (Status.CANCELLED if acknowledged else Status.SUCCEEDED)
    assert faults_of(job) == []


def test_stop_and_save__while_running__succeeds_with_what_it_has(console: Console) -> None:
    job = console.submit(steps=400, step_s=0.02, checkpoint_every=50)
    console.wait_for_step(job, 7)
    services.stop_and_save(actor=console.user, job=job)
    wait_until(lambda: console.is_over(job), "the job ends", GONE_WITHIN)
    assert (job.status, job.result["stopped"]) == (Status.SUCCEEDED, True)
    assert 7 <= job.result["step"] < 400
    assert faults_of(job) == []
