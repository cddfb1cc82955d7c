"""Program, and the pure part of it: which rows of a version are wanted, by split, words, chance or place, or because they are new.

Rows are narrowed by split, by words and to those not known yet first; of those that are left a sample is drawn (the same for the same
seed), and of these the first so many are taken. Places count from 0 and are in the order of the rows.

Inputs: {"shards": [paths], "total": rows of the version, "known": a file with the first digits of known ids, one a line (only with
`fresh`)}. Settings: a Selection as a dict. Leaves artifacts/places.parquet, one column `place` (int64).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workers.browse_text import asked, matching
from workers.context import Context
from workers.formats.stored import Stored

OUTPUT = "places.parquet"
ID_DIGITS = 16  # of a row's id, in the key of its task


@dataclass(frozen=True, slots=True)
class Selection:
    """`first` and `sample` are numbers of rows, 0 for all; `words` as in the search of a dataset's page; `fresh`: only rows whose
    id is not known."""

    split: str = ""
    words: str = ""
    sample: int = 0
    seed: int = 1
    first: int = 0
    fresh: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether rows have to be read to know which are wanted."""
        return bool(self.split or self.words or self.fresh)


def choose(
    shards: Sequence[Path],
    total: int,
    wanted: Selection,
    watch: Callable[[int], None] = lambda rows: None,
    known: Collection[str] = frozenset(),
) -> list[int]:
    """Places of the wanted rows of a version with `total` rows. `watch` is told how many rows were looked at; `known` are the first
    `ID_DIGITS` digits of ids of rows that are not fresh."""
    places: Sequence[int] = _narrowed(shards, wanted, watch, known) if wanted.is_narrow else range(total)
    if 0 < wanted.sample < len(places):
        places = sorted(random.Random(wanted.seed).sample(places, wanted.sample))  # noqa: S311 - no secret
    return list(places[: wanted.first or len(places)])


def _narrowed(
    shards: Sequence[Path], wanted: Selection, watch: Callable[[int], None], known: Collection[str]
) -> list[int]:
    words = asked(wanted.words) if wanted.words else None
    found: list[int] = []
    for first, rows in Stored(shards).groups(columns=None if words else ["split", "row_id"]):
        here: Sequence[int] = range(rows.num_rows)
        if words is not None:
            here = matching(rows, words) if words.words else []
        if wanted.split:
            splits = rows.column("split").to_pylist()
            here = [place for place in here if splits[place] == wanted.split]
        if wanted.fresh:
            ids = rows.column("row_id").to_pylist()
            here = [place for place in here if ids[place][:ID_DIGITS] not in known]
        found += [first + place for place in here]
        watch(first + rows.num_rows)
    return found


def read(path: Path) -> list[int]:
    """The places that the program left."""
    places: list[int] = pq.read_table(path).column("place").to_pylist()
    return places


def main(context: Context) -> dict[str, Any]:
    """Choose, and leave the places as a file."""
    inputs = context.spec.inputs
    total, wanted = int(inputs["total"]), Selection(**context.spec.settings["selection"])

    def watch(rows: int) -> None:
        context.check()
        context.reporter.progress(rows, total, "rows", "Choosing rows")

    watch(0)
    path = inputs.get("known", "")
    known = frozenset(Path(path).read_text(encoding="ascii").split()) if path else frozenset[str]()
    places = choose([Path(path) for path in inputs["shards"]], total, wanted, watch, known)
    folder = context.folder / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"place": pa.array(places, pa.int64())}), folder / OUTPUT)
    watch(total)
    return {"count": len(places)}
