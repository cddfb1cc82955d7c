"""F33: a new version is rolled out while jobs run."""

import time

from apps.jobs import services
from apps.jobs.models import Job, Status
from tests.faults.console import Console
from tests.faults.history import faults_of, most_steps_repeated, trace
from tests.faults.stack import BUSY, programs, wait_until

EVERY = 10  # steps between two checkpoints


def test_f33_worker_restarted_in_mid_run__ten_jobs_survive__no_work_lost(console: Console) -> None:
    jobs = [console.submit(steps=50, step_s=0.04, checkpoint_every=EVERY) for _number in range(10)]
    running = jobs[:2]
    for job in running:
        console.wait_for_step(job, 7)
    assert console.worker is not None
    began = time.monotonic()
    assert console.worker.end(30) == 0
    assert time.monotonic() - began < 8
    assert not any(programs(job.folder) for job in jobs)
    for job in running:
        job.refresh_from_db()
        assert (job.status, job.attempts.get(epoch=1).outcome) == (Status.QUEUED, "released")
    console.worker = console.stack.start_worker("new", slots=4)
    for job in jobs:
        console.wait_for_end(job, 60)
        assert (job.status, job.losses, job.crashes) == (Status.SUCCEEDED, 0, 0)
        assert most_steps_repeated(job) == 0  # it saved before it left
        assert faults_of(job) == []
    console.worker.kill()


def test_f33_upkeep_restarted__nothing_is_noticed(console: Console) -> None:
    job = console.submit(steps=80, step_s=0.05)
    console.wait_for_step(job, 2)
    assert console.upkeep is not None
    assert console.upkeep.end(30) == 0
    console.upkeep = console.stack.start_upkeep()
    console.wait_for_end(job)
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f33_stop_asked_while_the_worker_restarts__next_attempt_carries_it_out(console: Console) -> None:
    job = console.submit(steps=2000, step_s=0.03, checkpoint_every=EVERY)
    console.wait_for_step(job, 12)
    assert console.worker is not None
    console.worker.kill()
    services.stop_and_save(actor=console.user, job=job)
    console.worker = console.stack.start_worker("other")
    wait_until(lambda: console.is_over(job), "the next attempt stops and saves", 20 + BUSY)
    assert (job.status, job.result["stopped"], job.attempts.count()) == (Status.SUCCEEDED, True, 2)
    assert job.result["step"] < 400
    assert Job.objects.get(pk=job.pk).last_step <= max(mark.step for mark in trace(job))
    assert faults_of(job) == []
