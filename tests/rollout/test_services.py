"""The life of a rollout, who is sent where, and what is counted."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.rollout import services, switch
from apps.rollout.models import Arm, Exposure, Rollout, RolloutStatus
from apps.rollout.routing import CANDIDATE, CONTROL, REST, bucket
from apps.rollout.standing import standing
from apps.serving.models import Status
from tests.cast import Cast
from tests.rollout.making import make_deployment, make_exchange, make_rollout

pytestmark = pytest.mark.django_db


def user_at(low: float, high: float, seed: str = "seed") -> str:
    """A user whose bucket lies in a range."""
    return next(f"u{n}" for n in range(100_000) if low <= bucket(seed, f"u{n}") < high)


def arm_of(rollout: Rollout, unit: str) -> str:
    choice = services.choose(workspace=rollout.workspace, name=rollout.name, unit=unit)
    assert choice is not None and choice.deployment == choice.arm.deployment
    return str(choice.arm.key)


# ---- making one


def test_create__two_deployments__is_a_draft_that_chooses_nothing(cast: Cast) -> None:
    made = make_rollout(cast.workspace, start=False, actor=cast.engineer, seed="")
    assert made.status == "draft" and len(made.seed) == 16 and made.created_by == cast.engineer
    assert services.choose(workspace=cast.workspace, name="support", unit="u1") is None
    assert [arm.is_control for arm in (made.candidate, made.control, made.arm(REST))] == [False, True, True]
    assert made.control.deployment == made.arm(REST).deployment != made.candidate.deployment


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan"), float("inf")])
def test_create__share_out_of_range__is_refused(cast: Cast, share: float) -> None:
    with pytest.raises(Problem) as told:
        make_rollout(cast.workspace, share=share)
    assert told.value.field == "share"


@pytest.mark.parametrize("name", ["", "Support", "a b", "-a", "x" * 61])
def test_create__name_that_is_none__is_refused(cast: Cast, name: str) -> None:
    old, new = make_deployment(cast.workspace, "old"), make_deployment(cast.workspace, "new")
    with pytest.raises(Problem) as told:
        make_rollout(cast.workspace, name=name, control=old, candidate=new)
    assert told.value.field == "name"


def test_create__name_taken__is_a_conflict(cast: Cast, rollout: Rollout) -> None:
    old, new = rollout.control.deployment, rollout.candidate.deployment
    for name, by in (("support", "another rollout"), ("support-old", "a deployment")):
        with pytest.raises(Conflict, match=by):
            make_rollout(cast.workspace, name=name, control=old, candidate=new)
    elsewhere = make_rollout(cast.other_workspace)
    assert elsewhere.name == rollout.name


def test_create__same_deployment_twice_or_of_another_workspace__is_refused(cast: Cast) -> None:
    old, theirs = make_deployment(cast.workspace, "old"), make_deployment(cast.other_workspace, "theirs")
    with pytest.raises(Problem, match="same deployment"):
        make_rollout(cast.workspace, control=old, candidate=old)
    with pytest.raises(Problem, match="of this workspace") as told:
        make_rollout(cast.workspace, control=old, candidate=theirs)
    assert told.value.field == "candidate"


@pytest.mark.parametrize(("candidate", "control", "share"), [(1, 9, 0.1), (5, 5, 0.5), (1, 0, 1.0), (0, 3, 0.0)])
def test_share_of__weights__is_the_candidates_part(candidate: float, control: float, share: float) -> None:
    assert services.share_of(candidate, control) == share


@pytest.mark.parametrize(("candidate", "control"), [(0, 0), (-1, 2), (1, float("nan")), (float("inf"), 1)])
def test_share_of__weights_that_share_nothing__is_refused(candidate: float, control: float) -> None:
    with pytest.raises(Problem):
        services.share_of(candidate, control)


# ---- who goes where


def test_choose__by_bucket__sends_candidate_control_and_rest(rollout: Rollout) -> None:
    assert arm_of(rollout, user_at(0, 0.1)) == CANDIDATE
    assert arm_of(rollout, user_at(0.9, 1)) == CONTROL
    assert arm_of(rollout, user_at(0.4, 0.6)) == REST
    assert Exposure.objects.count() == 2  # the rest is not compared
    assert services.choose(workspace=rollout.workspace, name="unknown", unit="u") is None


def test_choose__again__is_the_same_arm_and_one_exposure(rollout: Rollout) -> None:
    user = user_at(0, 0.1)
    first = services.choose(workspace=rollout.workspace, name="support", unit=user)
    again = services.choose(workspace=rollout.workspace, name="support", unit=f" {user} ")
    assert first is not None and again is not None
    assert first.is_new and not again.is_new and first.arm == again.arm and "stays" in again.why
    seen = Exposure.objects.get()
    assert (seen.arm, seen.bucket, seen.share) == (first.arm, first.bucket, 0.1)
    with pytest.raises(TypeError):
        Exposure.objects.update(bucket=0)


def test_choose__without_a_unit__is_drawn_and_says_so(cast: Cast) -> None:
    rollout = make_rollout(cast.workspace, share=0.5)
    drawn = [services.choose(workspace=cast.workspace, name="support", unit="") for _ in range(60)]
    assert {choice.arm.key for choice in drawn if choice} == {CANDIDATE, CONTROL}
    assert all(choice and "named no user or session" in choice.why for choice in drawn)
    assert rollout.exposures.count() == 0


@pytest.mark.parametrize("unit", ["a\0b", "\ud800", "x" * 5000, "ünï", "\U0001f600"])
def test_choose__strange_unit__is_kept_as_every_database_can(rollout: Rollout, unit: str) -> None:
    services.set_share(actor=None, rollout=rollout, share=0.5)
    assert arm_of(rollout, unit) == arm_of(rollout, unit)
    assert Exposure.objects.count() == 1


def test_share__raised_and_lowered__moves_nobody_who_is_compared(cast: Cast, rollout: Rollout) -> None:
    users = [f"u{n}" for n in range(200)]
    before = {user: arm_of(rollout, user) for user in users}
    for share in (0.25, 0.5, 0.75, 0.2):
        services.set_share(actor=cast.engineer, rollout=rollout, share=share)
        now = {user: arm_of(rollout, user) for user in users}
        assert all(before[user] in (REST, now[user]) for user in users), share
        before = now
    assert [entry.data["now"] for entry in ledger.history(rollout) if entry.verb == "rollout.share"][::-1] == [
        0.25, 0.5, 0.75, 0.2,
    ]  # fmt: skip


def test_share__of_one_or_none__ends_the_comparison(rollout: Rollout) -> None:
    candidate, control = user_at(0, 0.1), user_at(0.9, 1)
    assert (arm_of(rollout, candidate), arm_of(rollout, control)) == (CANDIDATE, CONTROL)
    services.set_share(actor=None, rollout=rollout, share=1)
    assert (arm_of(rollout, candidate), arm_of(rollout, control)) == (CANDIDATE, CANDIDATE)
    services.set_share(actor=None, rollout=rollout, share=0)
    assert (arm_of(rollout, candidate), arm_of(rollout, control)) == (REST, REST)
    services.set_share(actor=None, rollout=rollout, share=0.1)
    assert (arm_of(rollout, candidate), arm_of(rollout, control)) == (CANDIDATE, CONTROL)


@pytest.mark.parametrize("step", ["pause", "stop", "file"])
def test_off__by_any_switch__sends_everybody_to_the_control_at_once(cast: Cast, rollout: Rollout, step: str) -> None:
    user = user_at(0, 0.1)
    assert arm_of(rollout, user) == CANDIDATE
    if step == "file":
        call_command("stop_rollout", str(rollout.pk))
    else:
        verb = services.pause_rollout if step == "pause" else services.stop_rollout
        verb(actor=cast.engineer, rollout=Rollout.objects.get(pk=rollout.pk), note="errors")
    choice = services.choose(workspace=cast.workspace, name="support", unit=user)
    assert choice is not None and choice.arm.is_control and choice.deployment == rollout.control.deployment
    assert "everybody gets the control" in choice.why
    assert switch.is_down(rollout.pk) is (step != "pause")
    services.start_rollout(actor=cast.engineer, rollout=Rollout.objects.get(pk=rollout.pk))
    assert arm_of(rollout, user) == CANDIDATE  # where it was, and no file is left
    assert not switch.is_down(rollout.pk)


def test_stop__while_somebody_else_changes_it__stops(cast: Cast, rollout: Rollout) -> None:
    mine = Rollout.objects.get(pk=rollout.pk)
    services.pause_rollout(actor=cast.engineer, rollout=Rollout.objects.get(pk=rollout.pk))
    services.stop_rollout(actor=cast.approver, rollout=mine)
    assert Rollout.objects.get().status == RolloutStatus.STOPPED


def test_stop__a_draft__is_a_conflict_and_lays_no_file(cast: Cast) -> None:
    draft = make_rollout(cast.workspace, start=False)
    for verb in (services.stop_rollout, services.pause_rollout):
        with pytest.raises(Conflict):
            verb(actor=cast.engineer, rollout=draft)
    assert not switch.is_down(draft.pk)


def test_stop_command__what_is_no_id__is_refused(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("stop_rollout", "../../x")


def test_start__deployment_that_is_off__is_a_conflict(cast: Cast) -> None:
    old = make_deployment(cast.workspace, "old", status=Status.STOPPED)
    with pytest.raises(Conflict, match="deployment old is off"):
        make_rollout(cast.workspace, control=old)


# ---- what is counted


def test_note_feedback__values__are_count_sum_and_squares(rollout: Rollout) -> None:
    arm = rollout.candidate
    for value in (1, 0.5, 0):
        assert services.note_feedback(arm_id=arm.pk, value=value)
    assert services.note_feedback(arm_id=arm.pk, value=1, instead_of=0.5)  # somebody thought again
    assert services.note_feedback(arm_id=arm.pk, value=None, instead_of=0)  # and somebody took it back
    arm.refresh_from_db()
    assert arm.tally == (2, 2.0, 2.0) and arm.feedback.value == 1
    assert not services.note_feedback(arm_id=rollout.pk, value=1)
    with pytest.raises(Problem):
        services.note_feedback(arm_id=arm.pk, value=float("nan"))


def test_standing__counts__users_requests_failures_and_feedback(rollout: Rollout) -> None:
    candidate, control, rest = user_at(0, 0.1), user_at(0.9, 1), user_at(0.4, 0.6)
    for unit, times in ((candidate, 3), (control, 2), (rest, 4)):
        for _time in range(times):
            make_exchange(rollout, unit, latency_ms=100)
    make_exchange(rollout, control, status="failed")
    for value in (1, 1, 0):
        services.note_feedback(arm_id=rollout.candidate.pk, value=value)
    found = standing(Rollout.objects.get(pk=rollout.pk))
    assert [(row.arm.key, row.users, row.requests, row.failed) for row in found.arms] == [
        (CANDIDATE, 1, 3, 0), (CONTROL, 1, 3, 1), (REST, 0, 4, 0),
    ]  # fmt: skip
    assert found.arms[0].feedback.n == 3 and found.arms[0].latency_ms == 100
    assert found.ratio is not None and found.ratio.p is None and found.difference is None and found.verdict == ""


def test_standing__uneven_users__are_an_alarm_until_the_share_was_above_half(rollout: Rollout) -> None:
    arms = {CANDIDATE: 120, CONTROL: 60}
    for key, count in arms.items():
        arm = rollout.arm(key)
        Exposure.objects.bulk_create(
            Exposure(rollout=rollout, unit=f"{key}{n}", arm=arm, bucket=0, share=0.1) for n in range(count)
        )
    ratio = standing(rollout).ratio
    assert ratio is not None and ratio.is_off
    services.set_share(actor=None, rollout=rollout, share=0.6)
    assert standing(rollout).ratio is None


@pytest.mark.parametrize(
    ("candidate", "control", "verdict"),
    [
        ((100, 90, 90), (100, 50, 50), "better"),
        ((100, 40, 40), (100, 80, 80), "worse"),
        ((5, 3, 3), (5, 2, 2), "undecided"),
    ],
)
def test_standing__difference__is_told_in_a_word(
    rollout: Rollout, candidate: tuple[int, float, float], control: tuple[int, float, float], verdict: str
) -> None:
    for key, (count, total, squares) in ((CANDIDATE, candidate), (CONTROL, control)):
        rollout.arms.filter(key=key).update(feedback_count=count, feedback_sum=total, feedback_squares=squares)
    assert standing(Rollout.objects.get(pk=rollout.pk)).verdict == verdict


# ---- why


def test_explain__each_case__tells_the_arm_that_choose_gives_and_writes_nothing(cast: Cast, rollout: Rollout) -> None:
    for unit in (user_at(0, 0.1), user_at(0.9, 1), user_at(0.4, 0.6)):
        told = services.explain(rollout, unit)
        assert told["first"] is None and Exposure.objects.filter(unit=unit).count() == 0
        assert told["arm"] == arm_of(rollout, unit) and told["bucket"] == bucket("seed", unit)
        assert services.explain(rollout, unit)["arm"] == told["arm"]
    known = services.explain(rollout, user_at(0, 0.1))
    assert known["first"]["arm"] == CANDIDATE and "stays" in known["why"]
    assert services.explain(rollout, "")["arm"] is None
    services.stop_rollout(actor=cast.engineer, rollout=rollout)
    assert services.explain(rollout, user_at(0, 0.1))["arm"] == REST


@pytest.mark.django_db(transaction=True)
def test_choose__many_first_requests_at_once__are_one_exposure(workspace: Any, rollout: Rollout) -> None:
    """Threads with connections of their own, as processes have."""
    services.set_share(actor=None, rollout=rollout, share=0.5)
    unit, told, start = user_at(0, 0.5), [], threading.Barrier(8)

    def ask() -> None:
        try:
            start.wait(10)
            told.append(arm_of(rollout, unit))
        finally:
            connection.close()

    _together(ask, 8)
    assert told == [CANDIDATE] * 8 and Exposure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_note_feedback__many_at_once__loses_none(rollout: Rollout) -> None:
    def note() -> None:
        try:
            for _time in range(10):
                services.note_feedback(arm_id=rollout.candidate.pk, value=1)
        finally:
            connection.close()

    _together(note, 4)
    assert Arm.objects.get(pk=rollout.candidate.pk).tally == (40, 40, 40)


def _together(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
