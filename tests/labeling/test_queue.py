"""The queue: exactly so many different people a task, leases that come back, drafts, skips, undo."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.labeling import queue, services
from apps.labeling.models import Annotation, Assignment, AssignmentStatus, LabelProject, ProjectStatus, Task
from tests.cast import Cast
from tests.labeling.conftest import region, says

pytestmark = pytest.mark.django_db


def take(person: User, project: LabelProject, *besides: Assignment) -> Assignment | None:
    return queue.take_next(actor=person, project=project, besides=[str(one.pk) for one in besides])


def taken(person: User, project: LabelProject, *besides: Assignment) -> Assignment:
    assignment = take(person, project, *besides)
    assert assignment
    return assignment


def answer(person: User, project: LabelProject, quality: str = "good") -> Annotation:
    return queue.submit(actor=person, assignment=taken(person, project), result=says(quality))


def lapse(assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(lease_until=timezone.now() - timedelta(hours=1))


def drafted(assignment: Assignment) -> str:
    """The choice in the draft."""
    draft: Any = reload(assignment).draft
    return str(draft[0]["value"]["choices"][0])


def is_sound(project: LabelProject) -> bool:
    """What each task counts is what its assignments say, and nobody has it twice."""
    for task in project.tasks.prefetch_related("assignments"):
        statuses = [one.status for one in task.assignments.all()]
        held = statuses.count("leased") + statuses.count("submitted")
        if task.open_slots != project.overlap - held or task.submitted != statuses.count("submitted"):
            return False
    return True


def test_take_next__again__is_the_same_task(project: LabelProject, people: list[User]) -> None:
    first = taken(people[0], project)
    assert taken(people[0], project).pk == first.pk and first.task.number == 1


def test_take_next__besides__prefetches_another_up_to_a_limit(project: LabelProject, people: list[User]) -> None:
    held: list[Assignment] = []
    for _number in range(queue.MOST_HELD):
        held.append(taken(people[0], project, *held))
    assert [one.task.number for one in held] == list(range(1, queue.MOST_HELD + 1))
    assert take(people[0], project, *held) is None


def test_queue__worked_to_its_end__gives_each_task_to_exactly_two_people(
    project: LabelProject, people: list[User]
) -> None:
    for person in people * 6:
        if assignment := take(person, project):
            queue.submit(actor=person, assignment=assignment, result=says("good"))
    assert [task.submitted for task in project.tasks.all()] == [2] * 6
    assert all(task.assignments.values("annotator").distinct().count() == 2 for task in project.tasks.all())
    assert all(take(person, project) is None for person in people) and is_sound(project)
    assert project.tasks.finished().count() == 6


def test_lease__abandoned__comes_back_to_others(project: LabelProject, people: list[User]) -> None:
    anton, berta, carl = people
    gone = taken(anton, project)
    taken(berta, project)
    assert taken(carl, project).task.number == 2  # both slots of task 1 are held
    lapse(gone)
    held = taken(carl, project)
    other = taken(carl, project, held)
    assert other.task.number == 1 and is_sound(project)
    with pytest.raises(Conflict) as found:
        queue.submit(actor=anton, assignment=reload(gone), result=says("good"))
    assert found.value.code == "not_held"


def reload(assignment: Assignment) -> Assignment:
    row: Assignment = Assignment.objects.select_related("task", "project", "annotator").get(pk=assignment.pk)
    return row


def test_lease__lapsed_but_free__is_taken_back_by_a_sign_of_life_or_a_submit(
    project: LabelProject, people: list[User]
) -> None:
    gone = taken(people[0], project)
    for act in ("keep", "submit"):
        lapse(gone)
        assert queue.give_back_lapsed(project) == 1 and reload(gone).status == AssignmentStatus.LAPSED
        if act == "keep":
            queue.keep(assignment=reload(gone))
            assert reload(gone).status == AssignmentStatus.LEASED
        else:
            queue.submit(actor=people[0], assignment=reload(gone), result=says("good"))
    assert is_sound(project) and Annotation.objects.count() == 1


def test_lease__lapsed__comes_back_to_the_same_person_with_its_draft(project: LabelProject, people: list[User]) -> None:
    gone = taken(people[0], project)
    queue.save_draft(assignment=gone, result=says("bad"))
    lapse(gone)
    again = taken(people[0], project)
    assert again.pk == gone.pk and drafted(again) == "bad"


def test_submit__good__is_an_annotation_with_a_lead_time_within_the_lease(
    project: LabelProject, people: list[User]
) -> None:
    assignment = taken(people[0], project)
    Assignment.objects.filter(pk=assignment.pk).update(leased_at=timezone.now() - timedelta(seconds=30))
    annotation = queue.submit(
        actor=people[0], assignment=reload(assignment), result=says("good", region("stars", rating=4)), lead_time=12.5
    )
    assert annotation.lead_time == 12.5 and annotation.annotator == people[0]
    other = queue.submit(actor=people[0], assignment=taken(people[0], project), result=says("good"), lead_time=9999)
    assert other.lead_time < 60
    assert Task.objects.get(pk=annotation.task_id).submitted == 1 and is_sound(project)


def test_submit__twice__is_one_annotation__another_result_a_conflict(project: LabelProject, people: list[User]) -> None:
    assignment = taken(people[0], project)
    first = queue.submit(actor=people[0], assignment=assignment, result=says("good"))
    assert queue.submit(actor=people[0], assignment=reload(assignment), result=says("good")).pk == first.pk
    with pytest.raises(Conflict):
        queue.submit(actor=people[0], assignment=reload(assignment), result=says("bad"))
    with pytest.raises(Conflict):
        queue.save_draft(assignment=reload(assignment), result=says("bad"))
    assert Annotation.objects.get().result[0]["value"] == {"choices": ["good"]}


@pytest.mark.parametrize("lead_time", [-1, 100_000, "12", True, None, float("nan")], ids=str)
def test_submit__lead_time_that_is_none__is_refused(project: LabelProject, people: list[User], lead_time: Any) -> None:
    with pytest.raises(Problem) as found:
        queue.submit(actor=people[0], assignment=taken(people[0], project), result=says("good"), lead_time=lead_time)
    assert found.value.field == "lead_time" and not Annotation.objects.exists()


def test_skip__with_a_reason__frees_the_slot_and_does_not_come_back(project: LabelProject, people: list[User]) -> None:
    assignment = taken(people[0], project)
    queue.skip(actor=people[0], assignment=assignment, reason=" not my language ")
    assert reload(assignment).reason == "not my language" and reload(assignment).status == AssignmentStatus.SKIPPED
    assert taken(people[0], project).task.number == 2 and is_sound(project)
    for reason in ("x" * 301, 7):
        with pytest.raises(Problem):
            queue.skip(actor=people[0], assignment=taken(people[0], project), reason=reason)


def test_undo__last_submit__is_the_task_again_with_its_answer(project: LabelProject, people: list[User]) -> None:
    answer(people[0], project, "good")
    answer(people[0], project, "bad")
    undone = queue.undo_last(actor=people[0], project=project)
    assert undone.task.number == 2 and drafted(undone) == "bad"
    assert Annotation.objects.count() == 1 and is_sound(project)
    queue.undo_last(actor=people[0], project=project)
    with pytest.raises(Conflict):
        queue.undo_last(actor=people[0], project=project)
    with pytest.raises(Conflict):
        queue.undo_last(actor=people[1], project=project)
    assert is_sound(project) and Annotation.objects.count() == 0


def test_undo__skip__takes_the_slot_again_unless_it_is_gone(project: LabelProject, people: list[User]) -> None:
    anton, berta, carl = people
    queue.skip(actor=anton, assignment=taken(anton, project))
    assert queue.undo_last(actor=anton, project=project).status == AssignmentStatus.LEASED
    queue.skip(actor=anton, assignment=taken(anton, project))
    taken(berta, project), taken(carl, project)
    with pytest.raises(Conflict):
        queue.undo_last(actor=anton, project=project)
    assert is_sound(project)


def test_undo__accepted_answer__stays(cast: Cast, project: LabelProject, people: list[User]) -> None:
    services.accept_annotation(actor=cast.curator, annotation=answer(people[0], project))
    with pytest.raises(Conflict) as found:
        queue.undo_last(actor=people[0], project=project)
    assert found.value.code == "accepted" and is_sound(project)


def test_decided_task__is_asked_of_nobody_else(cast: Cast, project: LabelProject, people: list[User]) -> None:
    services.accept_annotation(actor=cast.curator, annotation=answer(people[0], project))
    assert taken(people[1], project).task.number == 2


@pytest.mark.parametrize("status", [ProjectStatus.PAUSED, ProjectStatus.CLOSED])
def test_project__not_open__gives_no_task_but_paused_takes_what_is_held(
    cast: Cast, project: LabelProject, people: list[User], status: str
) -> None:
    held = taken(people[0], project)
    services.move_project(actor=cast.curator, project=project, to=status)
    with pytest.raises(Conflict):
        take(people[1], project)
    if status == ProjectStatus.PAUSED:
        queue.submit(actor=people[0], assignment=reload(held), result=says("good"))
    else:
        with pytest.raises(Conflict):
            queue.submit(actor=people[0], assignment=reload(held), result=says("good"))


def test_release__gives_all_back_at_once(project: LabelProject, people: list[User]) -> None:
    first = taken(people[0], project)
    taken(people[0], project, first)
    queue.release_all(actor=people[0], project=project)
    assert is_sound(project) and not Assignment.objects.filter(status=AssignmentStatus.LEASED).exists()


@pytest.mark.django_db(transaction=True)
def test_race__many_people_and_tabs_at_once__keep_the_count(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    """Real threads with connections of their own, on whichever database the suite runs."""
    start, faults = threading.Barrier(6), []

    def work(person: User) -> None:
        try:
            start.wait()
            while assignment := queue.take_next(actor=person, project=LabelProject.objects.get(pk=project.pk)):
                try:
                    queue.submit(actor=person, assignment=reload(assignment), result=says("good"))
                except Conflict:  # the other tab was first
                    continue
        except Exception as exc:
            faults.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(person,)) for person in people * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and is_sound(project)
    assert [task.submitted for task in project.tasks.all()] == [2] * 6 and Annotation.objects.count() == 12
