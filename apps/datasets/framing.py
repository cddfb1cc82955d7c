"""What every door to the pages of one dataset needs: the version of an address, and the frame around its tab."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest

from apps.accounts.access import fetch_for
from apps.accounts.models import workspaces_where
from apps.datasets.models import Dataset, DatasetVersion


def version_of(request: HttpRequest, pk: UUID, number: int, capability: str = "datasets.view") -> DatasetVersion:
    """The version, if the person may do this with it. Http404, PermissionDenied."""
    dataset = fetch_for(request.user, capability, Dataset, pk)
    found: DatasetVersion | None = (
        dataset.versions.filter(number=number)
        .select_related("dataset", "created_by", "parent__dataset", "purge")
        .first()
    )
    if found is None:
        raise Http404
    return found


def frame(request: HttpRequest, dataset: Dataset, shown: DatasetVersion | None = None) -> dict[str, Any]:
    """What every page of one dataset shows around its tab."""
    allowed = {f"may_{verb}": may(request, capability, dataset.workspace) for verb, capability in _VERBS.items()}
    recent = dataset.versions.select_related("created_by", "parent__dataset")[:5]
    return {"dataset": dataset, "version": shown, "upload": dataset.newest_upload, "recent": recent, **allowed}


_VERBS = {
    "upload": "datasets.upload",
    "edit": "datasets.edit",
    "delete": "datasets.delete",
    "unmask": "datasets.unmask",
    "launch": "training.launch",
    "cancel": "jobs.cancel",
}


def may(request: HttpRequest, capability: str, workspace: Any) -> bool:
    return workspaces_where(request.user, capability).filter(pk=workspace.pk).exists()


def is_partial(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
