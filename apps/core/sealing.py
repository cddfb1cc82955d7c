"""Secrets at rest: sealed with a key that comes from SECRET_KEY, bound to what they belong to, so that a copied one opens nowhere else."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE = 12  # bytes, as AES-GCM wants them


class CannotOpen(Exception):
    """Sealed by another SECRET_KEY, or for something else."""


def seal(secret: bytes, *, purpose: str, bound: bytes) -> bytes:
    """`purpose`: what it is for, a fixed word; `bound`: the identity of what it belongs to."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _cipher(purpose).encrypt(nonce, secret, bound)


def unseal(sealed: bytes, *, purpose: str, bound: bytes) -> bytes:
    """Raises CannotOpen."""
    try:
        return _cipher(purpose).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
    except InvalidTag as exc:
        raise CannotOpen from exc


def _cipher(purpose: str) -> AESGCM:
    key = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(settings.SECRET_KEY.encode())
    return AESGCM(key)
