"""The kind of job that profiles a version."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.datasets.models import DatasetVersion
from apps.datasets.quality import profiles
from apps.datasets.sourcing import shards_of, version_of
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job


def _prepare(job: Job) -> dict[str, Any]:
    version = version_of(job)
    model = profiles.model_of(version.workspace, job.settings.get("base_model", ""))
    inputs = {"shards": shards_of(version), "form": version.form}
    if model is None:
        return inputs
    named = {"model": str(model.folder), "model_name": model.name, "tokenizer_name": model.name}
    return {**inputs, **named, "tokenizer": str(model.folder / "tokenizer.json")}


def _on_success(job: Job, result: Event) -> None:
    profiles.keep(version=version_of(job), created_by=job.created_by, job=job, figures=dict(result["figures"]))


def _url(job: Job) -> str:
    version = DatasetVersion.objects.filter(pk=job.inputs.get("version")).first()
    return reverse("datasets:profile", args=[version.dataset_id, version.number]) if version else ""


PROFILE = Kind(
    name=profiles.KIND,
    label=_("Profile"),
    program="profile_table",
    queue="cpu",
    prepare=_prepare,
    on_success=_on_success,
    url=_url,
)
