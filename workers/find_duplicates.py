"""Program: find groups of rows that say the same, for a person to look at. Nothing is removed.

Inputs: {"shards": [paths of the version], "form"}. Settings: {"step": name of a step for duplicates, its options}. Leaves
artifacts/groups/groups.parquet with a row for each group: `places` of its rows (from 0), and which of them `stays`. No text is kept.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workers import embedding
from workers.cleaning import Facts, read_steps
from workers.cleaning.duplicates import groups_of
from workers.context import Context
from workers.duplicates import FILE, GROUPS_READ, METHODS, OUTPUT
from workers.failures import UserError
from workers.formats.shards import sync
from workers.formats.stored import count_rows, read_rows
from workers.import_table import fresh_folder
from workers.watching import Clock, Watch, silent

SCHEMA = pa.schema(
    [pa.field("places", pa.list_(pa.int64()), nullable=False), pa.field("stays", pa.int64(), nullable=False)]
)
_LOOK_EVERY = 500


def main(context: Context) -> dict[str, Any]:
    """Find the groups and return how many there are."""
    inputs = context.spec.inputs
    folder = context.folder / "artifacts" / OUTPUT
    return find(
        [Path(shard) for shard in inputs["shards"]], folder, context.spec.settings, inputs["form"], Clock(context)
    )


def find(
    shards: Sequence[Path], folder: Path, step: Mapping[str, Any], form: str, watch: Watch = silent
) -> dict[str, Any]:
    """Write the groups to `folder`, whole or not at all: {"groups", "rows" (that would go), "largest"}. Raises UserError."""
    kind, options = read_steps([dict(step)])[0]
    if kind.name not in METHODS or form not in kind.forms:
        raise UserError(f"The step “{kind.label}” finds no duplicates among rows of the form {form}.", "", "step")
    made: Any = kind.make(options, Facts(form=form, watch=watch, embed=embedding.loading()))
    total = count_rows(shards)
    for number, row in enumerate(read_rows(shards)):
        if number % _LOOK_EVERY == 0:
            watch(number, total, "Looking at the rows")
        made.look(row, number)
    made.decide()
    found = groups_of(made)
    partial = fresh_folder(folder)
    try:
        table = pa.table(
            {"places": [places for places, _stays in found], "stays": [stays for _places, stays in found]}, SCHEMA
        )
        pq.write_table(table, partial / FILE, row_group_size=GROUPS_READ, compression="zstd")
        sync(partial / FILE)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    watch(total, total, "Writing the groups")
    sizes = [len(places) for places, _stays in found]
    return {"groups": len(found), "rows": sum(sizes) - len(sizes), "largest": max(sizes, default=0), "looked_at": total}
