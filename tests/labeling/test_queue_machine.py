"""The queue under any order of events: whatever people do, each task goes to so many different people and every figure is right."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.datasets.models import DatasetVersion
from apps.labeling import exchange, queue, services
from apps.labeling.models import Annotation, Assignment, AssignmentStatus, LabelProject, ProjectStatus, Share
from apps.labeling.queueing import counting
from apps.labeling.queueing.settings import change_settings
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, says
from tests.labeling.test_queue import is_sound, reload

pytestmark = pytest.mark.django_db

PEOPLE = st.integers(0, 2)
IN_HAND = (AssignmentStatus.LEASED, AssignmentStatus.SUBMITTED)


class QueueMachine(RuleBasedStateMachine):
    """Three people, six tasks, in a transaction that is rolled back."""

    cast: Cast
    people: list[User]
    version: DatasetVersion

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize(overlap=st.integers(1, 2), order=st.sampled_from(["rows", "random", "priority"]))
    def opened(self, overlap: int, order: str) -> None:
        made = services.create_project(
            actor=self.cast.curator,
            workspace=self.cast.workspace,
            name="Any order",
            label_config=CONFIG,
            dataset_version=self.version,
            overlap=overlap,
        )
        services.move_project(actor=self.cast.curator, project=made, to=ProjectStatus.OPEN)
        self.project = change_settings(actor=self.cast.curator, project=made, order=order)

    def mine(self, person: int, *statuses: str) -> list[Assignment]:
        rows = Assignment.objects.filter(project=self.project, annotator=self.people[person], status__in=statuses)
        return [reload(one) for one in rows.order_by("task__number")]

    @rule(person=PEOPLE, more=st.booleans())
    def takes(self, person: int, more: bool) -> None:
        held = [str(one.pk) for one in self.mine(person, AssignmentStatus.LEASED)] if more else []
        turn = queue.next_turn(actor=self.people[person], project=self.project, besides=held)
        if turn.assignment:
            assert turn.assignment.status == AssignmentStatus.LEASED
            assert turn.assignment.annotator_id == self.people[person].pk
            assert str(turn.assignment.pk) not in held
        assert turn.in_hand == len(self.mine(person, AssignmentStatus.LEASED)) <= queue.MOST_HELD

    @rule(person=PEOPLE)
    def takes_and_answers(self, person: int) -> None:
        if found := queue.take_next(actor=self.people[person], project=self.project):
            queue.submit(actor=self.people[person], assignment=reload(found), result=says("good"))

    @rule(person=PEOPLE, again=st.booleans())
    def answers(self, person: int, again: bool) -> None:
        for held in self.mine(person, AssignmentStatus.LEASED)[:1]:
            first = queue.submit(actor=self.people[person], assignment=held, result=says("good"))
            if again:  # as it was read before: the line broke, and it is sent once more
                held.status = AssignmentStatus.LEASED
                assert queue.submit(actor=self.people[person], assignment=held, result=says("good")).pk == first.pk

    @rule(person=PEOPLE)
    def skips(self, person: int) -> None:
        for held in self.mine(person, AssignmentStatus.LEASED)[:1]:
            queue.skip(actor=self.people[person], assignment=held, reason="unclear")

    @rule(person=PEOPLE)
    def undoes(self, person: int) -> None:
        self.may_refuse(lambda: queue.undo_last(actor=self.people[person], project=self.project))

    @rule(person=PEOPLE)
    def leaves(self, person: int) -> None:
        queue.release_all(actor=self.people[person], project=self.project)

    @rule(person=PEOPLE, is_seen=st.booleans())
    def falls_asleep(self, person: int, is_seen: bool) -> None:
        held = Assignment.objects.filter(annotator=self.people[person], status=AssignmentStatus.LEASED)
        held.update(lease_until=timezone.now() - timedelta(hours=1))
        if is_seen:
            queue.give_back_lapsed(self.project)

    @rule(person=PEOPLE, drafts=st.booleans())
    def comes_back_to_what_lapsed(self, person: int, drafts: bool) -> None:
        for lost in self.mine(person, AssignmentStatus.LAPSED)[:1]:
            if drafts:
                self.may_refuse(partial(queue.save_draft, assignment=lost, result=says("bad")))
            else:
                who = self.people[person]
                self.may_refuse(partial(queue.submit, actor=who, assignment=lost, result=says("bad")))

    @rule(person=st.one_of(PEOPLE, st.none()), number=st.integers(1, 6))
    def answer_is_imported(self, person: int | None, number: int) -> None:
        task = self.project.tasks.get(number=number)
        who = "ann@elsewhere.example" if person is None else self.people[person].email
        annotation = {"completed_by": {"email": who}, "result": says("good")}
        item = {"data": task.data, "meta": {"key": task.key}, "annotations": [annotation]}
        self.may_refuse(lambda: exchange.import_tasks(actor=self.cast.curator, project=self.project, items=[item]))

    @rule()
    def more_people_are_asked(self) -> None:
        if self.project.overlap < 3:
            more = self.project.overlap + 1
            self.project = change_settings(actor=self.cast.curator, project=self.project, overlap=more)

    @rule(number=st.integers(1, 6))
    def answer_is_accepted(self, number: int) -> None:
        if found := Annotation.objects.filter(project=self.project, task__number=number).first():
            services.accept_annotation(actor=self.cast.curator, annotation=found)

    def may_refuse(self, act: Callable[[], Any]) -> None:
        """What somebody else's work forbids is a Conflict that changes nothing."""
        try:
            with transaction.atomic():
                act()
        except Conflict as refused:
            assert refused.message

    @invariant()
    def places_are_as_held(self) -> None:
        if hasattr(self, "project"):
            assert is_sound(self.project)

    @invariant()
    def nobody_has_a_task_twice_and_no_task_too_many(self) -> None:
        if not hasattr(self, "project"):
            return
        for task in self.project.tasks.all():
            people = list(task.assignments.values_list("annotator", "annotator_label"))
            assert len(people) == len(set(people))
            assert task.assignments.filter(status__in=IN_HAND).count() <= self.project.overlap
            assert task.submitted == task.annotations.count()

    @invariant()
    def figures_are_as_counted_anew(self) -> None:
        if not hasattr(self, "project"):
            return
        before, people = counting.counts(self.project), figures(self.project)
        with transaction.atomic():
            counting.recount(self.project)
            anew, people_anew = counting.counts(self.project), figures(self.project)
            transaction.set_rollback(True)
        assert (before, people) == (anew, people_anew)


def figures(project: LabelProject) -> dict[Any, tuple[int, int]]:
    shares = Share.objects.filter(project=project, annotator__isnull=False)
    return {share.annotator_id: (share.submitted, share.skipped) for share in shares}


def test_queue__any_order_of_events__places_and_figures_are_right(
    cast: Cast, people: list[User], version: DatasetVersion
) -> None:
    QueueMachine.cast, QueueMachine.people, QueueMachine.version = cast, people, version
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
