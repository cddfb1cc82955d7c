"""Label Studio's JSON: what comes in is checked and never doubled, what goes out can come in again."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.labeling import exchange, queue, services
from apps.labeling.models import Annotation, Assignment, LabelProject, ProjectStatus, Task
from tests.cast import Cast
from tests.labeling.conftest import region, says
from tests.labeling.test_queue import is_sound

pytestmark = pytest.mark.django_db


def annotation(quality: str, who: Any, **more: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": who, "result": says(quality), "lead_time": 3.5, **more}


def item(number: int, *annotations: dict[str, Any]) -> dict[str, Any]:
    data = {"prompt": f"Imported {number}?", "answer": "Yes.", "topic": "x"}
    return {"id": number, "data": data, "annotations": list(annotations), "predictions": []}


@pytest.fixture
def bring(cast: Cast, project: LabelProject) -> Any:
    return lambda items: exchange.import_tasks(actor=cast.curator, project=project, items=items)


def test_import__tasks_with_annotations__are_checked_answers_of_members(
    project: LabelProject, people: list[User], bring: Any
) -> None:
    given = [
        item(1, annotation("good", {"email": "anton@example.com"}), annotation("bad", 17)),
        item(2, annotation("bad", "BERTA@example.com", was_cancelled=True)),
        {"prompt": "Bare?", "answer": "Yes."},
    ]
    done = bring(given)
    assert {name: count for name, count in vars(done).items() if count} == {"tasks": 3, "annotations": 2, "skipped": 1}
    task = Task.objects.get(number=7)
    assert task.extra == {"topic": "x"} and task.submitted == 2 and task.open_slots == 0
    [first, second] = Annotation.objects.order_by("created_at")
    assert first.annotator == people[0] and first.is_imported and first.lead_time == 3.5
    assert second.annotator is None and second.assignment.person == "17"
    assert Task.objects.get(number=8).submitted == 0 and is_sound(project)


def test_import__same_file_again__adds_nothing(project: LabelProject, people: list[User], bring: Any) -> None:
    given = [item(1, annotation("good", "anton@example.com"), annotation("good", "someone"))]
    bring(given)
    assert {name: count for name, count in vars(bring(given)).items() if count} == {"known": 1, "repeated": 2}
    assert is_sound(project) and Annotation.objects.count() == 2


def test_import__more_answers_than_people_a_task__are_left_out_and_told(project: LabelProject, bring: Any) -> None:
    done = bring([item(1, *[annotation("good", f"person {n}") for n in range(3)])])
    assert (done.annotations, done.surplus) == (2, 1) and is_sound(project)


def test_import__own_member__does_not_get_the_task_again(project: LabelProject, people: list[User], bring: Any) -> None:
    bring([item(1, annotation("good", "anton@example.com"))])
    numbers = []
    for _number in range(8):
        if assignment := queue.take_next(actor=people[0], project=project):
            numbers.append(assignment.task.number)
            queue.submit(actor=people[0], assignment=assignment, result=says("good"))
    assert numbers == [1, 2, 3, 4, 5, 6]


BAD: dict[str, tuple[Any, str]] = {
    "no list": ({"data": {}}, "items"),
    "empty": ([], "items"),
    "no object": (["x"], "items.0"),
    "missing field": ([{"data": {"answer": "x"}}], "items.0.data.prompt"),
    "annotations no list": ([{**item(1), "annotations": {"a": 1}}], "items.0.annotations"),
    "annotation no object": ([{**item(1), "annotations": [7]}], "items.0.annotations"),
    "unknown choice": ([item(1), item(2, annotation("great", "x"))], "items.1.annotations.0.result.0.value.choices"),
    "rating 99": (
        [item(1, {"result": says("good", region("stars", rating=99))})],
        "items.0.annotations.0.result.1.value.rating",
    ),
    "no result": ([item(1, {"completed_by": 1})], "items.0.annotations.0.result"),
}


@pytest.mark.parametrize(("items", "field"), BAD.values(), ids=BAD.keys())
def test_import__bad__names_the_place_and_takes_nothing(
    project: LabelProject, bring: Any, items: Any, field: str
) -> None:
    with pytest.raises(Problem) as found:
        bring(items)
    assert found.value.field == field and Task.objects.count() == 6 and not Assignment.objects.exists()


def test_export__while_people_label__is_a_conflict_unless_partial(cast: Cast, project: LabelProject) -> None:
    with pytest.raises(Conflict) as found:
        exchange.export(project, "json", partial=False)
    assert found.value.code == "still_labelling" and "partial=1" in found.value.hint
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)
    assert exchange.export(project, "json", partial=False)["Content-Disposition"].startswith("attachment")


def test_export__unknown_format__is_a_problem(project: LabelProject) -> None:
    with pytest.raises(Problem) as found:
        exchange.export(project, "yolo", partial=True)
    assert found.value.field == "format"
