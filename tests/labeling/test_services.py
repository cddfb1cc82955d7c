"""Projects: made, filled, opened and closed."""

import pytest

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.datasets import services as datasets
from apps.datasets.models import DatasetVersion
from apps.labeling import services
from apps.labeling.models import LabelProject, ProjectStatus
from tests.cast import Cast
from tests.labeling.conftest import CONFIG

pytestmark = pytest.mark.django_db


def test_create_project__from_a_version__makes_each_row_a_task(project: LabelProject, version: DatasetVersion) -> None:
    tasks = list(project.tasks.order_by("number"))
    assert [task.number for task in tasks] == [1, 2, 3, 4, 5, 6] and project.task_count == 6
    first = tasks[0]
    assert first.data["prompt"] == "Question 0?" and first.data["answer"] == "Answer 0."
    assert first.data["text"] == "User: Question 0?\n\nAssistant: Answer 0."
    assert first.data["messages"] == [{"role": "user", "content": "Question 0?"}] and first.data["topic"] == "even"
    assert first.extra == {"topic": "even"} and first.provenance == ("version", version.pk)
    assert first.open_slots == 2


def test_create_project__limit__takes_the_first_rows(cast: Cast, version: DatasetVersion) -> None:
    made = services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="x", label_config=CONFIG, dataset_version=version, limit=2
    )
    assert [task.data["prompt"] for task in made.tasks.all()] == ["Question 0?", "Question 1?"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"overlap": 0}, "overlap"),
        ({"overlap": 10}, "overlap"),
        ({"overlap": True}, "overlap"),
        ({"label_config": "<View/>"}, "label_config"),
        ({"keep": {"nothing": ["good"]}}, "keep"),
        ({"keep": {"quality": ["great"]}}, "keep"),
        ({"keep": {"stars": ["5"]}}, "keep"),
        ({"guidelines": "x" * 20_001}, "guidelines"),
        ({"limit": -1}, "limit"),
        ({"label_config": CONFIG.replace("$prompt", "$nowhere")}, "rows.0.nowhere"),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, str) else value,
)
def test_create_project__bad_input__is_a_problem_with_its_field(
    cast: Cast, version: DatasetVersion, values: dict[str, object], field: str
) -> None:
    given = {"name": "Fine", "label_config": CONFIG, "dataset_version": version, **values}
    with pytest.raises(Problem) as found:
        services.create_project(actor=cast.curator, workspace=cast.workspace, **given)  # type: ignore[arg-type]
    assert found.value.field == field
    assert not LabelProject.objects.exists()


def test_create_project__name_taken__is_a_conflict(cast: Cast, project: LabelProject) -> None:
    with pytest.raises(Conflict) as found:
        services.create_project(actor=cast.curator, workspace=cast.workspace, name="qualitY", label_config=CONFIG)
    assert found.value.field == "name"


def test_create_project__version_of_another_workspace__is_refused(cast: Cast, version: DatasetVersion) -> None:
    with pytest.raises(Problem):
        services.create_project(
            actor=cast.stranger, workspace=cast.other_workspace, name="x", label_config=CONFIG, dataset_version=version
        )


def test_add_tasks__same_keys_again__adds_nothing(cast: Cast, project: LabelProject) -> None:
    items = [{"data": {"prompt": f"New {n}", "answer": ""}, "key": f"k{n}"} for n in range(3)]
    first = services.add_tasks(actor=cast.curator, project=project, items=items)
    again = services.add_tasks(actor=cast.curator, project=project, items=[*items, {**items[0], "key": "k3"}])
    assert [task.pk for task in again[:3]] == [task.pk for task in first]
    assert [task.number for task in again] == [7, 8, 9, 10]
    assert project.tasks.count() == 10


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"data": {"prompt": "x", "answer": ""}, "key": ""}, "items.0.key"),
        ({"data": {"prompt": "x", "answer": ""}}, "items.0.key"),
        ({"data": {"prompt": "x"}, "key": "k"}, "items.0.data.answer"),
        ({"data": [], "key": "k"}, "items.0.data"),
        ({"data": {"prompt": ["x"], "answer": ""}, "key": "k"}, "items.0.data.prompt"),
        ({"data": {"prompt": "x" * 300_000, "answer": ""}, "key": "k"}, "items.0.data"),
    ],
    ids=["empty key", "no key", "missing field", "no object", "no text", "too large"],
)
def test_add_tasks__bad_item__names_it(cast: Cast, project: LabelProject, item: dict[str, object], field: str) -> None:
    with pytest.raises(Problem) as found:
        services.add_tasks(actor=cast.curator, project=project, items=[item])
    assert found.value.field == field and project.tasks.count() == 6


def test_add_tasks__closed_project__is_a_conflict(cast: Cast, project: LabelProject) -> None:
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)
    with pytest.raises(Conflict):
        services.add_tasks(
            actor=cast.curator, project=project, items=[{"data": {"prompt": "x", "answer": ""}, "key": "k"}]
        )


def test_project__moved__follows_its_table_and_leaves_a_ledger_line(cast: Cast, project: LabelProject) -> None:
    for to in (ProjectStatus.PAUSED, ProjectStatus.OPEN, ProjectStatus.CLOSED, ProjectStatus.OPEN):
        services.move_project(actor=cast.curator, project=project, to=to)
    with pytest.raises(Conflict):
        services.move_project(actor=cast.curator, project=project, to=ProjectStatus.DRAFT)
    verbs = LedgerEntry.objects.filter(object_id=str(project.pk)).values_list("verb", flat=True)
    assert {"labelproject.created", "labelproject.open", "labelproject.paused", "labelproject.closed"} <= set(verbs)


def test_correction_project__made__is_open_and_takes_turns_with_a_given_answer(
    cast: Cast, workspace: Workspace
) -> None:
    project = services.correction_project(actor=cast.curator, workspace=workspace, name="From feedback")
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is it?"}]
    item = {"data": {"messages": turns, "answer": "Lost."}, "key": "signal:1", "provenance": ("signal", project.pk)}
    [task] = services.add_tasks(actor=cast.curator, project=project, items=[item])
    assert project.status == ProjectStatus.OPEN and task.open_slots == 1
    assert task.data["messages"] == turns and task.data["answer"] == "Lost." and task.data["prompt"] == "Where is it?"
    assert task.provenance == ("signal", project.pk)


def test_dataset__of_two_projects__says_what_holds_it(
    cast: Cast, project: LabelProject, version: DatasetVersion
) -> None:
    services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="Again", label_config=CONFIG, dataset_version=version
    )
    with pytest.raises(Conflict, match="in use") as refusal:
        datasets.delete_dataset(actor=cast.owner, dataset=version.dataset)
    assert refusal.value.hint == "It is held by: 2 label projects."
