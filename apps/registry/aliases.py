"""Aliases: names that mean one version at a time. Every move is kept, so that it can be said what a name meant at any moment."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.registry.models import PRODUCTION, AliasMove, Model, ModelVersion

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
RESERVED = {"latest", "newest"}  # would move by themselves, which an alias never does
LOOKS_LIKE_A_VERSION = re.compile(r"v\d+")


def checked_name(name: str) -> str:
    name = name.strip()
    if not NAME.fullmatch(name) or name in RESERVED or LOOKS_LIKE_A_VERSION.fullmatch(name):
        hint = _("Small letters, digits and hyphens, a letter first, at most 40; not “latest”, and nothing like v2.")
        raise Problem(_("This is no name for an alias."), field="alias", hint=hint)
    return name


@transaction.atomic
def set_alias(*, actor: Any, model: Model, name: str, version: ModelVersion, note: str = "") -> AliasMove:
    """Let the alias mean this version from now on. `production` takes approved versions only."""
    name = checked_name(name)
    _lock(model)
    _refuse(model, name, version)
    return _append(actor, model, name, version, note)


@transaction.atomic
def clear_alias(*, actor: Any, model: Model, name: str, note: str = "") -> AliasMove:
    """The alias means nothing from now on; its history stays."""
    _lock(model)
    if name not in aliases_of(model):
        raise Conflict(_("This alias points to no version."), field="alias")
    return _append(actor, model, name, None, note)


def _lock(model: Model) -> None:
    """Moves of one model, and the end of its versions, are made one after the other."""
    Model.objects.select_for_update().get(pk=model.pk)


def capability_for(name: str) -> str:
    """What a person needs in order to move an alias: `production` belongs to those who approve."""
    return "registry.approve" if name.strip() == PRODUCTION else "registry.register"


def _refuse(model: Model, name: str, version: ModelVersion) -> None:
    if version.model_id != model.pk:
        raise Problem(_("This version is of another model."), field="version")
    version.refresh_from_db(fields=["status"])
    told = {"version": version.version, "status": version.get_status_display().lower(), "name": name}
    if name == PRODUCTION and not version.is_servable:
        hint = _("Let somebody approve it first.")
        message = _("Only an approved version can be production; %(version)s is: %(status)s.") % told
        raise Conflict(message, field="version", hint=hint, code="not_approved")
    if version.is_over:
        raise Conflict(_("%(version)s cannot become %(name)s: it is %(status)s.") % told, field="version")


def _append(actor: Any, model: Model, name: str, version: ModelVersion | None, note: str) -> AliasMove:
    if len(note.strip()) > 300:
        raise Problem(_("A note has at most 300 characters."), field="note")
    last: AliasMove | None = model.alias_moves.filter(name=name).order_by("-number").first()
    if last and last.version_id == (version.pk if version else None):
        return last
    at = max(timezone.now(), last.at + timedelta(microseconds=1)) if last else timezone.now()
    made: AliasMove = AliasMove.objects.create(
        workspace=model.workspace,
        created_by=actor,
        model=model,
        name=name,
        number=last.number + 1 if last else 1,
        version=version,
        at=at,
        note=note.strip(),
    )
    was = last.version.version if last and last.version else ""
    now = version.version if version else ""
    ledger.write(row=model, verb="alias.moved", actor=actor, note=made.note, alias=name, was=was, now=now)
    live.ring(model)
    return made


def aliases_of(model: Model) -> dict[str, AliasMove]:
    """The aliases that mean a version now, `production` first."""
    newest = model.alias_moves.values("name").annotate(last=Max("number"))
    last = {row["name"]: row["last"] for row in newest}
    moves = model.alias_moves.filter(name__in=last).select_related("version", "created_by")
    held = [move for move in moves if move.number == last[move.name] and move.version_id]
    return {move.name: move for move in sorted(held, key=lambda move: (move.name != PRODUCTION, move.name))}


def alias_at(model: Model, name: str, moment: datetime) -> ModelVersion | None:
    """The version that the alias meant at a moment; None when it meant none."""
    moves = model.alias_moves.filter(name=name, at__lte=moment).select_related("version")
    last = moves.order_by("-at", "-number").first()
    return last.version if last else None


def history(model: Model, name: str = "") -> list[AliasMove]:
    """Moves of one alias, or of all, newest first."""
    moves = model.alias_moves.filter(name=name) if name else model.alias_moves.all()
    return list(moves.select_related("version", "created_by").order_by(F("at").desc(), "-number")[:500])
