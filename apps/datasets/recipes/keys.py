"""The key with which a workspace masks: 32 random bytes, made when they are first needed, kept sealed."""

import secrets
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, sealing
from apps.core.errors import Conflict
from apps.datasets.models import WorkspaceKey
from workers.cleaning.sealing import KEY_BYTES

_PURPOSE = "tuneloop workspace keys 1"


def key_of(workspace: Workspace) -> bytes | None:
    """The workspace's key; None before anything was masked with one. Raises Conflict when SECRET_KEY is another than it was."""
    found: WorkspaceKey | None = WorkspaceKey.objects.filter(workspace=workspace).first()
    return _opened(bytes(found.sealed), workspace.pk) if found else None


def make_key(*, actor: Any, workspace: Workspace) -> bytes:
    """The workspace's key, made now if there was none."""
    if known := key_of(workspace):
        return known
    key = secrets.token_bytes(KEY_BYTES)
    try:
        with transaction.atomic():
            made = WorkspaceKey.objects.create(workspace=workspace, created_by=actor, sealed=_sealed(key, workspace.pk))
            ledger.write(row=made, verb="masking_key.made", actor=actor)
    except IntegrityError:  # somebody else made it just now
        key = key_of(workspace) or key
    return key


def _sealed(key: bytes, workspace: UUID) -> bytes:
    return sealing.seal(key, purpose=_PURPOSE, bound=workspace.bytes)


def _opened(sealed: bytes, workspace: UUID) -> bytes:
    try:
        return sealing.unseal(sealed, purpose=_PURPOSE, bound=workspace.bytes)
    except sealing.CannotOpen:
        told = _("The masking key of this workspace cannot be opened.")
        raise Conflict(told, hint=_("Start the console with the SECRET_KEY it had when the key was made.")) from None
