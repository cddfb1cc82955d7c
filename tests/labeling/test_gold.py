"""Gold tasks: dealt where nobody can foretell, like any other on every door, judged, and people put on hold."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.datasets.models import DatasetVersion
from apps.labeling import exchange, progress, queue, services
from apps.labeling.golden import answered, gold
from apps.labeling.models import Assignment, Gold, GoldAnswer, LabelProject, ProjectStatus, Share, Task
from apps.labeling.reviewing import deciding, planning
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, says

pytestmark = pytest.mark.django_db
EVERY, TASKS, GOLDS = 4, 40, 8


@pytest.fixture
def project(cast: Cast, version: DatasetVersion) -> LabelProject:
    """Forty tasks, two people each; every fifth is gold and "good" is right; one gold in four."""
    made = services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="With gold", label_config=CONFIG, overlap=2
    )
    items = [{"key": f"t{n}", "data": {"prompt": f"Question {n}?", "answer": "Yes."}} for n in range(TASKS)]
    services.add_tasks(actor=cast.curator, project=made, items=items)
    services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
    made.refresh_from_db()
    for task in made.tasks.filter(number__in=range(5, TASKS + 1, 5)):
        deciding.make_gold(actor=cast.curator, task=task, result=says("good"), explanation="Short and right.")
    planning.change_plan(actor=cast.curator, project=made, gold_every=EVERY)
    return made


def is_gold(assignment: Assignment) -> bool:
    return Gold.objects.filter(task=assignment.task_id).exists()


def work(person: User, project: LabelProject, count: int = 1000, said: str = "good") -> list[Assignment]:
    done: list[Assignment] = []
    while len(done) < count and (assignment := queue.take_next(actor=person, project=project)):
        queue.submit(actor=person, assignment=assignment, result=says(said))
        done.append(assignment)
    return done


def test_gold__in_every_block__is_dealt_once_at_places_of_the_person(project: LabelProject, people: list[User]) -> None:
    patterns = []
    for person in people[:2]:
        dealt = [is_gold(one) for one in work(person, project, 20)]
        assert [sum(dealt[start : start + EVERY]) for start in range(0, 20, EVERY)] == [1] * 5
        patterns.append(dealt)
    assert patterns[0] != patterns[1] or patterns[0][:4] != patterns[0][4:8]


def test_gold__all_work_done__ordinary_tasks_have_exactly_their_people(
    project: LabelProject, people: list[User]
) -> None:
    for person in people:
        work(person, project)
    ordinary = project.tasks.filter(gold=None)
    assert set(ordinary.values_list("submitted", flat=True)) == {2}
    assert progress.counts(project)["waiting"] == 0
    assert GoldAnswer.objects.count() > 0


def test_left__at_every_step__falls_by_one_whether_gold_or_not(project: LabelProject, people: list[User]) -> None:
    """Counts are a door too: taking changes nothing, submitting takes one off, to the very end."""
    person, before = people[0], progress.own(project, people[0])["left"]
    while assignment := queue.take_next(actor=person, project=project):
        assert progress.own(project, person)["left"] == before
        queue.submit(actor=person, assignment=assignment, result=says("good"))
        before -= 1
        assert progress.own(project, person)["left"] == before
    assert before == 0


def test_left__of_a_large_project__falls_by_one_as_well(
    project: LabelProject, people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.labeling.queueing import counting

    monkeypatch.setattr(counting, "EXACT_BELOW", 0)
    person, before = people[0], progress.own(project, people[0])["left"]
    for _step in range(12):
        assignment = queue.take_next(actor=person, project=project)
        assert assignment and progress.own(project, person)["left"] == before
        queue.submit(actor=person, assignment=assignment, result=says("good"))
        before -= 1
        assert progress.own(project, person)["left"] == before


@pytest.mark.parametrize("every", [2, 3, 4, 7])
@pytest.mark.parametrize("training", [0, 2])
@pytest.mark.parametrize("free", [0, 1, 2, 5, 11, 30])
def test_to_come__counted__is_what_walking_gives(
    cast: Cast, project: LabelProject, people: list[User], every: int, training: int, free: int
) -> None:
    plan = planning.change_plan(actor=cast.curator, project=project, gold_every=every, gold_training=training)
    for before in range(6):
        walked, place, left = 0, before, free
        while left > 0:
            is_one = gold._is_place(plan, people[0], place)
            walked, left, place = walked + is_one, left - (not is_one), place + 1
        expected = min(walked, GOLDS)
        assert gold.to_come(person=people[0], project=project, before=before, free=free) == expected


def told(answer: Any) -> Any:
    """What an answer says, without what differs for every task anyway."""
    own = ("id", "task", "created_at", "number", "data", "draft", "draft_at")
    if isinstance(answer, dict):
        return {name: told(value) for name, value in answer.items() if name not in own}
    return [told(one) for one in answer] if isinstance(answer, list) else answer


def test_doors__of_gold_and_others__say_the_same(
    client_of: Callable[[str], Client], project: LabelProject, people: list[User], rings: Any
) -> None:
    """Take, draft, heartbeat, wrong answer, submit, list: nothing but the task itself differs; numbers simply go up."""
    client, base = client_of("annotator"), f"/api/v1/label-projects/{project.pk}/"
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for number in range(1, 2 * EVERY + 1):
        with rings.on_commit():
            taken = client.post(f"{base}tasks/next/", "{}", content_type="application/json").json()
            own = taken["assignment"]
            lease = f"/api/v1/label-assignments/{own['id']}/"
            draft = client.put(f"{lease}draft/", json.dumps({"result": says("bad")}), content_type="application/json")
            beat = client.post(f"{lease}heartbeat/")
            wrong = {"assignment": own["id"], "result": says("great")}
            refused = client.post(f"{base}annotations/", json.dumps(wrong), content_type="application/json")
            right = {"assignment": own["id"], "result": says("bad"), "lead_time": 0}
            sent = client.post(f"{base}annotations/", json.dumps(right), content_type="application/json")
        assert own["number"] == sent.json()["number"] == number and taken["done"] == number - 1
        answers = [
            told(taken["assignment"]),
            told(draft.json()),
            beat.status_code,
            told(refused.json()),
            told(sent.json()),
        ]
        assignment = Assignment.objects.get(pk=own["id"])
        seen[is_gold(assignment)].add(json.dumps([answers, taken["left"] + taken["done"], sorted(sent.headers)]))
    assert seen[True] == seen[False] and len(seen[True]) == 1
    listed = client.get(f"{base}annotations/").json()["results"]
    assert [row["number"] for row in listed] == list(range(2 * EVERY, 0, -1))
    assert all(message == {"type": "changed"} for _topic, message in rings.heard)
    for door in ("gold/", "review/", "review-plan/", "review/5/", "agreement/", "report/", "review/5/comments/"):
        assert client.get(f"{base}{door}").status_code == 403, door


def test_own_report__before_the_project_is_closed__has_counts_alone(
    cast: Cast, client_of: Callable[[str], Client], project: LabelProject, people: list[User]
) -> None:
    for person in people[:2]:
        work(person, project, 12, "bad")
    door = f"/api/v1/label-projects/{project.pk}/report/mine/"
    mine = client_of("annotator").get(door).json()
    assert mine["submitted"] == 12 and mine["gold_judged"] is None and mine["with_others"] is None
    assert "Berta" not in json.dumps(mine)
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)
    after = client_of("annotator").get(door).json()
    assert after["gold_judged"] == 3 and after["gold_right"] == 0 and after["with_others"] == 1.0


def test_hold__under_the_share_after_enough__stops_and_tells(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    planning.change_plan(actor=cast.curator, project=project, gold_floor=60, gold_least=2)
    done = work(people[0], project, said="bad")
    assert sum(is_gold(one) for one in done) == 2 and Share.objects.get(annotator=people[0]).is_paused
    [held] = answered.on_hold(project)
    assert (held.right, held.judged) == (0, 2)
    assert LedgerEntry.objects.filter(verb="labelproject.person_held").count() == 1
    answered.lift_hold(actor=cast.curator, project=project, person=people[0])
    more = work(people[0], project, said="bad")
    assert sum(is_gold(one) for one in more) == 2  # judged anew after two more
    with pytest.raises(Conflict):
        answered.lift_hold(actor=cast.curator, project=project, person=people[1])
    assert len(work(people[1], project, 12)) == 12 and len(answered.on_hold(project)) == 1


def test_training__first_gold_tasks__tell_the_right_answer_and_count_not(
    cast: Cast, client_of: Callable[[str], Client], project: LabelProject
) -> None:
    planning.change_plan(actor=cast.curator, project=project, gold_training=2)
    client, base = client_of("annotator"), f"/api/v1/label-projects/{project.pk}/"
    lessons = []
    for _step in range(4):
        own = client.post(f"{base}tasks/next/").json()["assignment"]
        sent = client.post(
            f"{base}annotations/",
            json.dumps({"assignment": own["id"], "result": says("bad")}),
            content_type="application/json",
        )
        lessons.append(sent.json()["lesson"])
    assert [one is not None for one in lessons] == [True, True, False, False]
    assert lessons[0]["is_right"] is False and lessons[0]["explanation"] == "Short and right."
    assert lessons[0]["result"][0]["value"] == {"choices": ["good"]}
    right, judged = gold.accuracy(project, cast.annotator)
    assert right == 0 and judged <= 1


def test_mark__undecided__is_refused_and_unmark_gives_the_slots_back(cast: Cast, project: LabelProject) -> None:
    task = project.tasks.get(number=1)
    with pytest.raises(Conflict) as refused:
        gold.mark(actor=cast.curator, task=task)
    assert refused.value.code == "undecided"
    marked = project.tasks.get(number=5)
    with pytest.raises(Conflict) as is_one:
        deciding.withdraw(actor=cast.curator, task=marked)
    assert is_one.value.code == "is_gold"
    gold.unmark(actor=cast.curator, task=marked)
    deciding.withdraw(actor=cast.curator, task=marked)
    again = Task.objects.get(pk=marked.pk)
    assert again.open_slots == 2 and again.accepted is None and not again.annotations.exists()


def test_import__with_gold_beside_the_data__marks_it_once_or_says_what_is_wrong(
    cast: Cast, project: LabelProject
) -> None:
    item = {"data": {"prompt": "Imported?", "answer": "Yes."}, "gold": says("bad"), "gold_explanation": "It is not."}
    for _time in range(2):
        exchange.import_tasks(actor=cast.curator, project=project, items=[item])
    found = Gold.objects.get(explanation="It is not.")
    assert found.task.accepted and found.task.accepted.result[0]["value"] == {"choices": ["bad"]}
    assert "gold" not in found.task.data and found.task.submitted == 0
    for wrong in ({"gold": says("great")}, {"gold_explanation": 5}):
        other = {**item, "data": {"prompt": "Other?", "answer": "No."}, **wrong}
        with pytest.raises(Problem) as refused:
            exchange.import_tasks(actor=cast.curator, project=project, items=[other])
        assert refused.value.field.startswith("items.0.gold")


def test_gold__of_an_own_accepted_answer__never_comes_to_its_author(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    [first] = work(people[0], project, 1)
    if not is_gold(first):
        deciding.accept(actor=cast.curator, annotation=first.annotation)
        gold.mark(actor=cast.curator, task=first.task)
    assert first.task_id not in {one.task_id for one in work(people[0], project)}


def test_work__of_gold_and_others__is_as_many_queries(
    client_of: Callable[[str], Client], project: LabelProject, people: list[User]
) -> None:
    """How long a door takes is a door too."""
    client, base = client_of("annotator"), f"/api/v1/label-projects/{project.pk}/"
    asked: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for number in range(3 * EVERY):
        with CaptureQueriesContext(connection) as taking:
            own = client.post(f"{base}tasks/next/", "{}", content_type="application/json").json()["assignment"]
        body = json.dumps({"assignment": own["id"], "result": says("bad")})
        with CaptureQueriesContext(connection) as sending:
            client.post(f"{base}annotations/", body, content_type="application/json")
        if number:  # the first one makes the person's share
            asked[is_gold(Assignment.objects.get(pk=own["id"]))].append((len(taking), len(sending)))
    for door in (0, 1):
        gold_work, others = ([pair[door] for pair in asked[kind]] for kind in (True, False))
        assert abs(sum(gold_work) / len(gold_work) - sum(others) / len(others)) <= 1, (door, asked)


def test_left_and_back__gold_or_not__comes_again_with_its_draft_in_the_same_place(
    project: LabelProject, people: list[User]
) -> None:
    """Who leaves with tasks in hand gets them all again, and what is left does not change by it."""
    person = people[0]
    for _step in range(EVERY):
        hand: list[Assignment] = []
        while len(hand) < 3 and (
            one := queue.take_next(actor=person, project=project, besides=[str(h.pk) for h in hand])
        ):
            hand.append(one)
        left = progress.own(project, person)["left"]
        queue.save_draft(assignment=hand[0], result=says("bad"))
        queue.release_all(actor=person, project=project)
        assert progress.own(project, person)["left"] == left
        again: list[Assignment] = []
        while len(again) < 3 and (
            one := queue.take_next(actor=person, project=project, besides=[str(h.pk) for h in again])
        ):
            again.append(one)
        assert [one.pk for one in again] == [one.pk for one in hand]
        assert again[0].draft and again[0].draft[0]["value"] == {"choices": ["bad"]}
        assert progress.own(project, person)["left"] == left
        queue.submit(actor=person, assignment=again[0], result=says("bad"))
    assert GoldAnswer.objects.filter(annotator=person).exists()


def test_hold__after_a_wrong_gold_answer__waits_for_the_end_of_the_block(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    """Stopped at once, a person would know which task was gold."""
    planning.change_plan(actor=cast.curator, project=project, gold_floor=60, gold_least=1)
    for person in people[:2]:
        done = work(person, project, said="bad")
        assert len(done) == EVERY and sum(is_gold(one) for one in done) == 1
        assert Share.objects.get(annotator=person).is_paused
