"""From an HTTP upload to a file on this disk: nothing is held in memory, and the name a person gave is only a label."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.core.errors import Problem, TooLarge
from apps.datasets.receiving import pieces

_OVERHEAD = 64 * 1024  # bytes of a multipart request that are not the file


class ReceivedFile(UploadedFile):  # type: ignore[type-arg]
    """A file that lies on this disk already, with what it is recognised by (receiving.pieces)."""

    def __init__(self, path: Path, *, name: str, sha256: str) -> None:
        super().__init__(name=name, size=path.stat().st_size)
        self.path, self.sha256 = path, sha256


def refuse_too_large(request: HttpRequest) -> None:
    """Raise TooLarge before the body is parsed, by its announced length."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > settings.MAX_UPLOAD_BYTES + _OVERHEAD:
        raise _too_large()


def refuse_size(size: int) -> None:
    """Raise Problem for an announced file that is empty, TooLarge above the limit."""
    if size < 1:
        raise Problem(_("The file is empty."), field="size", code="empty")
    if size > settings.MAX_UPLOAD_BYTES:
        raise _too_large()


def _too_large() -> TooLarge:
    gib = settings.MAX_UPLOAD_BYTES / 2**30
    return TooLarge(
        _("The file is larger than %(limit)s GiB.") % {"limit": f"{gib:.3g}"},
        field="file",
        hint=_("Split it into several files."),
    )


def checked_file(file: "UploadedFile[Any] | None") -> "UploadedFile[Any]":
    """The file of the request. Raises Problem when there is none or it is empty, TooLarge above the limit."""
    if not isinstance(file, UploadedFile):
        raise Problem(_("Choose a file to upload."), field="file", code="required")
    if not file.size:
        raise Problem(_("The file is empty."), field="file", code="empty")
    if file.size > settings.MAX_UPLOAD_BYTES:
        raise _too_large()
    return file


@contextmanager
def on_disk(file: "UploadedFile[Any]") -> Iterator[Path]:
    """A path with the content of `file`, for the time of the block. It may be moved away."""
    if isinstance(file, ReceivedFile):
        yield file.path
        return
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())  # Django removes it with the request
        return
    path = _written(file)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def sha256_of(file: "UploadedFile[Any]", path: Path) -> str:
    """What an uploaded file that lies at `path` is recognised by; read again only where it is not known."""
    return file.sha256 if isinstance(file, ReceivedFile) else pieces.known_by_at(path)


def _written(file: "UploadedFile[Any]") -> Path:
    handle, name = tempfile.mkstemp(suffix=".upload", dir=settings.FILE_UPLOAD_TEMP_DIR)
    with os.fdopen(handle, "wb") as target:
        for chunk in file.chunks():
            target.write(chunk)
    return Path(name)


def label_of(name: str | None) -> str:
    """A file name fit to show: its last part, printable, at most 200 characters."""
    last = PurePosixPath((name or "").replace("\\", "/").replace("\0", "")).name
    return "".join(char if char.isprintable() else "\ufffd" for char in last)[-200:] or "upload"
