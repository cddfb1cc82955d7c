"""Tasks as Label Studio exports them, with their annotations, on their way in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Membership, User
from apps.core import ledger, live
from apps.core.errors import Problem
from apps.labeling import services
from apps.labeling.models import Annotation, Assignment, AssignmentStatus, Gold, LabelProject, Task
from apps.labeling.queueing import counting, leases
from apps.labeling.reviewing import deciding
from apps.labeling.schema.results import check_result

MAX_ITEMS = 5000  # a request


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
    tasks = services.add_tasks(actor=actor, project=project, items=[_item(i, place) for place, i in enumerate(items)])
    added = project.tasks.count() - before
    done = Imported(tasks=added, known=len(items) - added)
    people = _people(project)
    for place, (task, item) in enumerate(zip(tasks, items, strict=True)):
        given = item.get("annotations") if "data" in item else None
        for number, annotation in enumerate(_list(given, f"items.{place}.annotations")):
            _take(project, task, annotation, people, done, f"items.{place}.annotations.{number}")
        if "data" in item and item.get("gold") is not None:
            _mark_gold(actor, task, item, f"items.{place}")
    ledger.write(row=project, verb="labelproject.imported", actor=actor, **vars(done))
    live.ring(project)
    return done


def _mark_gold(actor: Any, task: Task, item: dict[str, Any], where: str) -> None:
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


def _item(item: Any, place: int) -> dict[str, Any]:
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


def _people(project: LabelProject) -> dict[str, User]:
    members = Membership.objects.filter(workspace=project.workspace_id).select_related("user")
    return {member.user.email.lower(): member.user for member in members}


def _take(
    project: LabelProject, task: Task, given: dict[str, Any], people: Mapping[str, User], done: Imported, where: str
) -> None:
    if given.get("was_cancelled"):
        return
    try:
        result = check_result(project.config, task.data, given.get("result"))
    except Problem as problem:
        raise Problem(problem.message, field=f"{where}.{problem.field}", hint=problem.hint, code=problem.code) from None
    label = _label_of(given.get("completed_by"))
    person = people.get(label.lower())
    same = {"annotator": person} if person else {"annotator": None, "annotator_label": label}
    if Assignment.objects.filter(task=task, **same).exists():
        done.repeated += 1
    elif not leases.take_slot(task.pk):
        done.surplus += 1
    else:
        _keep(project, task, result, given, person, label)
        counting.count_import(project, task.pk, person)
        done.annotations += 1


def _keep(
    project: LabelProject, task: Task, result: list[Any], given: dict[str, Any], person: User | None, label: str
) -> None:
    now = timezone.now()
    common = {"workspace_id": project.workspace_id, "project": project, "task": task, "annotator": person}
    assignment = Assignment.objects.create(
        **common, annotator_label=label, status=AssignmentStatus.SUBMITTED, leased_at=now, finished_at=now
    )
    seconds: Any = given.get("lead_time")
    is_time = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= 24 * 3600
    Annotation.objects.create(
        **common, assignment=assignment, result=result, lead_time=seconds if is_time else 0, is_imported=True
    )


def _label_of(completed_by: Any) -> str:
    """Label Studio names a person by an id, an address or an object with one."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    text = str(completed_by or "").strip()[:200]
    return text if text and text.isprintable() else _("unknown")
