"""Verbs of rollouts: make one, start it, pause it, stop it at once, change its share, note feedback."""

import math
import re
import secrets
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.rollout import switch
from apps.rollout.choosing import Choice, choose, explain
from apps.rollout.models import Arm, ArmKey, Rollout, RolloutStatus
from apps.serving.models import Deployment
from apps.serving.models import Status as DeploymentStatus

__all__ = [
    "Choice",
    "choose",
    "create_rollout",
    "explain",
    "note_feedback",
    "pause_rollout",
    "set_share",
    "share_of",
    "start_rollout",
    "stop_rollout",
]

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
OFF = (DeploymentStatus.STOPPING, DeploymentStatus.STOPPED, DeploymentStatus.FAILED)
TRIES = 5


def share_of(candidate: float, control: float) -> float:
    """The candidate's share by two weights. Raises Problem for weights that share nothing out."""
    for field, weight in (("candidate", candidate), ("control", control)):
        if not math.isfinite(weight) or weight < 0:
            raise Problem(_("A weight is a number from 0 on."), field=f"weights.{field}")
    if candidate + control <= 0:
        hint = _("Give one of the arms a weight above 0.")
        raise Problem(_("The weights add up to 0: nobody would go anywhere."), field="weights", hint=hint)
    return candidate / (candidate + control)


def checked_share(share: float) -> float:
    if not math.isfinite(share) or not 0 <= share <= 1:
        hint = _("0.1 sends a tenth of the users to the candidate.")
        raise Problem(_("A share lies between 0 and 1."), field="share", hint=hint)
    return share


@transaction.atomic
def create_rollout(
    *,
    actor: Any,
    workspace: Workspace,
    name: str,
    control: Deployment,
    candidate: Deployment,
    share: float = 0.1,
    seed: str = "",
) -> Rollout:
    """A draft. `control` is what serves now, `candidate` what is tried. Raises Problem, or Conflict for a name that is taken."""
    name, share = name.strip(), checked_share(share)
    if not NAME.fullmatch(name):
        hint = _("Small letters, digits and hyphens, at most 60: support. Clients call the endpoint by it.")
        raise Problem(_("This is no name for a rollout."), field="name", hint=hint)
    _check_arms(workspace, control, candidate)
    _check_free(workspace, name)
    try:
        with transaction.atomic():
            made: Rollout = Rollout.objects.create(
                workspace=workspace, created_by=actor, name=name, share=share, seed=_seed(seed)
            )
    except IntegrityError:
        raise _taken(name, _("another rollout")) from None
    for key in ArmKey:
        deployment = candidate if key is ArmKey.CANDIDATE else control
        Arm.objects.create(rollout=made, key=key, deployment=deployment)
    ledger.write(row=made, verb="rollout.created", actor=actor, note=f"{control} / {candidate}", share=share)
    live.ring(made)
    return made


def _seed(seed: str) -> str:
    """Each rollout its own, so that the same users are not the first of every rollout."""
    seed = seed.strip()
    if len(seed) > 64 or not seed.isprintable():
        raise Problem(_("A seed has at most 64 printable characters."), field="seed")
    return seed or secrets.token_hex(8)


def _check_arms(workspace: Workspace, control: Deployment, candidate: Deployment) -> None:
    for field, deployment in (("control", control), ("candidate", candidate)):
        if deployment.workspace_id != workspace.pk:
            raise Problem(_("Both deployments must be of this workspace."), field=field)
    if control.pk == candidate.pk:
        hint = _("Deploy the other version under a name of its own first.")
        raise Problem(_("Both arms are the same deployment."), field="candidate", hint=hint, code="same_deployment")


def _check_free(workspace: Workspace, name: str) -> None:
    if Rollout.objects.filter(workspace=workspace, name=name).exists():
        raise _taken(name, _("another rollout"))
    if Deployment.objects.filter(workspace=workspace, name=name).exists():
        raise _taken(name, _("a deployment"))


def _taken(name: str, by: str) -> Conflict:
    hint = _("Clients call both by their name, so each needs its own.")
    message = _("The name “%(name)s” belongs to %(by)s.") % {"name": name, "by": by}
    return Conflict(message, field="name", hint=hint, code="duplicate_name")


def start_rollout(*, actor: Any, rollout: Rollout, note: str = "") -> Rollout:
    """On: from now on the share holds. Also takes back a stop. Raises Conflict while a deployment is off."""
    for arm in rollout.arms.select_related("deployment"):
        if arm.deployment.status in OFF:
            words = {"name": arm.deployment.name, "status": arm.deployment.get_status_display().lower()}
            message = _("The deployment %(name)s is off: it is %(status)s.") % words
            raise Conflict(message, hint=_("Start it first."), code="deployment_off")
    if rollout.is_running and switch.is_down(rollout.pk):
        ledger.write(row=rollout, verb="rollout.stopfile_removed", actor=actor, note=note)
    else:
        first, highest = rollout.started_at or timezone.now(), max(rollout.highest_share, rollout.share)
        move(rollout, RolloutStatus.RUNNING, actor=actor, note=note, started_at=first, highest_share=highest)
    switch.take_away(rollout.pk)
    live.ring(rollout)
    return rollout


def pause_rollout(*, actor: Any, rollout: Rollout, note: str = "") -> Rollout:
    """Off for now: everybody gets the control; who was where is kept."""
    move(rollout, RolloutStatus.PAUSED, actor=actor, note=note)
    return rollout


def stop_rollout(*, actor: Any, rollout: Rollout, note: str = "") -> Rollout:
    """The kill switch: everybody gets the control from the next request on, on every process. Whoever else changes it meanwhile."""
    if rollout.status not in (RolloutStatus.DRAFT, RolloutStatus.STOPPED):
        switch.lay_down(rollout.pk)  # before the database, which may be slow or away
    for attempt in range(TRIES):
        try:
            move(rollout, RolloutStatus.STOPPED, actor=actor, note=note)
            return rollout
        except Conflict:
            rollout.refresh_from_db(fields=["status"])
            if rollout.status == RolloutStatus.STOPPED or attempt == TRIES - 1 or not _can_stop(rollout):
                raise
    return rollout


def _can_stop(rollout: Rollout) -> bool:
    return RolloutStatus.STOPPED in rollout.TRANSITIONS[RolloutStatus(rollout.status)]


@transaction.atomic
def set_share(*, actor: Any, rollout: Rollout, share: float, note: str = "") -> Rollout:
    """Who is compared already stays on its arm, unless the share becomes 0 or 1, which end the comparison."""
    share = checked_share(share)
    row = Rollout.objects.select_for_update().get(pk=rollout.pk)
    was, row.share = row.share, share
    if row.is_running:
        row.highest_share = max(row.highest_share, share)
    row.save(update_fields=["share", "highest_share"])
    rollout.share, rollout.highest_share, rollout.status = row.share, row.highest_share, row.status
    if was != share:
        ledger.write(row=rollout, verb="rollout.share", actor=actor, note=note, was=was, now=share)
        live.ring(rollout)
    return rollout


def note_feedback(*, arm_id: UUID, value: float | None, instead_of: float | None = None) -> bool:
    """Add a value to the tally of an arm, in place of one that it holds already. None is no value. False for an unknown arm."""
    for number in (value, instead_of):
        if number is not None and not math.isfinite(number):
            raise Problem(_("Feedback is a finite number."), field="value")
    new, old = value or 0.0, instead_of or 0.0
    changed = Arm.objects.filter(pk=arm_id).update(
        feedback_count=F("feedback_count") + int(value is not None) - int(instead_of is not None),
        feedback_sum=F("feedback_sum") + (new - old),
        feedback_squares=F("feedback_squares") + (new * new - old * old),
    )
    return bool(changed)
