"""Answers of the server on their way in. It checks nothing, so each is checked here as if a person had sent it; none is lost: what
cannot be taken is held with its reason, what contradicts an answer of ours is a conflict. The same file again changes nothing."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import transitions
from apps.core.errors import Problem
from apps.labeling.exchange import keeping
from apps.labeling.exchange.reading import UNKNOWN
from apps.labeling.models import (
    Annotation,
    Assignment,
    AssignmentStatus,
    Choice,
    Connection,
    DisputeKind,
    HeldAnswer,
    LabelProject,
    RemoteAnswer,
    RemoteTask,
    SyncConflict,
    Task,
)
from apps.labeling.queueing import bell, counting, leases
from apps.labeling.schema.results import check_result
from apps.labeling.syncing.digests import digest
from workers.labels.records import person_of

_PORTION = 50  # tasks of one transaction
_MOST_AGAIN = 500  # held answers that are tried again in one run
Given = Mapping[str, Any]


def take_file(connection: Connection, path: Path, check: Callable[[], None]) -> Counter[str]:
    """Take what a run fetched: {"new", "changed", "same", "held", "conflicts", "unknown"}. `check` may raise between portions."""
    done: Counter[str] = Counter()
    with open(path, encoding="utf-8") as source:
        lines = (json.loads(line) for line in source)
        while portion := list(islice(lines, _PORTION)):
            check()
            done += take(connection, portion)
    return done


@transaction.atomic
def take(connection: Connection, fetched: list[dict[str, Any]]) -> Counter[str]:
    """A portion of {"task": their id, "answers": all answers of the task}."""
    locked = Connection.objects.select_for_update().get(pk=connection.pk)  # two runs would else both find nothing
    project = LabelProject.objects.get(pk=locked.project_id)
    taker = _Taker(locked, project)
    rows = RemoteTask.objects.filter(connection=locked, remote_id__in=[item["task"] for item in fetched])
    taker.lock([given for item in fetched for given in item["answers"]], [row.task_id for row in rows])
    tasks = {row.remote_id: row.task for row in rows.select_related("task")}
    for item in fetched:
        if item["task"] in tasks:
            taker.take_task(tasks[item["task"]], item["answers"])
        else:
            taker.done["unknown"] += len(item["answers"])  # tasks that were made there are not ours
    bell.ring(project)
    return taker.done


def retry_held(connection: Connection) -> None:
    """Try again what was held for the state of things, not for what it says: a slot may be free now, a person may be done."""
    rows = list(connection.held_answers.filter(place="").select_related("task")[:_MOST_AGAIN])
    with transaction.atomic():
        locked = Connection.objects.select_for_update().get(pk=connection.pk)
        project = LabelProject.objects.get(pk=connection.project_id)
        taker = _Taker(locked, project)
        taker.lock([row.given for row in rows], [row.task_id for row in rows])
        for row in rows:
            taker.take_answer(row.task, row.given)


class _Taker:
    """The rules, over the rows of one portion."""

    def __init__(self, connection: Connection, project: LabelProject) -> None:
        self.connection, self.project, self.people = connection, project, keeping.people_of(project)
        self.config = project.config
        self.questions = frozenset(control.name for control in self.config.controls)
        self.done: Counter[str] = Counter()
        self.common: dict[str, Any] = {"workspace_id": connection.workspace_id, "connection": connection}

    def lock(self, answers: list[Given], tasks: list[Any]) -> None:
        """Shares, then tasks, each in one order, as everybody takes them: nobody waits in a circle."""
        people = {person.pk: person for given in answers if (person := self._who(given)[1])}
        for pk in sorted(people):
            counting.share_of(self.project, people[pk], lock=True)
        list(Task.objects.select_for_update().filter(pk__in=tasks).order_by("pk").values("pk"))

    def take_task(self, task: Task, answers: list[Given]) -> None:
        for given in answers:
            if not given.get("is_cancelled"):
                self.take_answer(task, given)
        self._note_deleted(task, {given["id"] for given in answers})

    def take_answer(self, task: Task, given: Given) -> None:
        try:
            result = check_result(self.config, task.data, given.get("result"))
        except Problem as problem:
            reason = given.get("note") or f"{problem.message} {problem.hint}".strip()
            self._hold(task, given, reason, problem.field)
            return
        link = self._link(given["id"])
        taken = self._update(task, link, given, result) if link else self._new(task, given, result)
        if taken:
            HeldAnswer.objects.filter(connection=self.connection, remote_id=given["id"]).delete()

    def _link(self, remote: int) -> RemoteAnswer | None:
        rows = RemoteAnswer.objects.filter(connection=self.connection, remote_id=remote)
        found: RemoteAnswer | None = rows.select_related("annotation").first()
        return found

    # ---- answers that are known

    def _update(self, task: Task, link: RemoteAnswer, given: Given, result: list[Any]) -> bool:
        theirs, ours = digest(result), digest(link.annotation.result)
        if theirs == ours:
            self._agree(link, theirs, given)
            self._settle_conflict(given["id"])
            self.done["same"] += 1
        elif theirs == link.agreed or given["updated_at"] == link.seen_at:
            self.done["same"] += 1  # changed here only, or looked at and decided
        elif Task.objects.filter(pk=task.pk, accepted=link.annotation_id).exists():
            self._dispute(task, link.annotation, given, result, DisputeKind.ACCEPTED)
        elif ours == link.agreed:
            Annotation.objects.filter(pk=link.annotation_id).update(result=result)
            self._agree(link, theirs, given)
            self.done["changed"] += 1
        else:
            self._dispute(task, link.annotation, given, result, DisputeKind.BOTH_CHANGED)
        return True

    def _agree(self, link: RemoteAnswer, agreed: str, given: Given) -> None:
        values = {"agreed": agreed, "seen_at": given["updated_at"], "to_send": False}
        RemoteAnswer.objects.filter(pk=link.pk).update(**values)

    # ---- answers that are new

    def _new(self, task: Task, given: Given, result: list[Any]) -> bool:
        label, person = self._who(given)
        same = {"annotator": person} if person else {"annotator": None, "annotator_label": label}
        had = Assignment.objects.filter(task=task, **same).exclude(status=AssignmentStatus.REVIEW).first()
        if had is None:
            made = self._keep(task, given, result, person, label)
        else:
            answered = Annotation.objects.filter(assignment=had).first()
            if answered:
                self._compare(task, answered, given, result)
                return True
            if had.status == AssignmentStatus.LEASED:
                self._hold(task, given, _("The same person is labelling this task here right now."), "")
                return False
            made = self._answer_after_all(had, task, given, result)
        if made is None:
            self._hold(task, given, _("The task has as many answers as it needs."), "")
            return False
        self._remember(task, made, given, digest(result))
        self.done["new"] += 1
        return True

    def _who(self, given: Given) -> tuple[str, User | None]:
        """(name, account)"""
        label = person_of(given.get("person")) or UNKNOWN
        return label, self.people.get(label.lower())

    def _keep(self, task: Task, given: Given, result: list[Any], person: User | None, label: str) -> Annotation | None:
        one = keeping.Given(task.pk, result, person, "" if person else label, self.questions, _seconds(given))
        if keeping.keep(self.project, [one]) != [keeping.ADDED]:
            return None
        same = {"annotator": person} if person else {"annotator": None, "assignment__annotator_label": label}
        made: Annotation = Annotation.objects.get(task=task, **same)
        return made

    def _answer_after_all(self, had: Assignment, task: Task, given: Given, result: list[Any]) -> Annotation | None:
        """Somebody who skipped or left the task here has answered it there."""
        if not leases.take_slot(task.pk):
            return None
        if had.status == AssignmentStatus.SKIPPED and had.annotator:
            counting.add_skips(counting.share_of(self.project, had.annotator), -1)
        actor = "label studio"
        leases.lease_again(had, actor)
        ended: dict[str, Any] = {"lease_until": None, "finished_at": timezone.now()}
        transitions.move(had, AssignmentStatus.SUBMITTED, actor=actor, is_quiet=True, **ended)
        made: Annotation = Annotation.objects.create(
            workspace_id=self.project.workspace_id, project=self.project, task=task, assignment=had,
            annotator=had.annotator, result=result, lead_time=_seconds(given), is_imported=True,
        )  # fmt: skip
        counting.count_imports(self.project, [(task.pk, had.annotator)])
        return made

    def _compare(self, task: Task, ours: Annotation, given: Given, result: list[Any]) -> None:
        """The same person answered here too."""
        if RemoteAnswer.objects.filter(annotation=ours).exists():
            self._hold(task, given, _("The same person has another answer to this task there."), "")
        elif digest(ours.result) == digest(result):
            self._remember(task, ours, given, digest(result))
            self._settle_conflict(given["id"])
            self.done["same"] += 1
        else:
            self._dispute(task, ours, given, result, DisputeKind.BOTH_ANSWERED)

    def _remember(self, task: Task, annotation: Annotation, given: Given, agreed: str) -> None:
        values = {"agreed": agreed, "seen_at": given["updated_at"]}
        RemoteAnswer.objects.create(**self.common, task=task, annotation=annotation, remote_id=given["id"], **values)

    # ---- what cannot be taken

    def _hold(self, task: Task, given: Given, reason: str, place: str) -> None:
        values = {
            **self.common, "task": task, "given": dict(given), "reason": reason[:500], "place": place[:200],
            "person": str(given.get("person") or "")[:254],
        }  # fmt: skip
        HeldAnswer.objects.update_or_create(connection=self.connection, remote_id=given["id"], defaults=values)
        self.done["held"] += 1

    def _dispute(self, task: Task, ours: Annotation, given: Given, result: Any, kind: str) -> None:
        """Open a conflict, or bring an open one up to date. One that was decided over this very version stays decided."""
        seen = given["updated_at"]
        decided = SyncConflict.objects.filter(
            connection=self.connection, remote_id=given["id"], resolved_at__isnull=False
        )
        if decided.filter(seen_at=seen, kind=kind).exists():
            self.done["same"] += 1
            return
        values = {**self.common, "task": task, "annotation": ours, "kind": kind, "theirs": result, "seen_at": seen}
        key = {"connection": self.connection, "remote_id": given["id"], "resolved_at": None}
        _row, is_new = SyncConflict.objects.update_or_create(**key, defaults=values)
        self.done["conflicts"] += int(is_new)

    def _settle_conflict(self, remote: int) -> None:
        """Both sides say the same by now: there is nothing left to choose."""
        rows = SyncConflict.objects.filter(connection=self.connection, remote_id=remote, resolved_at=None)
        rows.update(choice=Choice.SAME, resolved_at=timezone.now())

    def _note_deleted(self, task: Task, there: set[int]) -> None:
        """`there`: every answer that the task has on the server."""
        links = RemoteAnswer.objects.filter(connection=self.connection, task=task).exclude(remote_id__in=there)
        for link in links.select_related("annotation"):
            gone = {"id": link.remote_id, "updated_at": f"deleted {link.seen_at}"[:40]}
            self._dispute(task, link.annotation, gone, None, DisputeKind.DELETED)
        HeldAnswer.objects.filter(connection=self.connection, task=task).exclude(remote_id__in=there).delete()


def _seconds(given: Given) -> float:
    """Seconds as told, 0 for what cannot be."""
    told: Any = given.get("seconds")
    is_time = isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= 24 * 3600
    return float(told) if is_time else 0.0
