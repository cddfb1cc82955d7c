"""Verbs of receptions: begin, append, finish, join, discard, clear away what was abandoned."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Conflict
from apps.datasets import services as datasets
from apps.datasets.landing import ReceivedFile, label_of, refuse_size
from apps.datasets.models import Dataset, Reception, Upload
from apps.datasets.receiving import partial, pieces, same
from apps.datasets.receiving.partial import Bytes
from apps.datasets.receiving.tus import Checksum, WrongOffset

MOST_AT_ONCE = 200  # unfinished ones of a person: a folder of files, not a flood of rows


@dataclass(frozen=True)
class Wish:
    """What shall become of bytes that are here: `name` for a new dataset; `again` though the workspace has the file; `start` the
    import at once, with what a person would choose on the page."""

    name: str = ""
    again: bool = False
    start: bool = False
    format: str = ""
    encoding: str = ""
    mapping: Any = None


def begin(
    *,
    actor: Any,
    workspace: Workspace,
    name: str,
    size: int,
    dataset: Dataset | None = None,
    dataset_name: str = "",
    fingerprint: str = "",
) -> Reception:
    """Make a place for a file that will come. Raises Problem for one that could never become a dataset, NoSpace when there is no room."""
    refuse_size(size)
    if dataset_name and dataset is None:
        dataset_name = datasets.checked_name(workspace, dataset_name)
    partial.require_space(size)
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace.pk)  # two announcements at once must not both fit
        _require_room(actor, workspace, size)
        return Reception.objects.create(
            workspace=workspace,
            created_by=actor,
            dataset=dataset,
            dataset_name="" if dataset else dataset_name,
            name=label_of(name),
            size=size,
            fingerprint=fingerprint[:200],
        )


def _require_room(actor: Any, workspace: Workspace, size: int) -> None:
    unfinished = Reception.objects.unfinished().filter(workspace=workspace)
    announced = unfinished.aggregate(total=models.Sum("size"))["total"] or 0
    hint = _("Finish or discard some of them first.")
    if announced + size > settings.MAX_UNFINISHED_BYTES:
        gib = f"{settings.MAX_UNFINISHED_BYTES / 2**30:.3g}"
        message = _("The unfinished uploads of this workspace would have more than %(limit)s GiB.") % {"limit": gib}
        raise Conflict(message, field="size", hint=hint, code="too_much_unfinished")
    if unfinished.filter(created_by=actor).count() >= MOST_AT_ONCE:
        raise Conflict(_("You have too many unfinished uploads."), hint=hint, code="too_much_unfinished")


def append(reception: Reception, *, offset: int, blocks: Iterable[Bytes], checksum: Checksum | None = None) -> int:
    """Add bytes at `offset`; where the next ones belong. They are on the disk when this returns.

    Raises WrongOffset when they belong elsewhere, Busy while others come in, TooLarge beyond the announced size, Mismatch when they
    are not what `checksum` says, NoSpace when the disk is full. Whatever is raised, the file stands as before.
    """
    with partial.held(reception.pk) as handle:
        _require_at(reception, offset, os.fstat(handle).st_size)
        seen = _seen(blocks, checksum)
        look = checksum.require if checksum else _nothing
        count = partial.write(handle, offset, reception.size - offset, seen, look)
        mark = pieces.extended(handle, reception.mark, offset, offset + count)
        with partial.telling_full():
            _move(reception, offset, offset + count, mark)
    return reception.offset


def _nothing() -> None:
    """There is no checksum to look at."""


def _seen(blocks: Iterable[Bytes], checksum: Checksum | None) -> Iterable[Bytes]:
    for block in blocks:
        if checksum:
            checksum.add(block)
        yield block


def _require_at(reception: Reception, offset: int, there: int) -> None:
    with suppress(Reception.DoesNotExist):
        reception.refresh_from_db(fields=["offset", "mark", "finished_at"])
    if reception.finished_at:
        raise Conflict(_("This upload is finished."), code="finished")
    if there < reception.offset:  # a disk that was restored from an older copy: what is gone is sent again
        _move(reception, reception.offset, there, "")
    if offset != reception.offset:
        message = _("The next byte belongs at %(offset)s.") % {"offset": reception.offset}
        raise WrongOffset(message, field="Upload-Offset", hint=_("Ask with HEAD where to go on."))


def _move(reception: Reception, was: int, now: int, mark: str) -> None:
    """Tell the new offset and the mark before it. Raises WrongOffset when another process has moved it, or the upload is gone."""
    rows = Reception.objects.unfinished().filter(pk=reception.pk, offset=was)
    if not rows.update(offset=now, mark=mark, touched_at=timezone.now()):
        raise WrongOffset(_("This upload was changed meanwhile."), field="Upload-Offset")
    reception.offset, reception.mark = now, mark


def finish(reception: Reception, *, actor: Any, wish: Wish) -> Upload:
    """Make an upload of a file that is whole. Done twice, it answers the same.

    Raises Conflict while bytes are missing or (code same_file) when the workspace has this file and `wish.again` is not said;
    Problem when the file is refused. It may be finished with another wish then.
    """
    with partial.held(reception.pk) as handle:
        reception.refresh_from_db()
        if reception.upload:
            return reception.upload
        require_whole(reception)
        path = partial.path_of(reception.pk)
        reception.sha256 = pieces.known_by(handle, reception.mark, reception.size)
        reception.save(update_fields=["sha256"])
        if not wish.again:
            same.refuse(actor, reception.workspace, reception.sha256)
        with partial.spare(path) as moved:
            upload = land(moved, reception.sha256, [reception], actor=actor, wish=wish)
    partial.path_of(reception.pk).unlink(missing_ok=True)
    return upload


def require_whole(reception: Reception) -> None:
    if not reception.is_whole:
        where = {"file": reception.name, "offset": reception.offset, "size": reception.size}
        message = _("%(file)s is not whole: %(offset)s of %(size)s bytes came.") % where
        raise Conflict(message, hint=_("Send the rest first."), code="incomplete")


def land(path: Path, sha256: str, receptions: list[Reception], *, actor: Any, wish: Wish) -> Upload:
    """Hand a whole file over to the datasets, and write down what became of the receptions that it was made of."""
    first = receptions[0]
    file = ReceivedFile(path, name=first.name, sha256=sha256)
    name = "" if first.dataset else wish.name or first.dataset_name or PurePath(first.name).stem[:80]
    if not first.dataset:
        datasets.checked_name(first.workspace, name)  # before minutes are spent on the file
    preview = datasets.look_at(file, format=wish.format, encoding=wish.encoding, mapping=wish.mapping)
    with transaction.atomic():
        upload = datasets.receive_upload(
            actor=actor,
            workspace=first.workspace,
            file=file,
            name=name,
            dataset=first.dataset,
            preview=preview,
            start=wish.start,
        )
        made = {"upload": upload, "dataset": upload.dataset, "finished_at": timezone.now()}
        Reception.objects.filter(pk__in=[reception.pk for reception in receptions]).update(**made)
    return upload


def discard(reception: Reception) -> None:
    """Forget an upload with what was sent of it. Of a finished one only the memory goes. Raises Busy while bytes come in."""
    with partial.held(reception.pk):
        partial.path_of(reception.pk).unlink(missing_ok=True)
        Reception.objects.filter(pk=reception.pk).delete()


def clear() -> None:
    """Forget what was abandoned or finished long ago, and files that belong to nothing (their dataset was deleted meanwhile)."""
    old = timezone.now() - timedelta(days=settings.UNFINISHED_UPLOADS_KEPT_DAYS)
    for reception in Reception.objects.abandoned() | Reception.objects.filter(finished_at__lt=old):
        with suppress(partial.Busy):
            discard(reception)
    for path in partial.strays({str(pk) for pk in _known()}):
        path.unlink(missing_ok=True)


def _known() -> Iterable[UUID]:
    return Reception.objects.unfinished().values_list("pk", flat=True)
