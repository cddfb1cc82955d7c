"""The key with which a workspace masks: 32 random bytes, made when they are first needed, kept sealed."""

import secrets
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict
from apps.datasets.models import WorkspaceKey
from workers.cleaning.sealing import KEY_BYTES

_NONCE = 12  # bytes, as AES-GCM wants them


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


def _cipher() -> AESGCM:
    secret = settings.SECRET_KEY.encode()
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"tuneloop workspace keys 1").derive(secret))


def _sealed(key: bytes, workspace: UUID) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _cipher().encrypt(nonce, key, workspace.bytes)


def _opened(sealed: bytes, workspace: UUID) -> bytes:
    try:
        return _cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], workspace.bytes)
    except InvalidTag:
        told = _("The masking key of this workspace cannot be opened.")
        raise Conflict(told, hint=_("Start the console with the SECRET_KEY it had when the key was made.")) from None
