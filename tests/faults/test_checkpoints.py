"""F18, F21-F24: checkpoints through crashes, a full disk and flipped bits."""

import subprocess
import sys
from pathlib import Path

import pytest

from apps.jobs.models import Artifact, Job, Status
from tests.faults.console import Console
from tests.faults.history import faults_of, trace
from tests.faults.stack import ROOT, wait_until
from workers.checkpoints import newest_verified


def silent(_level: str, _text: str) -> None:
    """Nobody to tell."""


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "weights.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "weights.bin").write_bytes(content)


def run_until_crash(console: Console, **orders: object) -> Job:
    """One attempt that dies; nobody takes the job up before the caller starts a launcher."""
    console.stack.launch("first:chat0", count=1)
    job = console.submit_aside(**orders)
    wait_until(lambda: job.attempts.filter(outcome="crashed").exists(), "the first attempt dies")
    return job


def first_step_of(job: Job, epoch: int) -> int:
    return next(mark.step for mark in trace(job) if mark.epoch == epoch)


@pytest.mark.parametrize("step", [10, 20])
def test_f18_crash_after_checkpoint_before_commit__next_attempt_adopts_it(console: Console, step: int) -> None:
    job = console.submit(steps=20, kill_after_save_at=step)
    console.wait_for_end(job)
    assert (job.status, job.crashes) == (Status.SUCCEEDED, 1)
    on_disk = {f"checkpoints/{folder.name}" for folder in (job.folder / "checkpoints").iterdir()}
    told = list(Artifact.objects.filter(job=job, kind="checkpoint").values_list("name", flat=True))
    assert on_disk <= set(told)
    assert len(told) == len(set(told))
    assert faults_of(job) == []


def test_f18_crash_before_the_end_is_written__one_result(console: Console) -> None:
    launcher = console.stack.launch("first:chat0", "before-finish")
    job = console.submit_aside(steps=10)
    wait_until(lambda: not launcher.is_alive, "the launcher dies before it writes the end")
    console.stack.launch("next:chat0")
    console.wait_for_end(job)
    assert (job.status, job.losses) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f18_crash_after_the_end_is_written__nothing_runs_again(console: Console) -> None:
    launcher = console.stack.launch("first:chat0", "after-finish")
    job = console.submit_aside(steps=10)
    wait_until(lambda: not launcher.is_alive, "the launcher dies after it wrote the end")
    console.stack.launch("next:chat0")
    after = console.submit_aside(steps=2)
    console.wait_for_end(after)
    job.refresh_from_db()
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f21_disk_full_while_saving__earlier_checkpoint_stays__failure_says_so(console: Console) -> None:
    job = console.submit(steps=30, grow_at=15, checkpoint_bytes=8_000, file_limit_bytes=200_000)
    console.wait_for_end(job)
    assert (job.status, job.failure_class, job.attempts.count()) == (Status.FAILED, "disk_full", 1)
    assert job.failure_message and job.failure_hint
    newest = newest_verified(job.folder / "checkpoints", silent)
    assert newest is not None and newest.name == "step-00000010"
    assert not list((job.folder / "checkpoints").glob(".tmp-*"))
    assert faults_of(job) == []


def test_f22_kill_while_saving__forty_random_moments__newest_is_always_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kill_savers", str(tmp_path), "40", "2"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_f23_bit_flip_in_newest_checkpoint__falls_back_to_the_one_before__says_so(console: Console) -> None:
    job = run_until_crash(console, steps=20, kill_at=13)
    flip_a_bit(job.folder / "checkpoints" / "step-00000010")
    console.stack.launch("next:chat0")
    console.wait_for_end(job)
    assert (job.status, first_step_of(job, epoch=2)) == (Status.SUCCEEDED, 6)
    assert job.log_lines.filter(level="error", text__contains="step 10 is damaged").exists()
    assert faults_of(job) == []


def test_f24_all_checkpoints_damaged__begins_anew__never_silently(console: Console) -> None:
    job = run_until_crash(console, steps=20, kill_at=13)
    for folder in (job.folder / "checkpoints").iterdir():
        flip_a_bit(folder)
    console.stack.launch("next:chat0")
    console.wait_for_end(job)
    assert (job.status, first_step_of(job, epoch=2)) == (Status.SUCCEEDED, 1)
    assert job.log_lines.filter(level="error", text__contains="damaged").count() >= 2
    assert faults_of(job) == []
