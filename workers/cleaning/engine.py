"""A recipe made to run: row steps between table steps, what becomes of each row, and the counts. Job and preview are this one code.

The rows go in rounds. A round ends at a table step, which looks at every row that the steps before it left; the next begins with
what it decided. A row step sees one row at a time, so the outcome depends on the rows and their order alone: not on batches,
processes or the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from workers.cleaning.base import Dropped, Facts, RowStep, Step, TableStep, as_list, form_after, read_steps
from workers.failures import UserError
from workers.formats.chat import TrainingRow
from workers.formats.problems import RowFault

EMPTIED = "empty"  # how a row is counted of which a step left nothing to learn from
SPLIT = -1  # the place of the step that names splits, which is none of the recipe's


@dataclass(frozen=True, slots=True)
class Cleaning:
    """A recipe that has been checked: steps in the order in which they run."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def read(cls, raw: Any) -> Cleaning:
        """A recipe of plain data: a list of {"step": name, options}, or of names. Raises UserError naming the place."""
        return cls(tuple(read_steps(raw)))

    def as_list(self) -> list[dict[str, Any]]:
        """The recipe as plain data, as `read` takes it."""
        return as_list(self.steps)

    def form_after(self, form: str) -> str:
        """The form of the rows at the end. Raises UserError naming the step that does not take the form it meets."""
        return form_after(self.steps, form)

    def without_heavy(self) -> tuple[Cleaning, list[int]]:
        """The recipe without the steps that load a model, and the places of these."""
        heavy = [place for place, (kind, options) in enumerate(self.steps) if kind.is_heavy(options)]
        return Cleaning(tuple(step for place, step in enumerate(self.steps) if place not in heavy)), heavy


class Cleaned(NamedTuple):
    """What became of a row in one round: the row, or None when the step at `dropped_by` took it out; places of steps that changed it."""

    row: TrainingRow | None
    changed: tuple[int, ...] = ()
    dropped_by: int | None = None
    reason: str = ""


class Item(NamedTuple):
    """A row on its way: where it stood in the version, and whether it is another than it was there."""

    place: int
    row: TrainingRow
    is_changed: bool = False


@dataclass
class StepCount:
    """What one step of the recipe did: rows changed, added, and dropped by reason; what it found out; whether it was left out."""

    step: str
    changed: int = 0
    added: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    facts: dict[str, Any] = field(default_factory=dict)
    is_skipped: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data."""
        told = {"step": self.step, "changed": self.changed, "dropped": self.dropped.total(), "added": self.added}
        reasons = {reason: count for reason, count in self.dropped.items() if reason}
        return {**told, "reasons": reasons, "facts": self.facts, "is_skipped": self.is_skipped}


@dataclass
class Tally:
    """How many rows came, and what each step did to them, by its place in the recipe."""

    steps: list[StepCount] = field(default_factory=list)
    rows: int = 0

    @property
    def kept(self) -> int:
        """Rows that are left."""
        return self.rows + sum(step.added - step.dropped.total() for step in self.steps)

    @property
    def changed(self) -> Counter[str]:
        """Rows changed by the name of the step, over all its places."""
        found = Counter[str]()
        for step in self.steps:
            found[step.step] += step.changed
        return +found

    @property
    def dropped(self) -> Counter[str]:
        """Rows dropped by the name of the step; those that were emptied apart, as “empty”."""
        found = Counter[str]()
        for step in self.steps:
            for reason, count in step.dropped.items():
                found[EMPTIED if reason == EMPTIED else step.step] += count
        return +found

    def as_dict(self) -> dict[str, Any]:
        """{"rows", "kept", "changed": {step: rows}, "dropped": {step: rows}, "steps": what each did, in order}."""
        steps = [step.as_dict() for step in self.steps]
        return {
            "rows": self.rows,
            "kept": self.kept,
            "changed": dict(self.changed),
            "dropped": dict(self.dropped),
            "steps": steps,
        }


Run = list[tuple[int, RowStep]]
Clean = Callable[[int, Iterable[Item]], Iterable[tuple[Item, Cleaned]]]
Note = Callable[[Item, Cleaned, "list[TrainingRow] | None"], None]


class Line:
    """A recipe made to run on one version. `ending` is the table step that names splits, if any; steps after the split follow it.

    `rounds` rounds are to be run in order, each over what the one before gave; `table(n)` of each but the last is to look at these
    rows and decide before the next.
    """

    def __init__(self, cleaning: Cleaning, facts: Facts, ending: TableStep | None = None) -> None:
        form_after(cleaning.steps, facts.form)
        self.tally = self.blank_tally(cleaning)
        self.runs: list[Run] = [[]]
        self.tables: list[tuple[int, TableStep]] = []
        self.note: Note = lambda item, cleaned, after: None
        late = [place for place, (kind, _options) in enumerate(cleaning.steps) if kind.after_split]
        early = [place for place in range(len(cleaning.steps)) if place not in late]
        for place in early:
            facts = self._make(place, cleaning.steps[place], facts)
        if ending is not None:
            self._add(SPLIT, ending)
        for place in late:
            facts = self._make(place, cleaning.steps[place], facts)

    @staticmethod
    def blank_tally(cleaning: Cleaning) -> Tally:
        """A tally in which nothing was counted yet."""
        return Tally([StepCount(kind.name) for kind, _options in cleaning.steps])

    @property
    def rounds(self) -> int:
        """How often the rows are gone through."""
        return len(self.runs)

    def table(self, number: int) -> TableStep:
        """The table step that ends round `number`."""
        return self.tables[number][1]

    def _make(self, place: int, step: Step, facts: Facts) -> Facts:
        kind, options = step
        try:
            self._add(place, kind.make(options, facts))
        except UserError as error:
            field = f"steps.{place}.{error.field}" if error.field else f"steps.{place}"
            raise UserError(error.message, error.hint, field) from None
        return replace(facts, form=kind.result_form) if kind.result_form else facts

    def _add(self, place: int, made: RowStep | TableStep) -> None:
        if callable(made):
            self.runs[-1].append((place, made))
        else:
            self.tables.append((place, made))
            self.runs.append([])

    def run(self, number: int, items: Iterable[Item], clean: Clean | None = None) -> Iterator[Item]:
        """Round `number` over the items that the round before gave: what the table step before decided, then row steps."""
        if number:
            items = self._finished(number - 1, items)
        if not self.runs[number]:
            yield from items
            return
        for item, cleaned in (clean or self.clean)(number, items):
            self._count(item, cleaned)
            if cleaned.row is not None:
                yield Item(item.place, cleaned.row, item.is_changed or bool(cleaned.changed))

    def clean(self, number: int, items: Iterable[Item]) -> Iterator[tuple[Item, Cleaned]]:
        """The row steps of a round, in this process."""
        run = self.runs[number]
        for item in items:
            yield item, cleaned_row(run, item.row)

    def decide(self, number: int) -> None:
        """The table step that ends round `number` has seen all rows. Raises UserError."""
        place, table = self.tables[number]
        try:
            facts = table.decide()
        except UserError as error:
            if place == SPLIT or (error.field or "").startswith("steps"):
                raise
            field = f"steps.{place}.{error.field}" if error.field else f"steps.{place}"
            raise UserError(error.message, error.hint, field) from None
        if place != SPLIT:
            self.tally.steps[place].facts = facts

    def _count(self, item: Item, cleaned: Cleaned) -> None:
        for place in cleaned.changed:
            self.tally.steps[place].changed += 1
        if cleaned.dropped_by is not None:
            self.tally.steps[cleaned.dropped_by].dropped[cleaned.reason] += 1
        self.note(item, cleaned, None)

    def _finished(self, number: int, items: Iterable[Item]) -> Iterator[Item]:
        place, table = self.tables[number]
        for count, item in enumerate(items):
            after = list(table.finish(item.row, count))
            is_changed = len(after) == 1 and after[0] is not item.row and after[0] != item.row
            if place != SPLIT:
                self._count_table(place, item, after, is_changed)
            for row in after:
                yield Item(item.place, row, item.is_changed or (row is not item.row and row != item.row))

    def _count_table(self, place: int, item: Item, after: Sequence[TrainingRow], is_changed: bool) -> None:
        step = self.tally.steps[place]
        step.changed += is_changed
        step.added += max(len(after) - 1, 0)
        if not after:
            step.dropped[""] += 1
        changed, dropped_by = (place,) if is_changed else (), None if after else place
        self.note(item, Cleaned(after[0] if after else None, changed, dropped_by), list(after))


def cleaned_row(run: Run, row: TrainingRow) -> Cleaned:
    """One row through the row steps of a round."""
    changed = list[int]()
    for place, step in run:
        try:
            after = step(row)
        except RowFault:
            return Cleaned(None, tuple(changed), place, EMPTIED)
        if isinstance(after, Dropped):
            return Cleaned(None, tuple(changed), place, after.reason)
        if after is not row and after != row:
            changed.append(place)
            row = after
    return Cleaned(row, tuple(changed))


def names_of(cleaning: Cleaning, places: Iterable[int]) -> list[str]:
    """The names of the steps at some places, each once, in order."""
    return list(dict.fromkeys(cleaning.steps[place][0].name for place in places))
