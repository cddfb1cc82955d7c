"""The kind of job that looks for duplicates."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.storage import storage
from apps.datasets.duplicates import reviewing
from apps.datasets.models import DatasetVersion
from apps.datasets.sourcing import shards_of, version_of
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from workers.duplicates import FILE, OUTPUT


def _prepare(job: Job) -> dict[str, Any]:
    version = version_of(job)
    reviewing.require_rows(version)
    return {"shards": shards_of(version), "form": version.form}


def _keep(job: Job, result: Event) -> None:
    """Bring the groups into storage. Done twice, it changes nothing."""
    key = reviewing.groups_key(job)
    if not storage().exists(key):
        storage().keep(job.folder / "artifacts" / OUTPUT / FILE, key)


def _url(job: Job) -> str:
    version = DatasetVersion.objects.filter(pk=job.inputs.get("version")).first()
    return (
        reverse("datasets:duplicates", args=[version.dataset_id, version.number]) + f"?search={job.pk}"
        if version
        else ""
    )


DUPLICATES = Kind(
    name=reviewing.KIND,
    label=_("Find duplicates"),
    program="find_duplicates",
    queue="cpu",
    prepare=_prepare,
    verify=_keep,
    url=_url,
)
