"""What the pages of the registry show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Problem
from apps.core.models import LedgerEntry
from apps.jobs.models import TERMINAL
from apps.registry import aliases, gates, listing, numbering
from apps.registry.dialogs import steps_from
from apps.registry.models import PRODUCTION, Change, Model, ModelVersion, VersionStatus
from apps.registry.versions import FIRST, STEPS, Version
from apps.training.models import Checkpoint

TONES = {
    VersionStatus.PENDING: "warn",
    VersionStatus.APPROVED: "good",
    VersionStatus.REJECTED: "bad",
}

STEP_TONES = {"approved": "good", "rejected": "bad"}


def list_page(user: Any, workspace: Workspace, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of models, each with its newest version and its aliases."""
    found = listing.with_newest(Model.objects.visible_to(user).filter(workspace=workspace))
    listed = listing.MODELS.show(found, query, reverse("registry:models"))
    rows = []
    for model in listed.page:
        newest = model.newest
        held = aliases.aliases_of(model)
        rows.append({"model": model, "newest": newest, "tone": tone(newest), "aliases": held.values()})
    return {"listed": listed, "rows": rows}


def tone(version: ModelVersion | None) -> str:
    return TONES.get(VersionStatus(version.status), "idle") if version else "idle"


def model_page(model: Model, chosen: ModelVersion | None, at: str = "", user: Any = None) -> dict[str, Any]:
    """Aliases, versions, and the chosen version with its gates and how it came about."""
    held = aliases.aliases_of(model)
    rows = list(
        model.versions.select_related("checkpoint__run__dataset_version__dataset", "created_by", "decided_by")[:200]
    )
    chosen = next((row for row in rows if chosen is not None and row.pk == chosen.pk), rows[0] if rows else None)
    names: dict[Any, list[str]] = {}
    for name, move in held.items():
        names.setdefault(move.version_id, []).append(name)
    moment = _moment(at)
    return {
        "model": model,
        "aliases": held.values(),
        "rows": [{"version": row, "tone": tone(row), "aliases": names.get(row.pk, [])} for row in rows],
        "chosen": chosen,
        "chosen_tone": tone(chosen),
        "gates": gates.kept_gates(chosen, user) if chosen else [],
        "steps": [_step(entry) for entry in ledger.history(chosen)] if chosen else [],
        "moves": spans(aliases.history(model)),
        "at": at,
        "at_told": told_at(model, moment) if moment else [],
        "movable": [row for row in rows if not row.is_over],
        "production": PRODUCTION,
        "dialogs": steps_from(chosen) if chosen else [],
    }


def _step(entry: LedgerEntry) -> dict[str, Any]:
    """A line of the ledger in words."""
    status = entry.verb.removeprefix("modelversion.")
    words = {
        "registered": _("Registered"),
        "pending": _("Approval asked for"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "retired": _("Retired"),
    }
    return {"text": words.get(status, entry.verb), "tone": STEP_TONES.get(status, ""), "entry": entry}


def spans(moves: list[Any]) -> list[dict[str, Any]]:
    """Each move with the moment that ended it, newest first."""
    ended: dict[str, datetime] = {}
    told = []
    for move in moves:
        told.append({"move": move, "until": ended.get(move.name)})
        ended[move.name] = move.at
    return told


def told_at(model: Model, moment: datetime) -> list[dict[str, Any]]:
    """What every alias meant at a moment."""
    names = model.alias_moves.values_list("name", flat=True).distinct().order_by("name")
    meant = [{"name": name, "version": aliases.alias_at(model, name, moment)} for name in names]
    return [{**row, "moment": moment} for row in meant]


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text) if text else None
    except ValueError:
        moment = None
    if moment is not None and timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    return moment


def lasting_checkpoints(user: Any, workspace: Workspace) -> list[Checkpoint]:
    """What a version could be made of: checkpoints of runs that have ended, whose files are still there."""
    rows = Checkpoint.objects.visible_to(user).filter(
        workspace=workspace, is_removed=False, run__job__status__in=TERMINAL
    )
    return list(rows.select_related("run__job", "run__base_model").order_by("-created_at")[:100])


def numbers_for(model: Model | None, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The numbers that the register page offers, smallest step first, each with why it may not be given."""
    if model is None or model.newest is None:
        return [{"version": str(FIRST), "say": Change.FIRST.label, "why": "", "chosen": True}]
    made = ModelVersion(model=model, checkpoint=checkpoint).made
    proposed = numbering.propose(model, made)
    offered: dict[Version, dict[str, Any]] = {}
    for word in STEPS:
        version = numbering.propose(model, made, word)
        try:
            say, why = str(numbering.check(model, made, version).label), ""
        except Problem as problem:
            say, why = _("%(step)s step") % {"step": word}, problem.hint
        offered[version] = {"version": str(version), "say": say, "why": why, "chosen": version == proposed}
    return list(offered.values())
