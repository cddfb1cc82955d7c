"""The rows of a version are deleted; its number, fingerprint and place in the line stay, and so does every file that another needs."""

import logging
from collections import Counter
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import ledger, live
from apps.core.errors import Conflict, Gone
from apps.core.storage import storage
from apps.datasets.duplicates import reviewing
from apps.datasets.models import Dataset, DatasetVersion, Purge, Upload
from apps.datasets.models.drafts import DraftState
from apps.datasets.quality import profiles
from apps.jobs.models import Job

log = logging.getLogger(__name__)
_HOLDING = (models.PROTECT, models.RESTRICT)


def holders_of(version: DatasetVersion) -> list[str]:
    """What keeps the rows of a version, in the words of each stage: "2 runs", "1 round", "the tag gold"."""
    held = []
    relations: Any = DatasetVersion._meta.get_fields(include_hidden=True)
    for relation in relations:
        if getattr(relation, "on_delete", None) not in _HOLDING or relation.related_model is DatasetVersion:
            continue  # its children have rows of their own
        model: Any = relation.related_model
        count, kind = model._base_manager.filter(**{relation.field.name: version}).count(), model._meta
        if count:
            held.append(f"{count} {kind.verbose_name if count == 1 else kind.verbose_name_plural}")
    if drafts := version.drafts.filter(state=DraftState.OPEN).count():
        held.append(ngettext("%(count)s open draft", "%(count)s open drafts", drafts) % {"count": drafts})
    return sorted(held) + [_("the tag %(name)s") % {"name": tag.name} for tag in version.tags.all()]


def why_not(version: DatasetVersion) -> Conflict | Gone | None:
    """What stands in the way of deleting the rows of this version; None when nothing does."""
    try:
        version.require_rows()
    except Gone as gone:
        return gone
    if version.dataset.versions.filter(number__gt=version.number).first() is None:
        hint = _("Roll back to another version first, or delete the dataset.")
        return Conflict(_("This is the newest version: the dataset would have no rows."), hint=hint, code="newest")
    if held := holders_of(version):
        message = _("The rows of %(version)s are in use, so they stay.") % {"version": version}
        return Conflict(message, hint=_("They are held by: %(what)s.") % {"what": ", ".join(held)}, code="in_use")
    if job := _jobs_at_work(version):
        message = _("A job reads this dataset or writes to it: %(title)s.") % {"title": job.title}
        return Conflict(message, hint=_("Wait for it, or cancel it."), code="busy")
    return None


def _jobs_at_work(version: DatasetVersion) -> Job | None:
    dataset, pk = str(version.dataset_id), str(version.pk)
    uploads = Upload.objects.filter(dataset=version.dataset_id, job__isnull=False)
    at_work = models.Q(pk__in=uploads.values("job"))
    for name, value in {"dataset": dataset, "version": pk, "before": pk, "after": pk}.items():
        at_work |= models.Q(**{f"inputs__{name}": value})
    found: Job | None = Job.objects.filter(at_work, workspace=version.workspace_id).unfinished().first()
    return found


def purge_version(*, actor: Any, version: DatasetVersion, reason: str = "") -> Purge:
    """Delete the rows of a version. Raises Conflict naming what still needs them, Gone when they are deleted already."""
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update().get(pk=version.dataset_id)
        locked: DatasetVersion = DatasetVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        if problem := why_not(locked):
            raise problem
        purge = Purge.objects.create(
            workspace_id=dataset.workspace_id, created_by=actor, version=locked, reason=reason.strip()[:200]
        )
        facts = {"rows": locked.row_count, "bytes": own_bytes(locked), "content_hash": locked.content_hash}
        ledger.write(row=locked, verb="dataset.version_purged", actor=actor, note=purge.reason, **facts)
        profiles.forget(locked)  # its examples are pieces of the rows
        live.ring(dataset)
        transaction.on_commit(lambda: sweep(dataset))
    return purge


def own_bytes(version: DatasetVersion) -> int:
    """Bytes that only this version needs: what deleting its rows gives back."""
    needed = _needed(version.dataset, besides=version)
    return sum({file["key"]: int(file["bytes"]) for file in version.files if file["key"] not in needed}.values())


def _needed(dataset: Dataset, *, besides: DatasetVersion | None = None) -> Counter[str]:
    """Keys of the files that versions with rows stand on, and how many do."""
    found: Counter[str] = Counter()
    versions = dataset.versions.filter(purge=None).only("pk", "dataset", "shards", "patch", "quarantine_key")
    for version in versions:
        if besides is None or version.pk != besides.pk:
            found.update({file["key"] for file in version.files} | {version.quarantine_key} - {""})
    return found


@transaction.atomic
def sweep(dataset: Dataset) -> list[str]:
    """Delete the files of purged versions that no other version needs; what an earlier attempt left behind too. The keys.

    Under the lock that `freezing.freeze` takes: a version that comes to be meanwhile finds its files, or finds that they are gone.
    """
    if Dataset.objects.select_for_update().filter(pk=dataset.pk).first() is None:
        return []
    needed, store, gone = _needed(dataset), storage(), list[str]()
    for version in dataset.versions.exclude(purge=None):
        files = {file["key"]: file["sha256"] for file in version.files}
        names = [sha for key, sha in files.items() if key not in needed]
        keys = [key for key in [*files, version.quarantine_key] if key and key not in needed]
        searches = reviewing.searches_of(version).values_list("pk", flat=True)
        keys += _facts_about(dataset, [*names, str(version.pk), *map(str, searches)])
        for key in keys:
            if store.exists(key):
                store.delete(key)
                gone.append(key)
    log.info("%s: %s files of deleted rows are gone", dataset, len(gone))
    return gone


def _facts_about(dataset: Dataset, names: list[str]) -> list[str]:
    """Files of the metadata tier whose names tell that they are about these files, versions or searches for duplicates."""
    store, folder = storage(), f"datasets/{dataset.pk}/meta"
    if not store.exists(folder):
        return []
    found = [path.rsplit("/", 1)[-1] for path in store.fs.ls(store.path(folder), detail=False)]
    return [f"{folder}/{name}" for name in found if any(part in name for part in names)]
