"""Program: the figures of a version's rows: lengths, languages, labels, what is missing or repeated or leaks, and how a model sees them.

Inputs: {"shards": [paths of the version], "form", "tokenizer": path of a tokenizer.json or "", "tokenizer_name", "model": folder of a
base model or "", "model_name"}. Settings: {"seed", "perplexity_rows" (0: left out), "topics": bool}. Emits the facts "figures" as they
grow; the result is {"figures"}. One round over the rows at constant memory; its state is kept every few seconds, so that the next
attempt goes on from there.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workers.context import Context
from workers.formats.stored import Stored
from workers.profiling import near
from workers.profiling.figures import assemble
from workers.profiling.identities import Identities
from workers.profiling.models import Questions, ask_models
from workers.profiling.reading import read_block
from workers.profiling.samples import Picker
from workers.profiling.tally import Tally
from workers.profiling.tools import make_tools
from workers.watching import Clock, Watch

COLUMNS = ("messages", "content", "extra", "split")
BLOCK = 500  # rows that are looked at together
_SAVE_EVERY_S = 5.0
_TELL_EVERY_S = 1.5
Tell = Callable[[dict[str, Any]], None]


def main(context: Context) -> dict[str, Any]:
    """Find the figures; they are told as they grow."""
    os.nice(10)  # trainings and people come first
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    inputs, settings = context.spec.inputs, context.spec.settings
    work = context.folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    paths = [Path(shard) for shard in inputs["shards"]]
    told = Profiler(
        paths, work, inputs, settings, Clock(context), lambda found: context.reporter.fact("figures", found)
    )
    figures = told.run()
    shutil.rmtree(work, ignore_errors=True)  # it holds texts of the rows
    return {"figures": figures}


class Profiler:
    """One profile: what is known so far, where it is kept, and who is told."""

    def __init__(
        self, paths: list[Path], work: Path, inputs: Any, settings: Any, watch: Watch, tell: Tell = lambda figures: None
    ) -> None:
        self._stored, self._work, self._watch, self._tell = Stored(paths), work, watch, tell
        self._inputs, self._seed = inputs, int(settings.get("seed", 42))
        self._questions = Questions.read(inputs, settings)
        self._left_out: dict[str, str] = {}
        self._told = self._saved = time.monotonic()
        self._facts: dict[str, Any] = {}
        self._parts: dict[str, Any] = {}
        self._tally = Tally(str(inputs.get("form") or "chat"))

    def run(self) -> dict[str, Any]:
        """All rounds. Raises what `watch` raises."""
        identities = self._read_identities()
        picker = Picker(identities, self._seed)
        self._round(picker)
        if "near" not in self._parts:
            self._keep_part("near", self._near(identities, picker))
        done = ask_models(self._questions, self._tally, self._parts, self._keep_part, self._watch, self._seed)
        self._left_out |= done
        return self._figures()

    def _read_identities(self) -> Identities:
        total = self._stored.rows
        self._watch(0, total, "Reading identities")
        found = Identities.read(table for _first, table in self._stored.groups(columns=["row_id", "split"]))
        self._facts = {
            "rows": len(found),
            "repeated": found.repeated(),
            "leaked": found.leaked(),
            "splits": found.split_counts(),
        }
        return found

    def _round(self, picker: Picker) -> None:
        """Every row once, from where an earlier attempt came to."""
        self._resume()
        tools, self._left_out = make_tools(self._inputs)
        total = self._facts["rows"]
        for first, table in self._stored.groups(self._tally.rows, columns=COLUMNS):
            for low in range(max(self._tally.rows - first, 0), table.num_rows, BLOCK):
                self._watch(first + low, total, "Reading the rows")
                block = read_block(first + low, table.slice(low, BLOCK))
                self._tally.add(block, picker.within(block.first, len(block)), tools)
                self._now_and_then()
        self._watch(total, total, "Reading the rows")
        self._tally.save(self._work / "state.json")
        self._tell(self._figures())

    def _resume(self) -> None:
        """What an earlier attempt came to becomes the present state."""
        state = self._work / "state.json"
        if state.exists():
            self._tally, self._parts = Tally.load(state), self._kept_parts()

    def _kept_parts(self) -> dict[str, Any]:
        path = self._work / "parts.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def _now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._saved > _SAVE_EVERY_S:
            self._tally.save(self._work / "state.json")
            self._saved = now
        if now - self._told > _TELL_EVERY_S:
            self._told = now
            self._tell(self._figures())

    def _near(self, identities: Identities, picker: Picker) -> dict[str, Any]:
        places = picker.places("near")
        texts, total = self._near_texts(picker), 2 * len(places)
        return near.figures(
            texts,
            identities.parts[places],
            places,
            lambda done, bands: self._watch(len(places) + done * len(places) // bands, total, "Comparing the rows"),
        )

    def _near_texts(self, picker: Picker) -> Iterator[str]:
        done, size = 0, picker.size("near")
        for first, table in self._stored.groups(columns=COLUMNS):
            for low in range(0, table.num_rows, BLOCK):
                taken = picker.within(first + low, min(BLOCK, table.num_rows - low))["near"]
                self._watch(done, 2 * size, "Comparing the rows")
                done += len(taken)
                block = read_block(first + low, table.slice(low, BLOCK)) if taken else None
                for place in taken:
                    yield block.whole(place) if block else ""

    def _keep_part(self, name: str, found: dict[str, Any]) -> None:
        """Note what a later round found, so that it is not asked again."""
        self._parts[name] = found
        draft = self._work / "parts.draft"
        draft.write_text(json.dumps(self._parts), encoding="utf-8")
        draft.replace(self._work / "parts.json")
        self._tell(self._figures())

    def _figures(self) -> dict[str, Any]:
        names = {"tokenizer": self._inputs.get("tokenizer_name", "")}
        found = assemble(self._tally, self._facts, self._parts, self._left_out)
        return {**found, **names, "seed": self._seed}
