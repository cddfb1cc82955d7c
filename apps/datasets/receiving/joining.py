"""Several files of one layout as one: lines behind lines, and of tables only the first head."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path, PurePath
from typing import IO, Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.landing import refuse_size
from apps.datasets.models import Reception, Upload
from apps.datasets.receiving import partial, pieces, same, services

MOST = 200
_LINES, _TABLES = {".jsonl", ".ndjson", ".txt"}, {".csv", ".tsv", ".tab"}
JOINABLE = sorted(_LINES | _TABLES)
_LONGEST_HEAD = 1024 * 1024
_MARK = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def join(receptions: list[Reception], *, actor: Any, wish: services.Wish) -> Upload:
    """One upload of several whole files, in this order. Raises Problem when they do not fit together, Conflict as `finish` does."""
    first = _checked(receptions)
    with ExitStack() as stack:
        for reception in sorted(receptions, key=lambda one: str(one.pk)):
            stack.enter_context(partial.held(reception.pk))
        for reception in receptions:
            reception.refresh_from_db()
            services.require_whole(reception)
        if done := [reception.upload for reception in receptions if reception.upload]:
            return done[0]
        path = partial.path_of(first.pk).with_suffix(".joined")
        try:
            _write(path, receptions)
            sha256 = pieces.known_by_at(path)
            if not wish.again:
                same.refuse(actor, first.workspace, sha256)
            upload = services.land(path, sha256, receptions, actor=actor, wish=wish)
        finally:
            path.unlink(missing_ok=True)
    for reception in receptions:
        partial.path_of(reception.pk).unlink(missing_ok=True)
    return upload


def _checked(receptions: list[Reception]) -> Reception:
    """The one that gives the joined file its name and place."""
    kinds = {PurePath(reception.name).suffix.lower() for reception in receptions}
    if not 2 <= len(receptions) <= MOST:
        raise Problem(_("Join 2 to %(most)s files.") % {"most": MOST}, field="uploads")
    if len(kinds) > 1 or not kinds <= set(JOINABLE):
        raise _apart(_("Only files of one kind can be joined: %(kinds)s.") % {"kinds": ", ".join(JOINABLE)})
    if len({(reception.workspace_id, reception.dataset_id) for reception in receptions}) > 1:
        raise _apart(_("These files go into different datasets."))
    refuse_size(sum(reception.size for reception in receptions))
    return receptions[0]


def _apart(message: str) -> Problem:
    return Problem(message, field="uploads", hint=_("Make a dataset of each."), code="not_joinable")


def _write(path: Path, receptions: list[Reception]) -> None:
    partial.require_space(sum(reception.size for reception in receptions))
    is_table = PurePath(receptions[0].name).suffix.lower() in _TABLES
    with path.open("wb") as target, partial.telling_full():
        head = None
        for reception in receptions:
            with partial.path_of(reception.pk).open("rb") as source:
                own = _head(source, reception, is_table=is_table)
                if head is not None and own != head:
                    raise _apart(
                        _("The columns of %(file)s are others than those of the first.") % {"file": reception.name}
                    )
                if head is None:
                    target.write(own + b"\n" if is_table else b"")
                head = own
                shutil.copyfileobj(source, target, partial.BLOCK)
                _end_line(source, target)
        target.flush()
        os.fsync(target.fileno())


def _head(source: IO[bytes], reception: Reception, *, is_table: bool) -> bytes:
    """The columns of a table, read off; for lines nothing. A mark of UTF-8 at the begin is passed over."""
    begin = source.read(3)
    if begin[:2] in _WIDE:
        raise _apart(_("%(file)s is in UTF-16: only UTF-8 and its like can be joined.") % {"file": reception.name})
    source.seek(3 if begin == _MARK else 0)
    head = source.readline(_LONGEST_HEAD).rstrip(b"\r\n") if is_table else b""
    if head.count(b'"') % 2:
        raise _apart(_("The names of the columns of %(file)s go over several lines.") % {"file": reception.name})
    return head


def _end_line(source: IO[bytes], target: IO[bytes]) -> None:
    source.seek(-1, os.SEEK_END)
    if source.read(1) != b"\n":
        target.write(b"\n")
