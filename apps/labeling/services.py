"""Verbs of who runs a label project: make it, add tasks, open and close it, decide disagreements.

What people who label do is in apps.labeling.queue; how answers become a dataset version in apps.labeling.harvest.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live, transitions
from apps.core.errors import Conflict, Problem
from apps.datasets.models import DatasetVersion
from apps.labeling.models import MAX_OVERLAP, Annotation, LabelProject, ProjectStatus, Share, Task
from apps.labeling.queueing import counting, filling
from apps.labeling.schema import fields, gallery
from apps.labeling.schema.label_config import Config, parse_config
from apps.labeling.suggesting import own, suggesters
from workers.choose_rows import Selection

MAX_GUIDELINES = 20_000
_AT_ONCE = 500


def create_project(
    *,
    actor: Any,
    workspace: Workspace,
    name: str,
    label_config: str,
    dataset_version: DatasetVersion | None = None,
    overlap: int = 1,
    guidelines: str = "",
    keep: Mapping[str, Sequence[str]] | None = None,
    limit: int = 0,
    selection: Mapping[str, Any] | None = None,
    own_label: bool = False,
) -> LabelProject:
    """A draft; with `own_label` what each row says of itself is suggested to who labels.

    With a version, each row becomes a task, or those of the `selection` (filling.selection_of; `limit` is its `first`):
    of many rows by a job, while `is_filled` is false. Raises Problem naming the field."""
    config = parse_config(label_config)
    name = _checked_name(workspace, name)
    if isinstance(overlap, bool) or not isinstance(overlap, int) or not 1 <= overlap <= MAX_OVERLAP:
        raise Problem(_("From 1 to %(most)d people label a task.") % {"most": MAX_OVERLAP}, field="overlap")
    if len(guidelines) > MAX_GUIDELINES or "\0" in guidelines:
        raise Problem(_("Guidelines have at most %(most)d characters.") % {"most": MAX_GUIDELINES}, field="guidelines")
    chosen = None
    if dataset_version:
        _source(workspace, dataset_version)
        chosen = _chosen(dataset_version, limit, selection)
    own_spec = _own_label(config, dataset_version) if own_label else None
    with transaction.atomic():
        try:
            with transaction.atomic():
                project = LabelProject.objects.create(
                    workspace=workspace,
                    created_by=actor,
                    name=name,
                    label_config=config.xml,
                    guidelines=guidelines.strip(),
                    overlap=overlap,
                    keep=_checked_keep(config, keep or {}),
                    dataset_version=dataset_version,
                )
        except IntegrityError:
            raise _name_taken(name) from None
        ledger.write(row=project, verb="labelproject.created", actor=actor)
        if dataset_version and chosen:
            filling.begin(actor=actor, project=project, version=dataset_version, selection=chosen)
        if own_spec:
            suggesters.suggest_own_labels(actor=actor, project=project, spec=own_spec)
    return project


def _own_label(config: Config, version: DatasetVersion | None) -> dict[str, Any]:
    if version is None:
        raise Problem(_("Only rows of a dataset have labels of their own."), field="own_label")
    return own.planned(config, version)


def _chosen(version: DatasetVersion, limit: int, selection: Mapping[str, Any] | None) -> Selection:
    """What is to become tasks. Raises Problem naming the field as it was given."""
    try:
        return filling.selection_of({"first": limit, **(selection or {})}, version)
    except Problem as problem:
        if problem.field == "first" and "first" not in (selection or {}):
            problem.field = "limit"
        raise


def _checked_name(workspace: Workspace, name: str) -> str:
    name = name.strip()
    if not name:
        raise Problem(_("Give the project a name."), field="name", code="required")
    if len(name) > 80 or not name.isprintable():
        raise Problem(_("A name has at most 80 printable characters."), field="name")
    if LabelProject.objects.filter(workspace=workspace, name__iexact=name).exists():
        raise _name_taken(name)
    return name


def _name_taken(name: str) -> Conflict:
    message = _("There is already a label project “%(name)s”.") % {"name": name}
    return Conflict(message, field="name", hint=_("Choose another name."), code="duplicate_name")


def _checked_keep(config: Config, keep: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Which answers keep a row: {question: answers}, for Choices only."""
    kept: dict[str, list[str]] = {}
    for name, answers in keep.items():
        control = config.control(name)
        if control is None or control.kind != "Choices":
            raise Problem(_("“%(name)s” is no Choices of the config.") % {"name": name[:64]}, field="keep")
        wrong = [answer for answer in answers if answer not in control.stored]
        if wrong:
            words = {"option": str(wrong[0])[:64], "name": name}
            raise Problem(_("“%(option)s” is no answer of “%(name)s”.") % words, field="keep")
        if answers:
            kept[name] = list(dict.fromkeys(answers))
    return kept


def _source(workspace: Workspace, version: DatasetVersion) -> None:
    if version.workspace_id != workspace.pk:
        raise Problem(_("The version is of another workspace."), field="dataset_version")
    version.require_form(*fields.SAYS)


@transaction.atomic
def add_tasks(*, actor: Any, project: LabelProject, items: Sequence[Mapping[str, Any]]) -> list[Task]:
    """Tasks for items {"data", "key", "provenance"?: (kind, uuid)}, in their order; a key that is there already adds nothing.

    Data with messages gains $prompt, $answer and $text from them. Raises Problem naming the item, Conflict when closed.
    """
    if not items:
        return []
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    if project.status == ProjectStatus.CLOSED:
        raise Conflict(_("The project is closed."), hint=_("Open it again to add tasks."))
    if not project.is_filled:
        raise Conflict(_("The project's tasks are still being made."), hint=_("Wait until they are there."))
    keys = [_key_of(item, place) for place, item in enumerate(items)]
    found = {task.key: task for task in _with_keys(project, keys)}
    fresh = dict[str, Task]()
    for place, (key, item) in enumerate(zip(keys, items, strict=True)):
        if key not in found and key not in fresh:
            fresh[key] = _new_task(project, key, item, f"items.{place}", len(fresh), actor)
    if project.task_count + len(fresh) > filling.MAX_TASKS:
        raise Problem(_("A project has at most %(most)d tasks.") % {"most": filling.MAX_TASKS}, field="items")
    Task.objects.bulk_create(fresh.values(), batch_size=_AT_ONCE)
    if fresh:
        LabelProject.objects.filter(pk=project.pk).update(task_count=F("task_count") + len(fresh))
        Share.objects.filter(project=project).update(cursor_priority=None)  # the new ones may come first
        ledger.write(row=project, verb="labelproject.tasks_added", actor=actor, count=len(fresh))
        live.ring(project)
    return [found.get(key) or fresh[key] for key in keys]


def _key_of(item: Mapping[str, Any], place: int) -> str:
    key = item.get("key")
    if not isinstance(key, str) or not 0 < len(key) <= 200 or not key.isprintable():
        raise Problem(_("A key has from 1 to 200 printable characters."), field=f"items.{place}.key")
    return key


def _with_keys(project: LabelProject, keys: Sequence[str]) -> Iterable[Task]:
    for start in range(0, len(keys), _AT_ONCE):
        yield from project.tasks.filter(key__in=keys[start : start + _AT_ONCE])


def _new_task(project: LabelProject, key: str, item: Mapping[str, Any], where: str, after: int, actor: Any) -> Task:
    kind, uid = item.get("provenance") or ("", None)
    return Task(
        workspace_id=project.workspace_id,
        created_by=actor,
        project=project,
        number=project.task_count + after + 1,
        key=key,
        data=fields.check_data(project.config, item.get("data"), f"{where}.data"),
        extra=dict(item.get("extra") or {}),
        split=str(item.get("split") or ""),
        provenance_kind=kind,
        provenance_id=uid,
        open_slots=project.overlap,
        priority=_priority_of(item, where),
    )


def _priority_of(item: Mapping[str, Any], where: str) -> float:
    value = item.get("priority") or 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise Problem(_("A priority is a number; the highest comes first."), field=f"{where}.priority")
    return float(value)


def correction_project(*, actor: Any, workspace: Workspace, name: str) -> LabelProject:
    """An open project "improve the answer". Its items: {"data": {"messages": turns up to the question, "answer": the given one}}."""
    with transaction.atomic():
        project = create_project(actor=actor, workspace=workspace, name=name, label_config=gallery.CORRECTION)
        move_project(actor=actor, project=project, to=ProjectStatus.OPEN)
    return project


def move_project(*, actor: Any, project: LabelProject, to: str) -> None:
    """Open, pause or close. Raises Conflict when the step is not allowed."""
    project.refresh_from_db(fields=["is_filled"])
    if not project.is_filled:
        raise Conflict(_("The project's tasks are still being made."), hint=_("Open it when they are there."))
    transitions.move(project, to, actor=actor)


@transaction.atomic
def accept_annotation(*, actor: Any, annotation: Annotation) -> None:
    """Decide a task: this answer counts, whatever the majority says. Nobody else is asked any more."""
    counting.settle(annotation.task_id, counting.console_share(annotation.project), accepted=annotation)
    ledger.write(row=annotation.project, verb="labelproject.accepted", actor=actor, task=annotation.task.number)
    live.ring(annotation.project)


@transaction.atomic
def withdraw_acceptance(*, actor: Any, task: Task) -> None:
    """Let the majority count again."""
    if not Task.objects.filter(pk=task.pk, accepted__isnull=False).update(returned_at=Now()):
        raise Conflict(_("No answer of this task was accepted."))
    counting.settle(task.pk, counting.console_share(task.project), accepted=None)
    ledger.write(row=task.project, verb="labelproject.acceptance_withdrawn", actor=actor, task=task.number)
    live.ring(task.project)


def require_settled(project: LabelProject, *, partial: bool, what: str) -> None:
    """Raises Conflict while people still label: what is taken away now would change."""
    waiting = counting.counts(project)["waiting"]
    if project.is_open and waiting and not partial:
        message = _("The project is open and %(count)d tasks still wait for answers.") % {"count": waiting}
        hint = _("Close the project first, or take what is there with %(what)s.") % {"what": what}
        raise Conflict(message, hint=hint, code="still_labelling")
