"""Which job is next and what keeps one back: turns of workspaces, holds, dependencies, minutes, drained slots."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem
from apps.jobs import choosing, depending, draining, holding, ordering, protocol, quota, services, usage
from apps.jobs.models import Allowance, Attempt, Dependency, Job, Slot, Status
from tests.cast import Cast
from tests.make import make_job

pytestmark = pytest.mark.django_db


def take(slot: str = "h:gpu0") -> Job | None:
    return protocol.claim(queue="gpu", slot=slot, worker="w")


def used(workspace: Workspace, minutes: float, *, ended: datetime | None = None) -> Job:
    """A job of this workspace that had a slot for so many minutes."""
    ended = ended or datetime.now(UTC)
    job = make_job(workspace, status=Status.SUCCEEDED)
    attempt = Attempt.objects.create(job=job, epoch=1, worker="w", slot="h:gpu0", ended_at=ended, outcome="succeeded")
    Attempt.objects.filter(pk=attempt.pk).update(created_at=ended - timedelta(minutes=minutes))
    return job


def test_claim__two_workspaces_wait__takes_of_the_one_that_used_less(cast: Cast) -> None:
    used(cast.workspace, 30)
    first, late = make_job(cast.workspace), make_job(cast.other_workspace)
    assert [take("h:gpu0"), take("h:gpu1")] == [late, first]


def test_claim__equal_use__the_slots_go_to_both(cast: Cast) -> None:
    mine = [make_job(cast.workspace, title=f"{number}") for number in range(3)]
    other = make_job(cast.other_workspace)
    assert [take(f"h:gpu{number}") for number in range(3)] == [mine[0], other, mine[1]]


@pytest.mark.parametrize(("weight", "turn"), [(1, "other"), (8, "own")])
def test_claim__three_times_the_use__is_outweighed_by_a_weight_of_eight(cast: Cast, weight: float, turn: str) -> None:
    Allowance.objects.create(workspace=cast.workspace, weight=weight)
    used(cast.workspace, 30)
    used(cast.other_workspace, 10)
    waiting = {"own": make_job(cast.workspace), "other": make_job(cast.other_workspace)}
    assert take() == waiting[turn]


def test_claim__priority__orders_only_inside_a_workspace(cast: Cast) -> None:
    used(cast.workspace, 30)
    make_job(cast.workspace, priority=100)
    plain, urgent = make_job(cast.other_workspace), make_job(cast.other_workspace, priority=1)
    assert [take("h:gpu0"), take("h:gpu1")] == [urgent, plain]


def test_hold__waiting_job__is_not_taken_until_released(cast: Cast) -> None:
    job = make_job(cast.workspace)
    holding.hold(actor=cast.engineer, job=job, why="data is wrong")
    assert take() is None
    job.refresh_from_db()
    assert (job.status, job.held_by, job.held_why) == ("queued", cast.engineer, "data is wrong")
    holding.release(actor=cast.engineer, job=job)
    assert take() == job


def test_hold__running_job__is_asked_to_leave_and_then_waits(cast: Cast, running: Job) -> None:
    holding.hold(actor=cast.engineer, job=running)
    assert protocol.renew(job=running, epoch=1) == "pause"
    protocol.release(job=running, epoch=1)
    running.refresh_from_db()
    assert (running.status, running.desired, running.losses, running.crashes) == ("queued", "run", 0, 0)
    assert take() is None
    holding.release(actor=cast.engineer, job=running)
    assert take() == running


def test_hold__its_worker_dies_meanwhile__stays_paused(cast: Cast, running: Job) -> None:
    holding.hold(actor=cast.engineer, job=running)
    Job.objects.filter(pk=running.pk).update(lease_until=Now() - timedelta(hours=1))
    assert services.reap() == 1
    running.refresh_from_db()
    assert (running.status, running.desired, running.held_at is None) == ("queued", "run", False)
    assert take() is None


def test_hold__job_that_is_being_stopped__is_refused(cast: Cast, running: Job) -> None:
    services.stop_and_save(actor=cast.engineer, job=running)
    with pytest.raises(Conflict):
        holding.hold(actor=cast.engineer, job=running)


def test_hold__between_the_choice_and_the_claim__wins(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(cast.workspace)
    monkeypatch.setattr(choosing, "candidates", lambda queue: [Job.objects.get(pk=job.pk)])
    holding.hold(actor=cast.engineer, job=job)
    assert take() is None


def test_paused_queue__workspace__begins_nothing_and_others_do(cast: Cast) -> None:
    job, other = make_job(cast.workspace), make_job(cast.other_workspace)
    holding.pause_queue(actor=cast.owner, workspace=cast.workspace)
    assert [take("h:gpu0"), take("h:gpu1")] == [other, None]
    holding.resume_queue(actor=cast.owner, workspace=cast.workspace)
    assert take("h:gpu1") == job


def test_after__predecessor_succeeds__the_next_may_begin(cast: Cast, running: Job) -> None:
    after = make_after(cast, running)
    assert take("h:gpu1") is None
    protocol.succeed(job=running, epoch=1, result={})
    assert take("h:gpu1") == after


def make_after(cast: Cast, *jobs: Job) -> Job:
    values: dict[str, Any] = {"inputs": {}, "settings": {}, "kind": "test.fake", "title": "after"}
    return services.submit(actor=cast.engineer, workspace=cast.workspace, after=jobs, **values)


def test_after__predecessor_fails__a_chain_is_cancelled_with_the_reason(cast: Cast, running: Job) -> None:
    after = make_after(cast, running)
    last = make_after(cast, after)
    protocol.fail(job=running, epoch=1, failure={"class": "user_error", "message": "no"})
    services.sweep()
    for job in (after, last):
        job.refresh_from_db()
        assert job.status == "cancelled"
    assert "ended as failed" in after.failure_message and "ended as cancelled" in last.failure_message


def test_after__kept_or_on_any_end__is_not_cancelled(cast: Cast, running: Job) -> None:
    kept, always = make_job(cast.workspace), make_job(cast.workspace)
    depending.add(actor=cast.engineer, job=kept, on=running, if_failed="keep")
    depending.add(actor=cast.engineer, job=always, on=running, condition="end")
    protocol.fail(job=running, epoch=1, failure={"class": "user_error", "message": "no"})
    services.sweep()
    assert [take("h:gpu0"), take("h:gpu1")] == [always, None]
    depending.remove(actor=cast.engineer, job=kept, on=running)
    assert take("h:gpu1") == kept


def test_after__circle__is_refused(cast: Cast) -> None:
    first, second, third = (make_job(cast.workspace) for _number in range(3))
    depending.add(actor=cast.engineer, job=second, on=first)
    depending.add(actor=cast.engineer, job=third, on=second)
    for on in (third, first):
        with pytest.raises(Problem, match="wait for each other"):
            depending.add(actor=cast.engineer, job=first, on=on)
    assert Dependency.objects.count() == 2


def test_after__job_of_another_workspace__is_refused(cast: Cast) -> None:
    with pytest.raises(Problem, match="own workspace"):
        depending.add(actor=cast.owner, job=make_job(cast.workspace), on=make_job(cast.other_workspace))


def test_minutes__used_up__launch_is_refused_with_what_is_used_and_when_it_renews(cast: Cast) -> None:
    waiting = make_job(cast.workspace)
    used(cast.workspace, 3, ended=datetime.now(UTC) + timedelta(minutes=3))
    Allowance.objects.create(workspace=cast.workspace, minutes=0)
    with pytest.raises(Conflict) as refused:
        make_job(cast.workspace)
    assert "may use 0 GPU-minutes" in refused.value.message and "renew on" in refused.value.hint
    assert take() is None  # what waits already waits until then
    Allowance.objects.update(minutes=None)
    assert take() == waiting


def test_minutes__when_launches_shall_wait__the_job_is_queued_and_not_taken(cast: Cast) -> None:
    Allowance.objects.create(workspace=cast.workspace, minutes=0, beyond="wait")
    job = make_job(cast.workspace)
    assert take() is None
    Allowance.objects.update(minutes=10)
    assert take() == job


@pytest.mark.parametrize("ends", [False, True])
def test_minutes__running_job__gives_its_slot_back_only_if_the_owner_says_so(
    cast: Cast, running: Job, ends: bool
) -> None:
    Allowance.objects.create(workspace=cast.workspace, minutes=0, ends_running=ends)
    services.sweep()
    assert protocol.renew(job=running, epoch=1) == ("pause" if ends else "run")
    assert quota.standing(cast.workspace).is_used_up


def test_minutes__over_the_border_of_a_month__count_in_each(cast: Cast) -> None:
    border = datetime(2026, 12, 1, tzinfo=UTC)
    used(cast.workspace, 60, ended=border + timedelta(minutes=40))
    rooms = [cast.workspace.pk]
    assert usage.of_month(rooms, now=border - timedelta(seconds=1))[rooms[0]] == pytest.approx(20, abs=0.1)
    assert usage.of_month(rooms, now=border + timedelta(days=2))[rooms[0]] == pytest.approx(40)
    assert usage.renewal_after(border - timedelta(seconds=1)) == border


def test_drain__slot__takes_nothing_new_and_may_give_back(cast: Cast, running: Job) -> None:
    slot = Slot.objects.create(name="h:gpu0", queue="gpu", host="h", seen_at=datetime.now(UTC))
    draining.drain(actor=cast.owner, slot=slot)
    assert protocol.renew(job=running, epoch=1) == "run"
    draining.drain(actor=cast.owner, slot=slot, at_once=True)
    assert protocol.renew(job=running, epoch=1) == "pause"
    protocol.release(job=running, epoch=1)
    assert take("h:gpu0") is None
    draining.undrain(actor=cast.owner, slot=slot)
    assert take("h:gpu0") == running


def test_move__waiting_jobs__are_taken_in_the_new_order(cast: Cast) -> None:
    jobs = [make_job(cast.workspace, title=f"{number}") for number in range(4)]
    ordering.move_to(actor=cast.engineer, job=jobs[3], position=0)
    ordering.move_to(actor=cast.engineer, job=jobs[0], position=2)
    assert [job.title for job in ordering.line_of(jobs[0])] == ["3", "1", "0", "2"]


def test_move__past_other_priorities__takes_the_nearest_that_fits(cast: Cast) -> None:
    high, low = make_job(cast.workspace, priority=10), make_job(cast.workspace, priority=-10)
    assert ordering.move_to(actor=cast.engineer, job=low, position=0).priority == 10
    assert ordering.line_of(high) == [low, high]


def test_priority__out_of_bounds__is_refused(cast: Cast) -> None:
    with pytest.raises(Problem, match="-100 to 100"):
        ordering.set_priority(actor=cast.engineer, job=make_job(cast.workspace), priority=101)
