"""Verbs of bringing labels in: a file is looked at, then taken: at once where it is small, else by a job.

A job may be killed and go on: each portion is one transaction under the lock of the import's row, which says how far it has come, and
answers that are there already are never doubled.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import ledger
from apps.core.errors import Conflict, Problem, TooLarge
from apps.core.storage import storage
from apps.datasets.landing import checked_file, label_of, on_disk
from apps.jobs import services as jobs
from apps.labeling.exchange.taking import Report, Taker, joined, require_ready
from apps.labeling.models import LabelImport, LabelProject
from apps.labeling.queueing import bell
from workers.formats.problems import FileRefused
from workers.labels import reading
from workers.labels.found import Found

TAKE = "labeling.import"
AT_ONCE = 2000  # records that are looked at, and taken while somebody waits; more are a job
BYTES_AT_ONCE = 16 * 2**20  # of a file that is read while somebody waits
_PORTION = 1000
_KEPT = timedelta(days=1)  # a file that nobody took


def receive(*, actor: Any, project: LabelProject, file: "UploadedFile[Any] | None", person: str = "") -> LabelImport:
    """Keep a file and look at its first records. Raises Problem when it cannot be used at all, Conflict for a closed project."""
    require_ready(project)
    file = checked_file(file)
    person = person.strip()
    if len(person) > 200 or not person.isprintable():
        raise Problem(_("A name has at most 200 printable characters."), field="person")
    _clear_old(project)
    made = LabelImport(project=project, workspace_id=project.workspace_id, created_by=actor, person=person)
    made.name, made.size, made.key = label_of(file.name), file.size or 0, f"labels/{project.pk}/{made.pk}"
    with on_disk(file) as path:
        look(made, path)
        storage().keep(path, made.key)
    try:
        made.save()
    except BaseException:
        storage().delete(made.key)
        raise
    return made


def look(made: LabelImport, path: Path) -> None:
    """Fill in the format and the preview. Raises Problem."""
    try:
        made.format = reading.detect(path, made.name)
        if made.format in ("coco", "voc", "yolo") and made.size > BYTES_AT_ONCE:
            made.preview = {"is_whole": False, "report": None}
            return
        records, is_whole = reading.first(path, made.format, AT_ONCE)
    except FileRefused as refusal:
        raise _as_problem(refusal) from None
    except MemoryError:
        raise TooLarge(_("The file needs too much memory to read."), field="file") from None
    if not records:
        raise Problem(_("The file holds no answers."), field="file", code="empty")
    taker = Taker(made.project, format=made.format, person=made.person, may_read_all=False)
    report = taker.look(records)
    made.total = len(records) if is_whole else None
    made.preview = {"is_whole": is_whole and not report.later, "report": report.as_dict()}


def _as_problem(refusal: FileRefused) -> Problem:
    kind = TooLarge if refusal.code == "too_large" else Problem
    return kind(refusal.message, field=refusal.field, hint=refusal.hint, code=refusal.code)


def start(*, actor: Any, row: LabelImport) -> LabelImport:
    """Take the file: now when it was looked at as a whole, else by a job. Also goes on where a job stopped. Raises Conflict."""
    with transaction.atomic():
        row = LabelImport.objects.select_for_update(of=("self",)).select_related("project", "job").get(pk=row.pk)
        if row.state not in ("looked_at", "stopped"):
            raise Conflict(_("This file was taken already."), hint=_("Send it again to look at what is new in it."))
        require_ready(row.project)
        if row.preview["is_whole"]:
            path = storage().local(row.key)
            take(row, reading.read(path, row.format), actor=actor)
            finish(row, actor=actor)
        else:
            row.job = jobs.submit(
                actor=actor,
                workspace=row.workspace,
                kind=TAKE,
                title=_("Labels of %(file)s into %(project)s") % {"file": row.name, "project": row.project.name},
                inputs={"import": str(row.pk)},
                settings={"format": row.format},
            )
            row.save(update_fields=["job"])
    return row


def take(row: LabelImport, records: Iterable[Found], *, actor: Any, check: Callable[[], None] = lambda: None) -> None:
    """Take the records that are not behind us, portion by portion. `check` may raise between two of them. Raises Problem, Conflict."""
    taker = Taker(row.project, format=row.format, person=row.person, actor=actor)
    waiting = iter(records)
    at = _skip(waiting, row.taken)
    while portion := list(islice(waiting, _PORTION)):
        check()
        with transaction.atomic():
            locked = LabelImport.objects.select_for_update().get(pk=row.pk)
            if locked.taken != at:
                raise Conflict(_("Another attempt takes this file."))
            report = joined(Report.of(locked.report), taker.take(portion))
            at += len(portion)
            LabelImport.objects.filter(pk=row.pk).update(taken=at, report=report.as_dict())
            bell.ring(row.project)


def _skip(waiting: Iterator[Found], count: int) -> int:
    return sum(1 for _record in islice(waiting, count))


@transaction.atomic
def finish(row: LabelImport, *, actor: Any) -> None:
    """All records are behind us: say what came of them, and let the file go."""
    row.refresh_from_db()
    LabelImport.objects.filter(pk=row.pk).update(finished_at=timezone.now(), total=row.taken)
    row.refresh_from_db()
    report = Report.of(row.report)
    told = {name: value for name, value in report.as_dict().items() if isinstance(value, int)}
    ledger.write(row=row.project, verb="labelproject.imported", actor=actor, note=row.name, **told)
    bell.ring(row.project)
    transaction.on_commit(lambda: _let_go(row))


def _let_go(row: LabelImport) -> None:
    storage().delete(row.key)
    LabelImport.objects.filter(pk=row.pk).update(key="")


def drop(*, row: LabelImport) -> None:
    """Forget a file that was not taken. Raises Conflict while a job takes it; what it took stays."""
    if row.state not in ("looked_at", "stopped"):
        raise Conflict(_("This file is being taken, or was."))
    row.delete()
    storage().delete(row.key)


def _clear_old(project: LabelProject) -> None:
    """Files that were looked at and never taken."""
    old = project.imports.filter(job=None, finished_at=None, created_at__lt=timezone.now() - _KEPT)
    for row in old:
        drop(row=row)
