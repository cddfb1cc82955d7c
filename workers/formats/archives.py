"""Files out of a zip or tar archive, one at a time, with every byte counted; what an archive says of itself is never trusted (B1-B11).

Nothing is unpacked to a path that the archive names: members are read into memory, below a cap, and stored under names of ours.
"""

from __future__ import annotations

import gzip
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from workers.formats.problems import FileRefused, RowFault

MOST_FILES = 200_000
MOST_BYTES = 2 * 2**30  # of all files, unpacked
MOST_RATIO = 200  # bytes out for a byte in
_SLACK = 2**20  # bytes that no ratio forbids
_LISTING_CAP = 64 * 2**20  # bytes of a zip's list of files: 200,000 long names
_NAME_CAP = 1000
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".lz4", ".jar", ".iso")
_DRIVE = re.compile(r"[A-Za-z]:")
IMAGE_NAMES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")  # endings of members that are taken for images
_LOOKED_AT, _LOOKED_OVER = 1000, 256 * 2**20  # entries and bytes of a tar in which its first image must come
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
GZIP_MARK = b"\x1f\x8b"
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. `read(cap)` gives its bytes; RowFault when there are more than `cap` or they are damaged."""

    name: str
    read: Callable[[int], bytes]


def is_archive(head: bytes) -> bool:
    """Whether a file begins as a zip, a gzip or a tar does."""
    return head.startswith((*ZIP_MARKS, GZIP_MARK)) or head[257:262] == b"ustar"


def holds_images(path: Path, head: bytes) -> bool:
    """Whether a file is an archive with an image in it, by the first names it lists; what is wrong with it is told later, by its walk."""
    if not is_archive(head):
        return False
    try:
        if head.startswith(ZIP_MARKS):
            _check_listing(path)
            with zipfile.ZipFile(path) as archive:
                return any(name.lower().endswith(IMAGE_NAMES) for name in archive.namelist())
        with path.open("rb") as source, tarfile.open(fileobj=source, mode=_tar_mode(head)) as tar:
            skipped = 0
            for _ in range(_LOOKED_AT):
                entry = tar.next()
                skipped += entry.size if entry else 0
                if entry is None or skipped > _LOOKED_OVER:
                    return False
                if entry.name.lower().endswith(IMAGE_NAMES):
                    return True
    except _BROKEN:
        return False
    return False


def _tar_mode(head: bytes) -> Any:
    return "r|gz" if head.startswith(GZIP_MARK) else "r|"


class Archive:
    """A zip or tar(.gz). `position` is how far the present walk has come, in bytes of the file."""

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, path.stat().st_size
        with path.open("rb") as file:
            self._head = file.read(4)
        self._source: IO[bytes] | None = None
        self._done = 0

    @property
    def is_sorted(self) -> bool:
        """Whether walks go by name; else in the order of the archive."""
        return self._head in ZIP_MARKS

    def position(self) -> int:
        """Bytes of the archive behind us."""
        return self._source.tell() if self._source and not self.is_sorted else self._done

    def walk(self) -> Iterator[Member]:
        """Each file. Raises FileRefused for an archive that is damaged or breaks a rule; all names are checked as they come."""
        budget = _Budget(self._size)
        try:
            yield from self._zip(budget) if self.is_sorted else self._tar(budget)
        except _BROKEN as error:
            raise _refused(
                "damaged", f"The archive cannot be read: {str(error)[:200]}.", "Make the archive again."
            ) from None

    def _zip(self, budget: _Budget) -> Iterator[Member]:
        _check_listing(self._path)
        self._done = 0
        with zipfile.ZipFile(self._path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            for entry in archive.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _link(entry.filename)
                if entry.flag_bits & 1:
                    raise _refused("encrypted", "The archive is locked with a password.", "Save it without one.")
                budget.name(entry.orig_filename if "\0" in entry.orig_filename else entry.filename)
            for entry in sorted(entries, key=lambda entry: entry.filename):
                yield Member(entry.filename, lambda cap, entry=entry: _from_zip(archive, entry, cap, budget))  # type: ignore[misc]
                self._done += entry.compress_size

    def _tar(self, budget: _Budget) -> Iterator[Member]:
        mode = _tar_mode(self._head)
        with self._path.open("rb") as source, tarfile.open(fileobj=source, mode=mode, errorlevel=2) as archive:
            self._source = source
            while (entry := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep every entry
                if not entry.isreg() and not entry.isdir():
                    raise _link(entry.name)
                budget.name(entry.name)
                if entry.isreg():
                    budget.count(entry.size)  # all of it is read, to reach the next one
                    yield Member(entry.name, lambda cap, entry=entry: _from_tar(archive, entry, cap))  # type: ignore[misc]
        self._source, self._done = None, self._size


class _Budget:
    """What an archive may still give: names not seen before, and bytes."""

    def __init__(self, size: int) -> None:
        self._left = min(MOST_BYTES, MOST_RATIO * size + _SLACK)
        self._is_ratio = self._left < MOST_BYTES
        self._names: set[int] = set()
        self._files = 0

    def name(self, name: str) -> None:
        self._files += 1
        if self._files > MOST_FILES:
            raise _refused(
                "too_many_files", f"The archive holds more than {MOST_FILES} files.", "Split it into several archives."
            )
        check_name(name)
        plain = hash(unicodedata.normalize("NFC", name).casefold().rstrip("/"))
        if plain in self._names:
            message = f"Two files are called “{shown(name)}”, but for upper and lower case."
            raise _refused("same_name", message, "Give each file its own name.")
        self._names.add(plain)

    def count(self, size: int) -> None:
        self._left -= size
        if self._left >= 0:
            return
        if self._is_ratio:
            message = f"The archive unpacks to more than {MOST_RATIO} times its size, as images never do."
            raise _refused("zip_bomb", message, "Pack the images as they are.")
        message = f"The archive unpacks to more than {MOST_BYTES // 2**30} GiB."
        raise _refused("too_large", message, "Split it into several archives.")


def check_name(name: str) -> None:
    """Raise FileRefused for a name that leads out of the archive, is not plain text, or is an archive itself (B4, B5, B11)."""
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or ".." in parts or "\\" in name or _DRIVE.match(name):
        message = f"The archive holds a file “{shown(name)}”, whose name leads outside of it."
        raise _refused(
            "bad_name", message, "Pack a folder with plain names, without “..”, drive letters or backslashes."
        )
    if len(name) > _NAME_CAP or not all(char.isprintable() or char == "\u00ad" for char in name):
        message = f"The archive holds a file whose name is not plain text: “{shown(name)}”."
        raise _refused("bad_name", message, "Give the files plain names.")
    if parts[-1:] and parts[-1].lower().endswith(_ARCHIVES):
        raise _refused(
            "nested_archive", f"The archive holds another archive, “{shown(name)}”.", "Put its files in this one."
        )


def shown(name: str) -> str:
    """A name fit for a message."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)[:120]


def _from_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, cap: int, budget: _Budget) -> bytes:
    try:
        with archive.open(entry) as file:
            data = file.read(cap + 1)
    except (*_BROKEN, RuntimeError, OSError) as error:
        raise RowFault("damaged", f"“{shown(entry.filename)}” cannot be read: {str(error)[:120]}.") from None
    budget.count(len(data))
    return _capped(data, entry.filename, cap)


def _from_tar(archive: tarfile.TarFile, entry: tarfile.TarInfo, cap: int) -> bytes:
    file = archive.extractfile(entry)
    return _capped(file.read(cap + 1) if file else b"", entry.name, cap)


def _capped(data: bytes, name: str, cap: int) -> bytes:
    if len(data) > cap:
        raise RowFault("file_too_large", f"“{shown(name)}” is larger than {cap // 2**20} MiB.")
    return data


def _check_listing(path: Path) -> None:
    """Refuse, before zipfile reads it whole, a list of files that is too long; the place is in the last bytes of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - 65_557, 0))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise _refused("truncated", "The zip archive ends too early.", "The upload or the export was cut off.")
    count, length = struct.unpack("<HI", tail[place + 10 : place + 16])
    wide = tail.rfind(b"PK\x06\x06")
    if wide >= 0 and len(tail) >= wide + 48:
        count, length = (
            max(count, struct.unpack("<Q", tail[wide + 32 : wide + 40])[0]),
            max(length if length < 0xFFFFFFFF else 0, struct.unpack("<Q", tail[wide + 40 : wide + 48])[0]),
        )
    if (count > MOST_FILES and count != 0xFFFF) or length > _LISTING_CAP:
        raise _refused(
            "too_many_files", f"The archive holds more than {MOST_FILES} files.", "Split it into several archives."
        )


def _link(name: str) -> FileRefused:
    message = f"The archive holds “{shown(name)}”, which is a link or a device, not a file."
    return _refused("link", message, "Pack the files themselves.")


def _refused(code: str, message: str, hint: str) -> FileRefused:
    return FileRefused(code, message, hint=hint)
