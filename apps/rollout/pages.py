"""What the pages of rollouts show."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.rollout import listing, routing, switch
from apps.rollout.choosing import cleaned, explain
from apps.rollout.models import Rollout, RolloutStatus, in_percent
from apps.rollout.standing import standing
from apps.serving.models import Deployment

TONES = {RolloutStatus.RUNNING: "good", RolloutStatus.PAUSED: "warn", RolloutStatus.STOPPED: "bad"}
USUAL = (5, 10, 25, 50, 100)


def tone(rollout: Rollout) -> str:
    return "bad" if switch.is_down(rollout.pk) else TONES.get(RolloutStatus(rollout.status), "idle")


def list_page(user: Any, workspace: Workspace, query: Mapping[str, str]) -> dict[str, Any]:
    found = Rollout.objects.visible_to(user).filter(workspace=workspace)
    found = found.prefetch_related("arms__deployment__model_version__model")
    listed = listing.SHOWN.show(found, query, reverse("rollout:rollouts"))
    rows = [{"rollout": row, "tone": tone(row), "is_down": switch.is_down(row.pk)} for row in listed.page]
    return {"listed": listed, "rows": rows, "can_make": len(deployments(workspace)) > 1}


def deployments(workspace: Workspace) -> list[Deployment]:
    """What an arm can be, the ones that are on first."""
    rows = Deployment.objects.filter(workspace=workspace).select_related("model_version__model")
    return list(rows.order_by("-is_wanted", "name")[:200])


def rollout_page(rollout: Rollout, query: Mapping[str, str]) -> dict[str, Any]:
    found = standing(rollout)
    unit = cleaned(query.get("unit", ""))
    return {
        "rollout": rollout,
        "tone": tone(rollout),
        "is_down": switch.is_down(rollout.pk),
        "standing": found,
        "bar": _bar(rollout),
        "unit": unit,
        "why": _why(rollout, unit) if unit else None,
        "steps": [_step(entry) for entry in ledger.history(rollout)[:30]],
        "usual": [percent for percent in USUAL if percent > rollout.share * 100],
        "can_start": rollout.status != RolloutStatus.RUNNING or switch.is_down(rollout.pk),
        "can_stop": rollout.status in (RolloutStatus.RUNNING, RolloutStatus.PAUSED) and not switch.is_down(rollout.pk),
    }


def _bar(rollout: Rollout) -> dict[str, str]:
    """Where the arms lie among the buckets, as parts of a drawing's width."""
    found = routing.ranges(rollout.share)
    (_low, cut), (start, _high) = found.candidate, found.control
    return {"candidate": f"{cut:.2%}", "control_from": f"{start:.2%}", "control": f"{1 - start:.2%}"}


def _why(rollout: Rollout, unit: str) -> dict[str, Any]:
    told = explain(rollout, unit)
    buckets = {
        name: [round(edge * routing.BUCKETS) for edge in told[f"{name}_range"]] for name in ("candidate", "control")
    }
    return {
        **told,
        "number": round(told["bucket"] * routing.BUCKETS),
        "place": f"{told['bucket']:.2%}",
        "candidate_last": buckets["candidate"][1] - 1,
        "control_first": buckets["control"][0],
        "is_candidate": told["candidate_range"][0] <= told["bucket"] < told["candidate_range"][1],
        "is_control": told["control_range"][0] <= told["bucket"] < told["control_range"][1],
    }


def _step(entry: Any) -> dict[str, Any]:
    """A line of the ledger in words."""
    words = {
        "rollout.created": _("Made"),
        "rollout.running": _("Started"),
        "rollout.paused": _("Paused"),
        "rollout.stopped": _("Stopped at once"),
        "rollout.stopfile_removed": _("Stop file taken away"),
    }
    text = words.get(entry.verb, entry.verb)
    if entry.verb == "rollout.share":
        text = _("Share %(was)s to %(now)s") % {name: f"{in_percent(entry.data[name])} %" for name in ("was", "now")}
    status = {"rollout.stopped": "bad", "rollout.paused": "warn", "rollout.running": "good"}.get(entry.verb, "")
    return {"text": text, "entry": entry, "status": status}
