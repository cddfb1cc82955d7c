"""Change what is reviewed and how gold is mixed in."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Problem
from apps.labeling.models import LabelProject, ReviewMode, ReviewPlan

RANGES = {
    "share": (1, 100),
    "gold_every": (0, 1000),
    "gold_training": (0, 100),
    "gold_least": (1, 1000),
    "gold_floor": (0, 100),
}


@transaction.atomic
def change_plan(*, actor: Any, project: LabelProject, **values: Any) -> ReviewPlan:
    """Set what is given. Raises Problem naming the field."""
    for name, value in values.items():
        _check(name, value)
    defaults = {"workspace_id": project.workspace_id, "created_by": actor}
    plan, _is_new = ReviewPlan.objects.get_or_create(project=project, defaults=defaults)
    changed = [name for name, value in values.items() if getattr(plan, name) != value]
    if changed:
        for name in changed:
            setattr(plan, name, values[name])
        plan.save(update_fields=changed)
        ledger.write(row=project, verb="labelproject.review_planned", actor=actor, changed=changed)
        live.ring(project)
    return plan


def _check(name: str, value: Any) -> None:
    if name == "mode":
        if value not in ReviewMode.values:
            raise Problem(_("There is no such mode."), field="mode", hint=", ".join(ReviewMode.values))
    elif name == "gold_counts":
        if not isinstance(value, bool):
            raise Problem(_("Say true or false."), field=name)
    else:
        low, high = RANGES[name]
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not low <= value <= high or (name, value) == ("gold_every", 1):
            message = _("Give a whole number from %(low)d to %(high)d.") % {"low": low, "high": high}
            hint = _("0 for none, else from 2 on.") if name == "gold_every" else ""
            raise Problem(message, field=name, hint=hint)
