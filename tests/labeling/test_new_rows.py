"""Which rows a new project takes: by number, by chance, by words, or only those that nobody labelled; the count is told before."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.datasets.models import DatasetVersion
from apps.labeling import queue
from apps.labeling.models import LabelProject
from apps.labeling.queueing import filling
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, says

pytestmark = pytest.mark.django_db


def form(version: DatasetVersion, **values: Any) -> dict[str, Any]:
    base = {"name": "Part", "dataset_version": str(version.pk), "overlap": "1", "label_config": CONFIG, "view": "xml"}
    return {**base, **values}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"which": "all"}, "6 tasks of 6 rows"),
        ({"which": "first", "limit": "4"}, "4 tasks of 6 rows"),
        ({"which": "sample", "limit": "3", "seed": "7"}, "3 tasks of 6 rows"),
        ({"which": "all", "words": "Question 2"}, "1 task of 6 rows"),
        ({"which": "sample", "limit": "1", "words": "Question"}, "1 task of 6 rows"),
        ({"which": "all", "words": "nowhere"}, "0 tasks of 6 rows"),
        ({"which": "first"}, "Say how many rows"),
        ({"which": "first", "limit": "x"}, "Give a whole number"),
        ({"which": "all", "split": "odd"}, "There is no such split"),
    ],
)
def test_preview__of_the_rows_asked_for__tells_their_count(
    cast: Cast,
    browser_of: Callable[[User], Client],
    version: DatasetVersion,
    asked: dict[str, str],
    told: str,
) -> None:
    text = browser_of(cast.curator).post(reverse("labeling:preview"), form(version, **asked)).content.decode()
    assert told in text.partition('data-part="count"')[2]


def test_new_project__fresh__takes_only_rows_that_nobody_answered_elsewhere(
    cast: Cast, browser_of: Callable[[User], Client], project: LabelProject, version: DatasetVersion, people: list[User]
) -> None:
    for _step in range(2):
        assignment = queue.take_next(actor=people[0], project=project)
        assert assignment
        queue.submit(actor=people[0], assignment=assignment, result=says("good"))
    browser, asked = browser_of(cast.curator), {"which": "all", "fresh": "on"}
    text = browser.post(reverse("labeling:preview"), form(version, **asked)).content.decode()
    assert "4 tasks of 6 rows" in text
    assert browser.post(reverse("labeling:new"), form(version, **asked)).status_code == 302
    made = LabelProject.objects.get(name="Part")
    keys = set(made.tasks.values_list("key", flat=True))
    assert made.task_count == 4 and keys == set(project.tasks.filter(submitted=0).values_list("key", flat=True))


def test_count__of_many_rows_that_had_to_be_read__is_the_most_there_can_be(
    version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "COUNTED", 5)
    narrow = filling.selection_of({"words": "Question 2", "sample": 4}, version)
    assert filling.count_of(version, narrow) == (4, False)
    assert filling.count_of(version, filling.selection_of({"first": 2}, version)) == (2, True)
