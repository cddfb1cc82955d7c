"""Slot-minutes of a workspace in a calendar month (UTC): the limit, what is used, what running jobs will still need."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.jobs import usage
from apps.jobs.models import Allowance, Desired, Job, Status


@dataclass(frozen=True)
class Standing:
    """How a workspace stands with its minutes. `limit` is None where there is none."""

    limit: int | None
    used: float
    held: float  # minutes that running jobs will still need, as far as they say so
    renews_at: datetime

    @property
    def is_used_up(self) -> bool:
        return self.limit is not None and self.used >= self.limit


def standing(workspace: Workspace) -> Standing:
    now = timezone.now()
    limit = Allowance.objects.filter(workspace=workspace).values_list("minutes", flat=True).first()
    running = Job.objects.alive().filter(workspace=workspace, queue="gpu").values_list("progress", flat=True)
    held = sum((progress.get("eta_s") or 0) for progress in running) / 60
    used = usage.of_month([workspace.pk], now=now).get(workspace.pk, 0.0)
    return Standing(limit=limit, used=used, held=held, renews_at=usage.renewal_after(now))


def used_up(queue: str) -> list[UUID]:
    """Workspaces that may begin nothing more on this queue before the month ends."""
    if queue != "gpu":
        return []
    limits = dict(Allowance.objects.exclude(minutes=None).values_list("workspace", "minutes"))
    if not limits:
        return []
    used = usage.of_month(limits, now=timezone.now())
    return [room for room, limit in limits.items() if used.get(room, 0.0) >= (limit or 0)]


def check(workspace: Workspace, queue: str) -> None:
    """Raises Conflict when a launch would go beyond the limit and the workspace wants it refused."""
    if queue != "gpu":
        return
    rule = Allowance.objects.filter(workspace=workspace).exclude(minutes=None).first()
    if rule is None or rule.minutes is None or rule.beyond != "refuse":
        return
    now = standing(workspace)
    if now.used + now.held < rule.minutes:
        return
    words = {"limit": rule.minutes, "used": f"{now.used:.0f}", "held": f"{now.held:.0f}"}
    message = _(
        "The workspace may use %(limit)s GPU-minutes a month; %(used)s are used and running jobs need %(held)s more."
    )
    when = {"date": date_format(now.renews_at, "j F Y")}
    raise Conflict(
        message % words,
        hint=_("They renew on %(date)s (UTC). An owner may raise the limit or let launches wait.") % when,
    )


@transaction.atomic
def set_rule(*, actor: Any, workspace: Workspace, **values: Any) -> Allowance:
    """Write down what the workspace may have of the queue. Raises Problem for a weight that is no weight."""
    if not 0.01 <= values.get("weight", 1.0) <= 100:
        raise Problem(_("A weight is a number from 0.01 to 100."), field="weight")
    rule, _new = Allowance.objects.update_or_create(workspace=workspace, defaults=values)
    told = ", ".join(f"{name} {value}" for name, value in sorted(values.items()))
    ledger.write(row=workspace, verb="queue.allowance", actor=actor, note=told[:200])
    return rule


def end_running() -> int:
    """Where an owner wants it: at the limit, running jobs save and give their slots back until the minutes renew."""
    rooms = set(used_up("gpu")) & set(Allowance.objects.filter(ends_running=True).values_list("workspace", flat=True))
    running = Job.objects.filter(workspace__in=rooms, queue="gpu", status=Status.RUNNING, desired=Desired.RUN)
    return running.update(desired=Desired.PAUSE)
