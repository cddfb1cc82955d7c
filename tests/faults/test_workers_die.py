"""F1-F4, F6, F17: programs, supervisors and hosts that die or freeze."""

import os
import signal
import time

import psutil
import pytest

from apps.jobs.models import Status
from tests.faults.console import Console
from tests.faults.history import faults_of, most_steps_repeated, trace
from tests.faults.stack import BUSY, REQUEUED_WITHIN, TIMING, WATCHDOG, frozen, is_gone, programs, wait_until


def supervisor_of(trainer: int) -> int:
    return psutil.Process(trainer).ppid()


def test_f01_kill_trainer__attempt_ends_at_once__resumes_from_checkpoint(console: Console) -> None:
    job = console.submit(steps=40, step_s=0.03, checkpoint_every=5)
    trainer = console.wait_for_step(job, 12)
    os.kill(trainer, signal.SIGKILL)
    wait_until(lambda: job.attempts.filter(epoch=1, outcome="crashed").exists(), "the attempt ends", 2)
    console.wait_for_end(job)
    assert (job.status, job.crashes, job.losses, job.epoch) == (Status.SUCCEEDED, 1, 0, 2)
    assert most_steps_repeated(job) <= 5
    assert faults_of(job) == []


def test_f01_kill_trainer__with_children_of_its_own__none_is_left(console: Console) -> None:
    job = console.submit(steps=400, step_s=0.03, child_processes=True)
    trainer = console.wait_for_step(job, 2)
    wait_until(lambda: len(programs(job.folder)) == 3, "the trainer has children", 3)
    os.kill(trainer, signal.SIGKILL)
    console.wait_for_step(job, 1, epoch=2)
    left = [p for p in programs(job.folder) if os.getsid(p.pid) == trainer]
    assert left == []


def test_f02_kill_supervisor__trainer_gone_within_a_second__requeued_in_time(console: Console) -> None:
    job = console.submit(steps=60, step_s=0.03, checkpoint_every=5)
    trainer = console.wait_for_step(job, 12)
    os.kill(supervisor_of(trainer), signal.SIGKILL)
    wait_until(lambda: is_gone(trainer), "the trainer dies with its supervisor", 1)
    taken = wait_until(lambda: job.attempts.filter(epoch__gt=1).exists(), "the job is taken again")
    assert taken <= REQUEUED_WITHIN + BUSY
    console.wait_for_end(job)
    assert (job.status, job.crashes, job.losses) == (Status.SUCCEEDED, 0, 1)
    assert most_steps_repeated(job) <= 5 + TIMING["batch"] / 0.03
    assert faults_of(job) == []


def test_f02_kill_supervisor__trainer_was_ahead_of_the_database__curve_has_no_hole(console: Console) -> None:
    job = console.submit(steps=60, step_s=0.03, checkpoint_every=5)
    trainer = console.wait_for_step(job, 2)
    supervisor = supervisor_of(trainer)
    os.kill(supervisor, signal.SIGSTOP)
    ahead = max(mark.step for mark in trace(job)) + 16
    wait_until(lambda: max(mark.step for mark in trace(job)) > ahead, "the trainer goes on", 3)
    os.kill(supervisor, signal.SIGKILL)
    console.wait_for_end(job)
    assert job.status == Status.SUCCEEDED
    assert faults_of(job) == []


def test_f03_kill_whole_worker__other_worker_takes_over__no_duplicate(console: Console) -> None:
    jobs = [console.submit(steps=60, step_s=0.03) for _number in range(2)]
    for job in jobs:
        console.wait_for_step(job, 5)
    assert console.worker is not None
    console.worker.kill()
    wait_until(lambda: not any(programs(job.folder) for job in jobs), "the trainers die with their worker", 1 + BUSY)
    console.worker = console.stack.start_worker("two")
    for job in jobs:
        console.wait_for_end(job)
        assert (job.status, job.losses, job.attempts.count()) == (Status.SUCCEEDED, 1, 2)
        assert faults_of(job) == []


def test_f04_freeze_supervisor__trainer_leaves_by_its_deadline__old_supervisor_is_fenced(console: Console) -> None:
    job = console.submit(steps=150, step_s=0.05, checkpoint_every=5, is_deaf=True)
    trainer = console.wait_for_step(job, 5)
    supervisor = supervisor_of(trainer)
    with frozen(supervisor):
        last = wait_until(lambda: is_gone(trainer), "the trainer leaves by itself", 10)
        assert last <= TIMING["kill"] + WATCHDOG + BUSY
        wait_until(lambda: job.attempts.filter(epoch__gt=2).exists(), "another worker takes the job")
    time.sleep(0.5)
    assert job.attempts.get(epoch=1).outcome == "lost"
    console.wait_for_end(job)
    assert (job.status, job.losses) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f04_freeze_between_claim_and_start__wakes_after_its_lease__starts_nothing(console: Console) -> None:
    frozen_launcher = console.stack.launch("cold:chat0", "freeze-claimed")
    job = console.submit_aside(steps=100, step_s=0.05)
    wait_until(lambda: job.attempts.exists(), "the launcher claims")
    console.stack.launch("warm:chat0")
    wait_until(lambda: job.attempts.filter(epoch__gt=1).exists(), "another launcher takes the job")
    console.wait_for_step(job, 3)
    os.kill(frozen_launcher.pid, signal.SIGCONT)
    time.sleep(1)
    assert not (job.folder / "spec-1.json").exists()
    console.wait_for_end(job)
    assert (job.status, job.losses) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


@pytest.mark.parametrize("is_deaf", [False, True])
def test_f06_freeze_whole_host__resumed_after_the_job_moved__late_writes_refused(
    console: Console, is_deaf: bool
) -> None:
    job = console.submit(steps=120, step_s=0.05, checkpoint_every=5, is_deaf=is_deaf)
    trainer = console.wait_for_step(job, 5)
    with frozen(trainer, supervisor_of(trainer)):
        wait_until(lambda: job.attempts.filter(epoch__gt=2).exists(), "another worker takes the job")
        console.wait_for_step(job, 3, epoch=3)
    wait_until(lambda: is_gone(trainer), "the late trainer leaves", WATCHDOG + BUSY)
    console.wait_for_end(job)
    assert (job.status, job.losses, job.attempts.get(epoch=1).outcome) == (Status.SUCCEEDED, 1, "lost")
    assert faults_of(job) == []


def test_f17_crash_between_claim_and_start__requeued_by_its_lease__counts_as_loss(console: Console) -> None:
    launcher = console.stack.launch("brief:chat0", "claimed")
    job = console.submit_aside(steps=3)
    wait_until(lambda: not launcher.is_alive, "the launcher claims and dies")
    assert job.attempts.count() == 1
    console.stack.launch("next:chat0")
    taken = wait_until(lambda: job.attempts.filter(epoch__gt=1).exists(), "the job is taken again")
    assert taken <= REQUEUED_WITHIN + BUSY
    console.wait_for_end(job)
    assert (job.status, job.losses, job.crashes) == (Status.SUCCEEDED, 1, 0)
    assert faults_of(job) == []
