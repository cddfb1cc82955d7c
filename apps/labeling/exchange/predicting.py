"""Predictions of Label Studio's JSON as suggestions: each model version that a file names is a suggester of the project.

What a suggester of this project has said (its export names it the same) is there already; of others one is made, of the kind "imported".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from apps.core import ledger
from apps.core.errors import Problem
from apps.labeling.models import LabelProject, Suggester, SuggesterKind, Suggestion
from apps.labeling.schema.results import check_result

MOST = 50  # suggesters of a project
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction of a file, for a task whose data is `data`."""

    place: str
    task: UUID
    data: Mapping[str, Any]
    told: Mapping[str, Any]


class Predictions:
    """Takes the predictions of a file. `counts`: "suggested", "unfit" (what the questions do not take), and `told` why and where."""

    def __init__(self, project: LabelProject, actor: Any) -> None:
        self.project, self._actor, self._config = project, actor, project.config
        self.counts: Counter[str] = Counter()
        self.told: list[tuple[str, str]] = []
        rows = project.suggesters.all()
        self._by_name: dict[str, Suggester | None] = {row.model_version: row for row in rows}
        self._count = len(self._by_name)

    def look(self, predicted: Sequence[Predicted]) -> None:
        """Count what `take` would do."""
        self._sort(predicted, write=False)

    def take(self, predicted: Sequence[Predicted]) -> None:
        """Write what is new."""
        rows = self._sort(predicted, write=True)
        Suggestion.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)
        for suggester, count in Counter(row.suggester_id for row in rows).items():
            grown = {name: F(name) + count for name in ("suggested", "looked_at")}
            Suggester.objects.filter(pk=suggester).update(**grown)

    def _sort(self, predicted: Sequence[Predicted], *, write: bool) -> list[Suggestion]:
        """The suggestions that are new, each task once by each suggester."""
        names = dict.fromkeys(self._name(one) for one in predicted)
        suggesters = {name: self._suggester(name, write=write) for name in names}
        known = {row.pk for row in suggesters.values() if row is not None}
        there = self._there(known, [one.task for one in predicted])
        rows = []
        for one in predicted:
            name = self._name(one)
            suggester = suggesters[name]
            if suggester is None and self._is_full(name):
                self._refuse(one, _("A project has at most %(most)d suggesters.") % {"most": MOST})
                continue
            place = (suggester.pk if suggester else name, one.task)
            if place in there:
                continue
            try:
                result = check_result(self._config, one.data, one.told["result"], is_draft=True)
            except Problem as problem:
                where = f"{problem.field}: " if problem.field else ""
                self._refuse(one, f"{where}{problem.message} {problem.hint}".strip())
                continue
            there.add(place)
            self.counts["suggested"] += 1
            if suggester is not None and write:
                rows.append(_suggestion(suggester, one, result))
        return rows

    def _refuse(self, one: Predicted, why: str) -> None:
        self.counts["unfit"] += 1
        self.told.append((one.place, why))

    def _name(self, one: Predicted) -> str:
        return one.told["model"] or "Label Studio"

    def _is_full(self, name: str) -> bool:
        return self._count >= MOST and name not in self._by_name

    def _suggester(self, name: str, *, write: bool) -> Suggester | None:
        """The suggester that a file calls so; None for one that is not there, when nothing is to be written or there are too many."""
        if name in self._by_name or self._is_full(name):
            return self._by_name.get(name)
        self._count += 1
        self._by_name[name] = self._made(name) if write else None
        return self._by_name[name]

    def _made(self, name: str) -> Suggester:
        is_taken = self.project.suggesters.filter(name=name).exists()
        fields = {"workspace_id": self.project.workspace_id, "created_by": self._actor, "kind": SuggesterKind.IMPORTED}
        called = f"{name[:73]} (file)" if is_taken else name
        made: Suggester
        made, is_new = Suggester.objects.get_or_create(
            project=self.project, name=called, defaults={**fields, "spec": {"model_version": name}, "version": 1}
        )
        if is_new:
            ledger.write(row=self.project, verb="labelproject.suggester_made", actor=self._actor, note=called)
        return made

    def _there(self, suggesters: set[Any], tasks: Sequence[UUID]) -> set[tuple[Any, UUID]]:
        found: set[tuple[Any, UUID]] = set()
        for start in range(0, len(tasks) if suggesters else 0, _AT_ONCE):
            rows = Suggestion.objects.filter(
                suggester__in=suggesters, version=F("suggester__version"), task__in=tasks[start : start + _AT_ONCE]
            )
            found |= set(rows.values_list("suggester_id", "task_id"))
        return found


def _suggestion(suggester: Suggester, one: Predicted, result: list[dict[str, Any]]) -> Suggestion:
    score = one.told["score"]
    unsure = 1 - score if score is not None and 0 <= score <= 1 else 1.0
    return Suggestion(
        suggester=suggester, version=suggester.version, task_id=one.task, result=result, score=score, uncertainty=unsure
    )
