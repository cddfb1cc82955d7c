"""Home: what waits for whom, what broke, where the ring stands; and what the palette finds of the later stages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.evaluation.models import Item
from apps.feedback import services as feedback
from apps.labeling import services as labeling
from apps.labeling.models import LabelProject
from apps.overview.loop import stages_of
from apps.overview.search import find
from apps.overview.waiting import waiting_for
from apps.registry.models import ModelVersion
from apps.rollout import services as rollout
from apps.serving.models import Deployment
from tests.cast import Cast
from tests.feedback.conftest import make_deployment, make_exchange
from tests.overview.test_whole_ring import make_round

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def deployment(cast: Cast) -> Deployment:
    return make_deployment(cast)


def titles(user: User, cast: Cast) -> list[str]:
    return [item.title for item in waiting_for(user, cast.workspace)]


def make_tasks(cast: Cast, count: int = 3) -> LabelProject:
    project = labeling.correction_project(actor=cast.curator, workspace=cast.workspace, name="July")
    item: Any = {"data": {"messages": [{"role": "user", "content": "When?"}], "answer": "Now."}}
    labeling.add_tasks(
        actor=cast.curator, project=project, items=[{**item, "key": str(number)} for number in range(count)]
    )
    return project


def test_waiting__open_tasks__are_told_to_who_may_label(cast: Cast) -> None:
    make_tasks(cast)
    assert titles(cast.annotator, cast) == titles(cast.curator, cast) == ["Label 3 tasks"]
    assert titles(cast.viewer, cast) == titles(cast.stranger, cast) == []


def test_waiting__tasks_of_a_closed_project__are_not(cast: Cast) -> None:
    labeling.move_project(actor=cast.curator, project=make_tasks(cast), to="closed")
    assert titles(cast.annotator, cast) == []


def test_waiting__round__is_told_to_its_raters_with_what_is_left(cast: Cast, deployment: Deployment) -> None:
    opened = make_round(cast, deployment, [cast.annotator])
    for number in range(2):
        Item.objects.create(round=opened, entrant=opened.entrants.get(), number=number, row_id="r", messages=[])
    assert titles(cast.annotator, cast) == ["Rate 2 answers"]
    assert titles(cast.approver, cast) == []


def test_waiting__version_to_approve__is_told_to_others_than_its_makers(cast: Cast, deployment: Deployment) -> None:
    rows = ModelVersion.objects.filter(pk=deployment.model_version_id)
    rows.update(status="pending", asked_by=cast.owner, asked_at=timezone.now())
    assert titles(cast.approver, cast) == ["Approve support 1.0.0"]
    assert titles(cast.owner, cast) == titles(cast.engineer, cast) == []


def test_waiting__new_feedback__is_told_to_who_sorts_it(cast: Cast, deployment: Deployment) -> None:
    exchange = make_exchange(deployment)
    for user, said in {"a": {"thumbs": "down"}, "b": {"correction": "By train."}}.items():
        feedback.give_feedback(actor=cast.engineer, exchange=exchange, said=said, user=user)
    [item] = waiting_for(cast.curator, cast.workspace)
    assert (item.title, item.note) == ("Sort 2 signals", "1 thumbs down, 1 with a better answer")
    assert titles(cast.viewer, cast) == []


def test_home__annotator__sees_only_their_work(cast: Cast, browser_of: Browser, deployment: Deployment) -> None:
    make_tasks(cast)
    client = browser_of(cast.annotator)
    page = client.get("/").content.decode()
    assert "Label 3 tasks" in page and "run-1" not in page and "Broke" not in page and "Latest events" not in page
    for part in ("now", "recent", "stages", "badge"):
        assert "run-1" not in client.get(f"/?part={part}").content.decode()


def test_home__what_waits__leads_somewhere(cast: Cast, browser_of: Browser, deployment: Deployment) -> None:
    make_tasks(cast)
    opened = make_round(cast, deployment, [cast.curator])
    Item.objects.create(round=opened, entrant=opened.entrants.get(), number=1, row_id="r", messages=[])
    feedback.give_feedback(actor=cast.engineer, exchange=make_exchange(deployment), said={"thumbs": "up"})
    client, found = browser_of(cast.curator), waiting_for(cast.curator, cast.workspace)
    assert len(found) == 3
    assert [client.get(item.url).status_code for item in found] == [200, 200, 200]


def test_home__failed_deployment__is_told_as_broken(cast: Cast, browser_of: Browser, deployment: Deployment) -> None:
    Deployment.objects.update(status="failed", failure_message="The engine did not start.")
    assert "The engine did not start." in browser_of(cast.viewer).get("/").content.decode()
    assert "The engine did not start." not in browser_of(cast.stranger).get("/").content.decode()


def test_loop__every_stage__says_where_it_stands_and_leads_there(
    cast: Cast, browser_of: Browser, deployment: Deployment
) -> None:
    empty = [stage.note for stage in stages_of(cast.stranger, cast.other_workspace)]
    assert empty[0] == "nothing yet" and empty[-1] == "all sorted"
    Deployment.objects.update(status="ready")
    make_tasks(cast)
    make_round(cast, deployment, [])
    other = make_deployment(cast, name="other")
    Deployment.objects.update(status="ready")
    made = rollout.create_rollout(
        actor=cast.engineer, workspace=cast.workspace, name="answers", control=deployment, candidate=other, share=0.25
    )
    rollout.start_rollout(actor=cast.engineer, rollout=made)
    found = {stage.icon: stage for stage in stages_of(cast.viewer, cast.workspace)}
    assert found["label"].note == "3 tasks open" and found["serve"].is_live
    assert found["rollout"].note == "25 % in answers" and found["evaluate"].note == "Round 7: being rated"
    client = browser_of(cast.viewer)
    assert {client.get(stage.url).status_code for stage in found.values()} == {200}


def test_search__objects_of_later_stages__are_found_by_name(cast: Cast, deployment: Deployment) -> None:
    make_tasks(cast)
    make_round(cast, deployment, [])
    feedback.give_feedback(actor=cast.engineer, exchange=make_exchange(deployment), said={"comment": "July was late"})

    def labels(user: User, text: str) -> set[str]:
        return {item["label"] for group in find(user, cast.workspace, text) for item in group["items"]}

    assert {"July", "Round 7: July", "July was late"} <= labels(cast.viewer, "july")
    assert {"support", "support 1.0.0"} <= labels(cast.viewer, "support")
    assert "support 1.0.0" in labels(cast.viewer, "support 1.0")
    assert labels(cast.stranger, "july") == labels(cast.stranger, "support") == set()
    assert "support" not in labels(cast.annotator, "support")
