"""From answers to rows: majority, accepted answers, keep-lists, ties; agreement and disagreements on the way."""

from typing import Any

import pytest

from apps.accounts.models import User, Workspace
from apps.core.errors import Conflict, Problem
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.rows import StoredRow, each_row
from apps.labeling import progress, queue, services
from apps.labeling.harvest import saying
from apps.labeling.harvest.services import freeze_labels
from apps.labeling.models import Annotation, LabelProject, ProjectStatus
from apps.labeling.reviewing import disputes, figures
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, region, says

pytestmark = pytest.mark.django_db


def answers(person: User, project: LabelProject, *results: list[dict[str, Any]]) -> list[Annotation]:
    """The person's answers to the next tasks, in order."""
    made = []
    for result in results:
        assignment = queue.take_next(actor=person, project=project)
        assert assignment
        made.append(queue.submit(actor=person, assignment=assignment, result=result))
    return made


def close(cast: Cast, project: LabelProject) -> None:
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)


def rows(version: DatasetVersion) -> list[StoredRow]:
    return list(each_row(version.shard_paths()))


def test_freeze__agreeing_people__is_a_version_with_the_answers_in_extra(
    cast: Cast, project: LabelProject, people: list[User], version: DatasetVersion
) -> None:
    span = region("marks", start=0, end=8, labels=["Word"])
    answers(people[0], project, says("good", region("stars", rating=4), span), says("bad"))
    answers(people[1], project, says("good", region("stars", rating=5), span), says("bad"))
    close(cast, project)
    frozen = freeze_labels(actor=cast.curator, project=project)
    assert frozen.dataset == version.dataset and frozen.number == 2 and frozen.parent == version
    assert (frozen.step, frozen.provenance_kind, frozen.provenance_id) == ("label", "labelproject", project.pk)
    assert "4 without an answer" in frozen.note
    first, second = rows(frozen)
    assert first.messages[-1] == {"role": "assistant", "content": "Answer 0."}
    assert first.extra["quality"] == "good" and first.extra["stars"] == 4.5 and first.extra["topic"] == "even"
    assert first.extra["marks"] == [{"start": 0, "end": 8, "text": "Question", "labels": ["Word"]}]
    assert second.extra == {"topic": "odd", "quality": "bad"}


def test_freeze__text_named_answer__replaces_the_last_turn(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    text = says("good", region("answer", text="Better."))
    answers(people[0], project, text), answers(people[1], project, text)
    close(cast, project)
    [row] = rows(freeze_labels(actor=cast.curator, project=project))
    assert [m["content"] for m in row.messages] == ["Question 0?", "Better."] and "answer" not in row.extra


def test_freeze__tie__is_left_out_until_an_answer_is_accepted(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    answers(people[0], project, says("good"), says("good"))
    [_same, bad] = answers(people[1], project, says("good"), says("bad"))
    close(cast, project)
    frozen = freeze_labels(actor=cast.curator, project=project)
    assert frozen.row_count == 1 and "1 where people are divided" in frozen.note
    services.accept_annotation(actor=cast.curator, annotation=bad)
    again = freeze_labels(actor=cast.curator, project=project)
    assert [row.extra["quality"] for row in rows(again)] == ["good", "bad"]
    services.withdraw_acceptance(actor=cast.curator, task=bad.task)
    with pytest.raises(Conflict):
        services.withdraw_acceptance(actor=cast.curator, task=bad.task)


def test_freeze__keep_list__filters_rows(cast: Cast, version: DatasetVersion, people: list[User]) -> None:
    project = services.create_project(
        actor=cast.curator,
        workspace=cast.workspace,
        name="Keep",
        label_config=CONFIG,
        dataset_version=version,
        keep={"quality": ["good"]},
    )
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.OPEN)
    answers(people[0], project, says("good"), says("bad"), says("good"))
    close(cast, project)
    frozen = freeze_labels(actor=cast.curator, project=project, name="Good ones")
    assert frozen.row_count == 2 and frozen.dataset.name == "Good ones" and "1 not kept" in frozen.note


def test_freeze__while_people_label__is_a_conflict_unless_partial(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    answers(people[0], project, says("good"))
    with pytest.raises(Conflict) as found:
        freeze_labels(actor=cast.curator, project=project)
    assert found.value.code == "still_labelling" and "6 tasks" in found.value.message
    assert freeze_labels(actor=cast.curator, project=project, partial=True).row_count == 1


def test_freeze__nothing_answered__is_a_problem_and_leaves_nothing(cast: Cast, project: LabelProject) -> None:
    close(cast, project)
    with pytest.raises(Problem) as found:
        freeze_labels(actor=cast.curator, project=project, name="New")
    assert found.value.code == "no_rows" and not Dataset.objects.filter(name="New").exists()


def test_freeze__dataset_of_another_workspace__is_refused(cast: Cast, project: LabelProject) -> None:
    close(cast, project)
    foreign = Dataset.objects.create(workspace=cast.other_workspace, name="x")
    with pytest.raises(Problem):
        freeze_labels(actor=cast.curator, project=project, dataset=foreign)


def test_freeze__corrections__are_turns_with_the_new_answer(
    cast: Cast, workspace: Workspace, people: list[User]
) -> None:
    project = services.correction_project(actor=cast.curator, workspace=workspace, name="From feedback")
    turns = [{"role": "user", "content": "Where is it?"}]
    items = [{"data": {"messages": turns, "answer": "Lost."}, "key": "signal:1"}]
    services.add_tasks(actor=cast.curator, project=project, items=items)
    assignment = queue.take_next(actor=people[0], project=project)
    assert assignment
    text = {"from_name": "answer", "to_name": "conversation", "type": "textarea", "value": {"text": ["On its way."]}}
    queue.submit(actor=people[0], assignment=assignment, result=[text])
    [row] = rows(freeze_labels(actor=cast.curator, project=project))
    assert row.messages == [*turns, {"role": "assistant", "content": "On its way."}] and row.extra == {}


def test_freeze__task_without_a_conversation__is_told(cast: Cast, workspace: Workspace, people: list[User]) -> None:
    config = '<View><Text name="prompt" value="$note"/><Rating name="stars" toName="prompt"/></View>'
    project = services.create_project(actor=cast.curator, workspace=workspace, name="Notes", label_config=config)
    services.add_tasks(actor=cast.curator, project=project, items=[{"data": {"note": "hello"}, "key": "1"}])
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.OPEN)
    answers(people[0], project, [region("stars", rating=3)])
    with pytest.raises(Problem) as found:
        freeze_labels(actor=cast.curator, project=project)
    assert "Task 1 has no conversation" in found.value.message


def test_rules__of_a_config__are_told_in_words() -> None:
    from apps.labeling.schema.label_config import parse_config

    said = saying.rules(parse_config(CONFIG), {"quality": ["good"]})
    assert len(said) == 4 and "only rows answered good stay" in said[0] and "last turn" in said[3]


def test_agreement__no_second_answer_or_no_variation__is_undefined_with_a_reason(
    project: LabelProject, people: list[User]
) -> None:
    answers(people[0], project, says("good"), says("good"))
    quality = progress.agreements(project)[0]
    assert "no task has two answers" in (quality.coefficient.undefined or "")
    answers(people[1], project, says("good"), says("good"))
    quality = progress.agreements(project)[0]
    assert "variation" in (quality.coefficient.undefined or "")
    assert quality.coefficient.n_items == 2


def test_agreement__known_answers__is_krippendorffs_alpha(project: LabelProject, people: list[User]) -> None:
    """Two people, six items, one disagreement: alpha = 1 - 11 * 2 / (2 * 5 * 7) = 0.686."""
    answers(people[0], project, *[says(q) for q in ("good", "good", "good", "bad", "bad", "bad")])
    answers(people[1], project, *[says(q) for q in ("good", "good", "good", "bad", "bad", "good")])
    quality = progress.agreements(project)[0]
    alpha = quality.coefficient
    assert alpha.value == pytest.approx(1 - 11 * 2 / (2 * 5 * 7), abs=1e-9)
    assert alpha.n_items == 6 and alpha.n_raters == 2
    assert alpha.value is not None and alpha.low is not None and alpha.high is not None
    assert alpha.low < alpha.value < alpha.high
    assert quality.coefficient == figures.measure(project).questions[0].coefficient  # one number on both tabs
    assert progress.agreement_sample(project) == {"tasks": 6, "is_sample": False}
    [split] = disputes.find(project, disputes.Wish()).disputes
    assert split.task.number == 6 and split.questions == ["quality"] and len(split.task.given) == 2
    assert disputes.find(project, disputes.Wish(), after=6).disputes == []


def test_progress__counts_and_people__are_those_of_the_rows(project: LabelProject, people: list[User]) -> None:
    answers(people[0], project, says("good"), says("good"))
    answers(people[1], project, says("good"))
    queue.take_next(actor=people[2], project=project)
    counts = progress.counts(project)
    assert (counts["all"], counts["done"], counts["started"], counts["annotations"], counts["held"]) == (6, 1, 2, 3, 1)
    assert [(row["person"], row["submitted"]) for row in progress.people(project)] == [
        ("Anton", 2),
        ("Berta", 1),
        ("Carl", 0),
    ]
    assert progress.own(project, people[0])["done"] == 2 and progress.own(project, people[0])["left"] == 4
