"""A version of rows of any form that another stage made: written one at a time, then frozen. Images come along to another dataset."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets import freezing
from apps.datasets.models import Dataset, DatasetVersion, Layout
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.forms import content_of_row
from workers.formats.shards import ShardWriter
from workers.formats.statistics import Statistics


def write_made(rows: Iterable[TrainingRow], folder: Path) -> dict[str, Any]:
    """Write rows as shards into `folder`; the result says what is in it, as an import's does, and `images`, the names of pictures.
    Raises Problem when there is none, or when some have a split and others not."""
    writer, statistics, counts, images = ShardWriter(folder), Statistics(), Counter[str](), set[str]()
    for row in rows:
        writer.add(row)
        statistics.add(row)
        counts[row.split] += 1
        if row.content and '"image":' in row.content:
            images.add(str(content_of_row(row).get("image", "")))
    if not writer.rows:
        raise Problem(_("No row is left, and a version has at least one."), field="rows", code="no_rows")
    if counts[""] not in (0, writer.rows):
        raise Problem(_("Either every row has a split, or none has."), field="rows", code="mixed_splits")
    return {
        "content_hash": writer.close(),
        "shards": writer.as_dicts(),
        "row_count": writer.rows,
        "statistics": statistics.as_dict(),
        "split_counts": {split: counts[split] for split in SPLITS if split in counts},
        "images": sorted(images - {""}),
    }


def freeze_made(
    *,
    actor: Any,
    dataset: Dataset,
    result: Mapping[str, Any],
    folder: Path,
    form: str,
    step: str,
    note: str,
    provenance: tuple[str, UUID],
    parent: DatasetVersion | None,
) -> DatasetVersion:
    """Freeze what `write_made` wrote into `folder`, as the next version of the dataset. Its parent is the newest unless said."""
    if parent and parent.workspace_id != dataset.workspace_id:
        raise Problem(_("The parent is a version of another workspace."), field="parent")
    if parent and parent.dataset_id != dataset.pk:
        _bring_images(parent.dataset, dataset, result["images"], folder)
    freezing.keep_shards(dataset, result, folder)
    is_alike = parent is not None and parent.form == form
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
        **(freezing.inherited(parent) if is_alike and parent else {"form": form, "layout": Layout.MESSAGES}),
    )


def _bring_images(source: Dataset, target: Dataset, names: Iterable[str], folder: Path) -> None:
    for name in names:
        if not storage().exists(freezing.media_key(target.pk, name)):
            shutil.copyfile(storage().local(freezing.media_key(source.pk, name)), folder / name)
            freezing.keep_media(target.pk, folder / name)
