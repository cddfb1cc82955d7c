"""Runs one job: claim, start its program, keep the lease, carry its events to the database, end it.

It lives in a Celery task and never imports torch. If it dies, the program dies with it; if it is frozen, the program leaves
by its own deadline; if it is cut off, it kills the program before another worker can be given the job.
"""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from apps.core.errors import Conflict, Problem
from apps.jobs import kinds, protocol
from apps.jobs.child import EXIT_INTERRUPTED, Child, end_orphans_of, leftovers, monotonic
from apps.jobs.models import Attempt, Desired, Job, Status
from apps.jobs.protocol import Fenced
from apps.jobs.timing import TIMING

log = logging.getLogger(__name__)
AWAY = (OperationalError, InterfaceError)  # the database cannot be reached; the work goes on until the fence
SIGNALLED = "The program was killed by signal {signal}."
OUR_FAULT = "The console could not go on with this job ({exc})."
SIGNALLED_HINT = (
    "Often the system ran out of memory: try a smaller batch or length. It resumes from its last checkpoint."
)


def run_next(*, queue: str, slots: list[str], worker: str, env: dict[str, str]) -> Job | None:
    """Claim and run one job on the first free slot. None when there is nothing to do, or the worker is about to leave."""
    if is_draining():
        return None
    for slot in slots:
        asked_at = monotonic()  # the lease counts from before the claim is sent: it can only be longer than we think
        job = protocol.claim(queue=queue, slot=slot, worker=worker)
        if job is not None:
            Supervision(job, env, asked_at).run()
            return job
    return None


class Supervision:
    """One attempt, from claim to end."""

    def __init__(self, job: Job, env: dict[str, str], asked_at: float) -> None:
        self.job, self.epoch, self.env = job, job.epoch, env
        self.desired = str(job.desired)
        self.renewed_at = asked_at
        self.next_renewal = self.renewed_at + TIMING.heartbeat
        self.last_event_at = self.next_batch = self.next_look_for_messages = self.next_look_at_wishes = monotonic()
        self.told: set[str] = set()
        self.failure: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None
        self.gave_up = False  # before the program could start: no fault of the job

    def run(self) -> None:
        child: Child | None = None
        try:
            child = self._start()
            self._watch(child)
        except Fenced:
            log.warning("job %s: epoch %s is no longer ours", self.job.pk, self.epoch)
            return
        except Exception as exc:  # whatever it was, the job must not look alive until its lease runs out
            self._note_failure(exc, is_started=child is not None)
        finally:
            if child is not None:
                child.kill()
        self._conclude(child)

    def _note_failure(self, exc: Exception, *, is_started: bool) -> None:
        """What a page shall say of an exception on our side of the program."""
        self.result = None
        if isinstance(exc, Problem):
            self.failure = {"class": "user_error", "message": exc.message, "hint": exc.hint}
        elif isinstance(exc, ValueError) and is_started:  # lines that are no events, or events that are missing
            self.failure = {"class": "crashed", "message": f"The program's events cannot be read: {exc}", "hint": ""}
        elif isinstance(exc, AWAY) and not is_started:
            self.gave_up = True
        else:
            log.error("job %s: the console failed", self.job.pk, exc_info=exc)
            self.failure = {
                "class": "crashed",
                "message": OUR_FAULT.format(exc=f"{type(exc).__name__}: {exc}"),
                "hint": "",
            }

    def _start(self) -> Child:
        job = self.job
        end_orphans_of(job.folder, older_than_epoch=self.epoch)
        kind = kinds.get(job.kind)
        with self._kept_alive():
            self._bring_in_leftovers()
            inputs = kind.prepare(job)  # may fetch files from far away
            secrets = kind.secrets(job)
        spec = {
            "program": kind.program, "job": str(job.pk), "epoch": self.epoch, "first_seq": job.last_seq + 1,
            "folder": str(job.folder), "inputs": inputs, "settings": job.settings,
        }  # fmt: skip
        if monotonic() - self.renewed_at > TIMING.fence:  # we were frozen or cut off: is it still ours?
            asked_at = monotonic()
            self.desired, self.renewed_at = protocol.renew(job=job, epoch=self.epoch), asked_at
        child = Child(
            folder=job.folder,
            spec=spec,
            root=Path(settings.BASE_DIR),
            extra_env={**self.env, **secrets},
            deadline=self.renewed_at + TIMING.kill,
        )
        with suppress(*AWAY):  # for people to see; the job does not depend on it
            Attempt.objects.filter(job=job, epoch=self.epoch).update(pid=child.pid)
        return child

    def _bring_in_leftovers(self) -> None:
        """Deliver what the attempt before wrote and could not: its newest checkpoint may be ahead of the database, the
        program goes on from there, and the curve must have no hole before it."""
        rest = leftovers(self.job.folder, before_epoch=self.epoch, after_seq=self.job.last_seq)
        while batch := list(islice(rest, 2000)):
            protocol.record_events(job=self.job, epoch=self.epoch, events=batch)

    @contextmanager
    def _kept_alive(self) -> Iterator[None]:
        """Renew the lease in a thread while this one is busy for as long as it takes. Raises Fenced at the end if it is lost."""
        done, lost = threading.Event(), threading.Event()

        def beat() -> None:
            try:
                while not done.wait(TIMING.heartbeat):
                    asked_at = monotonic()
                    with suppress(*AWAY):
                        protocol.renew(job=self.job, epoch=self.epoch)
                        self.renewed_at = asked_at
            except Fenced:
                lost.set()
            finally:
                connection.close()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        if lost.is_set():
            raise Fenced

    def _watch(self, child: Child) -> None:
        """Until the program has left: deliver, renew, pass on wishes. Raises Fenced."""
        while child.exit_code() is None:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(TIMING.poll)
            if monotonic() >= self.next_batch:
                self._deliver(child)
            self._renew_if_due(child)
            self._pass_on_wishes(child)
            self._leave_if_late(child)
            self._end_if_stalled(child)
        self._drain(child)

    def _deliver(self, child: Child) -> bool:
        """Carry new events to the database. False while the database is away: they wait in the file."""
        events = child.read_events()
        if not events:
            return True
        self.last_event_at = monotonic()
        self.next_batch = self.last_event_at + TIMING.batch
        try:
            clean = [{k: v for k, v in event.items() if k != "_end"} for event in events]
            protocol.record_events(job=self.job, epoch=self.epoch, events=clean)
        except AWAY as exc:
            self._reconnect(exc)
            return False
        child.accepted(events)
        for event in clean:
            if event["type"] == "failure":
                self.failure = event
            elif event["type"] == "result":
                self.result = event["result"]
        return True

    def _renew_if_due(self, child: Child) -> None:
        now = monotonic()  # before the request is sent, as with the claim
        if now < self.next_renewal:
            self._look_at_wishes(now)
            return
        self.next_renewal = now + TIMING.heartbeat
        try:
            self.desired = protocol.renew(job=self.job, epoch=self.epoch)
        except AWAY as exc:
            self.next_renewal = now + min(TIMING.heartbeat, 1.0)
            self._reconnect(exc)
            return
        self.renewed_at = now
        child.set_deadline(now + TIMING.kill)

    def _look_at_wishes(self, now: float) -> None:
        """Between renewals: a person who stops or cancels should not wait for the next heartbeat."""
        if now < self.next_look_at_wishes:
            return
        self.next_look_at_wishes = now + min(TIMING.heartbeat, 1.0)
        try:
            self.desired = protocol.wishes(job=self.job, epoch=self.epoch)
        except AWAY as exc:
            self._reconnect(exc)

    def _pass_on_wishes(self, child: Child) -> None:
        if self.desired == Desired.STOP:
            self._once("stop", lambda: child.command("stop_and_save"))
        if self.desired == Desired.CANCEL:
            self._once("cancel", lambda: self._begin_cancel(child))
            if monotonic() > self.cancel_by:
                child.kill()
        if self.desired == Desired.PAUSE:
            self._once("pause", child.ask_to_leave)
        if is_draining():
            self._once("drain", child.ask_to_leave)
        if kinds.get(self.job.kind).takes_messages:
            self._hand_over_messages(child)

    def _hand_over_messages(self, child: Child) -> None:
        """Passed on, then deleted: a message may arrive twice, never not at all (programs know them by their id)."""
        if monotonic() < self.next_look_for_messages:
            return
        self.next_look_for_messages = monotonic() + TIMING.batch
        try:
            for message in self.job.inbox.order_by("pk"):
                child.command("message", **message.payload)
                message.delete()
        except AWAY as exc:
            self._reconnect(exc)

    def _begin_cancel(self, child: Child) -> None:
        self.cancel_by = monotonic() + TIMING.grace
        child.command("cancel")

    def _leave_if_late(self, child: Child) -> None:
        """No renewal for too long: another worker may soon be given the job, so ours has to be gone by then."""
        late = monotonic() - self.renewed_at
        if late > TIMING.fence:
            self._once("fence", child.ask_to_leave)
        if late > TIMING.kill:
            raise Fenced

    def _end_if_stalled(self, child: Child) -> None:
        if monotonic() - self.last_event_at > TIMING.stall:
            minutes = TIMING.stall / 60
            self.failure = {
                "class": "stalled",
                "message": f"The program said nothing for {minutes:.0f} minutes.",
                "hint": "Look at the log for what it was doing; on a slow machine use a smaller batch or length.",
            }
            child.kill()

    def _once(self, name: str, act: Any) -> None:
        if name not in self.told:
            self.told.add(name)
            act()

    def _drain(self, child: Child) -> None:
        """The program has left; bring in what it still wrote, as long as the lease allows."""
        while child.read_events(1):
            self._renew_if_due(child)
            if not self._deliver(child):
                if monotonic() - self.renewed_at > TIMING.kill:
                    raise Fenced
                time.sleep(TIMING.poll)

    def _conclude(self, child: Child | None) -> None:
        """Write the end into the database; try again while it is away and the lease may still be ours."""
        while True:
            try:
                self._write_end(child)
                return
            except Fenced:
                log.warning("job %s: its end was not accepted for epoch %s", self.job.pk, self.epoch)
                return
            except AWAY as exc:
                self._reconnect(exc)
                if monotonic() - self.renewed_at > TIMING.lease:
                    return  # the reaper gives the job to the next worker
                time.sleep(TIMING.poll)

    def _write_end(self, child: Child | None) -> None:
        code = child.exit_code() if child else None
        mine: dict[str, Any] = {"job": self.job, "epoch": self.epoch}
        left_early = self.gave_up or (code == EXIT_INTERRUPTED and self.failure is None and self._was_asked_to_leave())
        nothing_to_save = left_early and "stop" in self.told and not self.told & {"drain", "fence", "pause"}
        if self.desired == Desired.CANCEL or nothing_to_save:
            protocol.end_cancelled(**mine)
        elif code == 0 and self.result is not None:
            self._write_success(mine)
        elif left_early:
            protocol.release(**mine)
        else:
            protocol.fail(**mine, failure=self.failure or describe_exit(code, child))

    def _was_asked_to_leave(self) -> bool:
        """By us, or by its own deadline. A program that leaves unasked has crashed: else it would come back for ever."""
        return (
            bool(self.told & {"drain", "fence", "stop", "pause"})
            or monotonic() - self.renewed_at > TIMING.fence
            or is_draining()
        )

    def _write_success(self, mine: dict[str, Any]) -> None:
        try:
            with self._kept_alive():  # to verify large files takes its time
                protocol.succeed(**mine, result=self.result or {})
        except (Fenced, *AWAY):
            raise
        except Exception as exc:  # also of the stage whose job it is
            self.job.refresh_from_db()
            if isinstance(exc, Conflict) and self.job.status == Status.CANCELLING:
                protocol.end_cancelled(**mine)
                return
            self._note_failure(exc, is_started=False)
            protocol.fail(**mine, failure=self.failure or {})

    def _reconnect(self, exc: Exception) -> None:
        log.warning("job %s: the database is away: %s", self.job.pk, exc)
        connection.close()
        close_old_connections()


def describe_exit(code: int | None, child: Child | None) -> dict[str, Any]:
    """A failure for a program that left without telling one."""
    tail = "\n".join(child.log_tail(8)) if child else ""
    if code is not None and code < 0:
        return {"class": "crashed", "message": SIGNALLED.format(signal=-code), "hint": SIGNALLED_HINT}
    return {
        "class": "crashed",
        "message": f"The program left with exit code {code}. {tail}",
        "hint": "Read the log's last lines.",
    }


def is_draining() -> bool:
    """Whether this worker was asked to shut down (its main process leaves a mark, console/celery.py)."""
    return any(
        (Path(settings.TUNELOOP_DATA) / "run" / f"{pid}.draining").exists() for pid in (os.getppid(), os.getpid())
    )
