"""Which arm a request gets, and why. Asked for every request, straight from the database: a stop is obeyed by the next one."""

import secrets
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.rollout import routing, switch
from apps.rollout.models import Arm, Exposure, Rollout, RolloutStatus
from apps.serving.models import Deployment

LONGEST_UNIT = 200
ARMS = Prefetch(
    "arms",
    Arm.objects.select_related("deployment__engine", "deployment__workspace", "deployment__model_version__model"),
)


@dataclass(frozen=True)
class Choice:
    """Where a request goes. `arm` is what its exchange is counted under; `is_new` tells a first exposure."""

    rollout: Rollout
    arm: Arm
    deployment: Deployment
    bucket: float
    why: str
    is_new: bool = False


def choose(*, workspace: Workspace, name: str, unit: str) -> Choice | None:
    """The arm for a unit (a user or a session), or None where no rollout of this name was started. Without a unit it is drawn anew
    for each request."""
    rows = Rollout.objects.filter(workspace=workspace, name=name).exclude(status=RolloutStatus.DRAFT)
    rollout: Rollout | None = rows.prefetch_related(ARMS).first()
    return None if rollout is None else choose_in(rollout, unit)


def choose_in(rollout: Rollout, unit: str) -> Choice:
    """The arm for a unit, its first exposure written down."""
    unit = cleaned(unit)
    if off := why_off(rollout):
        return _choice(rollout, routing.REST, routing.bucket(rollout.seed, unit) if unit else 0.0, off)
    if not unit:
        place = secrets.randbelow(routing.BUCKETS) / routing.BUCKETS
        why = _("The request named no user or session, so its arm was drawn for it alone.")
        return _choice(rollout, routing.ranges(rollout.share).arm_of(place), place, why)
    place = routing.bucket(rollout.seed, unit)
    key = routing.ranges(rollout.share).arm_of(place)
    if rollout.share in (0, 1):
        return _choice(rollout, key, place, _by_bucket(rollout, place))
    known = _exposure(rollout, unit)
    if known is None and key != routing.REST:
        known, is_new = _expose(rollout, unit, key, place)
        if is_new:
            return _choice(rollout, known.arm.key, place, _by_bucket(rollout, place), is_new=True)
    if known is not None:
        return _choice(rollout, known.arm.key, place, _("It stays on the arm of its first request."))
    return _choice(rollout, key, place, _by_bucket(rollout, place))


def cleaned(unit: str) -> str:
    """As every database can keep it."""
    return unit.strip()[:LONGEST_UNIT].replace("\0", "?").encode("utf-8", "replace").decode()


def why_off(rollout: Rollout) -> str:
    """Why everybody gets the control now; empty while the rollout runs."""
    if switch.is_down(rollout.pk):
        return _("The kill switch is on: everybody gets the control.")
    if not rollout.is_running:
        words = {"status": rollout.get_status_display().lower()}
        return _("The rollout is %(status)s: everybody gets the control.") % words
    return ""


def _choice(rollout: Rollout, key: str, place: float, why: str, *, is_new: bool = False) -> Choice:
    arm = rollout.arm(key)
    return Choice(rollout, arm, arm.deployment, place, why, is_new)


def _by_bucket(rollout: Rollout, place: float) -> str:
    found = routing.ranges(rollout.share)
    told = {"bucket": f"{place:.4f}", "low": found.control[0], "share": found.candidate[1]}
    key = found.arm_of(place)
    if key == routing.CANDIDATE:
        return _("Bucket %(bucket)s lies in the candidate's share, 0 to %(share)s.") % told
    if key == routing.CONTROL:
        return _("Bucket %(bucket)s lies in the control of the same size, %(low)s to 1.") % told
    return _("Bucket %(bucket)s lies in neither range: the control, outside the comparison.") % told


def _exposure(rollout: Rollout, unit: str) -> Exposure | None:
    found: Exposure | None = rollout.exposures.select_related("arm").filter(unit=unit).first()
    return found


def _expose(rollout: Rollout, unit: str, key: str, place: float) -> tuple[Exposure, bool]:
    """The first assignment, whoever wrote it: of requests that come at the same moment one row wins."""
    made, is_new = Exposure.objects.select_related("arm").get_or_create(
        rollout=rollout, unit=unit, defaults={"arm": rollout.arm(key), "bucket": place, "share": rollout.share}
    )
    return made, is_new


def explain(rollout: Rollout, unit: str) -> dict[str, Any]:
    """Why this arm: every step that leads to it. Writes nothing."""
    unit = cleaned(unit)
    place, found = routing.bucket(rollout.seed, unit), routing.ranges(rollout.share)
    known = _exposure(rollout, unit) if unit else None
    off, key = why_off(rollout), found.arm_of(place)
    if off:
        key = routing.REST
    kept = known is not None and not off and rollout.share not in (0, 1)
    if known is not None and kept:
        key = known.arm.key
    arm = rollout.arm(key)
    by_unit = _("It stays on the arm of its first request.") if kept else _by_bucket(rollout, place)
    drawn = _("Without a user or session each request is drawn anew.")
    return {
        "unit": unit,
        "status": rollout.status,
        "is_stopped_by_file": switch.is_down(rollout.pk),
        "bucket": place if unit else None,
        "share": rollout.share,
        "candidate_range": list(found.candidate),
        "control_range": list(found.control),
        "arm": arm.key if unit or off else None,
        "deployment": arm.deployment.name if unit or off else None,
        "version": str(arm.deployment.model_version) if unit or off else None,
        "first": _told(known),
        "why": off or (by_unit if unit else drawn),
    }


def _told(exposure: Exposure | None) -> dict[str, Any] | None:
    if exposure is None:
        return None
    return {"arm": exposure.arm.key, "at": exposure.first_at, "share": exposure.share, "bucket": exposure.bucket}
