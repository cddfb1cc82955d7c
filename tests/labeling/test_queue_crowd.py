"""Many people at once, with requests that die in the middle and answers that are sent again: nothing lost, nothing given twice."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Membership, User
from apps.accounts.roles import Role
from apps.labeling import queue, services
from apps.labeling.models import Annotation, Assignment, LabelProject, ProjectStatus, Share
from apps.labeling.queueing import bell, taking
from tests.cast import Cast, make_user
from tests.labeling.conftest import CONFIG, says
from tests.labeling.test_queue import is_sound
from tests.make import make_api_key

TASKS, OVERLAP, CROWD, DROPS = 250, 4, 8, 0.05


class Dropped(Exception):
    """The process that served the request died."""


@pytest.fixture
def crowd(cast: Cast) -> list[User]:
    people = [make_user(f"Person{number}") for number in range(CROWD)]
    for person in people:
        Membership.objects.create(workspace=cast.workspace, user=person, role=Role.ANNOTATOR)
    return people


@pytest.fixture
def large(cast: Cast) -> LabelProject:
    made = services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="Large", label_config=CONFIG, overlap=OVERLAP
    )
    items = [{"key": f"k{n}", "data": {"prompt": f"Question {n}?", "answer": ""}} for n in range(TASKS)]
    services.add_tasks(actor=cast.curator, project=made, items=items)
    services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
    return LabelProject.objects.get(pk=made.pk)


class Worker:
    """One person who answers until nothing is left; now and then a request dies before its end, or its answer is not heard."""

    def __init__(self, person: User, project: LabelProject, seed: int) -> None:
        self.person, self.project, self.chance = person, project, Random(seed)
        self.told: set[Any] = set()
        self.drops = 0

    def work(self) -> None:
        try:
            while held := self.until_served(self.take):
                self.told.add(self.until_served(lambda held=held: self.submit(held)))
                if self.chance.random() < DROPS:
                    assert self.submit(held) in self.told  # the answer was not heard: sent once more
        finally:
            connection.close()

    def take(self) -> Any:
        found = queue.take_next(actor=self.person, project=self.project)
        return found and found.pk

    def submit(self, pk: Any) -> Any:
        held = Assignment.objects.select_related("task", "project", "annotator").get(pk=pk)
        return queue.submit(actor=self.person, assignment=held, result=says("good")).pk

    def until_served(self, ask: Any) -> Any:
        while True:
            dying.now = self.chance.random() < DROPS
            try:
                return ask()
            except Dropped:
                self.drops += 1
            finally:
                dying.now = False


dying = threading.local()


@pytest.mark.django_db(transaction=True)
def test_crowd__a_thousand_answers_with_drops_and_repeats__each_is_kept_once(
    large: LabelProject, crowd: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = bell.ring

    def ring_or_die(project: LabelProject) -> None:
        if getattr(dying, "now", False):
            raise Dropped
        ring(project)

    monkeypatch.setattr(bell, "ring", ring_or_die)  # the last step of an answer
    lease = taking._taken

    def lease_or_die(*given: Any) -> Assignment:
        found = lease(*given)
        if getattr(dying, "now", False):
            raise Dropped
        return found

    monkeypatch.setattr(taking, "_taken", lease_or_die)  # the last step of a next task
    workers = [Worker(person, large, seed) for seed, person in enumerate(crowd)]
    with ThreadPoolExecutor(CROWD) as pool:
        for done in [pool.submit(worker.work) for worker in workers]:
            done.result()
    told = {pk for worker in workers for pk in worker.told}
    kept = set(Annotation.objects.values_list("pk", flat=True))
    assert told == kept and len(kept) == TASKS * OVERLAP
    assert sum(worker.drops for worker in workers) > 10
    assert is_sound(large)
    for task in large.tasks.all():
        people = list(task.assignments.values_list("annotator", flat=True))
        assert len(people) == len(set(people)) == OVERLAP
    found = Share.objects.filter(project=large).totals()
    assert (found["submitted"], found["finished"], found["begun"]) == (TASKS * OVERLAP, TASKS, TASKS)


@pytest.mark.django_db(transaction=True)
def test_submit__the_same_twice_at_once__is_one_answer_told_twice(project: LabelProject, cast: Cast) -> None:
    key = make_api_key(cast.annotator, cast.workspace)
    url = f"/api/v1/label-projects/{project.pk}/"
    start = threading.Barrier(2)

    def post(path: str, body: Any) -> Any:
        client = Client(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client.post(url + path, json.dumps(body), content_type="application/json")

    def send(body: Any) -> tuple[int, str]:
        try:
            start.wait(10)
            answer = post("annotations/", body)
            return answer.status_code, answer.json().get("id", "")
        finally:
            connection.close()

    for number in range(1, 4):
        held = post("tasks/next/", {}).json()["assignment"]["id"]
        body = {"assignment": held, "result": says("good"), "lead_time": 1}
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(send, [body, body])
        assert first == second and first[0] == 201
        assert Annotation.objects.count() == number == Share.objects.get(annotator=cast.annotator).submitted
    assert is_sound(project)
