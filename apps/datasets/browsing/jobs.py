"""The job that indexes a version after it was frozen. Versions work without it, only slower."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.storage import storage
from apps.datasets.browsing import metadata
from apps.datasets.models import DatasetVersion
from apps.jobs import services as jobs
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job, JobQuerySet

INDEX = "datasets.index"


def index_on_commit(version: DatasetVersion) -> None:
    """Have a version indexed once it is written down."""
    if not metadata.is_small(version):
        transaction.on_commit(lambda: submit_index(version))


def submit_index(version: DatasetVersion) -> Job | None:
    """Start the job that indexes the files that are not yet; None where there are none, or it is under way."""
    if version.purged or not metadata.missing(version) or jobs_of(version).unfinished().exists():
        return None
    return jobs.submit(
        actor=version.created_by,
        workspace=version.workspace,
        kind=INDEX,
        title=_("Index %(version)s") % {"version": version},
        inputs={"dataset": str(version.dataset_id), "version": str(version.pk)},
        settings={},
    )


def jobs_of(version: DatasetVersion) -> JobQuerySet:
    """The jobs that indexed a version, newest first."""
    found: JobQuerySet = Job.objects.filter(kind=INDEX, inputs__version=str(version.pk))
    return found.order_by("-created_at")


def _version(job: Job) -> DatasetVersion | None:
    found: DatasetVersion | None = (
        DatasetVersion.objects.select_related("dataset").filter(pk=job.inputs["version"]).first()
    )
    return found


def _prepare(job: Job) -> dict[str, Any]:
    """What is not indexed yet; nothing where the version is gone or has no rows any more."""
    version = _version(job)
    files = metadata.missing(version) if version and not version.purged else []
    there = [file for file in files if storage().exists(file["key"])]
    return {"files": [{"path": str(storage().local(file["key"])), "sha256": file["sha256"]} for file in there]}


def _keep(job: Job, result: Event) -> None:
    """Bring what was made into storage. Done twice, it changes nothing."""
    version, folder, store = _version(job), job.folder / "artifacts" / "meta", storage()
    if version is None:
        return
    for file in metadata.missing(version):
        for key in (metadata.columns_key(file), metadata.text_key(file)):
            made = folder / key.rsplit("/", 1)[1]
            if made.exists() and not store.exists(key):
                store.keep(made, key)


def _url(job: Job) -> str:
    version = _version(job)
    return version.get_absolute_url() if version else ""


KIND = Kind(
    name=INDEX,
    label=gettext_lazy("Index rows"),
    program="browse_index",
    queue="cpu",
    prepare=_prepare,
    verify=_keep,
    url=_url,
)
