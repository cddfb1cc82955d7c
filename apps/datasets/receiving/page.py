"""What the page of uploads shows besides its form."""

from typing import Any

from django.conf import settings

from apps.accounts.models import Workspace
from apps.datasets.models import Dataset, Reception
from apps.datasets.receiving import joining


def page(person: Any, *, workspace: Workspace, dataset: Dataset | None = None) -> dict[str, Any]:
    """Limits, and what this person left unfinished for this place."""
    found = Reception.objects.of(person).unfinished().filter(workspace=workspace, dataset=dataset)
    return {
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "joinable": " ".join(joining.JOINABLE),
        "unfinished": found[:20],
    }
