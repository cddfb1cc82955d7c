"""Verbs of datasets: create, receive a file, start its import, register what the import made."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets import freezing, preparing
from apps.datasets.inspection import inspect_upload, require_importable
from apps.datasets.landing import checked_file, label_of, on_disk, sha256_of
from apps.datasets.models import Dataset, DatasetVersion, Layout, SavedRecipe, Upload, new_key
from apps.datasets.quality import profiles
from apps.datasets.recipes.keys import make_key
from apps.jobs import services as jobs
from apps.jobs.models import Job
from workers.cleaning import Cleaning
from workers.formats.layouts import LAYOUTS
from workers.import_table import MEDIA, import_file

IMPORT = "datasets.import"
PREPARE = preparing.KIND
DEMO_FILE = Path(__file__).parent / "demo" / "harbour-and-pine-support.jsonl"
DEMO_NAME = "harbour-and-pine-support"
DEMO_DESCRIPTION = (
    "Support chats of an invented outdoor shop, written for this demo. Every answer has its voice and its facts."
)


def checked_name(workspace: Workspace, name: str, *, besides: Dataset | None = None) -> str:
    """The name without blanks around it. Raises Problem for one that is empty, too long or not printable, Conflict when taken."""
    name = name.strip()
    if not name:
        raise Problem(_("Give the dataset a name."), field="name", code="required")
    if len(name) > 80 or not name.isprintable():
        raise Problem(_("A name has at most 80 printable characters."), field="name")
    taken = Dataset.objects.filter(workspace=workspace, name__iexact=name)
    if (taken.exclude(pk=besides.pk) if besides else taken).exists():
        raise _name_taken(name)
    return name


def _name_taken(name: str) -> Conflict:
    message = _("There is already a dataset “%(name)s”.") % {"name": name}
    return Conflict(
        message, field="name", hint=_("Choose another name, or add a version to that dataset."), code="duplicate_name"
    )


@transaction.atomic
def create_dataset(*, actor: Any, workspace: Workspace, name: str, description: str = "") -> Dataset:
    name = checked_name(workspace, name)
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                workspace=workspace, created_by=actor, name=name, description=description.strip()[:300]
            )
    except IntegrityError:
        raise _name_taken(name) from None
    ledger.write(row=dataset, verb="dataset.created", actor=actor)
    live.ring(dataset)
    return dataset


def look_at(
    file: "UploadedFile[Any] | None", *, format: str = "", encoding: str = "", mapping: Any = None
) -> dict[str, Any]:
    """The preview of a file that was sent. Raises Problem when it is refused."""
    file = checked_file(file)
    with on_disk(file) as path:
        return inspect_upload(path, name=label_of(file.name), format=format, encoding=encoding, mapping=mapping)


def receive_upload(
    *,
    actor: Any,
    workspace: Workspace,
    file: "UploadedFile[Any] | None",
    name: str = "",
    dataset: Dataset | None = None,
    preview: dict[str, Any] | None = None,
    start: bool = False,
) -> Upload:
    """Keep a file, and make the dataset `name` for it (or add it to `dataset`). Nothing stays when something is refused.

    `preview` is what `look_at` found (it is looked at here otherwise). With `start` the import begins at once, and whatever
    would make it useless is a Problem now.
    """
    file = checked_file(file)
    if dataset is None:
        name = checked_name(workspace, name)
    preview = preview or look_at(file)
    if start:
        require_importable(preview, trust_guess=False)
    upload = Upload(
        workspace=workspace, created_by=actor, name=label_of(file.name), size=file.size or 0, preview=preview
    )
    upload.format, upload.encoding = preview["format"], preview["encoding"]["name"]
    with on_disk(file) as path:
        upload.sha256 = sha256_of(file, path)
        return _keep(path, upload, dataset=dataset, name=name, start=start)


def _keep(path: Path, upload: Upload, *, dataset: Dataset | None, name: str, start: bool) -> Upload:
    actor, kept = upload.created_by, ""
    try:
        with transaction.atomic():
            upload.dataset = dataset or create_dataset(actor=actor, workspace=upload.workspace, name=name)
            upload.key = kept = new_key(upload.dataset.pk, "raw", str(upload.pk))
            storage().keep(path, upload.key)
            upload.save()
            ledger.write(
                row=upload.dataset, verb="dataset.file_received", actor=actor, note=upload.name, size=upload.size
            )
            if start:
                _submit(actor, upload, upload.preview["mapping"])
    except BaseException:
        if kept:
            storage().delete(kept)
        raise
    return upload


def look_again(upload: Upload, *, mapping: Any, encoding: str = "", format: str = "") -> dict[str, Any]:
    """The preview of a kept file with another mapping, encoding or format. Raises Problem."""
    words = {"format": format or upload.format, "encoding": encoding or upload.encoding}
    return inspect_upload(storage().local(upload.key), name=upload.name, mapping=mapping, **words)


def start_import(*, actor: Any, upload: Upload, mapping: Any = None, encoding: str = "", format: str = "") -> Job:
    """Check the mapping against the file and submit the import. Raises Problem when no row would come in, Conflict when it runs."""
    mapping = mapping or upload.preview.get("mapping")
    preview = look_again(upload, mapping=mapping, encoding=encoding, format=format)
    require_importable(preview, trust_guess=True)
    with transaction.atomic():
        upload = Upload.objects.select_for_update().get(pk=upload.pk)
        if upload.job and not upload.job.is_terminal:
            raise Conflict(_("This file is being imported already."))
        upload.preview, upload.encoding, upload.format = preview, preview["encoding"]["name"], preview["format"]
        return _submit(actor, upload, preview["mapping"])


def _submit(actor: Any, upload: Upload, mapping: dict[str, Any]) -> Job:
    options = {"name": upload.name, "format": upload.format, "encoding": upload.encoding, "mapping": mapping}
    title = _("Import %(file)s into %(dataset)s") % {"file": upload.name, "dataset": upload.dataset.name}
    upload.mapping = mapping
    upload.job = jobs.submit(
        actor=actor,
        workspace=upload.workspace,
        kind=IMPORT,
        title=title[:200],
        inputs={"upload": str(upload.pk)},
        settings=options,
    )
    upload.save()
    upload.dataset.save()  # its changed_at
    return upload.job


def keep_files(upload: Upload, result: dict[str, Any], folder: Path) -> None:
    """Bring the shards and the quarantine that an import wrote into storage. Done twice, it changes nothing."""
    freezing.keep_shards(upload.dataset, result, folder)
    if result["quarantined_count"] and (folder / "quarantine.jsonl").exists():
        storage().keep(folder / "quarantine.jsonl", quarantine_key(upload))
    for image in sorted((folder / MEDIA).glob("*")):
        freezing.keep_media(upload.dataset_id, image)


def quarantine_key(upload: Upload) -> str:
    return new_key(upload.dataset_id, "quarantine", f"{upload.pk}.jsonl")


def register_version(*, upload: Upload, actor: Any, result: dict[str, Any]) -> DatasetVersion:
    """Write down the version that an import made: from here on it can be learned from, and it never changes."""
    return freezing.freeze(
        dataset=upload.dataset,
        actor=actor,
        created_by=upload.created_by,
        result=result,
        provenance=("upload", upload.pk),
        quarantined_count=result["quarantined_count"],
        quarantine_key=quarantine_key(upload) if result["quarantined_count"] else "",
        reasons=result["reasons"],
        form=LAYOUTS[result["mapping"]["layout"]].form,
        layout=result["mapping"]["layout"],
        mapping=result["mapping"],
        source_name=upload.name,
        source_format=result["format"],
        notes=result["notes"],
    )


def freeze_rows(
    *,
    actor: Any,
    dataset: Dataset,
    rows: Iterable[Mapping[str, Any]],
    step: str,
    note: str = "",
    provenance: tuple[str, UUID] | None = None,
    parent: DatasetVersion | None = None,
) -> DatasetVersion:
    """A new version of `dataset` from rows made in the console: {"messages", "extra"?, "split"?}. Its parent is the newest unless
    said. Raises Problem naming the row that cannot be learned from, or when there is none."""
    if parent and parent.workspace_id != dataset.workspace_id:
        raise Problem(_("The parent is a version of another workspace."), field="parent")
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as name:
        folder = Path(name)
        result = freezing.write_rows(rows, folder)
        freezing.keep_shards(dataset, result, folder)
    return freezing.freeze(
        dataset=dataset,
        actor=actor,
        created_by=actor,
        result=result,
        step=step,
        note=note[:200],
        provenance=provenance,
        parent=parent,
        splits=freezing.splits_of(result["split_counts"], parent or dataset.newest),
        layout=Layout.MESSAGES,
    )


def prepare_version(
    *, actor: Any, version: DatasetVersion, steps: Any, split: Any, saved: SavedRecipe | None = None
) -> Job:
    """Submit the job that cleans a version's rows and parts them, as the next version; `saved` is the recipe that this one was.
    Raises Problem naming a bad option, or when nothing would be left; Conflict while the same version is being prepared."""
    recipe = preparing.checked(version, steps, split)
    title = _("Prepare %(version)s") % {"version": version}
    with transaction.atomic():
        Dataset.objects.select_for_update().get(pk=version.dataset_id)
        if preparing.jobs_of(version.dataset).unfinished().filter(inputs__version=str(version.pk)).exists():
            raise Conflict(_("This version is being prepared already."), hint=_("Wait for it, or cancel that job."))
        inputs = {"dataset": str(version.dataset_id), "version": str(version.pk)}
        if recipe.needs_key:
            make_key(actor=actor, workspace=version.workspace)
        told = {"saved": {"id": str(saved.pk), "name": saved.name, "number": saved.number}} if saved else {}
        return jobs.submit(
            actor=actor,
            workspace=version.workspace,
            kind=PREPARE,
            title=title,
            inputs=inputs,
            settings={**recipe.as_dict(), "borders": preparing.borders_for(version, recipe), **told},
        )


def register_prepared(
    *, parent: DatasetVersion, actor: Any, created_by: Any, job: Job, result: dict[str, Any]
) -> DatasetVersion:
    """Write down the version that a preparation made."""
    steps, plan = job.settings["steps"], job.settings["split"]
    counts, form = result["split_counts"], Cleaning.read(steps).form_after(parent.form)
    kept = {"borders": result["borders"]} if result.get("borders") else {}
    saved = {"saved": job.settings["saved"]} if "saved" in job.settings else {}
    is_written_anew = {"form": form, "layout": Layout.MESSAGES} if form != parent.form else {}
    return freezing.freeze(
        dataset=parent.dataset,
        actor=actor,
        created_by=created_by,
        result=result,
        step="recipe",
        provenance=("version", parent.pk),
        parent=parent,
        recipe={**result["tally"], "counts": result["tally"]["steps"], "steps": steps, "split": plan, **saved},
        splits={**plan, "counts": counts, **kept} if plan else freezing.splits_of(counts, parent),
        **(freezing.inherited(parent) | is_written_anew),
    )


def roll_back(*, actor: Any, version: DatasetVersion) -> DatasetVersion:
    """Make an earlier version the newest again: a new version with its rows. Raises Conflict when it is the newest, or has its rows."""
    newest = version.dataset.newest
    if newest is None or newest.content_hash == version.content_hash:
        raise Conflict(_("The newest version has these rows already."), code="same_rows")
    return freezing.freeze(
        dataset=version.dataset,
        actor=actor,
        created_by=actor,
        result={
            **{name: getattr(version, name) for name in ("content_hash", "row_count", "statistics", "patch")},
            "shards": [],
            "kept_shards": version.shards,
        },
        step="rollback",
        note=_("Back to v%(number)s") % {"number": version.number},
        provenance=("version", version.pk),
        recipe=version.recipe,
        splits=version.splits,
        **freezing.inherited(version),
    )


def delete_dataset(*, actor: Any, dataset: Dataset) -> None:
    """Delete a dataset with all versions and files. Raises Conflict while a job writes to it or something was learned from it."""
    upload = dataset.newest_upload
    if upload and upload.job and not upload.job.is_terminal:
        raise Conflict(_("An import is running."), hint=_("Cancel it first."))
    if preparing.jobs_of(dataset).unfinished().exists():
        raise Conflict(_("A version is being prepared."), hint=_("Cancel it first."))
    folder = f"datasets/{dataset.pk}"
    try:
        with transaction.atomic():
            profiles.cancel_all(actor=actor, dataset=dataset)
            ledger.write(row=dataset, verb="dataset.deleted", actor=actor)
            dataset.delete()
            transaction.on_commit(lambda: storage().delete(folder))
    except (ProtectedError, RestrictedError) as error:
        message = _("This dataset is in use, so it stays.")
        raise Conflict(message, hint=_held_by(error), code="in_use") from None


def _held_by(error: ProtectedError | RestrictedError) -> str:
    """What would lose its rows, in the words of its own stage: "It is held by: 2 runs, 1 label project."."""
    rows = error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    counts = Counter(type(row)._meta for row in rows)
    held = [
        f"{count} {kind.verbose_name if count == 1 else kind.verbose_name_plural}" for kind, count in counts.items()
    ]
    return _("It is held by: %(what)s.") % {"what": ", ".join(sorted(held))} if held else _("Something still holds it.")


def load_demo(*, workspace: Workspace, actor: Any) -> DatasetVersion:
    """The demo dataset's newest version, imported on the spot (no worker needed) unless the workspace has it."""
    if found := Dataset.objects.filter(workspace=workspace, name=DEMO_NAME).first():
        newest: DatasetVersion | None = found.newest
        if newest:
            return newest
        found.delete()
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        copy = Path(shutil.copy(DEMO_FILE, folder))
        preview = inspect_upload(copy, name=DEMO_FILE.name)
        result = import_file(copy, Path(folder) / "table", mapping=preview["mapping"], name=DEMO_FILE.name)
        upload = _keep_demo(workspace, actor, copy, preview)
        keep_files(upload, result, Path(folder) / "table")
    return register_version(upload=upload, actor=actor, result=result)


def _keep_demo(workspace: Workspace, actor: Any, path: Path, preview: dict[str, Any]) -> Upload:
    dataset = create_dataset(actor=actor, workspace=workspace, name=DEMO_NAME, description=DEMO_DESCRIPTION)
    upload = Upload(
        workspace=workspace, created_by=actor, dataset=dataset, name=DEMO_FILE.name, size=path.stat().st_size
    )
    upload.format, upload.encoding, upload.preview, upload.mapping = "jsonl", "utf-8", preview, preview["mapping"]
    upload.key = new_key(dataset.pk, "raw", str(upload.pk))
    storage().keep(path, upload.key)
    upload.save()
    return upload
