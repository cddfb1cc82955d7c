"""Uncertainty ordering: the tasks that a suggester is least sure of come first (uncertainty sampling, Lewis and Gale 1994)."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import Conflict
from apps.labeling.models import Suggester, TaskOrder
from apps.labeling.queueing import settings

_PORTION = 5000


@transaction.atomic
def order_by_uncertainty(*, actor: Any, suggester: Suggester) -> int:
    """The priority of each task becomes the uncertainty of what is suggested for it, and the project's order is by priority. Tasks that
    were not looked at come last. How many tasks were ordered. Raises Conflict before the first run."""
    if not suggester.version:
        raise Conflict(_("It has suggested nothing yet: run it first."))
    rows = suggester.suggestions.filter(version=suggester.version).order_by("task__number")
    known = dict(rows.values_list("task__number", "uncertainty"))
    project = suggester.project
    project.tasks.update(priority=-1.0)
    numbers = list(known)
    for start in range(0, len(numbers), _PORTION):
        some = {number: known[number] for number in numbers[start : start + _PORTION]}
        settings.write_priorities(project, some)
    settings.note_priorities(actor=actor, project=project, count=len(numbers))
    settings.change_settings(actor=actor, project=project, order=TaskOrder.PRIORITY)
    return len(numbers)
