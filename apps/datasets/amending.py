"""The next version with few rows changed or some added: it keeps the shards of its parent, so storage grows by the change."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets import freezing
from apps.datasets.models import DatasetVersion
from workers.formats.amending import amend
from workers.formats.chat import TrainingRow
from workers.formats.statistics import Statistics, amended
from workers.formats.stored import Stored, as_row, read_rows


def amend_version(
    *,
    actor: Any,
    parent: DatasetVersion,
    changes: Mapping[int, TrainingRow | None] | None = None,
    added: Sequence[TrainingRow] = (),
    step: str,
    note: str = "",
    provenance: tuple[str, UUID] | None = None,
    **values: Any,
) -> DatasetVersion:
    """Freeze what `parent` becomes when the rows at these places (from 0) are replaced, or go where None, and `added` follow.

    Raises Problem when no row would be left, or when some rows would have a split and others none.
    """
    changes = dict(changes or {})
    gone, come = rows_at(parent, changes), [*(row for row in changes.values() if row), *added]
    splits = _splits(parent, gone, come)
    if parent.row_count - sum(row is None for row in changes.values()) + len(added) < 1:
        raise Problem(_("No row is left, and a version has at least one."), field="rows", code="no_rows")
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as name:
        folder = Path(name)
        result = as_child(parent, amend(parent.shard_paths(), changes, added, folder))
        freezing.keep_shards(parent.dataset, result, folder)
    result["statistics"] = amended(parent.statistics, gone, come) or _counted(parent.dataset, result)
    return freezing.freeze(
        dataset=parent.dataset,
        actor=actor,
        created_by=actor,
        result=result,
        step=step,
        note=note[:200],
        provenance=provenance,
        parent=parent,
        splits=splits,
        **{**freezing.inherited(parent), **values},
    )


def as_child(parent: DatasetVersion, result: Mapping[str, Any]) -> dict[str, Any]:
    """What `workers.formats.amending.amend` gave, with the parent's shards before the new ones."""
    return {**result, "kept_shards": parent.shards}


def rows_at(version: DatasetVersion, places: Mapping[int, Any]) -> list[TrainingRow]:
    """The rows at some places, in ascending order of their places; reads the row groups that hold them."""
    stored, found, waiting = Stored(version.shard_paths()), list[TrainingRow](), sorted(places)
    while waiting:
        first, group = next(stored.groups(waiting[0]))
        here = [place for place in waiting if place < first + group.num_rows]
        found += [as_row(row) for row in group.take([place - first for place in here]).to_pylist()]
        waiting = waiting[len(here) :]
    return found


def _splits(parent: DatasetVersion, gone: Sequence[TrainingRow], come: Sequence[TrainingRow]) -> dict[str, Any]:
    if not parent.splits:
        if any(row.split for row in come):
            raise Problem(_("Either every row has a split, or none has."), field="rows", code="mixed_splits")
        return {}
    if not all(row.split for row in come):
        raise Problem(
            _("Every row of this version has a split; an added one needs its own."), field="rows", code="mixed_splits"
        )
    counts = Counter(parent.splits.get("counts", {}))
    counts.subtract(Counter(row.split for row in gone))
    counts.update(Counter(row.split for row in come))
    return {**parent.splits, "counts": {split: count for split, count in counts.items() if count > 0}}


def _counted(dataset: Any, result: Mapping[str, Any]) -> dict[str, int]:
    patch = freezing.described_patch(dataset, result)
    files = [*freezing.described_shards(dataset, result), *([patch] if patch else [])]
    statistics = Statistics()
    for row in read_rows([storage().local(file["key"]) for file in files]):
        statistics.add(row)
    return statistics.as_dict()
