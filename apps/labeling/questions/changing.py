"""The question of a draft is changed; once people are asked it stays as it is."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict
from apps.labeling.models import LabelProject, ProjectStatus, Task
from apps.labeling.schema import fields
from apps.labeling.schema.label_config import Config, parse_config

_AT_ONCE = 500


@transaction.atomic
def change_config(*, actor: Any, project: LabelProject, label_config: str) -> LabelProject:
    """Another config for a draft. Raises Problem when the config is bad or a task has not what it shows, Conflict when it is no draft."""
    config = parse_config(label_config)
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    if project.status != ProjectStatus.DRAFT:
        hint = _("Make a new project; its answers would mean something else.")
        raise Conflict(_("The question of a project that was opened does not change."), hint=hint, code="config_frozen")
    if _shows(config) - _shows(project.config):
        _check_tasks(project, config)
    project.label_config = config.xml
    project.keep = _still(config, project.keep)
    project.save(update_fields=["label_config", "keep"])
    ledger.write(row=project, verb="labelproject.config_changed", actor=actor)
    live.ring(project)
    return project


def _shows(config: Config) -> set[tuple[str, str]]:
    prefilled = {("", control.prefill) for control in config.controls if control.prefill}
    return {(shown.kind, shown.field) for shown in config.shown} | prefilled | {("", field) for field in config.fields}


def _check_tasks(project: LabelProject, config: Config) -> None:
    """Every task has what the config shows, in the form in which it is shown."""
    after = 0
    while tasks := list(project.tasks.filter(number__gt=after).order_by("number")[:_AT_ONCE]):
        after, changed = tasks[-1].number, []
        for task in tasks:
            data = fields.check_data(config, task.data, f"tasks.{task.number}.data")
            if data != task.data:
                task.data = data
                changed.append(task)
        Task.objects.bulk_update(changed, ["data"])


def _still(config: Config, keep: dict[str, list[str]]) -> dict[str, list[str]]:
    """The keep-list without questions and answers that are gone."""
    stored = {control.name: control.stored for control in config.controls if control.kind == "Choices"}
    found = {name: [one for one in answers if one in stored.get(name, ())] for name, answers in keep.items()}
    return {name: answers for name, answers in found.items() if answers}
