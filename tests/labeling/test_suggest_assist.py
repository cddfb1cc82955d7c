"""Suggestions beside tasks: who sees which, how an answer came, acceptance rates, gold, the doors, and the order by uncertainty."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling import assisting, queue
from apps.labeling.models import Assignment, Assist, LabelProject, Suggester, TaskOrder
from apps.labeling.reviewing import deciding
from apps.labeling.suggesting import ordering, suggesters
from tests.cast import Cast
from tests.labeling.conftest import region, says
from tests.labeling.suggesting import GOOD, made, ran

pytestmark = pytest.mark.django_db
Clients = Callable[[str], Client]
ALL_BAD = {"question": "quality", "lines": {"bad": ["."]}}
URL = "/api/v1/label-projects/"


def post(client: Client, url: str, body: Any = None, method: str = "post") -> Any:
    return getattr(client, method)(url, json.dumps(body or {}), content_type="application/json")


@pytest.fixture
def shown(cast: Cast, project: LabelProject) -> Suggester:
    """Says "bad" of every task, and everybody sees it."""
    return suggesters.show(actor=cast.curator, suggester=ran(cast.curator, project, ALL_BAD), is_shown=True)


def taken(person: User, project: LabelProject) -> Assignment:
    found = queue.take_next(actor=person, project=project)
    assert found
    return found


def answer(person: User, project: LabelProject, quality: str, *, is_taken: bool) -> None:
    assignment = taken(person, project)
    suggestion = assisting.of_task(assignment.task)
    assert suggestion
    told: dict[str, Any] = {"suggestion": suggestion.pk, "is_taken": is_taken}
    queue.submit(actor=person, assignment=assignment, result=says(quality, region("stars", rating=3)), **told)


def test_next_task__while_one_is_shown__has_its_suggestion(
    client_of: Clients, project: LabelProject, shown: Suggester
) -> None:
    told = post(client_of("annotator"), f"{URL}{project.pk}/tasks/next/").json()["assignment"]["suggestion"]
    assert told["source"] == "By rules" and told["kind"] == "rules" and told["score"] == 1.0
    assert told["result"][0]["value"] == {"choices": ["bad"]}


def test_next_task__while_none_is_shown__has_nothing(
    cast: Cast, client_of: Clients, project: LabelProject, shown: Suggester
) -> None:
    suggesters.show(actor=cast.curator, suggester=shown, is_shown=False)
    assert post(client_of("annotator"), f"{URL}{project.pk}/tasks/next/").json()["assignment"]["suggestion"] is None


def test_show__of_another__takes_the_first_away(cast: Cast, project: LabelProject, shown: Suggester) -> None:
    other = ran(cast.curator, project, GOOD, name="Other")
    suggesters.show(actor=cast.curator, suggester=other, is_shown=True)
    assert [one.name for one in project.suggesters.filter(is_shown=True)] == ["Other"]


def test_show__before_it_ran__is_a_conflict(cast: Cast, project: LabelProject) -> None:
    with pytest.raises(Conflict):
        suggesters.show(actor=cast.curator, suggester=made(cast.curator, project, GOOD), is_shown=True)


def test_answers__beside_suggestions__are_counted_by_how_they_came(
    project: LabelProject, people: list[User], shown: Suggester
) -> None:
    answer(people[0], project, "bad", is_taken=True)
    answer(people[0], project, "good", is_taken=True)
    answer(people[0], project, "bad", is_taken=False)
    answer(people[0], project, "good", is_taken=False)
    answer(people[1], project, "bad", is_taken=True)
    own = assisting.own(project, people[0])
    assert (own.shown, own.unchanged, own.changed, own.same, own.otherwise) == (4, 1, 1, 1, 1) and own.rate == 0.25
    assert [(one.person, one.shown, one.rate) for one in assisting.by_person(project)] == [
        (people[0].name, 4, 0.25),
        (people[1].name, 1, 1.0),
    ]
    assert assisting.by_suggester(project)[shown.pk].unchanged == 2


def test_answer__taken_back_and_given_anew__counts_once_as_it_stands(
    project: LabelProject, people: list[User], shown: Suggester
) -> None:
    answer(people[0], project, "bad", is_taken=True)
    queue.undo_last(actor=people[0], project=project)
    assert assisting.own(project, people[0]).shown == 0
    answer(people[0], project, "good", is_taken=True)
    own = assisting.own(project, people[0])
    assert (own.shown, own.unchanged, own.changed) == (1, 0, 1) and Assist.objects.count() == 1


def test_answer__that_names_a_suggestion_of_another_task__is_taken_and_not_counted(
    client_of: Clients, project: LabelProject, people: list[User], shown: Suggester
) -> None:
    assignment = taken(people[0], project)
    other = shown.suggestions.exclude(task=assignment.task).first()
    assert other
    body = {"assignment": str(assignment.pk), "result": says("bad"), "suggestion": str(other.pk), "is_taken": True}
    assert post(client_of("annotator"), f"{URL}{project.pk}/annotations/", body).status_code == 201
    assert not Assist.objects.exists()


def test_gold_task__and_ordinary_one__come_with_the_same_suggestion(
    cast: Cast, project: LabelProject, people: list[User], shown: Suggester
) -> None:
    """A suggestion is the machine's: the right answer of a gold task changes nothing about it."""
    first = project.tasks.get(number=1)
    before = assisting.as_dict(assisting.of_task(first))
    deciding.make_gold(actor=cast.owner, task=first, result=says("good"))
    again = ran(cast.curator, project, ALL_BAD, name="After")
    suggesters.show(actor=cast.curator, suggester=again, is_shown=True)
    after = assisting.as_dict(assisting.of_task(first))
    other = assisting.as_dict(assisting.of_task(project.tasks.get(number=2)))
    assert before and after and other
    assert [one["result"][0]["value"] for one in (before, after, other)] == [{"choices": ["bad"]}] * 3
    assert after.keys() == other.keys() and after["score"] == other["score"]


def test_order_by_uncertainty__puts_the_least_sure_first(cast: Cast, project: LabelProject, people: list[User]) -> None:
    suggester = ran(cast.curator, project, ALL_BAD)
    unsure = project.tasks.get(number=5)
    suggester.suggestions.filter(task=unsure).update(uncertainty=0.9)
    assert ordering.order_by_uncertainty(actor=cast.curator, suggester=suggester) == 6
    project.refresh_from_db()
    assert project.order == TaskOrder.PRIORITY
    assert taken(people[0], project).task.number == 5


def test_order__before_a_run__is_a_conflict(cast: Cast, project: LabelProject) -> None:
    with pytest.raises(Conflict):
        ordering.order_by_uncertainty(actor=cast.curator, suggester=made(cast.curator, project, GOOD))


# ---- doors


def test_api__from_making_to_deleting(client_of: Clients, cast: Cast, project: LabelProject) -> None:
    client, url = client_of("curator"), f"{URL}{project.pk}/suggesters/"
    tried = post(client, f"{url}try/", {"kind": "rules", "spec": ALL_BAD}).json()["results"]
    assert tried[0]["said"] == ["bad"] and len(tried) == 6
    body = {"name": "A", "kind": "rules", "spec": ALL_BAD}
    created = post(client, url, body)
    assert created.status_code == 201 and created.json()["status"] == ""
    one = f"/api/v1/label-suggesters/{created.json()['id']}/"
    assert post(client, one, {"is_shown": True}, "patch").status_code == 409
    assert post(client, one, {"name": "B"}, "patch").json()["name"] == "B"
    assert post(client, f"{one}run/").json()["status"] == "queued"
    assert post(client, f"{one}run/").status_code == 409
    assert client.get(url).json()["results"][0]["name"] == "B"
    suggesters.cancel(actor=cast.curator, suggester=Suggester.objects.get(name="B"))
    done = ran(cast.curator, project, ALL_BAD, name="Done")
    told = client.get(f"/api/v1/label-suggesters/{done.pk}/suggestions/").json()
    assert len(told["results"]) == 6 and told["next"] is None
    assert post(client, f"/api/v1/label-suggesters/{done.pk}/order/").json() == {"count": 6}
    assert post(client, f"/api/v1/label-suggesters/{done.pk}/", {"is_shown": True}, "patch").json()["is_shown"]
    assert client.get(f"{url}taken/").json() == {"results": []}
    assert client.delete(f"/api/v1/label-suggesters/{done.pk}/").status_code == 204


def test_api__wrong_settings__name_the_line(client_of: Clients, project: LabelProject) -> None:
    spec = {"question": "quality", "lines": {"good": ["ok", "("]}}
    answer = post(client_of("curator"), f"{URL}{project.pk}/suggesters/", {"name": "A", "kind": "rules", "spec": spec})
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "lines.good.2"


@pytest.mark.parametrize("role", ["annotator", "viewer"])
def test_doors__for_who_does_not_run_the_project__are_closed(
    client_of: Clients, project: LabelProject, shown: Suggester, role: str
) -> None:
    client = client_of(role)
    assert client.get(f"{URL}{project.pk}/suggesters/").status_code in (403, 404)
    assert client.get(f"/api/v1/label-suggesters/{shown.pk}/").status_code in (403, 404)
    assert client.get(f"{URL}{project.pk}/suggesters/taken/").status_code in (403, 404)


def test_pages__list_form_preview_and_one__are_shown(cast: Cast, project: LabelProject, shown: Suggester) -> None:
    client = Client()
    client.force_login(cast.curator)
    base = f"/label/{project.pk}/suggestions/"
    assert b"By rules" in client.get(base).content
    form = client.get(f"{base}new/?kind=rules&question=quality")
    assert form.status_code == 200 and b"lines-1" in form.content
    typed = {
        "kind": "rules",
        "sent": "1",
        "question": "quality",
        "name": "X",
        "lines-0": "",
        "lines-1": ".",
        "preview": "1",
    }
    assert b"6 of 6 get a suggestion" in client.post(f"{base}new/", typed).content
    wrong = client.post(f"{base}new/", {**typed, "lines-1": "("})
    assert wrong.status_code == 400 and b"Line 1 of" in wrong.content
    del typed["preview"]
    assert client.post(f"{base}new/", {**typed, "run": "1"}).status_code == 302
    assert Suggester.objects.get(name="X").job
    assert b"What it suggests" in client.get(f"{base}{shown.pk}/").content
    assert client.get(f"{base}{shown.pk}/change/").status_code == 200
    for what in ("hide", "show", "order"):
        assert client.post(f"{base}{shown.pk}/do/", {"what": what}).status_code == 302
    assert client.post(f"{base}{shown.pk}/do/", {"what": "x"}).status_code == 404
    assert client.post(f"{base}{shown.pk}/do/", {"what": "delete"}).status_code == 302
    assert client.get(f"{base}{shown.pk}/").status_code == 404
