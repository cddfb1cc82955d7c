"""Tasks as Label Studio exports them, with their annotations, on their way in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import ledger, live
from apps.core.errors import Problem
from apps.labeling import services
from apps.labeling.exchange import keeping
from apps.labeling.exchange.keeping import Given
from apps.labeling.models import Gold, LabelProject, Task
from apps.labeling.reviewing import deciding
from apps.labeling.schema.results import check_result
from workers.labels.records import person_of

MAX_ITEMS = 5000  # a request
UNKNOWN = "unknown"  # who gave an answer, where nothing says it


@dataclass
class Imported:
    """What an import did: tasks that are new or were there, answers taken, and answers left out."""

    tasks: int = 0
    known: int = 0
    annotations: int = 0
    repeated: int = 0
    surplus: int = 0


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
    people = keeping.people_of(project)
    given: list[Given] = []
    for place, (task, item) in enumerate(zip(tasks, items, strict=True)):
        annotations = item.get("annotations") if "data" in item else None
        for number, annotation in enumerate(_list(annotations, f"items.{place}.annotations")):
            if not annotation.get("was_cancelled"):
                given.append(_given(project, task, annotation, people, f"items.{place}.annotations.{number}"))
    outcomes = keeping.keep(project, given)
    done.annotations, done.surplus = outcomes.count(keeping.ADDED), outcomes.count(keeping.SURPLUS)
    done.repeated = len(outcomes) - done.annotations - done.surplus
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


def _given(project: LabelProject, task: Task, told: dict[str, Any], people: Mapping[str, User], where: str) -> Given:
    try:
        result = check_result(project.config, task.data, told.get("result"))
    except Problem as problem:
        raise type(problem)(
            problem.message, field=f"{where}.{problem.field}", hint=problem.hint, code=problem.code
        ) from None
    label = person_of(told.get("completed_by")) or UNKNOWN
    person = people.get(label.lower())
    questions = frozenset(control.name for control in project.config.controls)
    seconds: Any = told.get("lead_time")
    is_time = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= 24 * 3600
    return Given(task.pk, result, person, "" if person else label, questions, seconds if is_time else 0)
