"""Review: which tasks come, what a reviewer decides, what goes back to its author, and what two at once do."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.labeling import progress, queue, services
from apps.labeling.models import (
    Annotation,
    AssignmentStatus,
    LabelProject,
    ProjectStatus,
    ReviewMode,
    Said,
    Task,
    Verdict,
)
from apps.labeling.reviewing import comments, deciding, disputes, planning
from apps.labeling.reviewing.disputes import Wish
from tests.cast import Cast
from tests.labeling.conftest import region, says

pytestmark = pytest.mark.django_db


def answer(person: User, project: LabelProject, result: list[dict[str, Any]]) -> Annotation:
    assignment = queue.take_next(actor=person, project=project)
    assert assignment
    return queue.submit(actor=person, assignment=assignment, result=result, lead_time=1)


@pytest.fixture
def split(project: LabelProject, people: list[User]) -> list[Annotation]:
    """Task 1: Anton says good, Berta bad. Task 2: both say good."""
    first = [answer(person, project, says(said)) for person, said in zip(people, ("good", "bad"), strict=False)]
    for person in people[:2]:
        answer(person, project, says("good"))
    return first


def numbers(project: LabelProject, **wish: Any) -> list[int]:
    return [one.task.number for one in disputes.find(project, Wish(**wish)).disputes]


def test_queue__by_the_plan__holds_what_it_says(cast: Cast, project: LabelProject, split: list[Annotation]) -> None:
    found = disputes.find(project, Wish()).disputes
    assert [(one.task.number, one.questions) for one in found] == [(1, ["quality"])]
    assert numbers(project, show="all") == [1, 2]
    for mode, expected in ((ReviewMode.ALL, [1, 2]), (ReviewMode.NONE, [])):
        planning.change_plan(actor=cast.curator, project=project, mode=mode)
        assert numbers(project) == expected
    planning.change_plan(actor=cast.curator, project=project, mode=ReviewMode.SHARE, share=100)
    assert numbers(project) == [1, 2]
    planning.change_plan(actor=cast.curator, project=project, share=50)
    assert numbers(project) == numbers(project) != [0]


def test_queue__filters__narrow_it(
    cast: Cast, project: LabelProject, split: list[Annotation], people: list[User]
) -> None:
    assert numbers(project, show="all", below=0.9) == [1]
    assert numbers(project, show="all", question="quality") == [1]
    assert numbers(project, show="all", annotator=people[2].pk) == []
    assert numbers(project, show="all", annotator=people[0].pk) == [1, 2]
    held = queue.take_next(actor=people[2], project=project)
    assert held
    queue.flag(assignment=held, flagged=True, note="odd")
    queue.skip(actor=people[2], assignment=held, reason="no idea")
    assert numbers(project, show="flagged") == numbers(project, show="skipped") == [held.task.number]
    comments.say(actor=cast.curator, task=held.task, text="Look.")
    assert numbers(project, show="commented") == [held.task.number]


def test_queue__back__finds_the_one_before(project: LabelProject, split: list[Annotation]) -> None:
    [one] = disputes.find(project, Wish(show="all"), after=2, limit=1, back=True).disputes
    assert one.task.number == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"show": "x"}, "show"),
        ({"question": "x"}, "question"),
        ({"annotator": "x"}, "annotator"),
        ({"below": "2"}, "below"),
        ({"below": "nan"}, "below"),
    ],
)
def test_wish__wrong__names_the_field(project: LabelProject, query: dict[str, str], field: str) -> None:
    with pytest.raises(Problem) as refused:
        Wish.read(query, project)
    assert refused.value.field == field


def test_accept__one_of_two__decides_and_tells_both_authors(
    cast: Cast, project: LabelProject, split: list[Annotation]
) -> None:
    good, bad = split
    deciding.accept(actor=cast.curator, annotation=bad)
    assert Task.objects.get(number=1, project=project).accepted == bad
    said = dict(Verdict.objects.values_list("assignment__annotator__name", "said"))
    assert said == {"Anton": Said.OVERRULED, "Berta": Said.ACCEPTED}
    deciding.accept(actor=cast.curator, annotation=good)
    said = dict(Verdict.objects.values_list("assignment__annotator__name", "said"))
    assert said == {"Anton": Said.ACCEPTED, "Berta": Said.OVERRULED}
    deciding.withdraw(actor=cast.curator, task=good.task)
    assert not Verdict.objects.exists() and numbers(project) == [1]


def test_accept__own_answer__is_refused(cast: Cast, project: LabelProject) -> None:
    own = answer(cast.curator, project, says("good"))
    with pytest.raises(Conflict) as refused:
        deciding.accept(actor=cast.curator, annotation=own)
    assert refused.value.code == "own_answer"
    with pytest.raises(Conflict):
        deciding.adjudicate(actor=cast.curator, task=own.task, result=says("bad"))
    assert Task.objects.get(pk=own.task_id).accepted is None
    deciding.accept(actor=cast.engineer, annotation=own)


def test_adjudicate__own_answer_of_the_reviewer__decides_and_counts_nowhere_else(
    cast: Cast, project: LabelProject, split: list[Annotation]
) -> None:
    task, before = split[0].task, progress.counts(project)
    decided = deciding.adjudicate(actor=cast.curator, task=task, result=says("good", region("stars", rating=4)))
    task.refresh_from_db()
    assert task.accepted == decided and decided.annotator == cast.curator and task.submitted == 2
    assert decided.assignment.status == AssignmentStatus.REVIEW
    assert progress.counts(project)["annotations"] == before["annotations"]
    assert {row["person"] for row in progress.people(project)} == {"Anton", "Berta"}
    deciding.accept(actor=cast.curator, annotation=split[0])
    assert not Annotation.objects.filter(pk=decided.pk).exists()
    with pytest.raises(Problem):
        deciding.adjudicate(actor=cast.curator, task=task, result=says("great"))


def test_two_reviewers__the_second__is_told_and_changes_nothing(
    cast: Cast, project: LabelProject, split: list[Annotation]
) -> None:
    good, bad = split
    seen = deciding.state_of(good.task)
    deciding.accept(actor=cast.engineer, annotation=bad, state=seen)
    for again in (
        lambda: deciding.accept(actor=cast.curator, annotation=good, state=seen),
        lambda: deciding.adjudicate(actor=cast.curator, task=good.task, result=says("good"), state=seen),
        lambda: deciding.send_back(actor=cast.curator, annotation=good, note="No.", state=seen),
        lambda: deciding.withdraw(actor=cast.curator, task=good.task, state=seen),
    ):
        with pytest.raises(Conflict, match="Emil was faster"):
            again()
    assert Task.objects.get(pk=good.task_id).accepted == bad


def test_return__goes_to_its_author_alone__and_comes_back(
    cast: Cast, project: LabelProject, split: list[Annotation], people: list[User]
) -> None:
    _good, bad = split
    deciding.send_back(actor=cast.curator, annotation=bad, note="  Read the guidelines. ")
    task = Task.objects.get(pk=bad.task_id)
    assert task.submitted == 1 and task.open_slots == 0
    assert queue.take_next(actor=people[2], project=project).task.number != 1  # type: ignore[union-attr]
    queue.release_all(actor=people[1], project=project)  # leaving gives it to nobody else
    mine = queue.take_next(actor=people[1], project=project)
    assert mine and mine.task == task and mine.draft == bad.result
    from apps.labeling.serializers import AssignmentSerializer

    shown: Any = AssignmentSerializer(mine).data
    assert shown["returned_note"] == "Read the guidelines."
    queue.submit(actor=people[1], assignment=mine, result=says("good"))
    task.refresh_from_db()
    assert task.submitted == 2 and numbers(project) == []
    verdict = Verdict.objects.get(said=Said.RETURNED)
    assert not verdict.is_open and verdict.result == bad.result
    assert LedgerEntry.objects.filter(verb="labelproject.returned").count() == 1


def test_return__lease_over__waits_for_its_author(
    cast: Cast, project: LabelProject, split: list[Annotation], people: list[User]
) -> None:
    deciding.send_back(actor=cast.curator, annotation=split[1], note="Once more.")
    project.assignments.filter(status=AssignmentStatus.LEASED).update(lease_until="2020-01-01T00:00Z")
    assert queue.give_back_lapsed(project) == 0
    Verdict.objects.update(created_at="2020-01-01T00:00Z")  # nobody waits for ever
    assert queue.give_back_lapsed(project) == 1


def test_return__where_it_cannot_go_back__says_why(
    cast: Cast, project: LabelProject, split: list[Annotation], people: list[User]
) -> None:
    good, bad = split
    with pytest.raises(Problem) as wordless:
        deciding.send_back(actor=cast.curator, annotation=bad, note="  ")
    assert wordless.value.field == "note"
    cast.workspace.memberships.filter(user=people[1]).delete()
    with pytest.raises(Conflict) as gone:
        deciding.send_back(actor=cast.curator, annotation=bad, note="Hm.")
    assert gone.value.code == "no_author"
    deciding.accept(actor=cast.curator, annotation=good)
    with pytest.raises(Conflict) as decided:
        deciding.send_back(actor=cast.curator, annotation=bad, note="Hm.")
    assert decided.value.code == "decided"
    deciding.withdraw(actor=cast.curator, task=good.task)
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)
    with pytest.raises(Conflict) as closed:
        deciding.send_back(actor=cast.curator, annotation=Annotation.objects.get(pk=good.pk), note="Hm.")
    assert closed.value.code == "not_open"


def test_comments__thread__is_answered_settled_and_in_the_ledger(cast: Cast, project: LabelProject) -> None:
    task = project.tasks.get(number=1)
    thread = comments.say(actor=cast.curator, task=task, text="Is it?")
    comments.settle(actor=cast.engineer, thread=thread)
    with pytest.raises(Conflict):
        comments.settle(actor=cast.engineer, thread=thread)
    comments.say(actor=cast.engineer, task=task, text="It is.", thread=thread)
    [found] = comments.threads(task)
    assert found.resolved_at is None and [reply.text for reply in found.replies.all()] == ["It is."]
    with pytest.raises(Problem):
        comments.say(actor=cast.curator, task=project.tasks.get(number=2), text="x", thread=thread)
    verbs = set(LedgerEntry.objects.values_list("verb", flat=True))
    assert {"labelproject.commented", "labelproject.thread_settled"} <= verbs


@pytest.mark.parametrize(
    "values", [{"mode": "x"}, {"share": 0}, {"gold_every": 1}, {"gold_floor": 101}, {"share": True}, {"gold_counts": 1}]
)
def test_plan__wrong__names_the_field(cast: Cast, project: LabelProject, values: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        planning.change_plan(actor=cast.curator, project=project, **values)
    assert refused.value.field in values
