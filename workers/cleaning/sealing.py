"""Reversible masks: a value sealed with the workspace's key into a token that stands in its place, and opened again with it.

A token is `[EMAIL:ONSWC3DFMQ...]`: the kind, and in base 32 (so that a change of case does no harm) the value under AES-SIV (RFC
5297), a deterministic authenticated cipher: equal values of one kind give equal tokens, so rows can still be compared and joined,
and whoever lacks the key learns nothing else but a length, rounded up to 16 bytes. Another key opens nothing and says so.
"""

from __future__ import annotations

import base64
import os
import re
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workers.failures import UserError

KEY_BYTES = 32
VARIABLE = "TUNELOOP_WORKSPACE_KEY"  # in the environment of a program: hex. No file holds it
_BLOCK = 16
TOKEN = re.compile(r"\[([A-Z][A-Z_]{1,15}):([A-Z2-7]{52,})\]", re.IGNORECASE)


def take_key() -> bytes | None:
    """The workspace's key that the supervisor gave to this program; it is taken out of the environment. None where it gave none."""
    said = os.environ.pop(VARIABLE, "")
    return bytes.fromhex(said) if said else None


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESSIV:
    if len(key) != KEY_BYTES:
        raise ValueError(f"The key must have {KEY_BYTES} bytes.")
    return AESSIV(HKDF(SHA512(), length=64, salt=None, info=b"tuneloop masking 1").derive(key))


def seal(kind: str, value: str, key: bytes) -> str:
    """The token for a value. The same kind, value and key give the same token."""
    plain = value.encode()
    padded = len(plain).to_bytes(4, "big") + plain
    padded += bytes(-len(padded) % _BLOCK)
    sealed = _cipher(key).encrypt(padded, [kind.upper().encode()])
    return f"[{kind.upper()}:{base64.b32encode(sealed).decode().rstrip('=')}]"


def is_sealed(text: str) -> bool:
    """Whether a token stands in the text."""
    return TOKEN.search(text) is not None


def unmask(text: str, key: bytes, *, leaves_others: bool = False) -> str:
    """The text with the value of every token in its place. Raises UserError when the key is not the one they were sealed with, or a
    token was damaged; `leaves_others` leaves such a token as it is."""

    def opened(token: re.Match[str]) -> str:
        try:
            return _opened(token.group(1), token.group(2), key)
        except UserError:
            if leaves_others:
                return token.group()
            raise

    return TOKEN.sub(opened, text)


def _opened(kind: str, sealed: str, key: bytes) -> str:
    letters = sealed.upper()
    try:
        padded = _cipher(key).decrypt(base64.b32decode(letters + "=" * (-len(letters) % 8)), [kind.upper().encode()])
    except (InvalidTag, ValueError):
        told = "A masked value cannot be opened: another key sealed it, or it was damaged."
        raise UserError(told, "Only the workspace that masked it can open it.", "key") from None
    return padded[4 : 4 + int.from_bytes(padded[:4], "big")].decode()
