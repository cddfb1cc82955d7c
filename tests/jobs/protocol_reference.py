"""What the job protocol means, in plain Python: the answers that the SQL must give."""

from dataclasses import dataclass, field
from typing import Any

from apps.jobs.models import Job
from apps.jobs.timing import TIMING

CAP = 3  # lost or crashed attempts at which a job fails
ALIVE = ("running", "cancelling")


@dataclass
class RefJob:
    """One job. Refusals are answers here: "Fenced", "Conflict", "ValueError"."""

    priority: int
    order: int
    status: str = "queued"
    desired: str = "run"
    epoch: int = 0
    held: bool = False
    slot: str | None = None
    lease: float = 0.0  # seconds left
    wait: float | None = None  # seconds until it may be claimed again
    losses: int = 0
    crashes: int = 0
    last_seq: int = 0
    last_step: int = 0
    curve: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    lines: set[int] = field(default_factory=set)
    artifacts: set[str] = field(default_factory=set)

    @property
    def is_ready(self) -> bool:
        return self.status == "queued" and not self.held and (self.wait is None or self.wait <= 0)

    @property
    def is_over(self) -> bool:
        return self.status in ("succeeded", "failed", "cancelled")

    def owns(self, epoch: int) -> bool:
        return self.status in ALIVE and epoch == self.epoch

    def time_passes(self, seconds: float) -> None:
        self.lease -= seconds
        if self.wait is not None:
            self.wait -= seconds

    def cancel(self) -> None:
        if self.status == "queued":
            self.status, self.desired = "cancelled", "cancel"
        elif self.status == "running":
            self.status, self.desired = "cancelling", "cancel"

    def stop(self) -> str | None:
        if self.status == "queued" and not self.artifacts:
            self.cancel()
            return None
        if self.status not in ("queued", "running"):
            return "Conflict"
        self.desired, self.held = "stop", False
        return None

    def hold(self) -> str | None:
        if self.held and not self.is_over:
            return None
        if self.status not in ("queued", "running") or self.desired not in ("run", "pause"):
            return "Conflict"
        self.held = True
        if self.status == "running":
            self.desired = "pause"
        return None

    def release(self) -> None:
        if self.held and not self.is_over:
            self.held = False
            self.desired = "run" if self.desired == "pause" else self.desired

    def claim(self, slot: str) -> int:
        self.status, self.slot, self.lease = "running", slot, TIMING.lease
        self.epoch += 1
        return self.epoch

    def renew(self, epoch: int) -> str:
        if not self.owns(epoch):
            return "Fenced"
        self.lease = TIMING.lease
        return self.desired

    def record(self, epoch: int, batch: list[dict[str, Any]]) -> int | str:
        if not self.owns(epoch):
            return "Fenced"
        if batch[0]["seq"] > self.last_seq + 1:
            return "ValueError"
        for event in batch:
            if event["seq"] > self.last_seq:
                self.last_seq = event["seq"]
                self._apply(event)
        return self.last_seq

    def _apply(self, event: dict[str, Any]) -> None:
        if event["type"] == "metric":
            self.curve[event["name"], event["step"]] = event["seq"], event["value"]
            self.last_step = max(self.last_step, event["step"])
        elif event["type"] == "log":
            self.lines.add(event["seq"])
        elif event["type"] == "checkpoint":
            self.artifacts.add(event["folder"])
        elif event["type"] == "resumed":
            self.curve = {key: point for key, point in self.curve.items() if key[1] <= event["step"]}
            self.last_step = event["step"]

    def end(self, epoch: int, how: str) -> str | None:
        if not self.owns(epoch):
            return "Fenced"
        if self.status == "cancelling":
            if how == "succeed":
                return "Conflict"
            self._leave("cancelled")
        elif how == "fail":
            self.crashes += 1
            if self.crashes < CAP:
                self.wait = TIMING.retry * 2 ** (self.crashes - 1)
            self._leave("failed" if self.crashes >= CAP else "queued")
        elif how == "user_error":
            self.crashes += 1
            self._leave("failed")
        else:
            self._leave({"succeed": "succeeded", "release": "queued", "end_cancelled": "cancelled"}[how])
        return None

    def reap(self) -> bool:
        if self.status not in ALIVE or self.lease + TIMING.slack > 0:
            return False
        self.losses += 1
        self.epoch += 1
        self._leave("cancelled" if self.status == "cancelling" else "failed" if self.losses >= CAP else "queued")
        return True

    def _leave(self, status: str) -> None:
        self.status, self.slot = status, None
        if status == "queued" and self.desired == "pause":
            self.desired = "run"


@dataclass
class Attempt:
    """One claim and what its program writes; it may try to deliver long after somebody else took the job."""

    job: Job
    epoch: int
    first_seq: int
    step: int
    events: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0  # events that it believes accepted

    def resume(self, step: int) -> None:
        self.step = step
        self._add("resumed", step=step)

    def write(self, word: str) -> None:
        """One event; "again" tells the value of a step a second time."""
        if word in ("metric", "again"):
            self.step += word == "metric" or self.step == 0
            self._add("metric", step=self.step, name="loss", value=self.epoch + len(self.events) / 64)
        elif word == "checkpoint":
            self._add("checkpoint", step=self.step, folder=f"checkpoints/step-{self.step:08d}")
        elif word == "log":
            self._add("log", text="a line")
        else:
            self._add("progress", done=self.step, total=100)

    def _add(self, kind: str, **fields: Any) -> None:
        self.events.append({"seq": self.first_seq + len(self.events), "at": 1.0, "type": kind, **fields})
