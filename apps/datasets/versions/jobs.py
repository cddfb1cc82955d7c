"""The kind of job that compares two large versions."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets.models import DatasetVersion
from apps.datasets.versions import diffing
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from workers.version_diff import OUTPUT


def _versions(job: Job) -> tuple[DatasetVersion, DatasetVersion]:
    rows = DatasetVersion.objects.select_related("dataset").in_bulk([job.inputs["before"], job.inputs["after"]])
    found = {str(pk): version for pk, version in rows.items()}
    try:
        return found[job.inputs["before"]], found[job.inputs["after"]]
    except KeyError:
        raise Problem(str(_("The version is gone: its dataset was deleted."))) from None


def _inputs(job: Job) -> dict[str, Any]:
    before, after = _versions(job)
    return {name: [str(path) for path in side.shard_paths()] for name, side in (("before", before), ("after", after))}


def _keep(job: Job, result: Event) -> None:
    """Bring the result into storage before the database is told. Done twice, it changes nothing."""
    key = diffing.key_of(*_versions(job), job.settings["by"])
    made = job.folder / "artifacts" / OUTPUT
    if not storage().exists(key) and made.exists():
        storage().keep(made, key)


def _url(job: Job) -> str:
    try:
        before, after = _versions(job)
    except Problem:
        return ""
    return f"{reverse('datasets:changes', args=[after.dataset_id, after.number])}?against={before.number}"


COMPARE = Kind(
    name=diffing.COMPARE,
    label=_("Compare versions"),
    program="version_diff",
    queue="cpu",
    prepare=_inputs,
    verify=_keep,
    url=_url,
)
