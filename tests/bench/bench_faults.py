"""Random faults against real workers: what is lost, doubled, written by somebody who no longer may, or left behind.

    python -m tests.bench.bench_faults [--faults 200] [--seed 1]

A broker, a Celery worker with two slots and the upkeep process, short timings (tests/faults/stack.py), jobs of 80 steps without end.
Kills are SIGKILL, freezes SIGSTOP; on SQLite, or on PostgreSQL when DATABASE_URL names a server.
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from apps.jobs.models import Job
    from tests.faults.console import Console

STEPS, STEP_S, CHECKPOINT_EVERY = 80, 0.03, 10
WAITING = 3  # jobs that are always there to be worked on
SILENCE = 2.0  # seconds without a round of the reaper: something befell it, or the broker that wakes it
SWEPT = re.compile(r"^(\S+ \S+) INFO celery.app.trace: Task jobs.sweep\S+ succeeded", re.MULTILINE)
END_WITHIN = 120.0  # seconds for the last jobs, when no more faults come


@dataclass
class Storm:
    """The faults of one run, and what they did."""

    console: "Console"
    chance: Random
    jobs: list["Job"] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    losses: list[tuple["Job", int, float]] = field(default_factory=list)  # job, epoch, when its supervisor was lost

    def blow(self, faults: int) -> None:
        """One fault after the other, a moment apart, while jobs keep coming."""
        actions: list[Callable[[], None]] = [
            self.kill_trainer, self.kill_trainer, self.freeze_trainer, self.kill_supervisor, self.kill_supervisor, self.freeze_supervisor,
            self.kill_worker, self.kill_broker, self.kill_upkeep, self.freeze_broker,
        ]  # fmt: skip
        while sum(self.struck.values()) < faults:
            self.keep_busy()
            time.sleep(self.chance.uniform(0.2, 1.5))
            self.chance.choice(actions)()
            self.restart_the_dead()

    def keep_busy(self) -> None:
        unfinished = sum(not self.console.is_over(job) for job in self.jobs[-20:])
        for _number in range(WAITING - unfinished):
            orders = {"steps": STEPS, "step_s": STEP_S, "checkpoint_every": CHECKPOINT_EVERY}
            self.jobs.append(self.console.submit("test.tough", **orders))

    def restart_the_dead(self) -> None:
        console, stack = self.console, self.console.stack
        if console.broker is None or not console.broker.is_alive:
            console.broker = stack.start_broker()
        if console.worker is None or not console.worker.is_alive:
            console.worker = stack.start_worker()
        if console.upkeep is None or not console.upkeep.is_alive:
            console.upkeep = stack.start_upkeep()

    # ---- faults

    def kill_trainer(self) -> None:
        if trainer := self.trainer():
            trainer[1].kill()
            self.struck["kill trainer"] += 1

    def freeze_trainer(self) -> None:
        if trainer := self.trainer():
            self.freeze("freeze trainer", trainer[1].pid)

    def kill_supervisor(self) -> None:
        if trainer := self.trainer():
            supervisor = trainer[1].parent()
            if supervisor is not None and supervisor.pid > 1:
                self.lose(trainer[0])
                supervisor.kill()
                self.struck["kill supervisor"] += 1

    def freeze_supervisor(self) -> None:
        if trainer := self.trainer():
            supervisor = trainer[1].parent()
            if supervisor is not None and supervisor.pid > 1:
                self.freeze("freeze supervisor", supervisor.pid)

    def kill_worker(self) -> None:
        assert self.console.worker is not None
        for job in self.running():
            self.lose(job)
        self.console.worker.kill()
        self.struck["kill worker"] += 1

    def kill_broker(self) -> None:
        assert self.console.broker is not None
        self.console.broker.kill()
        self.struck["kill broker"] += 1

    def freeze_broker(self) -> None:
        assert self.console.broker is not None
        self.freeze("freeze broker", self.console.broker.pid)

    def kill_upkeep(self) -> None:
        assert self.console.upkeep is not None
        self.console.upkeep.kill()
        self.struck["kill sweeper and reaper"] += 1

    def freeze(self, name: str, pid: int) -> None:
        """Up to longer than a lease."""
        from tests.faults.stack import frozen

        with suppress(ProcessLookupError), frozen(pid):
            time.sleep(self.chance.uniform(0.3, 4.5))
        self.struck[name] += 1

    def lose(self, job: "Job") -> None:
        self.losses.append((job, job.epoch, time.time()))

    def running(self) -> list["Job"]:
        from apps.jobs.models import Job

        return list(Job.objects.alive().filter(pk__in=[job.pk for job in self.jobs]))

    def trainer(self) -> tuple["Job", psutil.Process] | None:
        """A running trainer, if there is one now."""
        from tests.faults.stack import programs

        for job in self.chance.sample(found := self.running(), len(found)):
            pid = job.attempts.filter(epoch=job.epoch).values_list("pid", flat=True).first()
            for process in programs(job.folder):
                if process.pid == pid:
                    return job, process
        return None

    # ---- when it is over

    def wait_for_all(self) -> None:
        deadline = time.monotonic() + END_WITHIN
        while time.monotonic() < deadline and not all(self.console.is_over(job) for job in self.jobs):
            time.sleep(0.2)

    def requeues(self) -> list["Requeue"]:
        """Of every worker that was lost for good: how long its job waited (an attempt that outlived its fault is not lost)."""
        from tests.faults.stack import TIMING

        sweeps, found = self.sweeps(), []
        for job, epoch, lost_at in self.losses:
            attempt = job.attempts.filter(epoch=epoch, outcome="lost").first()
            if attempt is not None and attempt.ended_at is not None:
                freed_at = attempt.ended_at.timestamp()
                due = lost_at + TIMING["lease"] + TIMING["slack"]
                seen = [lost_at, *(at for at in sweeps if lost_at < at < freed_at), freed_at]
                silence = max(later - earlier for earlier, later in pairwise(seen))
                missed = sum(due < at < freed_at for at in sweeps)
                found.append(Requeue(freed_at - lost_at, silence < SILENCE, missed))
        return found

    def sweeps(self) -> list[float]:
        """When the reaper had done its round, from its logs (seconds since 1970)."""
        found = []
        for proc in self.console.stack.started:
            if proc.name == "upkeep":
                lines = SWEPT.findall(proc.log.read_text(errors="replace"))
                found += [datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f").timestamp() for at in lines]
        return sorted(found)


@dataclass(frozen=True)
class Requeue:
    """Seconds from the loss of a worker until its job was free for another; whether the reaper was at work all the while; rounds
    in which it should have freed the job and did not (the round that had begun before may be one)."""

    seconds: float
    is_reaper_well: bool
    missed: int

    @property
    def is_late(self) -> bool:
        from tests.faults.stack import BUSY, REQUEUED_WITHIN

        return self.missed > 1 or (self.is_reaper_well and self.seconds > REQUEUED_WITHIN + BUSY)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuneloop-storm-") as folder:
        console = _console(Path(folder))
        try:
            storm = Storm(console, Random(options.seed))
            storm.restart_the_dead()
            storm.blow(options.faults)
            storm.wait_for_all()
            answer = _summary(storm)
        finally:
            console.stack.close()
    print(json.dumps(answer, indent=1), flush=True)
    return 1 if answer["wrong"] or answer["orphans"] or answer["requeued_late"] else 0


def _console(data: Path) -> "Console":
    """A database of our own with a workspace, and no process yet."""
    from tests.faults.stack import TIMING, Stack

    os.environ.update(
        {
            "TUNELOOP_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "LOG_LEVEL": "ERROR",
            "TUNELOOP_TIMING": json.dumps(TIMING),
        }
    )
    os.environ.setdefault("STATIC_FROM_SOURCE", "1")
    (data / "static").mkdir()
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from apps.accounts.models import Workspace
    from tests.cast import make_user
    from tests.faults.console import Console, use_broker

    url = os.environ.get("DATABASE_URL") or f"sqlite:///{data}/tuneloop.sqlite3"
    stack = Stack(data, url, settings.SECRET_KEY)
    use_broker(stack.broker_url)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    workspace = Workspace.objects.create(name="Storm", slug=f"storm-{os.getpid()}")
    user = make_user(f"Storm{os.getpid()}")
    user.memberships.create(workspace=workspace, role="owner")
    return Console(stack, workspace, user)


def _summary(storm: Storm) -> dict[str, Any]:
    from tests.faults.history import faults_of, steps_beside_a_newer_attempt
    from tests.faults.stack import REQUEUED_WITHIN, programs

    requeues = storm.requeues()
    wrong = {str(job.pk): found for job in storm.jobs if (found := faults_of(job))}
    return {
        "faults": dict(storm.struck.most_common()),
        "jobs": len(storm.jobs),
        "attempts": sum(job.attempts.count() for job in storm.jobs),
        "not_succeeded": sum(job.status != "succeeded" for job in storm.jobs),
        "wrong": wrong,  # a point lost, doubled or stale, an attempt without an end, a checkpoint that does not verify
        "steps_beside_a_newer_attempt": sum(map(steps_beside_a_newer_attempt, storm.jobs)),
        "orphans": len(programs(storm.console.stack.data / "jobs")),
        "requeued_s": _spread([one.seconds for one in requeues if one.is_reaper_well]),
        "requeued_s_while_the_reaper_was_down_too": _spread(
            [one.seconds for one in requeues if not one.is_reaper_well]
        ),
        "requeued_late": sum(one.is_late for one in requeues),
        "allowed_s": REQUEUED_WITHIN,
    }


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"n": len(values), "median": round(statistics.median(values), 2), "max": round(max(values), 2)}


if __name__ == "__main__":
    sys.exit(main())
