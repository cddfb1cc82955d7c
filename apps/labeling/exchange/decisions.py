"""Decisions that a file of Label Studio tells: which answer of a task was accepted, and which task is gold. One that was made here stays.

They are made like a reviewer's (reviewing.deciding), but many at once: the tasks are locked and their new answers written.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.exchange.keeping import Given, Standing, is_same
from apps.labeling.exchange.writing import write_rows
from apps.labeling.golden import gold
from apps.labeling.models import (
    Annotation,
    Assignment,
    AssignmentStatus,
    Gold,
    LabelProject,
    Said,
    Share,
    Task,
    Verdict,
)
from apps.labeling.queueing import counting
from apps.labeling.schema import alike

_AT_ONCE = 500
_ACCEPT = "UPDATE {table} SET accepted_id = %s WHERE id = %s AND accepted_id IS NULL"


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer that counts alone. `is_review`: a reviewer's own, which is no answer of an annotator. `place` is that in the file."""

    place: str
    given: Given
    is_gold: bool
    is_review: bool


@dataclass(slots=True)
class _Found:
    """A task that a file decides, as it is here."""

    accepted: UUID | None
    result: list[dict[str, Any]] | None
    submitted: int
    is_gold: bool


class Decider:
    """Decides tasks by what one portion of a file says. `counts` are "accepted" and "gold"; `told` is what was not done, and where."""

    def __init__(self, project: LabelProject, actor: Any) -> None:
        self.project, self._actor = project, actor
        self.counts: Counter[str] = Counter()
        self.told: list[tuple[str, str]] = []

    def look(self, decided: Sequence[Decided], there: Standing) -> None:
        """Count what `take` would do."""
        found = self._find(decided)
        self._sort(decided, found, there)

    def take(self, decided: Sequence[Decided], there: Standing) -> None:
        """Do it. `there`: what there is of the tasks, the new answers with it."""
        found = self._find(decided)
        accept = self._sort(decided, found, there)
        answers = self._accept(accept, found) if accept else {}
        for one in decided:
            known = found[one.given.task]
            is_this = one.given.task in answers or known.accepted is not None
            if one.is_gold and is_this and not known.is_gold:
                self._mark(one)
                known.is_gold = True

    def _find(self, decided: Sequence[Decided]) -> dict[UUID, _Found]:
        wanted = sorted({one.given.task for one in decided})
        found = {pk: _Found(None, None, 0, False) for pk in wanted}  # a task that is only looked at is not there yet
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            rows = Task.objects.filter(pk__in=part).order_by()
            for pk, *values in rows.values_list("pk", "accepted_id", "accepted__result", "submitted", "gold"):
                found[pk] = _Found(values[0], values[1], values[2], values[3] is not None)
        return found

    def _sort(self, decided: Sequence[Decided], found: Mapping[UUID, _Found], there: Standing) -> list[Decided]:
        """The decisions to make, at most one a task."""
        kept: dict[UUID, Decided] = {}
        free = gold.MOST - Gold.objects.filter(project=self.project).count() if decided else 0
        for one in decided:
            given, known = one.given, found[one.given.task]
            if known.accepted is not None or given.task in kept:
                said = kept[given.task].given.result if given.task in kept else known.result or []
                if not is_same(said, given.result, given.questions):
                    self.told.append((one.place, _("The task is decided otherwise here; that stays.")))
                    continue
            elif not self._may_stand(one, there):
                continue
            else:
                kept[given.task] = one
                self.counts["accepted"] += 1
            if one.is_gold and not known.is_gold and self.counts["gold"] < free:
                self.counts["gold"] += 1
        return list(kept.values())

    def _may_stand(self, one: Decided, there: Standing) -> bool:
        """Whether the answer is here and may be accepted by who brings the file."""
        if one.is_review:
            return True
        stands = there.answers.get((one.given.task, one.given.who))
        if stands is None or not is_same(stands, one.given.result, one.given.questions):
            return False  # what became of the answer itself is told already
        if self._actor is not None and one.given.who[0] == getattr(self._actor, "pk", self._actor):
            self.told.append((one.place, _("This is your own answer; somebody else accepts it.")))
            return False
        return True

    # ---- writing

    def _accept(self, accept: Sequence[Decided], found: Mapping[UUID, _Found]) -> dict[UUID, UUID]:
        """{task: the answer that is accepted}."""
        self._write_reviews([one for one in accept if one.is_review])
        answers = list(self._answers([one.given.task for one in accept]))
        places = {(row.task_id, who): row.pk for who, row in answers}
        chosen = {one.given.task: places[one.given.task, _who(one)] for one in accept}
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(Task._meta.db_table)
            prepare = Task._meta.pk.get_db_prep_value
            pairs = [(prepare(row, connection), prepare(task, connection)) for task, row in chosen.items()]
            cursor.executemany(_ACCEPT.format(table=table), pairs)
        self._count([found[task] for task in chosen])
        self._tell_authors([row for _who, row in answers], chosen)
        return chosen

    def _write_reviews(self, reviews: Sequence[Decided]) -> None:
        now, common = timezone.now(), {"workspace": self.project.workspace_id, "project": self.project.pk}
        held = [uuid4() for _one in reviews]
        pairs = [(pk, one.given) for pk, one in zip(held, reviews, strict=True)]
        names = [(str(given.person) if given.person else given.label)[:254] for given in (one.given for one in reviews)]
        assignments = (
            (pk, given.created_at or now, given.task, name, given.created_at or now)
            for (pk, given), name in zip(pairs, names, strict=True)
        )
        answers = (
            (uuid4(), given.created_at or now, given.task, given.person.pk if given.person else None, pk, given.result)
            for pk, given in pairs
        )
        as_review = {**common, "status": AssignmentStatus.REVIEW, "leased_at": now}
        if reviews:
            write_rows(Assignment, ("created_at", "task", "annotator_label", "finished_at"), assignments, **as_review)
            names_of = ("created_at", "task", "annotator", "assignment", "result")
            write_rows(Annotation, names_of, answers, **common, is_imported=True)

    def _answers(self, tasks: Sequence[UUID]) -> Iterator[tuple[Any, Annotation]]:
        """(whose, answer) of these tasks; of a reviewer's own, None."""
        for start in range(0, len(tasks), _AT_ONCE):
            rows = Annotation.objects.filter(task__in=tasks[start : start + _AT_ONCE]).select_related("assignment")
            for row in rows.order_by("created_at"):
                held = row.assignment
                if held.status == AssignmentStatus.REVIEW:
                    yield None, row
                elif held.status == AssignmentStatus.SUBMITTED:
                    yield (row.annotator_id, "" if row.annotator_id else held.annotator_label), row

    def _count(self, tasks: Sequence[_Found]) -> None:
        fresh = sum(one.submitted < self.project.overlap for one in tasks)
        share = counting.console_share(self.project)
        steps = {"decided": F("decided") + len(tasks), "finished": F("finished") + fresh}
        Share.objects.filter(pk=share.pk).update(**steps)

    def _tell_authors(self, rows: Sequence[Annotation], chosen: Mapping[UUID, UUID]) -> None:
        """Every author reads whether the own answer was accepted, as after a decision on the page."""
        config = self.project.config
        said = {row.pk: alike.by_question(config, row.result) for row in rows}
        common = {"workspace_id": self.project.workspace_id, "project": self.project, "created_by": self._actor}
        verdicts = []
        for row in rows:
            if row.assignment.status == AssignmentStatus.SUBMITTED:
                right = chosen[row.task_id]
                is_right = row.pk == right or alike.is_same(config, said[right], said[row.pk])
                kind = Said.ACCEPTED if is_right else Said.OVERRULED
                verdicts.append(Verdict(**common, assignment=row.assignment, said=kind))
        Verdict.objects.bulk_create(verdicts, batch_size=_AT_ONCE)

    def _mark(self, one: Decided) -> None:
        try:
            with transaction.atomic():
                gold.mark(actor=self._actor, task=Task.objects.get(pk=one.given.task))
        except Problem as problem:
            self.told.append((one.place, problem.message))


def _who(one: Decided) -> Any:
    return None if one.is_review else one.given.who
