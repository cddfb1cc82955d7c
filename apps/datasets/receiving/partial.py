"""The files behind receptions: one for each, in a folder of its own kind on the disk of the console.

Who works on a file holds a lock of the kernel on it. It ends with its process, however that dies, so nobody waits for a lease to run
out; it reaches as far as the file itself does. The offset in the database moves by compare-and-swap, and after the bytes: a process
that was frozen and thinks it still writes can neither move it nor make it tell of bytes that are not there.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem, TooLarge

Bytes = bytes | memoryview
BLOCK = 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_STRAY_AFTER = 24 * 3600  # seconds until a file without a row is nobody's


class NoSpace(Problem):
    """The disk is full. What was received stays; the sender may go on when there is room again."""

    status = 503
    code = "disk_full"


class Busy(Conflict):
    code = "upload_busy"


def no_space() -> NoSpace:
    hint = _("What was sent so far is kept. Make room, then go on.")
    return NoSpace(_("The disk of the console is full."), hint=hint)


def folder() -> Path:
    return Path(settings.TUNELOOP_DATA) / "receiving"


def path_of(pk: UUID) -> Path:
    return folder() / f"{pk}.part"


def require_space(size: int) -> None:
    """Raise NoSpace when the disk has no room for that many bytes."""
    folder().mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder()).free < size:
        raise no_space()


@contextmanager
def held(pk: UUID) -> Iterator[int]:
    """The open file of a reception, for this process alone. Raises Busy while another one has it."""
    path = path_of(pk)
    with telling_full():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(handle).st_nlink:  # removed between the two lines above
            raise BlockingIOError
        yield handle
    except BlockingIOError:
        raise Busy(_("This file is being worked on by another request."), hint=_("Try again in a moment.")) from None
    finally:
        os.close(handle)


def write(handle: int, offset: int, room: int, blocks: Iterable[Bytes], look: Callable[[], None]) -> int:
    """Write `blocks` from `offset` on and bring them to the disk; how many bytes. `look` is called before they count, and may raise.

    Raises TooLarge beyond `room` bytes and NoSpace when the disk is full; the file then ends at `offset` again.
    """
    at = offset
    try:
        with telling_full():
            for block in blocks:
                if at + len(block) > offset + room:
                    raise TooLarge(_("These are more bytes than were announced."), code="beyond_size")
                at += _write_all(handle, block, at)
            look()
            os.fsync(handle)
    except BaseException:
        os.ftruncate(handle, offset)
        raise
    return at - offset


def _write_all(handle: int, block: Bytes, at: int) -> int:
    view = memoryview(block)
    while view:
        done = os.pwrite(handle, view, at)
        view, at = view[done:], at + done
    return len(block)


@contextmanager
def telling_full() -> Iterator[None]:
    """Faults of a full disk leave as NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise no_space() from None
        raise
    except OperationalError as error:
        if any(words in str(error) for words in ("disk is full", "No space left")):  # of SQLite, of PostgreSQL
            raise no_space() from None
        raise


def blocks_of(stream: Any) -> Iterator[bytes]:
    """A stream in blocks that memory does not feel."""
    while block := stream.read(BLOCK):
        yield block


@contextmanager
def spare(path: Path) -> Iterator[Path]:
    """A second name of the file, to be moved away: the first stays until all that is made of it is written down."""
    other = path.with_suffix(".landing")
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:  # a file system without hard links
        with telling_full():
            shutil.copyfile(path, other)
    try:
        yield other
    finally:
        other.unlink(missing_ok=True)


def strays(known: set[str]) -> list[Path]:
    """Files that belong to no reception (their ids are `known`) and have not been touched for a day."""
    before = time.time() - _STRAY_AFTER
    found = [path for path in folder().glob("*.*") if path.name.split(".")[0] not in known]
    return [path for path in found if path.stat().st_mtime < before]
