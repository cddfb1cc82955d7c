"""The kind of job that takes a large file of labels: its program reads the file, then the answers are checked and written."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.labeling.exchange import receiving
from apps.labeling.models import LabelImport
from apps.labeling.queueing.filling import check_alive
from workers.labels.found import lines
from workers.read_labels import OUTPUT


def _import(job: Job) -> LabelImport:
    found: LabelImport | None = (
        LabelImport.objects.select_related("project", "job").filter(pk=job.inputs["import"]).first()
    )
    if found is None:
        raise Problem(str(_("The import is gone: its label project was deleted.")))
    return found


def _inputs(job: Job) -> dict[str, Any]:
    row = _import(job)
    if not row.key or not storage().exists(row.key):
        raise Problem(str(_("The file is gone from the storage.")), hint=str(_("Send it again.")))
    return {"file": str(storage().local(row.key))}


def _take(job: Job, result: Event) -> None:
    """Outside of any transaction, in portions: what is taken stays when this is killed, and the next attempt goes on."""
    row = _import(job)
    LabelImport.objects.filter(pk=row.pk).update(total=result["count"])
    with (job.folder / "artifacts" / OUTPUT).open(encoding="utf-8") as file:
        receiving.take(row, lines(file), actor=job.created_by, check=check_alive(job))


def _finish(job: Job, result: Event) -> None:
    receiving.finish(_import(job), actor=job.created_by or "import")


def _url(job: Job) -> str:
    row = LabelImport.objects.filter(pk=job.inputs.get("import")).first()
    return row.get_absolute_url() if row else ""


KIND = Kind(
    name=receiving.TAKE,
    label=_("Import labels"),
    program="read_labels",
    queue="cpu",
    prepare=_inputs,
    verify=_take,
    on_success=_finish,
    url=_url,
)
