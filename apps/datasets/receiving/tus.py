"""What the headers of tus 1.0 say (https://tus.io/protocols/resumable-upload): numbers, metadata, checksums."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,checksum,expiration"
CHUNK = "application/offset+octet-stream"
_ALGORITHMS = ("sha256", "sha1", "md5")
ALGORITHMS = ",".join(_ALGORITHMS)
_LONGEST = 20  # digits


class WrongVersion(Problem):
    status = 412
    code = "tus_version"


class Mismatch(Problem):
    """The bytes are not those that the checksum was made of: they were damaged on their way."""

    status = 460
    code = "checksum_mismatch"


class WrongOffset(Conflict):
    code = "wrong_offset"


def require_version(headers: Mapping[str, str]) -> None:
    """Raise WrongVersion for another one than ours. Who says none means ours: curl, for one."""
    if headers.get("Tus-Resumable", VERSION) != VERSION:
        raise WrongVersion(_("Only version 1.0.0 of tus is spoken here."), field="Tus-Resumable")


def abilities() -> dict[str, str]:
    """What an OPTIONS is answered with."""
    return {
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings.MAX_UPLOAD_BYTES),
        "Tus-Checksum-Algorithm": ALGORITHMS,
    }


def number(headers: Mapping[str, str], name: str) -> int:
    """A count of bytes. Raises Problem when there is none."""
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        message = _("The header %(name)s must be a whole number of bytes.") % {"name": name}
        raise Problem(message, field=name, code="required" if not text else "invalid")
    return int(text)


def metadata(text: str) -> dict[str, str]:
    """`name d29ya3Mh,empty` as {"name": "works!", "empty": ""}. Raises Problem."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _space, value = pair.partition(" ")
        found[key] = _decoded(value.strip())
    return found


def _decoded(value: str) -> str:
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise Problem(_("The values of Upload-Metadata must be UTF-8 in Base64."), field="Upload-Metadata") from None
    return text.replace("\0", "")


class Checksum:
    """What the header Upload-Checksum promises of the bytes of one request."""

    def __init__(self, text: str) -> None:
        name, _space, value = text.partition(" ")
        if name not in _ALGORITHMS:
            message = _("This checksum is not known. There are: %(names)s.") % {"names": ALGORITHMS}
            raise Problem(message, field="Upload-Checksum", code="unknown_checksum")
        try:
            self._wanted = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Problem(_("The checksum must be in Base64."), field="Upload-Checksum") from None
        self._digest: Any = hashlib.new(name, usedforsecurity=False)

    def add(self, block: bytes | memoryview) -> None:
        self._digest.update(block)

    def require(self) -> None:
        """Raise Mismatch when the bytes were others."""
        if self._digest.digest() != self._wanted:
            raise Mismatch(
                _("The bytes do not fit their checksum."), field="Upload-Checksum", hint=_("Send them again.")
            )
