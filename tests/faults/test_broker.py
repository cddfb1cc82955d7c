"""F10, F11, F15, F16: the broker dies, or repeats, or never hears."""

import json
import signal

from apps.jobs import hints
from apps.jobs.models import Status
from tests.faults.console import Console
from tests.faults.history import faults_of, trace
from tests.faults.stack import BUSY, TIMING, wait_until

RECONNECTED_WITHIN = 5.0  # Celery tries after 2 s, then after 4


def test_f10_kill_broker__with_queued_hints__all_jobs_start_when_it_is_back(console: Console) -> None:
    running = [console.submit(steps=60, step_s=0.03) for _slot in range(2)]
    for job in running:
        console.wait_for_step(job, 1)
    queued = [console.submit(steps=3) for _number in range(3)]
    assert console.broker is not None
    console.broker.kill()
    for job in running:  # they never needed it
        console.wait_for_end(job)
        assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)
    assert not any(job.attempts.exists() for job in queued)
    console.broker = console.stack.start_broker()
    wait_until(
        lambda: all(job.attempts.exists() for job in queued),
        "all queued jobs start",
        RECONNECTED_WITHIN + 2 * TIMING["sweep"] + BUSY,
    )
    for job in queued:
        console.wait_for_end(job)
        assert faults_of(job) == []


def test_f11_no_broker_at_submit__accepted_quickly__starts_when_it_is_back(console: Console) -> None:
    assert console.broker is not None
    console.broker.kill()
    proc = console.stack.submit_elsewhere({"steps": 3})
    assert proc.popen.wait(30) == 0
    told = json.loads(proc.log.read_text().splitlines()[-1])
    assert told["seconds"] <= 6
    job = console.job(told["job"])
    assert job.status == Status.QUEUED
    console.broker = console.stack.start_broker()
    console.wait_for_end(job)
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f15_hint_five_times__and_five_launchers_at_once__one_attempt(console: Console) -> None:
    for number in range(5):
        console.stack.launch(f"crowd{number}:gpu0")
    jobs = []
    for _number in range(8):
        jobs.append(console.submit(steps=6))
        for _copy in range(4):
            hints.send("gpu")
    for job in jobs:
        console.wait_for_end(job)
        assert (job.status, job.attempts.count(), job.epoch) == (Status.SUCCEEDED, 1, 1)
        assert len({mark.pid for mark in trace(job)}) == 1
        assert faults_of(job) == []


def test_f16_crash_between_commit_and_hint__starts_at_the_next_sweep(console: Console) -> None:
    proc = console.stack.submit_elsewhere({"steps": 3}, "committed")
    assert proc.popen.wait(30) == -signal.SIGKILL
    job = console.newest_job()
    assert job.title == "submitted elsewhere"
    wait_until(lambda: job.attempts.exists(), "the sweeper finds the job", 2 * TIMING["sweep"] + BUSY)
    console.wait_for_end(job)
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)
