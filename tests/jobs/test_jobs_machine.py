"""The real SQL of the job protocol against a plain reference: any order of claims, zombies, repeats, cancels and lost workers.

Time is moved by shifting the stored moments into the past, so that the database's own clock is used throughout.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.accounts.models import Workspace
from apps.core.errors import Conflict
from apps.jobs import curves, holding, protocol, services
from apps.jobs.models import ALIVE, TERMINAL, Job, MetricBlock
from tests.jobs.protocol_reference import CAP, Attempt, RefJob
from tests.make import make_job

EXAMPLES = int(os.environ.get("TUNELOOP_EXAMPLES", "30"))
SLOTS = ["h:gpu0", "h:gpu1"]
LEAPS = [7, 31, 80]  # seconds; no sum of them comes near a lease, a slack or a wait
ENDS = ["fail"] * 4 + ["succeed", "release", "user_error", "end_cancelled"]
WORDS = ["metric", "metric", "again", "log", "progress", "checkpoint"]
NEEDS_ATTEMPT = ["program_writes", "program_works", "deliver", "renew", "end", "program_crashes_again"]
ACTIONS = [
    *["submit", "time_passes", "reap", "lease_is_over_but_not_the_slack"],
    *["worker_is_lost", "program_crashes_again", "renew", "person_wishes", "end"] * 2, *["claim"] * 3,
    *["program_writes", "deliver"] * 4, *["program_works"] * 3,
]  # fmt: skip
Choose = Callable[[Sequence[Any]], Any]


class JobsMachine(RuleBasedStateMachine):
    """Every step is done in the database and in the reference; then they must agree."""

    workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self.refs: dict[Any, RefJob] = {}
        self.attempts: list[Attempt] = []  # also those that are long dead: their writes may still come
        self.example = transaction.atomic()
        self.example.__enter__()

    def teardown(self) -> None:
        try:
            for pk in self.refs:
                self.compare_curve(Job.objects.get(pk=pk))
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @initialize()
    def first_job(self) -> None:
        self.submit(first)

    @rule(data=st.data(), action=st.sampled_from(sorted(set(ACTIONS))))
    def one_step(self, data: st.DataObject, action: str) -> None:
        """Anything at all, as hypothesis likes it."""
        self.act(action, lambda choices: data.draw(st.sampled_from(list(choices))))

    @rule(seed=st.integers(0, 2**32 - 1))
    def busy_minute(self, seed: int) -> None:
        """Many steps, as often as they come in life: hypothesis alone seldom gets a job far enough to lose it."""
        chance = Random(seed)
        for _number in range(15):
            self.act(chance.choice(ACTIONS), chance.choice)
            self.rows_are_as_in_the_reference()

    def act(self, action: str, choose: Choose) -> None:
        if action in NEEDS_ATTEMPT and not self.attempts:
            action = "claim"
        getattr(self, action)(choose)

    # ---- people

    def submit(self, choose: Choose) -> None:
        if sum(not ref.is_over for ref in self.refs.values()) < 2:
            priority = choose([0, 1])
            job = make_job(self.workspace, priority=priority)
            self.refs[job.pk] = RefJob(priority=priority, order=len(self.refs))

    def person_wishes(self, choose: Choose) -> None:
        pk = choose(list(self.refs))
        job, ref = Job.objects.get(pk=pk), self.refs[pk]
        wish = choose(["cancel", "stop", "hold", "hold", "release", "release"])
        if wish == "cancel":
            services.cancel(actor=None, job=job)
            ref.cancel()
        elif wish == "hold":
            self.same_outcome(lambda: holding.hold(actor=None, job=job), ref.hold)
        elif wish == "release":
            self.same_outcome(lambda: holding.release(actor=None, job=job), ref.release)
        else:
            self.same_outcome(lambda: services.stop_and_save(actor=None, job=job), ref.stop)

    # ---- time and upkeep

    def time_passes(self, choose: Choose) -> None:
        seconds = choose(LEAPS)
        ago = timedelta(seconds=seconds)
        for moment in ("lease_until", "claimed_at", "not_before"):
            Job.objects.exclude(**{moment: None}).update(**{moment: F(moment) - ago})
        for ref in self.refs.values():
            ref.time_passes(seconds)

    def reap(self, _choose: Choose) -> None:
        assert services.reap() == sum(ref.reap() for ref in self.refs.values())

    def worker_is_lost(self, choose: Choose) -> None:
        """Its lease ends and another worker takes the job; the old one does not know it yet."""
        self.time_passes(last)
        self.reap(choose)
        self.claim(choose)

    def lease_is_over_but_not_the_slack(self, choose: Choose) -> None:
        self.time_passes(middle)
        self.time_passes(middle)
        self.reap(choose)

    # ---- workers

    def claim(self, choose: Choose) -> None:
        slot = choose(SLOTS)
        claimed = protocol.claim(queue="gpu", slot=slot, worker="w")
        ready = sorted((ref for ref in self.refs.values() if ref.is_ready), key=lambda ref: (-ref.priority, ref.order))
        taken = any(ref.slot == slot for ref in self.refs.values())
        if taken or not ready:
            assert claimed is None
            return
        assert claimed is not None and self.refs[claimed.pk] is ready[0]
        epoch = ready[0].claim(slot)
        assert claimed.epoch == epoch
        self.attempts.append(Attempt(claimed, epoch, first_seq=claimed.last_seq + 1, step=ready[0].last_step))

    def program_works(self, choose: Choose) -> None:
        """As it should be: points are written and delivered."""
        for _number in range(3):
            self.write(self.any_attempt(first, self.attempts), choose)
            self.deliver(first)

    def program_writes(self, choose: Choose) -> None:
        self.write(self.any_attempt(choose, self.attempts), choose)

    def write(self, attempt: Attempt, choose: Choose) -> None:
        if attempt.epoch > 1 and not attempt.events:
            attempt.resume(max(0, attempt.step - choose([0, 1, 2])))
        for _number in range(choose([1, 2, 4])):
            attempt.write(choose(WORDS))

    def deliver(self, choose: Choose) -> None:
        """A batch that goes on where the worker believes to be, or is a repeat, or leaves something out."""
        writers = [attempt for attempt in self.attempts if attempt.events]
        if not writers:
            return
        attempt = self.any_attempt(choose, writers)
        begin = min(max(attempt.sent + choose([0, 0, 0, 0, -1, -2, 1]), 0), len(attempt.events) - 1)
        batch = attempt.events[begin : begin + choose([1, 3, 6])]
        ref = self.refs[attempt.job.pk]
        seq = self.same_outcome(
            lambda: protocol.record_events(job=attempt.job, epoch=attempt.epoch, events=batch),
            lambda: ref.record(attempt.epoch, batch),
        )
        if seq is not None:
            attempt.sent = seq - attempt.first_seq + 1

    def renew(self, choose: Choose) -> None:
        attempt = self.any_attempt(choose, self.attempts)
        ref = self.refs[attempt.job.pk]
        self.same_outcome(
            lambda: protocol.renew(job=attempt.job, epoch=attempt.epoch), lambda: ref.renew(attempt.epoch)
        )

    def end(self, choose: Choose) -> None:
        self.end_attempt(self.any_attempt(choose, self.attempts), choose(ENDS))

    def program_crashes_again(self, choose: Choose) -> None:
        """The attempt that runs crashes, and the job is claimed anew when its wait is over."""
        self.end_attempt(self.any_attempt(first, self.attempts), "fail")
        self.time_passes(middle)
        self.claim(choose)

    def end_attempt(self, attempt: Attempt, how: str) -> None:
        ref = self.refs[attempt.job.pk]
        mine: dict[str, Any] = {"job": attempt.job, "epoch": attempt.epoch}
        failure = {"class": "crashed" if how == "fail" else how, "message": "it ended"}
        ways: dict[str, Callable[[], Any]] = {
            "succeed": lambda: protocol.succeed(**mine, result={"step": 1}),
            "fail": lambda: protocol.fail(**mine, failure=failure),
            "user_error": lambda: protocol.fail(**mine, failure=failure),
            "release": lambda: protocol.release(**mine),
            "end_cancelled": lambda: protocol.end_cancelled(**mine),
        }
        self.same_outcome(ways[how], lambda: ref.end(attempt.epoch, how))

    def any_attempt(self, choose: Choose, among: Sequence[Attempt]) -> Attempt:
        """Mostly one that owns its job, sometimes one of the last that lost theirs."""
        owners = [attempt for attempt in among if self.refs[attempt.job.pk].owns(attempt.epoch)]
        late = [attempt for attempt in among if attempt not in owners][-2:]
        found: Attempt = choose(owners * 4 + late)
        return found

    # ---- comparing

    @invariant()
    def rows_are_as_in_the_reference(self) -> None:
        for job in Job.objects.all():
            ref = self.refs[job.pk]
            assert (job.status, job.epoch, job.desired) == (ref.status, ref.epoch, ref.desired)
            assert (job.losses, job.crashes, job.slot) == (ref.losses, ref.crashes, ref.slot)
            assert (job.last_seq, job.last_step) == (ref.last_seq, ref.last_step)
            assert near(job.lease_until, ref.lease if ref.status in ALIVE else None)
            assert near(job.not_before, ref.wait)
            assert job.losses <= CAP and job.crashes <= CAP
            assert job.attempts.filter(ended_at=None).count() == (job.status in ALIVE)
            assert (job.finished_at is not None) == (job.status in TERMINAL)

    def compare_curve(self, job: Job) -> None:
        ref = self.refs[job.pk]
        points = {
            (name, step): (seq, value)
            for name, step, seq, value in job.points.values_list("name", "step", "seq", "value")
        }
        assert points == ref.curve
        assert set(job.log_lines.values_list("seq", flat=True)) == ref.lines
        assert set(job.artifacts.values_list("name", flat=True)) == ref.artifacts
        blocks = set(job.blocks.values_list("name", "block", "first_step", "last_step"))
        MetricBlock.objects.filter(job=job).delete()
        curves.update_blocks(job, {"loss": {step for _name, step in points}} if points else {})
        assert blocks == set(job.blocks.values_list("name", "block", "first_step", "last_step"))

    def same_outcome(self, real: Callable[[], Any], reference: Callable[[], Any]) -> Any:
        """Both give the same answer or refuse in the same way; the answer, or None."""
        expected = reference()
        try:
            answer = real()
        except (protocol.Fenced, Conflict, ValueError) as exc:
            assert expected == type(exc).__name__, f"{exc!r} instead of {expected!r}"
            return None
        assert expected not in ("Fenced", "Conflict", "ValueError"), f"{answer!r} instead of {expected}"
        if isinstance(expected, int | str):
            assert answer == expected
            return answer
        return None


def middle(choices: Sequence[Any]) -> Any:
    return choices[len(choices) // 2]


def last(choices: Sequence[Any]) -> Any:
    return choices[-1]


def first(choices: Sequence[Any]) -> Any:
    return choices[0]


def near(moment: datetime | None, seconds: float | None) -> bool:
    """Whether a moment is so many seconds away, give or take what the test itself takes."""
    if moment is None or seconds is None:
        return moment is None and seconds is None
    return abs((moment - timezone.now()).total_seconds() - seconds) < 6


def explore(workspace: Workspace, examples: int) -> None:
    JobsMachine.workspace = workspace
    run_state_machine_as_test(
        JobsMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=8, deadline=None, derandomize="TUNELOOP_EXAMPLES" not in os.environ,
            database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_jobs__any_order_of_events__rows_are_as_in_the_reference(workspace: Workspace) -> None:
    explore(workspace, EXAMPLES)
