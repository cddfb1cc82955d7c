"""What a version keeps on the disk, tier by tier, and what could be made again if it went."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.storage import storage
from apps.datasets.models import Dataset, DatasetVersion, Upload

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

_MOST_STEPS = 1_000  # of a line of parents
_RAW, _PROCESSED, _TOKENIZED, _FACTS, _MEDIA = (
    gettext_lazy("Raw"),
    gettext_lazy("Processed"),
    gettext_lazy("Tokenized"),
    gettext_lazy("Metadata"),
    gettext_lazy("Media"),
)


@dataclass(frozen=True, slots=True)
class Tier:
    """Files of one kind: how many, their bytes, of these the bytes that no other version needs, and what they come from."""

    name: str
    label: "StrPromise"
    files: int
    bytes: int
    own_bytes: int | None
    note: str
    is_rebuildable: bool


def tiers_of(version: DatasetVersion) -> list[Tier]:
    """Every tier of a version, those with nothing in them too."""
    found = [_raw(version), _processed(version), _tokenized(), _facts(version)]
    return [*found, _media(version)] if version.form == "image" else found


def uploads_behind(version: DatasetVersion) -> list[Upload]:
    """The files that the line of a version began with, in this dataset."""
    rows = version.dataset.versions.values_list("pk", "parent_id", "provenance_kind", "provenance_id")
    line = {pk: (parent, kind, made_from) for pk, parent, kind, made_from in rows}
    at, wanted = version.pk, list[UUID]()
    for _step in range(_MOST_STEPS):
        if at not in line:
            break
        parent, kind, made_from = line[at]
        if kind == "upload" and made_from:
            wanted.append(made_from)
            break  # an import replaces all rows of the version before it
        at = made_from if kind == "version" and made_from in line else parent
    return list(Upload.objects.filter(dataset=version.dataset, pk__in=wanted))


def _raw(version: DatasetVersion) -> Tier:
    uploads = uploads_behind(version)
    names = ", ".join(upload.name for upload in uploads)
    note = _("%(names)s, as uploaded. Nothing can bring it back.") % {"names": names}
    return Tier(
        "raw", _RAW, len(uploads), sum(upload.size for upload in uploads), None,
        note if uploads else _("No file was uploaded: the rows were made in the console."), False,
    )  # fmt: skip


def _processed(version: DatasetVersion) -> Tier:
    if version.purged:
        return Tier("processed", _PROCESSED, 0, 0, 0, _("The rows were deleted."), False)
    needed = _files_of_others(version)
    own = sum(int(file["bytes"]) for file in version.files if file["key"] not in needed)
    note = _("Shards of rows in Parquet.")
    if version.patch:
        note = _("Shards of rows in Parquet, and a patch of %(rows)s rows over them.") % {"rows": version.patch["rows"]}
    if version.step == "import" and uploads_behind(version):
        note += " " + _("An import of the uploaded file makes the same rows.")
    return Tier(
        "processed", _PROCESSED, len(version.files), version.size, own, note, version.step in ("import", "recipe")
    )


def _files_of_others(version: DatasetVersion) -> set[str]:
    others = version.dataset.versions.filter(purge=None).exclude(pk=version.pk)
    return {file["key"] for other in others.only("pk", "dataset", "shards", "patch") for file in other.files}


def _tokenized() -> Tier:
    note = _(
        "None is kept: tokens depend on the base model, so each run makes its own in its job's folder and leaves none."
    )
    return Tier("tokenized", _TOKENIZED, 0, 0, 0, note, True)


def _facts(version: DatasetVersion) -> Tier:
    names = [*(str(file["sha256"]) for file in version.files), str(version.pk)]
    found = [size for name, size in _listed(version.dataset, "meta").items() if any(part in name for part in names)]
    note = _("Profiles, indexes and comparisons; computed once for each file, shared by the versions that have it.")
    return Tier("metadata", _FACTS, len(found), sum(found), None, note, True)


def _media(version: DatasetVersion) -> Tier:
    found = _listed(version.dataset, "media")
    note = _("Images of the whole dataset, each kept once; they go with the dataset.")
    return Tier("media", _MEDIA, len(found), sum(found.values()), None, note, False)


def _listed(dataset: Dataset, folder: str) -> Mapping[str, int]:
    """The files in a folder of the dataset with their sizes; a folder in it counts as one."""
    store, key = storage(), f"datasets/{dataset.pk}/{folder}"
    if not store.exists(key):
        return {}
    listed = store.fs.ls(store.path(key), detail=True)
    sizes = {one["name"]: one["size"] if one["type"] == "file" else store.fs.du(one["name"]) for one in listed}
    return {name.rsplit("/", 1)[-1]: int(size or 0) for name, size in sizes.items()}
