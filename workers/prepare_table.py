"""Program: a version's rows through a cleaning recipe and into splits, as the files of the next version.

Inputs: {"shards": [paths of the version], "version": its id, "form", "model_dir"?}. Settings: {"steps": [...], "split": {...} | null,
"borders": those of an earlier version of the same split, or null}. Leaves artifacts/table/ with shards, or with a patch where few rows
changed: whole or not at all, as `import_table` does. Rows are streamed in rounds (`cleaning.engine`); between two rounds the disk
holds a draft of them and the memory 9 bytes for each, besides what the table steps remember.
"""

import resource
import shutil
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from workers import embedding
from workers.cleaning import Cleaning
from workers.cleaning.base import Facts
from workers.cleaning.engine import Clean, Item, Line
from workers.cleaning.processes import FEWEST_ROWS, Processes, cores
from workers.cleaning.sealing import take_key
from workers.context import Context
from workers.failures import UserError
from workers.formats.shards import Shard, ShardWriter, sync
from workers.formats.stored import count_rows, read_rows
from workers.import_table import OUTPUT, fresh_folder
from workers.outcome import Outcome
from workers.preparing import columns_of, require_some, require_splits
from workers.split_step import make_split_step
from workers.splits import SplitPlan
from workers.watching import Clock, Watch, silent

MEMORY = (
    1536 * 2**20
)  # bytes of a process's data; its address space is no measure, allocators reserve gigabytes of it unused
COLUMN_ROWS = 1_000  # rows in which the columns are looked for
_LOOK_EVERY = 500  # rows between two looks at the clock and the wishes
_ROUND_WEIGHT = 3  # how many rows that are only copied cost as much as one that is cleaned: for the time that is left


def main(context: Context) -> dict[str, Any]:
    """Prepare the rows and return what the next version needs to know."""
    inputs, settings = context.spec.inputs, context.spec.settings
    cleaning = Cleaning.read(settings["steps"])
    if not cleaning.without_heavy()[1]:
        _limit_memory()
    plan = SplitPlan.read(settings["split"]) if settings.get("split") else None
    result = prepare(
        [Path(shard) for shard in inputs["shards"]],
        context.folder / "artifacts" / OUTPUT,
        cleaning,
        plan,
        Clock(context),
        facts=facts_from(inputs, plan),
        borders=settings.get("borders"),
    )
    return {**result, "compared_with": inputs.get("version", "")}


def _limit_memory() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY or soft > MEMORY:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, hard))
    pa.set_memory_pool(pa.system_memory_pool())  # the default one reserves a gigabyte of addresses at once


def facts_from(inputs: Mapping[str, Any], plan: SplitPlan | None) -> Facts:
    """What the steps may know, out of a spec's inputs."""
    model = inputs.get("model_dir")
    seed = plan.seed if plan else Facts.seed
    return Facts(
        inputs.get("form") or "chat",
        seed,
        take_key(),
        model_dir=Path(model) if model else None,
        embed=embedding.loading(),
    )


def prepare(
    shards: Sequence[Path],
    folder: Path,
    cleaning: Cleaning,
    plan: SplitPlan | None,
    watch: Watch = silent,
    *,
    facts: Facts | None = None,
    borders: Mapping[str, Any] | None = None,
    processes: int | None = None,
) -> dict[str, Any]:
    """Write what the recipe makes of `shards` to `folder`. Raises UserError when it leaves no row, in all or in a split, and what
    `watch` raises; then `folder` does not exist. The outcome does not depend on the number of `processes` (of all cores)."""
    partial, drafts = fresh_folder(folder), fresh_folder(folder.with_name(f"{folder.name}-drafts"))
    try:
        result = _Rounds(shards, partial, drafts, cleaning, plan, watch, facts or Facts(), borders).run(processes)
        sync(partial)
        partial.rename(folder)
        sync(folder.parent)
    except MemoryError:
        hint = "Leave out a step that compares rows or the split, or divide the data set."
        raise UserError("The version has more rows than fit into memory.", hint) from None
    finally:
        for left in (partial, drafts):
            shutil.rmtree(left, ignore_errors=True)
    return result


class _Draft:
    """Rows between two rounds: on the disk, and in memory their places in the version and whether they were changed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._writer = folder, ShardWriter(folder)
        self._places, self._changed = array("Q"), bytearray()
        self._shards: list[Shard] = []

    def add(self, item: Item) -> None:
        """Append a row."""
        self._writer.add(item.row)
        self._places.append(item.place)
        self._changed.append(item.is_changed)

    def close(self) -> None:
        """Finish the files."""
        self._writer.close()
        self._shards = self._writer.shards

    def __len__(self) -> int:
        return len(self._places)

    def items(self) -> Iterator[Item]:
        """The rows in order."""
        rows = read_rows([self._folder / shard.name for shard in self._shards])
        for place, is_changed, row in zip(self._places, self._changed, rows, strict=True):
            yield Item(place, row, bool(is_changed))

    def delete(self) -> None:
        """Free the disk."""
        shutil.rmtree(self._folder, ignore_errors=True)


class _Version:
    """The rows of the version itself, where no step comes before the first that looks at all of them: they need no draft."""

    def __init__(self, shards: Sequence[Path], rows: int) -> None:
        self._shards, self._rows = shards, rows

    def __len__(self) -> int:
        return self._rows

    def items(self) -> Iterator[Item]:
        """The rows in order."""
        for place, row in enumerate(read_rows(self._shards)):
            yield Item(place, row)

    def delete(self) -> None:
        """The version stays."""


class _Rounds:
    """All rounds over one version."""

    def __init__(
        self,
        shards: Sequence[Path],
        folder: Path,
        drafts: Path,
        cleaning: Cleaning,
        plan: SplitPlan | None,
        watch: Watch,
        facts: Facts,
        borders: Mapping[str, Any] | None,
    ) -> None:
        self._shards, self._folder, self._drafts = shards, folder, drafts
        self._watch, self._done, self._weight, self._began = watch, 0.0, 0.0, time.monotonic()
        self._had, self._wanted = set[str](), plan.wanted if plan else []
        columns = facts.columns or columns_of(islice(read_rows(shards), COLUMN_ROWS))
        self._ending = make_split_step(plan, borders) if plan else None
        self._line = Line(cleaning, replace(facts, columns=columns, watch=watch), self._ending)
        self._total = count_rows(shards)

    def run(self, processes: int | None) -> dict[str, Any]:
        """Go through the rows and return what the next version needs to know."""
        line, count = self._line, cores() if processes is None else processes
        is_shared = count > 1 and any(line.runs) and (processes is not None or self._total >= FEWEST_ROWS)
        pool = Processes(line, count) if is_shared else None
        try:
            return self._run(pool.clean if pool else None)
        finally:
            if pool:
                pool.close()

    def _run(self, clean: Clean | None) -> dict[str, Any]:
        line = self._line
        line.tally.rows = self._total
        source: _Draft | _Version = _Version(self._shards, self._total)
        for number in range(line.rounds - 1):
            source = self._look(number, source, clean)
            line.decide(number)
        outcome = Outcome(self._shards, self._folder)
        for item in line.run(line.rounds - 1, self._watched(line.rounds - 1, source), clean):
            outcome.add(item)
        require_some(outcome.rows)
        require_splits(self._wanted or self._had, outcome.splits)
        source.delete()
        made = outcome.close()
        self._watch(self._total, self._total, "Writing the version")
        return {**made, "tally": line.tally.as_dict(), "borders": self._ending.borders if self._ending else {}}

    def _look(self, number: int, source: "_Draft | _Version", clean: Clean | None) -> "_Draft | _Version":
        """A round that ends at a table step; what it leaves is the source of the next."""
        line, table, count = self._line, self._line.table(number), 0
        draft = _Draft(self._drafts / str(number)) if number or line.runs[0] else None
        for item in line.run(number, self._watched(number, source), clean):
            table.look(item.row, count)
            count += 1
            if draft is not None:
                draft.add(item)
        require_some(count)
        if draft is None:
            return source
        draft.close()
        source.delete()
        return draft

    def _watched(self, number: int, source: "_Draft | _Version") -> Iterable[Item]:
        """The items of a round, telling the progress over all rounds: those to come are reckoned with the rows of this one."""
        line, total = self._line, len(source)
        weights = [_ROUND_WEIGHT if run else 1 for run in line.runs]
        is_last = number + 1 == line.rounds
        phase = "Writing the version" if is_last and number else "Cleaning the rows"
        before, all_work = self._done, self._done + sum(weights[number:]) * total
        for place, item in enumerate(source.items()):
            if place % _LOOK_EVERY == 0:
                work = before + place * weights[number]
                self._watch(round(self._total * work / all_work), self._total, phase)
            if item.row.split and not number:
                self._had.add(item.row.split)
            yield item
        self._done = before + weights[number] * total
