"""The freezing that comes by itself: once, whatever happens on the way."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.core.errors import Conflict
from apps.datasets.models import DatasetVersion
from apps.labeling import queue
from apps.labeling.harvest import automatic
from apps.labeling.harvest.services import freeze_labels
from apps.labeling.models import HarvestPlan, LabelProject
from tests.cast import Cast
from tests.labeling.conftest import says

pytestmark = pytest.mark.django_db


def answer(person: User, project: LabelProject, *results: list[dict[str, Any]]) -> list[Any]:
    made = []
    for result in results:
        assignment = queue.take_next(actor=person, project=project)
        assert assignment
        made.append(queue.submit(actor=person, assignment=assignment, result=result))
    return made


@pytest.fixture
def waiting(cast: Cast, project: LabelProject) -> LabelProject:
    automatic.plan_harvest(actor=cast.curator, project=project, is_automatic=True, rule="single")
    return project


def finish(project: LabelProject, people: list[User]) -> None:
    for person in people[:2]:
        answer(person, project, *[says("good")] * 6)


def test_automatic__last_answer__makes_one_version_and_never_a_second(
    waiting: LabelProject, people: list[User]
) -> None:
    answer(people[0], waiting, *[says("good")] * 6)
    answer(people[1], waiting, *[says("bad")] * 5)
    assert automatic.freeze_finished() == 0
    answer(people[1], waiting, says("bad"))
    assert [automatic.freeze_finished() for _look in range(3)] == [1, 0, 0]
    plan = HarvestPlan.objects.get(project=waiting)
    assert plan.is_done and plan.version and plan.version.row_count == 6 and waiting.dataset_version
    assert waiting.dataset_version.dataset.versions.count() == 2
    with pytest.raises(Conflict):
        automatic.plan_harvest(actor=plan.created_by, project=waiting, is_automatic=True)


def test_automatic__off__does_nothing(cast: Cast, waiting: LabelProject, people: list[User]) -> None:
    automatic.plan_harvest(actor=cast.curator, project=waiting, is_automatic=False)
    finish(waiting, people)
    assert automatic.freeze_finished() == 0


def test_automatic__nothing_to_freeze__is_told_once_and_waits_for_a_change(
    cast: Cast, waiting: LabelProject, people: list[User]
) -> None:
    automatic.plan_harvest(actor=cast.curator, project=waiting, is_automatic=True, rule="adjudicated")
    finish(waiting, people)
    assert automatic.freeze_finished() == 0
    plan = HarvestPlan.objects.get(project=waiting)
    assert "without an accepted answer" in plan.failure and not plan.is_done
    assert automatic.freeze_finished() == 0
    automatic.plan_harvest(actor=cast.curator, project=waiting, is_automatic=True, rule="majority")
    assert automatic.freeze_finished() == 1


def test_automatic__who_switched_it_on_left__is_not_done_in_their_name(
    cast: Cast, waiting: LabelProject, people: list[User]
) -> None:
    finish(waiting, people)
    Membership.objects.filter(user=cast.curator, workspace=cast.workspace).delete()
    assert automatic.freeze_finished() == 0
    assert "may not freeze" in HarvestPlan.objects.get(project=waiting).failure


def test_automatic__somebody_died_at_it__is_taken_up_again(waiting: LabelProject, people: list[User]) -> None:
    finish(waiting, people)
    now = timezone.now()
    HarvestPlan.objects.update(begun_at=now)
    assert automatic.freeze_finished(now=now + timedelta(minutes=59)) == 0
    assert automatic.freeze_finished(now=now + timedelta(minutes=61)) == 1


def test_automatic__claim_lost_on_the_way__leaves_no_version(
    waiting: LabelProject, people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two that believe to be the one: its version goes with its transaction."""
    finish(waiting, people)

    def taken_over(**values: Any) -> DatasetVersion:
        HarvestPlan.objects.update(begun_at=timezone.now() + timedelta(hours=2))
        return freeze_labels(**values)

    monkeypatch.setattr(automatic, "freeze_labels", taken_over)
    assert automatic.freeze_finished() == 0
    assert waiting.dataset_version and waiting.dataset_version.dataset.versions.count() == 1
