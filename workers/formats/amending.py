"""A version with few rows changed: its parent's shards, a patch over them, and new shards for what was added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workers.formats.chat import TrainingRow
from workers.formats.shards import Shard, ShardWriter, as_table, file_sha256, sync
from workers.formats.stored import PATCH_PREFIX, PATCH_SCHEMA, Stored

MOST_CHANGES = 50_000  # rows of a patch: above it, writing the rows anew costs less than it saves


def is_worth_it(changes: int, rows: int) -> bool:
    """Whether so many changes to so many rows should be a patch rather than rows written anew."""
    return changes <= min(MOST_CHANGES, max(rows // 5, 1))


def amend(
    paths: Sequence[Path], changes: Mapping[int, TrainingRow | None], added: Iterable[TrainingRow], folder: Path
) -> dict[str, Any]:
    """Write into `folder` what makes of the version behind `paths` the one in which the rows at these places (from 0) are replaced,
    or gone where None, and `added` follow.

    The result has "content_hash", "row_count", "shards" (only the new ones; the parent's stay before them) and "patch" (all that is
    changed of the parent's shards and the new ones: {"name", "rows", "bytes", "sha256"}, or None). Raises ValueError for a place
    that is not there.
    """
    stored = Stored(paths)
    if changes and not 0 <= min(changes) <= max(changes) < stored.rows:
        raise ValueError("A place to change is not in the version.")
    writer = ShardWriter(folder)
    for row in added:
        writer.add(row)
    writer.close()
    patch = _write_patch(stored, changes, folder)
    new = Stored([*stored.shards, *(folder / shard.name for shard in writer.shards)])
    new.patch = folder / patch.name if patch else None
    row_count = new.rows
    return {
        "content_hash": new.content_hash(),
        "row_count": row_count,
        "shards": writer.as_dicts(),
        "patch": asdict(patch) if patch else None,
    }


def _write_patch(stored: Stored, changes: Mapping[int, TrainingRow | None], folder: Path) -> Shard | None:
    places = sorted(changes)
    table = _patch_table(stored.base_places(places), [changes[place] for place in places])
    if stored.patches is not None:
        earlier = stored.patches.filter(
            ~np.isin(stored.patches.column("place").to_numpy(), table.column("place").to_numpy())
        )
        table = pa.concat_tables([earlier, table]).sort_by("place")
    if not table.num_rows:
        return None
    draft = folder / f"{PATCH_PREFIX}draft.parquet"
    pq.write_table(table, draft, compression="zstd")
    sync(draft)
    digest = file_sha256(draft)
    final = draft.rename(folder / f"{PATCH_PREFIX}{digest}.parquet")
    return Shard(final.name, table.num_rows, final.stat().st_size, digest)


def _patch_table(places: Any, rows: Sequence[TrainingRow | None]) -> pa.Table:
    blank = TrainingRow("", [], 0, None)
    values = as_table([row or blank for row in rows])
    gone = pa.array([row is None for row in rows], pa.bool_())
    return pa.Table.from_arrays([pa.array(places, pa.int64()), gone, *values.columns], schema=PATCH_SCHEMA)
