"""What a file is recognised by: a hash over its pieces, which goes on where it stopped when more bytes come.

The state of a sha256 cannot be written down, so a hash of the whole file could only be made when the file is whole: half a minute
for ten gigabytes. Here the file is cut every PIECE bytes. The mark of the first piece is its sha256; the mark of the first k pieces is
the sha256 of the mark of those before (32 bytes) and the sha256 of the k-th (32 bytes). A file is known by the mark of all its pieces in
hex, followed by "-" and their number where it has more than one; so that of a small file is its plain sha256.
"""

import hashlib
import os
from pathlib import Path

PIECE = 8 * 2**20
LONGEST = 80  # characters of what a file is known by


def extended(handle: int, mark: str, was: int, now: int) -> str:
    """The mark (hex) of the whole pieces before byte `now` of an open file, given that of those before `was`; "" for none.

    Without a mark it begins at the first byte.
    """
    for number in range(was // PIECE if mark else 0, now // PIECE):
        mark = _linked(mark, os.pread(handle, PIECE, number * PIECE))
    return mark


def known_by(handle: int, mark: str, size: int) -> str:
    """What an open file of `size` bytes is recognised by, given the mark of its whole pieces ("": they are read)."""
    count, rest = divmod(size, PIECE)
    mark = mark or extended(handle, "", 0, size)
    if rest or not count:
        mark, count = _linked(mark, os.pread(handle, rest, count * PIECE)), count + 1
    return mark if count == 1 else f"{mark}-{count}"


def known_by_at(path: Path) -> str:
    """What the file at `path` is recognised by; all of it is read."""
    with path.open("rb") as file:
        return known_by(file.fileno(), "", path.stat().st_size)


def _linked(mark: str, piece: bytes) -> str:
    own = hashlib.sha256(piece)
    return hashlib.sha256(bytes.fromhex(mark) + own.digest()).hexdigest() if mark else own.hexdigest()
