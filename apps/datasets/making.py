"""A version of rows of any form that another stage made and `write_made` wrote. Images come along to another dataset."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets import freezing
from apps.datasets.freezing import write_made
from apps.datasets.models import Dataset, DatasetVersion, Layout

__all__ = ["freeze_made", "write_made"]


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
