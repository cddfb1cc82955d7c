"""The kinds of jobs that this stage owns: importing an uploaded table, and preparing a version's rows as the next version."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets import freezing, preparing, services
from apps.datasets.amending import as_child
from apps.datasets.models import DatasetVersion, Upload
from apps.datasets.recipes.keys import key_of
from apps.datasets.sourcing import shards_of, version_of
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from workers.cleaning.sealing import VARIABLE


def _upload(job: Job) -> Upload:
    found = Upload.objects.select_related("dataset", "workspace").filter(pk=job.inputs["upload"])
    upload: Upload | None = found.first()
    if upload is None:
        raise Problem(str(_("The uploaded file is gone: its dataset was deleted.")))
    return upload


def _prepare(job: Job) -> dict[str, Any]:
    key = _upload(job).key
    if not storage().exists(key):
        raise Problem(str(_("The uploaded file is gone from the storage.")), hint=str(_("Upload it again.")))
    return {"file": str(storage().local(key))}


def _verify(job: Job, result: Event) -> None:
    """Move the shards in before the database is told: under their content, so that a repeated attempt changes nothing."""
    services.keep_files(_upload(job), dict(result), job.folder / "artifacts" / "table")


def _on_success(job: Job, result: Event) -> None:
    services.register_version(upload=_upload(job), actor=job.created_by or "import", result=dict(result))


def _url(job: Job) -> str:
    upload = Upload.objects.select_related("dataset").filter(pk=job.inputs.get("upload")).first()
    return upload.dataset.get_absolute_url() if upload else ""


IMPORT = Kind(
    name=services.IMPORT,
    label=_("Import"),
    program="import_table",
    queue="cpu",
    prepare=_prepare,
    verify=_verify,
    on_success=_on_success,
    url=_url,
)


def _prepare_rows(job: Job) -> dict[str, Any]:
    version = version_of(job)
    recipe = preparing.read(job.settings["steps"], job.settings["split"])
    folder = preparing.model_dir(version.workspace, recipe)
    told = {"form": version.form, "model_dir": str(folder) if folder else None}
    return {"shards": shards_of(version), "version": str(version.pk), **told}


def _prepare_secrets(job: Job) -> dict[str, str]:
    """The key of the workspace, where a step masks with it."""
    if not preparing.read(job.settings["steps"], job.settings["split"]).needs_key:
        return {}
    key = key_of(job.workspace)
    return {VARIABLE: key.hex()} if key else {}


def _keep_prepared(job: Job, result: Event) -> None:
    """Move the shards in before the database is told, as for an import."""
    freezing.keep_shards(version_of(job).dataset, result, job.folder / "artifacts" / "table")


def _on_prepared(job: Job, result: Event) -> None:
    actor, parent = job.created_by or "recipe", version_of(job)
    made = as_child(parent, result) if result.get("keeps_parent") else dict(result)
    services.register_prepared(parent=parent, actor=actor, created_by=job.created_by, job=job, result=made)


def _prepared_url(job: Job) -> str:
    version = DatasetVersion.objects.filter(pk=job.inputs.get("version")).first()
    return reverse("datasets:versions", args=[version.dataset_id]) if version else ""


PREPARE = Kind(
    name=services.PREPARE,
    label=_("Prepare data"),
    program="prepare_table",
    queue="cpu",
    prepare=_prepare_rows,
    secrets=_prepare_secrets,
    verify=_keep_prepared,
    on_success=_on_prepared,
    url=_prepared_url,
)
