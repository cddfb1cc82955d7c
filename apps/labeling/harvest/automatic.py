"""Freeze when finished: once a project, whoever looks and however often (beat does).

The plan's row is claimed by a guarded UPDATE; the version and `is_done` are written in one transaction. Who died in between left a claim
that lapses; a Problem is kept as `failure`, and nothing is tried again before somebody changes the plan.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import workspaces_where
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.datasets.models import DatasetVersion
from apps.labeling.harvest.services import freeze_labels
from apps.labeling.harvest.shapes import shape_of
from apps.labeling.models import LabelProject, ProjectStatus, Task
from apps.labeling.models.harvests import HarvestPlan, Rule

CLAIM = timedelta(hours=1)  # who began so long ago and did not end is dead


def plan_of(project: LabelProject) -> HarvestPlan:
    """The plan; one that was never saved says the defaults."""
    found = HarvestPlan.objects.filter(project=project).select_related("version__dataset").first()
    return found or HarvestPlan(project=project, workspace_id=project.workspace_id)


@transaction.atomic
def plan_harvest(
    *,
    actor: Any,
    project: LabelProject,
    is_automatic: bool,
    rule: str = Rule.MAJORITY,
    form: str = "",
    question: str = "",
) -> HarvestPlan:
    """Switch it on or off. Raises Problem for a rule, form or question that there is not, Conflict once it was done."""
    if rule not in Rule.values:
        raise Problem(_("A rule is one of %(rules)s.") % {"rules": ", ".join(Rule.values)}, field="rule")
    shape_of(project, form, question)
    LabelProject.objects.select_for_update().get(pk=project.pk)
    plan = plan_of(project)
    if plan.is_done:
        raise Conflict(_("The labels were frozen by themselves already."), hint=_("Freeze them by hand."), code="done")
    plan.is_automatic, plan.rule, plan.form, plan.question = is_automatic, rule, form, question
    plan.created_by, plan.begun_at, plan.failure = actor, None, ""
    plan.save()
    ledger.write(row=project, verb="labelproject.harvest_planned", actor=actor, note=rule if is_automatic else "off")
    live.ring(project)
    return plan


def freeze_finished(*, now: datetime | None = None) -> int:
    """Freeze every project that waits for it and is finished; how many."""
    now = now or timezone.now()
    return sum(
        _freeze(plan, now) for plan in _due(now).select_related("project__dataset_version__dataset", "created_by")
    )


def _due(now: datetime) -> QuerySet[HarvestPlan]:
    """Plans of projects whose last task is finished, that nobody is at."""
    waiting = Task.objects.filter(
        project=OuterRef("project"), accepted=None, submitted__lt=OuterRef("project__overlap")
    )
    return _unclaimed(now).filter(
        ~Exists(waiting), project__task_count__gt=0, project__is_filled=True, project__status__in=_LABELLED
    )


def _unclaimed(now: datetime) -> QuerySet[HarvestPlan]:
    is_free = Q(begun_at=None) | Q(begun_at__lt=now - CLAIM)
    return HarvestPlan.objects.filter(is_free, is_automatic=True, is_done=False, failure="")


_LABELLED = (ProjectStatus.OPEN, ProjectStatus.PAUSED, ProjectStatus.CLOSED)


def _freeze(plan: HarvestPlan, now: datetime) -> bool:
    if not _unclaimed(now).filter(pk=plan.pk).update(begun_at=now):
        return False
    mine = HarvestPlan.objects.filter(pk=plan.pk, begun_at=now, is_automatic=True, is_done=False)

    def done(version: DatasetVersion) -> None:
        """Raises Conflict, and takes the version back with it, when the plan was changed or done by another meanwhile."""
        if not mine.update(is_done=True, version=version):
            raise Conflict(_("The plan was changed meanwhile."))

    try:
        freeze_labels(actor=_actor(plan), project=plan.project, also=done, **_wanted(plan))
    except Problem as problem:
        mine.update(failure=problem.message[:500])
        live.ring(plan.project)
        return False
    return True


def _wanted(plan: HarvestPlan) -> Mapping[str, Any]:
    return {"rule": plan.rule, "form": plan.form, "question": plan.question}


def _actor(plan: HarvestPlan) -> Any:
    """Who switched it on, as long as that person may freeze by hand. Raises Problem."""
    may = plan.created_by and workspaces_where(plan.created_by, "labeling.manage").filter(pk=plan.workspace_id).exists()
    if not may:
        raise Problem(_("Who switched this on may not freeze labels any more."))
    return plan.created_by
