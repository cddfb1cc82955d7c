"""Verbs of the registry: name a model, register a version, ask, approve, reject, retire."""

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.registry import gates, numbering
from apps.registry.aliases import alias_at, aliases_of, clear_alias, set_alias
from apps.registry.models import Model, ModelVersion, VersionStatus
from apps.training.models import Checkpoint

__all__ = [
    "alias_at",
    "aliases_of",
    "approve_version",
    "clear_alias",
    "create_model",
    "register_first",
    "register_version",
    "reject_version",
    "request_approval",
    "retire_version",
    "set_alias",
]

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
LONGEST_NOTE = 4000


def create_model(*, actor: Any, workspace: Workspace, name: str, description: str = "") -> Model:
    """Raises Problem for a name that is none, Conflict for one that is taken."""
    name, description = name.strip(), description.strip()
    if not NAME.fullmatch(name):
        hint = _("Small letters, digits and hyphens, at most 60: support-assistant. Clients call the model by it.")
        raise Problem(_("This is no name for a model."), field="name", hint=hint)
    if len(description) > 300:
        raise Problem(_("A description has at most 300 characters."), field="description")
    try:
        with transaction.atomic():
            model: Model = Model.objects.create(
                workspace=workspace, created_by=actor, name=name, description=description
            )
            ledger.write(row=model, verb="model.created", actor=actor)
            live.ring(model)
    except IntegrityError:
        hint = _("Register a version of that model, or choose another name.")
        message = _("There is already a model “%(name)s”.") % {"name": name}
        raise Conflict(message, field="name", hint=hint, code="duplicate_name") from None
    return model


@transaction.atomic
def register_version(
    *, actor: Any, model: Model, checkpoint: Checkpoint, version: str = "", bump: str = "", notes: str = ""
) -> ModelVersion:
    """A draft: `version` as written, or by `bump` (major, minor, patch), or by the least step that the change asks for."""
    if version.strip() and bump:
        raise Problem(_("Give a version or a step, not both."), field="version")
    _require_lasting(model, checkpoint)
    model = Model.objects.select_for_update().get(pk=model.pk)  # numbers are given one after the other
    draft = ModelVersion(model=model, checkpoint=checkpoint)
    given = numbering.read(version) if version.strip() else numbering.propose(model, draft.made, bump)
    newest = model.newest
    made: ModelVersion = ModelVersion.objects.create(
        workspace=model.workspace,
        created_by=actor,
        model=model,
        number=newest.number + 1 if newest else 1,
        version=str(given),
        major=given.major,
        minor=given.minor,
        patch=given.patch,
        pre=given.pre,
        change=numbering.check(model, draft.made, given),
        checkpoint=checkpoint,
        notes=checked_note(notes, "notes"),
    )
    ledger.write(row=made, verb="modelversion.registered", actor=actor, note=str(checkpoint))
    live.ring(made)
    return made


@transaction.atomic
def register_first(
    *, actor: Any, workspace: Workspace, name: str, description: str = "", checkpoint: Checkpoint, **values: Any
) -> ModelVersion:
    """A new model with its first version: both, or neither."""
    model = create_model(actor=actor, workspace=workspace, name=name, description=description)
    return register_version(actor=actor, model=model, checkpoint=checkpoint, **values)


def _require_lasting(model: Model, checkpoint: Checkpoint) -> None:
    """A version needs bytes that stay."""
    if checkpoint.workspace_id != model.workspace_id:
        raise Problem(_("Model and checkpoint must be in one workspace."), field="checkpoint")
    if not checkpoint.run.job.is_terminal:
        hint = _("While it goes on, newer checkpoints may take the place of this one.")
        raise Conflict(_("The run has not ended."), field="checkpoint", hint=hint)
    if checkpoint.is_removed or not (checkpoint.key or checkpoint.folder.is_dir()):
        hint = _("Take the best or the last checkpoint of the run.")
        raise Problem(_("The files of this checkpoint are gone."), field="checkpoint", hint=hint)


def checked_note(text: str, field: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        raise Problem(_("Notes have at most 4000 characters."), field=field)
    return text


def request_approval(*, actor: Any, version: ModelVersion, note: str = "") -> ModelVersion:
    """From now on somebody else may approve or reject it."""
    note = checked_note(note, "note")
    now = timezone.now()
    move(version, VersionStatus.PENDING, actor=actor, note=note, asked_by=actor, asked_at=now)
    return version


def approve_version(*, actor: Any, version: ModelVersion, note: str = "") -> ModelVersion:
    """By somebody else than who registered it or asked. A failed gate needs a reason, which the ledger keeps."""
    note = checked_note(note, "note")
    if version.status == VersionStatus.PENDING:
        _require_somebody_else(actor, version)
    found = gates.gates_of(version.checkpoint)
    failed = [gate for gate in found if gate.state == gates.FAILED]
    if failed and not note:
        words = {"gates": ", ".join(gate.title for gate in failed)}
        hint = _("Reject the version, or write why it is approved all the same. The ledger keeps it.")
        raise Problem(_("These gates failed: %(gates)s.") % words, field="note", hint=hint, code="reason_required")
    _decide(actor, version, VersionStatus.APPROVED, note, found)
    return version


def reject_version(*, actor: Any, version: ModelVersion, note: str = "") -> ModelVersion:
    """For good: what comes instead is another version."""
    note = checked_note(note, "note")
    if not note:
        hint = _("Who made the version should know what to mend.")
        raise Problem(_("Say why it is rejected."), field="note", hint=hint, code="required")
    _decide(actor, version, VersionStatus.REJECTED, note, gates.gates_of(version.checkpoint))
    return version


def _require_somebody_else(actor: Any, version: ModelVersion) -> None:
    if actor.pk in (version.created_by_id, version.asked_by_id):
        hint = _("Ask another person who may approve versions.")
        raise Conflict(_("Nobody approves their own version."), hint=hint, code="own_version")


def _decide(actor: Any, version: ModelVersion, to: str, note: str, found: list[gates.Gate]) -> None:
    kept = [gate.as_dict() for gate in found]
    now = timezone.now()
    move(version, to, actor=actor, note=note, decided_by=actor, decided_at=now, decision_note=note, decided_gates=kept)


@transaction.atomic
def retire_version(*, actor: Any, version: ModelVersion, note: str = "") -> ModelVersion:
    """Take an approved version out of use. Raises Conflict while an alias means it."""
    Model.objects.select_for_update().get(pk=version.model_id)
    held = [name for name, alias in aliases_of(version.model).items() if alias.version_id == version.pk]
    if held:
        words = {"version": version.version, "names": ", ".join(held)}
        hint = _("Move the alias to another version first.")
        raise Conflict(_("%(version)s is still %(names)s.") % words, hint=hint, code="in_use")
    move(version, VersionStatus.RETIRED, actor=actor, note=checked_note(note, "note"))
    return version
