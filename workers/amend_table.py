"""Program: the edits of a draft, applied to the rows of its base, as what makes the next version.

Inputs: {"shards": [paths of the base], "version": its id, "form", "statistics": of the base, "split_counts": of the base, "edits": as
`draft_edits` reads them}. Leaves artifacts/table/ with a patch where few rows change, else with shards of all rows, whole or not at all.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.comparison import compare
from workers.context import Context
from workers.draft_edits import Edits
from workers.failures import UserError
from workers.formats.amending import amend, is_worth_it
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.shards import ShardWriter, sync
from workers.formats.statistics import Statistics, amended
from workers.formats.stored import Stored, as_row, count_rows, read_rows
from workers.import_table import OUTPUT, fresh_folder, limit_memory
from workers.watching import Clock, Watch, silent

_READING, _WRITING = "Applying the edits", "Writing the version"


def main(context: Context) -> dict[str, Any]:
    """Apply the edits and return what the next version needs to know."""
    limit_memory()
    inputs = context.spec.inputs
    folder = context.folder / "artifacts" / OUTPUT
    partial = fresh_folder(folder)
    try:
        result = apply_edits(inputs, partial, Clock(context))
        sync(partial)
        partial.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {**result, "compared_with": inputs["version"]}


def apply_edits(inputs: Mapping[str, Any], folder: Path, watch: Watch = silent) -> dict[str, Any]:
    """Write into `folder` what the edits make of the base. Raises UserError when no row would be left or none changes."""
    shards = [Path(shard) for shard in inputs["shards"]]
    edits, total = Edits(inputs["edits"], inputs["form"]), count_rows(shards)
    few = is_worth_it(len(edits.places), total)
    result = _patched(shards, edits, inputs, folder, watch) if few else _rewritten(shards, edits, folder, watch)
    if bool(result["split_counts"]) and sum(result["split_counts"].values()) != result["row_count"]:
        raise UserError("Either every row has a split, or none has.", "Set the split of all rows, or undo that edit.")
    return {
        **result,
        "is_patch": few,
        "refused": dict(edits.refused.most_common(10)),
        "refused_count": edits.refused.total(),
    }


def _patched(shards: list[Path], edits: Edits, inputs: Mapping[str, Any], folder: Path, watch: Watch) -> dict[str, Any]:
    """Few rows: a patch over the base's shards."""
    changes: dict[int, TrainingRow | None] = {}
    old = list[TrainingRow]()
    for place, row, after in _edited(shards, edits, watch):
        if _differs(row, after):
            changes[place] = after
            old.append(row)
    if len(changes) == count_rows(shards) and not any(changes.values()):
        raise _nothing_left()
    if not changes:
        raise _nothing_changed()
    made = amend(shards, changes, [], folder)
    new = [row for row in changes.values() if row is not None]
    ids, were = Counter(row.row_id for row in new), Counter(row.row_id for row in old)
    counts = Counter(inputs.get("split_counts") or {})
    counts.subtract(row.split for row in old if row.split)
    counts.update(row.split for row in new if row.split)
    return {
        **made,
        "statistics": amended(inputs["statistics"], old, new) or _counted(shards, folder, made),
        "split_counts": _in_order(counts),
        "added": (ids - were).total(),
        "removed": (were - ids).total(),
    }


def _edited(shards: list[Path], edits: Edits, watch: Watch) -> Iterator[tuple[int, TrainingRow, TrainingRow | None]]:
    """(place, row, what becomes of it) of every row that an edit is about."""
    places, stored, done = edits.places, Stored(shards), 0
    if not len(places):
        return
    for first, group in stored.groups(int(places[0])):
        here = edits.within(first, first + group.num_rows)
        for place in sorted(here):
            row = as_row(group.slice(place - first, 1).to_pylist()[0])
            yield place, row, edits.apply(row, here[place])
        done += len(here)
        watch(done, len(places), _READING)
        if done >= len(places):
            return


def _rewritten(shards: list[Path], edits: Edits, folder: Path, watch: Watch) -> dict[str, Any]:
    """Many rows: all are written anew, at constant memory."""
    writer, statistics, counts, total = ShardWriter(folder), Statistics(), Counter[str](), count_rows(shards)
    is_changed = False
    for row, after in _all(shards, edits, total, watch):
        is_changed = is_changed or _differs(row, after)
        if after is None:
            continue
        writer.add(after)
        statistics.add(after)
        counts[after.split] += 1
    if not writer.rows:
        raise _nothing_left()
    if not is_changed:
        raise _nothing_changed()
    content_hash = writer.close()
    added, removed = compare(shards, [folder / shard.name for shard in writer.shards])
    return {
        "content_hash": content_hash,
        "row_count": writer.rows,
        "shards": writer.as_dicts(),
        "patch": None,
        "statistics": statistics.as_dict(),
        "split_counts": _in_order(counts),
        "added": added,
        "removed": removed,
    }


def _all(
    shards: list[Path], edits: Edits, total: int, watch: Watch
) -> Iterator[tuple[TrainingRow, TrainingRow | None]]:
    here, until = dict[int, Any](), 0
    for place, row in enumerate(read_rows(shards)):
        if place >= until:
            here, until = edits.within(place, place + 10_000), place + 10_000
        if place % 500 == 0:
            watch(place, total, _WRITING)
        yield row, edits.apply(row, here[place]) if place in here else row


def _counted(shards: Sequence[Path], folder: Path, made: Mapping[str, Any]) -> dict[str, int]:
    """The statistics of the amended rows, from the beginning."""
    statistics = Statistics()
    patch = [folder / made["patch"]["name"]] if made["patch"] else []
    for row in read_rows([*Stored(shards).shards, *(folder / shard["name"] for shard in made["shards"]), *patch]):
        statistics.add(row)
    return statistics.as_dict()


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    return {split: counts[split] for split in SPLITS if counts.get(split)}


def _differs(row: TrainingRow, after: TrainingRow | None) -> bool:
    return after is None or after._replace(key=row.key) != row


def _nothing_changed() -> UserError:
    return UserError("The draft changes nothing.", "Edit a row, or discard the draft.")


def _nothing_left() -> UserError:
    return UserError("No row is left, and a version has at least one.", "Undo a deletion.")
