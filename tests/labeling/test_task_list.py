"""The list of tasks: every order, each page going on where the last one ended; what is asked for stays in the address."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.labeling import queue, services, tasklist
from apps.labeling.models import LabelProject
from apps.labeling.queueing import answering
from tests.cast import Cast
from tests.labeling.conftest import says

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(cast: Cast, project: LabelProject, people: list[User], monkeypatch: pytest.MonkeyPatch) -> LabelProject:
    """Six tasks, two a page: 1 and 3 answered alike, 2 differently, 4 by one person and flagged, 5 and 6 by nobody."""
    monkeypatch.setattr(tasklist, "SHOWN", 2)
    for person, given in ((people[0], ("good", "good", "bad", "good")), (people[1], ("good", "bad", "bad"))):
        for said in given:
            assignment = queue.take_next(actor=person, project=project)
            assert assignment
            if assignment.task.number == 4:
                answering.flag(assignment=assignment, flagged=True, note="Odd")
            queue.submit(actor=person, assignment=assignment, result=says(said))
    project.refresh_from_db()
    return project


def walk(project: LabelProject, **query: str) -> list[int]:
    """The numbers of all pages."""
    numbers, pages = list[int](), 0
    asked: dict[str, str] = dict(query)
    while True:
        page, pages = tasklist.tasks_page(project, asked), pages + 1
        numbers += [task.number for task in page["tasks"]]
        if not page["next"]:
            return numbers
        assert pages < 9
        asked = dict(parse_qsl(page["next"]))


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"sort": "-number"}, [6, 5, 4, 3, 2, 1]),
        ({"sort": "answers"}, [5, 6, 4, 1, 2, 3]),
        ({"sort": "-answers"}, [3, 2, 1, 4, 6, 5]),
        ({"sort": "-active"}, [3, 2, 1, 4]),
        ({"sort": "active"}, [4, 1, 2, 3]),
        ({"sort": "-flags"}, [4]),
        ({"state": "begun"}, [4]),
        ({"state": "waiting", "sort": "-number"}, [6, 5]),
        ({"state": "answered", "sort": "-active"}, [3, 2, 1]),
        ({"q": "4"}, [4]),
        ({"sort": "x", "after": "y", "state": "z"}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_tasks__in_every_order__come_each_once_over_all_pages(
    busy: LabelProject, query: dict[str, str], numbers: list[int]
) -> None:
    assert walk(busy, **query) == numbers


def test_tasks__by_agreement__the_least_alike_first_and_how_many_were_compared(busy: LabelProject) -> None:
    page = tasklist.tasks_page(busy, {"sort": "agreement"})
    assert [task.number for task in page["tasks"]] == [2, 1] and page["looked"] == 3
    assert page["tasks"][0].agreement < page["tasks"][1].agreement == 1.0


def test_tasks_page__sorted_and_narrowed__keeps_it_in_every_link(
    cast: Cast, browser_of: Callable[[User], Client], busy: LabelProject
) -> None:
    services.move_project(actor=cast.curator, project=busy, to="paused")
    address = reverse("labeling:tasks", args=[busy.pk])
    answer: Any = browser_of(cast.curator).get(f"{address}?state=answered&sort=-answers")
    text = answer.content.decode()
    assert 'aria-sort="descending"' in text and "state=answered&amp;sort=answers" in text
    assert "state=answered&amp;sort=-answers&amp;after=2.2" in text
    assert 'name="sort" value="-answers"' in text
    for odd in (
        "sort=-active&after=x",
        "sort=-answers&after=a.b",
        "after=-1",
        "sort=agreement&after=9999999999",
    ):
        assert browser_of(cast.curator).get(f"{address}?{odd}").status_code == 200, odd
