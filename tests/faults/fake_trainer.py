"""A program like a trainer, without torch: each step's loss follows from the one before, checkpoints are real, faults are ordered.

Whatever happens to a run, its curve must in the end be `loss_at(1), loss_at(2), ...`: a resume from the wrong state, a step
lost or done twice would show. Every step leaves a line in `trace` (monotonic clock, epoch, pid, step), from which the history
checks see whether two trainers were ever at work together.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from workers.checkpoints import Manifest, Store
from workers.context import Context, Wish
from workers.failures import Interrupted, NonFinite

MODULUS = 2**31
FIRST = 12_345


def next_state(state: int) -> int:
    return (state * 1_103_515_245 + 12_345) % MODULUS


def loss_at(step: int) -> float:
    """The loss of a step of any undisturbed run."""
    state = FIRST
    for _step in range(step):
        state = next_state(state)
    return state / MODULUS


@dataclass(frozen=True)
class Orders:
    """What this run does, and what befalls it. Faults "at" a step strike once; the next attempt is spared."""

    steps: int = 20
    step_s: float = 0.02
    checkpoint_every: int = 5
    checkpoint_bytes: int = 1000
    slow_save_s: float = 0.0  # a checkpoint takes this long
    metrics_at_once: int = 0  # that many further points in one burst, at the middle step
    kill_at: int = 0  # kill -9 of itself
    kill_after_save_at: int = 0  # ... after the checkpoint of this step is in place, before it is told
    hang_at: int = 0
    nan_at: int = 0  # one value that is no number; the run goes on
    diverge_at: int = 0  # the run cannot go on
    grow_at: int = 0  # checkpoints from this step on are 100 times larger
    file_limit_bytes: int = 0  # no file may be larger: a full disk
    memory_limit_mb: int = 0  # all memory it may have; it wants more at `eat_at`
    eat_at: int = 0
    leave_at_start: int = 0  # exit code of a program that never gets going
    child_processes: bool = False  # a child that has a child
    stray_process: bool = False  # one that left the session
    is_deaf: bool = False  # hears no wish and no SIGTERM

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "Orders":
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})


class Run:
    """One attempt."""

    def __init__(self, context: Context, orders: Orders) -> None:
        self.context, self.orders, self.reporter = context, orders, context.reporter
        self.store = Store(context.folder / "checkpoints", context.reporter.log)
        self.step, self.state, self.best = 0, FIRST, (9.0, 0)
        self.trace = os.open(context.folder / "trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def resume(self) -> None:
        """Go on from the newest checkpoint that verifies; say so, and say it too when there is none."""
        self.store.sweep()
        step = self.store.newest_sound()
        if step is not None:
            kept = json.loads((self.store.folder_of(step) / "state.json").read_text())
            self.step, self.state, self.best = step, kept["state"], tuple(kept["best"])
            self.tell(self.store.verified[step])  # the attempt before may have died before it could
        if self.context.spec.epoch > 1:
            self.reporter.emit("resumed", step=self.step)
            self.reporter.log("info", f"Goes on after step {self.step}")

    def train(self) -> bool:
        """All steps. Whether it ended early because a person asked for it."""
        while self.step < self.orders.steps:
            wish = Wish.CONTINUE if self.orders.is_deaf else self.context.should_stop()
            if wish == Wish.CANCEL:
                raise Interrupted("cancel")
            if wish != Wish.CONTINUE:
                if self.step:
                    self.save()
                if wish == Wish.LEAVE or not self.step:
                    raise Interrupted(wish.name.lower())
                return True
            self.take_step()
        return False

    def take_step(self) -> None:
        self.step += 1
        self.suffer()
        time.sleep(self.orders.step_s)
        self.state = next_state(self.state)
        loss = self.state / MODULUS
        os.write(self.trace, f"{time.monotonic():.6f} {self.context.spec.epoch} {os.getpid()} {self.step}\n".encode())
        self.reporter.metric(self.step, "loss", float("nan") if self.step == self.orders.nan_at else loss)
        self.reporter.progress(self.step, self.orders.steps, "steps", "Training")
        if self.orders.metrics_at_once and self.step == self.orders.steps // 2:
            for number in range(self.orders.metrics_at_once):
                self.reporter.metric(number + 1, "burst", float(number))
        if self.step % self.orders.checkpoint_every == 0 or self.step == self.orders.steps:
            self.save()

    def save(self) -> None:
        step = self.step
        self.best = min(self.best, (self.state / MODULUS, step))
        header = Manifest(step, self.context.spec.epoch, self.reporter.seq, time.time(), "fake", {}, {}, [])
        manifest = self.store.save(header, self.fill, self.best[1])
        if step == self.orders.kill_after_save_at and self.is_first_time("kill_after_save"):
            os.kill(os.getpid(), signal.SIGKILL)
        self.tell(manifest)

    def tell(self, manifest: Manifest) -> None:
        self.reporter.emit(
            "checkpoint", step=manifest.step, folder=f"checkpoints/step-{manifest.step:08d}", manifest=manifest.as_dict(),
            metrics={}, best=self.best[1] == manifest.step,
        )  # fmt: skip

    def fill(self, folder: Path) -> None:
        orders = self.orders
        size = orders.checkpoint_bytes * (100 if orders.grow_at and self.step >= orders.grow_at else 1)
        (folder / "weights.bin").write_bytes(self.step.to_bytes(8, "big") * (size // 8))
        time.sleep(orders.slow_save_s)
        (folder / "state.json").write_text(json.dumps({"state": self.state, "best": self.best}))

    def suffer(self) -> None:
        """What was ordered for this step."""
        orders = self.orders
        if self.step == orders.kill_at and self.is_first_time("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.step == orders.hang_at and self.is_first_time("hang"):
            time.sleep(3600)
        if self.step == orders.diverge_at:
            raise NonFinite("The loss became NaN.", "Lower the learning rate.")
        if self.step == orders.eat_at:
            self.eat()

    def eat(self) -> None:
        hoard = []
        while True:
            hoard.append(bytearray(8 * 1024 * 1024))

    def is_first_time(self, fault: str) -> bool:
        mark = self.context.folder / f".struck-{fault}"
        if mark.exists():
            return False
        mark.touch()
        return True


def main(context: Context) -> dict[str, Any]:
    """Do the run and return its result."""
    orders = Orders.read(context.spec.settings)
    if orders.leave_at_start:
        sys.exit(orders.leave_at_start)
    limit(orders)
    if orders.is_deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)", str(context.folder)]
    if orders.child_processes:
        parent = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
        subprocess.Popen([sys.executable, "-c", parent, *sleeper[1:]])
    if orders.stray_process:
        subprocess.Popen(sleeper, start_new_session=True)
    run = Run(context, orders)
    run.resume()
    was_stopped = run.train()
    return {"checkpoint": f"checkpoints/step-{run.step:08d}", "step": run.step, "stopped": was_stopped}


def limit(orders: Orders) -> None:
    if orders.file_limit_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (orders.file_limit_bytes, orders.file_limit_bytes))
    if orders.memory_limit_mb:
        resource.setrlimit(resource.RLIMIT_AS, (orders.memory_limit_mb * 2**20,) * 2)
