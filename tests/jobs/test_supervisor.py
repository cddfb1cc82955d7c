"""One attempt from claim to end, with a real program."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from apps.accounts.models import User
from apps.core.errors import Problem
from apps.jobs import kinds, protocol, services, supervisor
from apps.jobs.child import monotonic
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Artifact, Job, Message, Status
from apps.jobs.supervisor import Supervision
from apps.jobs.timing import Timing
from tests.jobs.test_child import is_gone, wait_until
from tests.make import FAKE, with_fake_kind

pytestmark = pytest.mark.django_db
QUICK = Timing(
    lease=30, heartbeat=0.1, fence=8, kill=12, slack=1, sweep=1, poll=0.02, batch=0.02, grace=0.5, stall=20, retry=0.1
)
PROGRAM = replace(FAKE, program="tests.jobs.program")
Run = Callable[..., Job]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """Short periods, a data folder of this test, and a connection that survives a pretended loss."""
    settings.TUNELOOP_DATA = tmp_path
    monkeypatch.setattr(supervisor, "TIMING", QUICK)
    monkeypatch.setattr(protocol, "TIMING", QUICK)
    monkeypatch.setattr(Supervision, "_reconnect", lambda self, exc: None)


@pytest.fixture
def run(job: Job, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Claim the job and run it through with these steps; the row after it."""

    def through(
        *steps: list[Any], timing: Timing = QUICK, kind: Kind = PROGRAM, late: float = 0.0, **changes: Any
    ) -> Job:
        with_fake_kind(monkeypatch, replace(kind, **changes))
        monkeypatch.setattr(supervisor, "TIMING", timing)
        Job.objects.filter(pk=job.pk).update(settings={"steps": steps}, not_before=None)
        asked_at = monotonic() - late
        claimed = protocol.claim(queue="gpu", slot="h:gpu0", worker="w")
        assert claimed is not None
        Supervision(claimed, {}, asked_at).run()
        return Job.objects.get(pk=job.pk)

    return through


def when(event_type: str, act: Callable[[Job], object]) -> Callable[[Job, Event], None]:
    """A kind's `on_event` that acts once, at the first event of a type."""
    done: list[bool] = []

    def on_event(job: Job, event: Event) -> None:
        if event["type"] == event_type and not done:
            done.append(True)
            act(job)

    return on_event


def facts_of(job: Job, name: str) -> Any:
    return job.facts[name]


# ---- it goes well


def test_run__program_succeeds__has_curve_log_result_and_pid(run: Run) -> None:
    job = run(["metric", 50], ["say", "log", {"level": "warn", "text": "hm"}])
    assert (job.status, job.result, job.points.count()) == (Status.SUCCEEDED, {"steps": 2}, 50)
    assert [line.text for line in job.log_lines.all()] == ["hm"]
    attempt = job.attempts.get()
    assert (attempt.outcome, attempt.pid is not None) == ("succeeded", True)
    assert (job.slot, job.lease_until) == (None, None)


def test_run__spec__brings_inputs_epoch_and_place_to_go_on(run: Run) -> None:
    job = run(["tell_environment"], prepare=lambda job: {"model": {"folder": "/abs"}})
    assert facts_of(job, "inputs") == {"model": {"folder": "/abs"}}
    assert facts_of(job, "spec") == {"epoch": 1, "first_seq": 1}


def test_run__after_a_crash__goes_on_counting_and_succeeds(run: Run) -> None:
    crashed = run(["metric", 3], ["crash"])
    assert (crashed.status, crashed.crashes, crashed.points.count()) == (Status.QUEUED, 1, 3)
    job = run(["say", "resumed", {"step": 1}], ["metric", 5], ["tell_environment"])
    assert (job.status, job.epoch, job.points.count()) == (Status.SUCCEEDED, 2, 5)
    assert facts_of(job, "spec")["first_seq"] == crashed.last_seq + 1
    assert job.failure_message == ""


def test_run__on_success__is_in_the_same_transaction_as_the_end(run: Run) -> None:
    job = run(on_success=lambda job, result: Artifact.objects.create(job=job, kind="x", name="x", epoch=job.epoch))
    assert job.status == Status.SUCCEEDED
    assert job.artifacts.count() == 1


# ---- the program goes wrong


@pytest.mark.parametrize(
    ("step", "status", "failure_class", "words"),
    [
        (["crash"], Status.QUEUED, "crashed", "boom"),
        (["die"], Status.QUEUED, "crashed", "signal 9"),
        (["leave", 5], Status.QUEUED, "crashed", "last words"),
        (["leave", 0], Status.QUEUED, "crashed", "exit code 0"),
        (["leave", 75], Status.QUEUED, "crashed", "exit code 75"),
        (["refuse"], Status.FAILED, "user_error", "learning rate"),
        (["write", "no event"], Status.QUEUED, "crashed", "cannot be read"),
        (["write", '{"seq": 99, "type": "x"}'], Status.QUEUED, "crashed", "missing"),
    ],
)
def test_run__program_ends_badly__is_classed_with_its_words(
    run: Run, step: list[Any], status: str, failure_class: str, words: str
) -> None:
    job = run(["metric", 2], step)
    assert (job.status, job.failure_class) == (status, failure_class)
    assert words in job.failure_message
    assert job.points.count() <= 2
    assert job.attempts.get().outcome == failure_class


def test_run__crashes_up_to_the_cap__fails_for_good(run: Run) -> None:
    for _number in range(3):
        job = run(["crash"])
    assert (job.status, job.crashes, job.attempts.count()) == (Status.FAILED, 3, 3)


def test_run__program_silent_for_too_long__is_ended_as_stalled(run: Run) -> None:
    job = run(["deafen"], timing=replace(QUICK, stall=0.6))
    assert (job.status, job.failure_class) == (Status.QUEUED, "stalled")


def test_run__program_leaves_children__ends_them(run: Run) -> None:
    job = run(["spawn"], ["crash"])
    wait_until(lambda: is_gone(facts_of(job, "spawned")))


# ---- our own side goes wrong


def refuse(job: Job, *_more: Any) -> dict[str, Any]:
    raise Problem("The model is gone.", hint="Add it again.")


def explode(job: Job, *_more: Any) -> dict[str, Any]:
    raise KeyError("a bug")


def cut_off(job: Job, *_more: Any) -> dict[str, Any]:
    raise OperationalError("away")


@pytest.mark.parametrize("where", ["prepare", "verify", "on_success"])
def test_run__stage_refuses__is_a_users_error_with_its_hint(run: Run, where: str) -> None:
    job = run(["metric", 1], **{where: refuse})
    assert (job.status, job.failure_class) == (Status.FAILED, "user_error")
    assert (job.failure_message, job.failure_hint) == ("The model is gone.", "Add it again.")


@pytest.mark.parametrize("where", ["prepare", "on_event", "verify", "on_success"])
def test_run__stage_has_a_bug__ends_the_attempt_at_once_and_says_so(run: Run, where: str) -> None:
    job = run(["metric", 1], ["sleep", 0.1], **{where: explode})
    assert (job.status, job.failure_class, job.slot) == (Status.QUEUED, "crashed", None)
    assert "a bug" in job.failure_message
    assert job.result == {}


def test_run__kind_is_gone__fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "get", explode)
    monkeypatch.setattr(kinds, "find", lambda name: None)
    claimed = protocol.claim(queue="gpu", slot="h:gpu0", worker="w")
    assert claimed is not None
    Supervision(claimed, {}, monotonic()).run()
    claimed.refresh_from_db()
    assert claimed.status == Status.FAILED


def test_run__database_away_before_the_start__gives_the_job_back_unharmed(run: Run) -> None:
    job = run(prepare=cut_off)
    assert (job.status, job.crashes, job.attempts.get().outcome) == (Status.QUEUED, 0, "released")


def test_run__database_away_for_a_while__delivers_all_and_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = protocol.record_events, iter(range(5))

    def sometimes(**kwargs: Any) -> int:
        if next(failures, None) is not None:
            raise OperationalError("away")
        return real(**kwargs)

    monkeypatch.setattr(protocol, "record_events", sometimes)
    job = run(["metric", 20], ["sleep", 0.5], ["metric", 30])
    assert (job.status, job.points.count()) == (Status.SUCCEEDED, 30)


def test_run__cut_off_for_good__ends_the_program_and_writes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("renew", "wishes"):
        monkeypatch.setattr(protocol, name, cut_off_from)
    job = run(["spawn"], ["deafen"], timing=replace(QUICK, fence=0.5, kill=1.0))
    assert (job.status, job.epoch, job.attempts.get().outcome) == (Status.RUNNING, 1, "")
    assert job.attempts.get().pid is not None
    wait_until(lambda: is_gone(facts_of(job, "spawned")))


def test_run__cut_off__obedient_program_saves_and_the_job_is_given_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("renew", "wishes"):
        monkeypatch.setattr(protocol, name, cut_off_from)
    job = run(["obey"], timing=replace(QUICK, fence=0.5, kill=10.0))
    assert (job.status, job.crashes, job.attempts.get().outcome) == (Status.QUEUED, 0, "released")


def cut_off_from(**kwargs: Any) -> str:
    raise OperationalError("away")


# ---- somebody else is the owner


def give_away(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(epoch=7)


def test_run__job_given_to_another__kills_the_program_and_writes_nothing_more(run: Run) -> None:
    job = run(["spawn"], ["metric", 1], ["deafen"], on_event=when("metric", give_away))
    assert (job.status, job.epoch) == (Status.RUNNING, 7)
    assert job.attempts.get().outcome == ""
    wait_until(lambda: is_gone(facts_of(job, "spawned")))


def test_run__frozen_before_the_start_and_no_longer_ours__starts_nothing(run: Run) -> None:
    job = run(["metric", 1], late=9, prepare=lambda job: give_away(job) or {})  # type: ignore[func-returns-value]
    assert job.status == Status.RUNNING
    assert job.attempts.get().pid is None
    assert not (job.folder / "spec-1.json").exists()


def test_run__frozen_before_the_start_but_still_ours__renews_first(run: Run) -> None:
    assert run(["metric", 1], late=9).status == Status.SUCCEEDED


def test_kept_alive__stage_takes_long__renews_all_the_while(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    renewals: list[int] = []

    def note(*, job: Job, epoch: int) -> str:
        renewals.append(epoch)
        return "run"

    monkeypatch.setattr(protocol, "renew", note)
    attempt = Supervision(running, {}, monotonic() - 5)
    with attempt._kept_alive():
        wait_until(lambda: len(renewals) >= 3)
    assert set(renewals) == {1}
    assert monotonic() - attempt.renewed_at < 2


def test_kept_alive__lease_lost__is_fenced(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def refused(**kwargs: Any) -> str:
        asked.append(True)
        raise protocol.Fenced

    monkeypatch.setattr(protocol, "renew", refused)
    with pytest.raises(protocol.Fenced), Supervision(running, {}, monotonic())._kept_alive():
        wait_until(lambda: bool(asked))


# ---- people want something


def test_cancel__obedient_program__is_cancelled(run: Run, owner: User) -> None:
    job = run(["metric", 1], ["obey"], on_event=when("metric", lambda job: services.cancel(actor=owner, job=job)))
    assert (job.status, job.attempts.get().outcome) == (Status.CANCELLED, "cancelled")


def test_cancel__deaf_program__is_killed_after_its_grace(run: Run, owner: User) -> None:
    job = run(["deafen"], on_event=when("log", lambda job: services.cancel(actor=owner, job=job)))
    assert job.status == Status.CANCELLED


def test_cancel__program_just_finished__never_succeeds(run: Run, owner: User) -> None:
    job = run(["metric", 1], verify=lambda job, result: services.cancel(actor=owner, job=Job.objects.get(pk=job.pk)))
    assert (job.status, job.result) == (Status.CANCELLED, {})


def test_stop__running_program__ends_with_what_it_has(run: Run, owner: User) -> None:
    job = run(
        ["metric", 1], ["obey"], on_event=when("metric", lambda job: services.stop_and_save(actor=owner, job=job))
    )
    assert (job.status, job.facts["stopped"]) == (Status.SUCCEEDED, True)


def test_message__to_a_program_that_listens__is_answered_and_gone(run: Run, job: Job) -> None:
    for number in ("1", "2"):
        services.send_message(job=job, payload={"id": number, "text": f"word {number}"})
    told: list[str] = []

    def hear(job: Job, event: Event) -> None:
        if event["type"] == "reply":
            told.append(event["text"])

    ended = run(["answer", 2], takes_messages=True, on_event=hear)
    assert (ended.status, told) == (Status.SUCCEEDED, ["WORD 1", "WORD 2"])
    assert not Message.objects.exists()


# ---- the worker is asked to leave


def draining(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / f"{os.getpid()}.draining").touch()


def test_drain__obedient_program__saves_and_the_job_waits_for_the_next_worker(run: Run, tmp_path: Path) -> None:
    job = run(["metric", 1], ["obey"], on_event=when("metric", lambda job: draining(tmp_path)))
    assert (job.status, job.crashes, job.losses) == (Status.QUEUED, 0, 0)
    assert job.attempts.get().outcome == "released"


def test_run_next__while_draining__takes_nothing(job: Job, tmp_path: Path) -> None:
    draining(tmp_path)
    assert supervisor.run_next(queue="gpu", slots=["h:gpu0"], worker="w", env={}) is None
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_run_next__first_slot_in_use__takes_the_second(running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    second = services.submit(
        actor=None, workspace=running.workspace, kind="test.fake", title="second", inputs={}, settings={"steps": []}
    )
    with_fake_kind(monkeypatch, PROGRAM)
    done = supervisor.run_next(queue="gpu", slots=["h:gpu0", "h:gpu1"], worker="w", env={})
    assert done == second
    assert second.attempts.get().slot == "h:gpu1"
    assert supervisor.run_next(queue="gpu", slots=["h:gpu1"], worker="w", env={}) is None
