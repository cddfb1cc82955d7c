"""Tasks that come after a suggester ran get suggestions too: beat looks, and begins one job for all that came since.

Only for suggesters that are shown, whose last run ended well and that were not changed since; whatever else there is waits for a person,
and the page says so. Who made the suggester must still run projects here.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import workspaces_where
from apps.core.errors import Conflict, Problem
from apps.jobs.models import Status
from apps.labeling.models import ProjectStatus, Suggester, SuggesterKind
from apps.labeling.suggesting import suggesters

# Between two runs: to load a model, or to weigh all functions anew, costs more than a list of words does.
PAUSES = {SuggesterKind.MODEL: timedelta(minutes=5), SuggesterKind.FUNCTIONS: timedelta(minutes=10)}


def look(*, now: datetime | None = None) -> int:
    """Begin what is due; how many began."""
    now = now or timezone.now()
    rows = Suggester.objects.filter(
        is_shown=True,
        version__gt=0,
        looked_at__lt=F("project__task_count"),
        project__is_filled=True,
        job__status=Status.SUCCEEDED,
    )
    rows = rows.exclude(project__status=ProjectStatus.CLOSED)
    return sum(_follow(pk, now) for pk in rows.values_list("pk", flat=True)) + sum(map(_first_run, _waiting()))


def _waiting() -> Any:
    """Own labels of projects whose tasks were still being made, and now are there."""
    rows = Suggester.objects.filter(kind=SuggesterKind.OWN, is_shown=True, version=0, job=None)
    return rows.filter(project__is_filled=True, project__task_count__gt=0).values_list("pk", flat=True)


@transaction.atomic
def _first_run(pk: Any) -> bool:
    rows = Suggester.objects.select_for_update(of=("self",)).select_related("project__workspace", "created_by")
    suggester = rows.filter(pk=pk, job=None).first()
    if suggester is None or not _may_run(suggester):
        return False
    try:
        suggesters.begin(suggester.created_by, suggester, only_new=False)
    except Problem:  # the column is not there: the page offers to run it, and says what is wrong
        return False
    return True


@transaction.atomic
def _follow(pk: Any, now: datetime) -> bool:
    rows = Suggester.objects.select_for_update(of=("self",)).select_related("project__workspace", "job", "created_by")
    suggester = rows.filter(pk=pk, job__status=Status.SUCCEEDED).first()
    if suggester is None or not suggesters.new_tasks(suggester):
        return False
    if not _is_due(suggester, now) or not _may_run(suggester):
        return False
    try:
        suggesters.begin(suggester.created_by, suggester, only_new=True)
    except (Conflict, Problem):  # changed since, or its model is gone: the page says what to do
        return False
    return True


def _may_run(suggester: Suggester) -> bool:
    person = suggester.created_by
    return person is not None and workspaces_where(person, "labeling.manage").filter(pk=suggester.workspace_id).exists()


def _is_due(suggester: Suggester, now: datetime) -> bool:
    ended = suggester.job.finished_at if suggester.job else None
    return ended is None or now >= ended + PAUSES.get(SuggesterKind(suggester.kind), timedelta())


def follows_by_itself(suggester: Suggester) -> bool:
    """Whether new tasks will be looked at without anybody asking."""
    job = suggester.job
    if not suggester.is_shown or job is None or job.status != Status.SUCCEEDED:
        return False
    try:
        return suggesters.has_same_settings(suggester, suggesters.settings_now(suggester))
    except Problem:
        return False
