"""How a version comes to be: rows checked and written as shards, shards kept, the version numbered and compared with its parent."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets.browsing.jobs import index_on_commit
from apps.datasets.models import Dataset, DatasetVersion, new_key
from apps.datasets.quality import profiles
from workers.comparison import compare
from workers.formats.chat import SPLITS, TrainingRow, checked, row_id, turns_of
from workers.formats.forms import content_of_row
from workers.formats.problems import RowFault
from workers.formats.shards import ShardWriter
from workers.formats.statistics import Statistics


def write_rows(rows: Iterable[Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    """Write conversations as shards into `folder`; the result is that of `write_made`. Raises Problem naming the row."""
    return write_made((training_row(row, number) for number, row in enumerate(rows, 1)), folder)


def write_made(rows: Iterable[TrainingRow], folder: Path) -> dict[str, Any]:
    """Write rows as shards into `folder`; the result says what is in it, as an import's does, and `images`, the names of pictures.
    Raises Problem when there is none, or naming the first that has a split where those before have none, or the other way round."""
    writer, statistics, counts, images = ShardWriter(folder), Statistics(), Counter[str](), set[str]()
    for number, row in enumerate(rows, 1):
        if counts and bool(row.split) != ("" not in counts):
            raise _wrong(number, _("Either every row has a split, or none has."), "mixed_splits")
        writer.add(row)
        statistics.add(row)
        counts[row.split] += 1
        if row.content and '"image":' in row.content:
            images.add(str(content_of_row(row).get("image", "")))
    if not writer.rows:
        raise Problem(_("No row is left, and a version has at least one."), field="rows", code="no_rows")
    return {
        "content_hash": writer.close(),
        "shards": writer.as_dicts(),
        "row_count": writer.rows,
        "statistics": statistics.as_dict(),
        "split_counts": {split: counts[split] for split in SPLITS if split in counts},
        "images": sorted(images - {""}),
    }


def training_row(row: Mapping[str, Any], number: int) -> TrainingRow:
    """The row as it is stored, with `number` as its place. Raises Problem."""
    split, extra = row.get("split") or "", row.get("extra") or None
    if split not in ("", *SPLITS):
        raise _wrong(number, _("A split is one of %(splits)s.") % {"splits": ", ".join(SPLITS)}, "bad_split")
    try:
        messages = checked(turns_of(row.get("messages"), "messages", "role", "content"))
    except RowFault as fault:
        raise _wrong(number, fault.reason, fault.code) from None
    return TrainingRow(row_id(messages), messages, number, _extra(extra, number), split)


def _extra(extra: Any, number: int) -> str | None:
    if extra is None:
        return None
    try:
        if not isinstance(extra, Mapping):
            raise TypeError("not an object")
        return json.dumps(extra, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        raise _wrong(number, _("What is kept beside a row must be an object of JSON."), "bad_extra") from None


def _wrong(number: int, reason: str, code: str) -> Problem:
    return Problem(_("Row %(number)s: %(reason)s") % {"number": number, "reason": reason}, field="rows", code=code)


def splits_of(counts: Mapping[str, int], parent: DatasetVersion | None) -> dict[str, Any]:
    """What a version says of rows that bring their splits: the counts, their shares, and the parent's seed and grouping."""
    if not counts:
        return {}
    known, total = parent.splits if parent else {}, sum(counts.values())
    return {
        "seed": known.get("seed"),
        "fractions": {split: round(count / total, 4) for split, count in counts.items()},
        "group_by": known.get("group_by", ""),
        "counts": dict(counts),
    }


def described_shards(dataset: Dataset, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The shards of a result, those kept of another version first, each with the storage key that its content gives it."""
    new = [{**shard, "key": new_key(dataset.pk, "shards", f"{shard['sha256']}.parquet")} for shard in result["shards"]]
    return [*result.get("kept_shards", ()), *new]


def described_patch(dataset: Dataset, result: Mapping[str, Any]) -> dict[str, Any]:
    """The patch of a result with its storage key; {} where it has none."""
    patch = result.get("patch")
    if not patch:
        return {}
    return patch if "key" in patch else {**patch, "key": new_key(dataset.pk, "patches", str(patch["name"]))}


def inherited(version: DatasetVersion) -> dict[str, Any]:
    """What a version made from another keeps of it: where its rows once came from. Raises Gone where it has no rows any more."""
    version.require_rows()
    return {name: getattr(version, name) for name in ("form", "layout", "mapping", "source_name", "source_format")}


def keep_shards(dataset: Dataset, result: Mapping[str, Any], folder: Path) -> None:
    """Bring shards from `folder` into storage. Done twice, it changes nothing."""
    store = storage()
    patch = described_patch(dataset, result)
    for file in [*described_shards(dataset, result), *([patch] if patch else [])]:
        if not store.exists(file["key"]):
            store.keep(folder / file["name"], file["key"])


def media_key(dataset_id: UUID, name: str) -> str:
    """Where an image of a dataset lies, by its name in a row's content (its sha256 and ending)."""
    return new_key(dataset_id, "media", name)


def keep_media(dataset_id: UUID, image: Path) -> None:
    """Bring an image into storage, where one of the same bytes is kept once."""
    key = media_key(dataset_id, image.name)
    if not storage().exists(key):
        storage().keep(image, key)


@transaction.atomic
def freeze(
    *,
    dataset: Dataset,
    actor: Any,
    created_by: Any,
    result: Mapping[str, Any],
    provenance: tuple[str, UUID] | None = None,
    parent: DatasetVersion | None = None,
    **values: Any,
) -> DatasetVersion:
    """Write a version of kept shards down, as the next of its dataset. Its parent is the newest unless said."""
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    newest = dataset.newest
    parent = parent or newest
    shards, patch = described_shards(dataset, result), described_patch(dataset, result)
    _require_files([*shards, *([patch] if patch else [])])
    added, removed = _changes(parent, [*shards, *([patch] if patch else [])], result)
    kind, made_from = provenance or ("", None)
    version: DatasetVersion = DatasetVersion.objects.create(
        workspace=dataset.workspace,
        created_by=created_by if isinstance(created_by, User) else None,
        dataset=dataset,
        number=newest.number + 1 if newest else 1,
        parent=parent,
        provenance_kind=kind,
        provenance_id=made_from,
        content_hash=result["content_hash"],
        row_count=result["row_count"],
        added_count=added,
        removed_count=removed,
        shards=shards,
        patch=patch,
        statistics=result["statistics"],
        **values,
    )
    dataset.changed_at = timezone.now()
    dataset.save()
    facts: dict[str, Any] = {"rows": version.row_count, "content_hash": version.content_hash, "step": version.step}
    ledger.write(row=version, verb="dataset.version_frozen", actor=actor, **facts)
    live.ring(dataset)
    index_on_commit(version)
    profiles.after_freeze(version, created_by)
    return version


def _require_files(files: list[dict[str, Any]]) -> None:
    """Under the lock of the dataset: what `keep_shards` found there may have gone with the rows of another version since."""
    if any(not storage().exists(file["key"]) for file in files):
        raise Conflict(_("Files of these rows were deleted meanwhile."), hint=_("Try again."), code="files_gone")


def _changes(parent: DatasetVersion | None, files: list[dict[str, Any]], result: Mapping[str, Any]) -> tuple[int, int]:
    """Rows added to and removed from the parent; what the job has counted already is not counted again."""
    if parent is None:
        return int(result["row_count"]), 0
    if result.get("compared_with") == str(parent.pk):
        return int(result["added"]), int(result["removed"])
    return compare(parent.shard_paths(), [storage().local(file["key"]) for file in files])
