"""The same file twice: which datasets of the workspace hold these bytes already."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Conflict
from apps.core.storage import storage
from apps.datasets.models import DatasetVersion, Upload
from apps.datasets.receiving import pieces

SHOWN = 3
RENEWED_AT_ONCE = 20


class SameFile(Conflict):
    code = "same_file"


@dataclass(frozen=True)
class Holder:
    """An upload of the same bytes. `version` is the number of what became of it, None while nothing did."""

    dataset: str
    dataset_name: str
    version: int | None
    url: str
    uploaded_at: datetime

    @property
    def label(self) -> str:
        return f"{self.dataset_name} v{self.version}" if self.version else self.dataset_name


def holders(person: Any, workspace: Workspace, sha256: str) -> list[Holder]:
    """Uploads of these bytes that the person may see, the newest first."""
    if not sha256:
        return []
    found = Upload.objects.visible_to(person).filter(workspace=workspace, sha256=sha256).select_related("dataset")
    uploads = list(found.order_by("-created_at")[:SHOWN])
    made = DatasetVersion.objects.filter(provenance_kind="upload", provenance_id__in=[upload.pk for upload in uploads])
    versions = {version.provenance_id: version for version in made.select_related("dataset")}
    return [_holder(upload, versions.get(upload.pk)) for upload in uploads]


def _holder(upload: Upload, version: DatasetVersion | None) -> Holder:
    return Holder(
        dataset=str(upload.dataset_id),
        dataset_name=upload.dataset.name,
        version=version.number if version else None,
        url=version.get_absolute_url() if version else upload.get_absolute_url(),
        uploaded_at=upload.created_at,
    )


def refuse(person: Any, workspace: Workspace, sha256: str) -> None:
    """Raise SameFile when the workspace has a file of these bytes."""
    if found := holders(person, workspace, sha256):
        where = ", ".join(holder.label for holder in found)
        message = _("This workspace has this very file already: %(where)s.") % {"where": where}
        raise SameFile(message, field="again", hint=_("Send again=true to import it once more."))


def renew() -> None:
    """Have long files that were received when the sha256 of all bytes was kept recognised by their pieces like all others."""
    old = Upload.objects.filter(size__gt=pieces.PIECE).exclude(sha256="").exclude(sha256__contains="-")
    for upload in old.order_by("created_at")[:RENEWED_AT_ONCE]:
        if storage().exists(upload.key):
            Upload.objects.filter(pk=upload.pk).update(sha256=pieces.known_by_at(storage().local(upload.key)))
