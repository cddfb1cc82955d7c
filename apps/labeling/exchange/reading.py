"""Tasks as Label Studio exports them, with their annotations, on their way in."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Problem
from apps.labeling import services
from apps.labeling.exchange import keeping
from apps.labeling.exchange.decisions import Decided, Decider
from apps.labeling.exchange.keeping import ADDED, SKIPPED, SURPLUS, Given
from apps.labeling.exchange.predicting import Predicted, Predictions
from apps.labeling.models import Gold, LabelProject, Task
from apps.labeling.reviewing import deciding
from apps.labeling.schema.results import check_result
from workers.labels import records
from workers.labels.records import person_of

MAX_ITEMS = 5000  # a request
UNKNOWN = "unknown"  # who gave an answer, where nothing says it


@dataclass
class Imported:
    """What an import did: tasks that are new or were there, answers taken and left out, skips, decisions, suggestions."""

    tasks: int = 0
    known: int = 0
    annotations: int = 0
    repeated: int = 0
    surplus: int = 0
    skipped: int = 0
    accepted: int = 0
    gold: int = 0
    suggested: int = 0
    unfit: int = 0


@transaction.atomic
def import_tasks(*, actor: Any, project: LabelProject, items: Any) -> Imported:
    """Tasks as Label Studio exports them, with their annotations; all or nothing. The same file again adds nothing."""
    if not isinstance(items, list) or not items:
        raise Problem(_("Send a list of tasks."), field="items", hint='[{"data": {"prompt": "..."}}]')
    if len(items) > MAX_ITEMS:
        raise Problem(_("At most %(most)d tasks at once.") % {"most": MAX_ITEMS}, field="items")
    before = project.tasks.count()
    tasks = services.add_tasks(actor=actor, project=project, items=[as_item(i, place) for place, i in enumerate(items)])
    added = project.tasks.count() - before
    done = Imported(tasks=added, known=len(items) - added)
    told = _Told(project)
    for place, (task, item) in enumerate(zip(tasks, items, strict=True)):
        if "data" in item:
            told.read(task, item, f"items.{place}")
    told.write(actor, [task.pk for task in tasks], done)
    for place, (task, item) in enumerate(zip(tasks, items, strict=True)):
        if "data" in item and item.get("gold") is not None:
            mark_gold(actor, task, item, f"items.{place}")
    ledger.write(row=project, verb="labelproject.imported", actor=actor, **vars(done))
    live.ring(project)
    return done


def mark_gold(actor: Any, task: Task, item: dict[str, Any], where: str) -> None:
    """Beside the data: `gold` is the right answer, `gold_explanation` why. What is gold already stays as it is."""
    if Gold.objects.filter(task=task).exists():
        return
    explanation = item.get("gold_explanation") or ""
    if not isinstance(explanation, str):
        raise Problem(_("An explanation is a text."), field=f"{where}.gold_explanation")
    try:
        deciding.make_gold(actor=actor, task=task, result=item["gold"], explanation=explanation)
    except Problem as problem:
        field = f"{where}.gold_explanation" if problem.field == "explanation" else f"{where}.gold"
        raise type(problem)(problem.message, field=field, hint=problem.hint, code=problem.code) from None


def as_item(item: Any, place: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise Problem(_("A task is an object."), field=f"items.{place}")
    data = item.get("data", item)
    meta = item.get("meta")
    key = meta.get("key") if isinstance(meta, dict) else None
    if not isinstance(key, str) or not key:
        canonical = json.dumps(data, sort_keys=True, ensure_ascii=False)
        key = f"data:{hashlib.sha256(canonical.encode()).hexdigest()}"
    return {"data": data, "key": key, "extra": _columns(data)}


def _columns(data: Any) -> dict[str, Any]:
    """What a row keeps beside its conversation."""
    own = ("prompt", "answer", "text", "messages")
    return {name: value for name, value in data.items() if name not in own} if isinstance(data, dict) else {}


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Problem(_("Annotations are a list of objects."), field=where)
    return value


class _Told:
    """What the items say of their tasks, checked: the first thing that is wrong is a Problem that names its place."""

    def __init__(self, project: LabelProject) -> None:
        self._project, self._people = project, keeping.people_of(project)
        self._questions = frozenset(control.name for control in project.config.controls)
        self._given: list[Given] = []
        self._decided: list[Decided] = []
        self._predicted: list[Predicted] = []

    def read(self, task: Task, item: dict[str, Any], where: str) -> None:
        for number, annotation in enumerate(_list(item.get("annotations"), f"{where}.annotations")):
            place, told = f"{where}.annotations.{number}", records.annotation(annotation)
            given = self._of(task, annotation, place, is_skip=told["is_skipped"])
            if not told["is_review"]:
                self._given.append(given)
            if told["is_accepted"] or told["is_gold"]:
                self._decided.append(Decided(place, given, told["is_gold"], told["is_review"]))
        for number, prediction in enumerate(_list(item.get("predictions"), f"{where}.predictions")):
            place, said = f"{where}.predictions.{number}", records.prediction(prediction)
            self._predicted.append(Predicted(place, task.pk, task.data, said))

    def write(self, actor: Any, tasks: list[UUID], done: Imported) -> None:
        there = keeping.locked(self._project, tasks, [one.person for one in self._given if one.person])
        outcomes = Counter(keeping.write(self._project, self._given, there))
        done.annotations, done.surplus, done.skipped = (outcomes.pop(name, 0) for name in (ADDED, SURPLUS, SKIPPED))
        done.repeated = outcomes.total()
        decider, predictions = Decider(self._project, actor), Predictions(self._project, actor)
        decider.take(self._decided, there)
        predictions.take(self._predicted)
        for name, count in (decider.counts + predictions.counts).items():
            setattr(done, name, count)

    def _of(self, task: Task, told: dict[str, Any], where: str, *, is_skip: bool) -> Given:
        label = person_of(told.get("completed_by")) or UNKNOWN
        person = self._people.get(label.lower())
        label = "" if person else label
        if is_skip:
            return Given(task.pk, [], person, label, frozenset(), is_skip=True)
        try:
            result = check_result(self._project.config, task.data, told.get("result"))
        except Problem as problem:
            field = f"{where}.{problem.field}"
            raise type(problem)(problem.message, field=field, hint=problem.hint, code=problem.code) from None
        seconds: Any = told.get("lead_time")
        is_time = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= 24 * 3600
        return Given(task.pk, result, person, label, self._questions, seconds if is_time else 0)
