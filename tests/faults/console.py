"""The processes that a fault test may count on, and short words for what tests do with them."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.accounts.models import User, Workspace
from apps.jobs import services
from apps.jobs.models import Job, Status, in_seconds
from tests.faults.stack import Proc, Stack, wait_until


def use_broker(url: str) -> None:
    """Hints and live messages of this process go to the broker of the tests."""
    from console.celery import app

    app.conf.update(broker_url=url)
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"]
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "url": url}}}


@dataclass
class Console:
    """The processes that every test may count on, and short words for what tests do with them."""

    stack: Stack
    workspace: Workspace
    user: User
    broker: Proc | None = None
    worker: Proc | None = None
    upkeep: Proc | None = None

    def heal(self) -> None:
        """Start again whatever the last test killed, and wait until it works."""
        if self.broker is None or not self.broker.is_alive:
            self.broker = self.stack.start_broker()
        fresh = [proc is None or not proc.is_alive for proc in (self.worker, self.upkeep)]
        if fresh[0]:
            self.worker = self.stack.start_worker()
        if fresh[1]:
            self.upkeep = self.stack.start_upkeep()
        if any(fresh):
            job = self.submit(steps=1)
            wait_until(lambda: self.is_over(job), "the workers work", 60)

    def submit(self, kind: str = "test.fake", **orders: Any) -> Job:
        return services.submit(
            actor=self.user, workspace=self.workspace, kind=kind, title="a run", inputs={}, settings=orders
        )

    def submit_aside(self, **orders: Any) -> Job:
        """A job that only slots launched by the test take."""
        return self.submit("test.aside", **orders)

    def job(self, pk: str) -> Job:
        found: Job = Job.objects.get(pk=pk)
        return found

    def newest_job(self) -> Job:
        return Job.objects.latest("created_at")

    def talking_job(self) -> Job:
        """A running job of epoch 1 whose events the test itself records."""
        return Job.objects.create(
            workspace=self.workspace, kind="test.fake", title="talks", queue="gpu", status=Status.RUNNING, epoch=1,
            slot=f"test:{uuid.uuid4()}", lease_until=in_seconds(600), claimed_at=in_seconds(0),
        )  # fmt: skip

    def is_over(self, job: Job) -> bool:
        job.refresh_from_db()
        return job.is_terminal

    def wait_for_end(self, job: Job, seconds: float = 30) -> Job:
        wait_until(lambda: self.is_over(job), "the job ends", seconds)
        return job

    def wait_for_step(self, job: Job, step: int, epoch: int = 0) -> int:
        """Until the running attempt (not older than `epoch`) has delivered this step; the pid of its trainer."""

        def has_come() -> bool:
            job.refresh_from_db()
            return job.last_step >= step and job.epoch >= epoch and job.is_alive

        wait_until(has_come, f"step {step}")
        return job.attempts.get(epoch=job.epoch).pid or 0

    def clear(self) -> None:
        """End what the last test left running."""
        self.stack.end_launchers()
        Job.objects.alive().filter(slot__startswith="test:").update(
            status=Status.CANCELLED, slot=None, lease_until=None
        )
        left = list(Job.objects.unfinished())
        for job in left:
            services.cancel(actor=self.user, job=job)
        for job in left:
            with suppress(AssertionError):
                self.wait_for_end(job)
