"""What a recipe does to a few rows, to show what would come of it: the same rounds as the job's, in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workers.cleaning.base import Facts
from workers.cleaning.engine import EMPTIED, Cleaned, Cleaning, Item, Line, Tally, names_of
from workers.failures import UserError
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.forms import content_of_row, texts_of
from workers.split_step import make_split_step
from workers.splits import LABEL, SplitPlan

SHOWN_ROWS = 20  # changed or dropped rows of a rehearsal that are shown
SHOWN_ALIKE = 6  # of them, that the same steps changed or dropped


@dataclass
class Rehearsal:
    """What a recipe does to a sample: counts, the first rows that it changes or drops, and the splits of what is left. Steps that load
    a model are `skipped` (their places)."""

    tally: Tally
    split_counts: dict[str, int]
    examples: list[dict[str, Any]] = field(default_factory=list)
    problem: UserError | None = None
    skipped: list[int] = field(default_factory=list)


@dataclass
class _Fate:
    """What became of one row on its way through all rounds."""

    row: TrainingRow
    after: TrainingRow | None
    changed: list[int] = field(default_factory=list)
    dropped_by: int | None = None
    reason: str = ""
    copies: int = 1


def columns_of(rows: Iterable[TrainingRow]) -> list[str]:
    """The names of what is kept beside these rows and among their values, and “label” where they have one, in the order of their
    coming."""
    names: dict[str, None] = {}
    for row in rows:
        if row.extra:
            names.update(dict.fromkeys(json.loads(row.extra)))
        content = content_of_row(row)
        names.update(dict.fromkeys(content.get("values", {})))
        if "label" in content:
            names[LABEL] = None
    return list(names)


def rehearse(
    rows: Iterable[TrainingRow],
    cleaning: Cleaning,
    plan: SplitPlan | None,
    facts: Facts | None = None,
    borders: Mapping[str, Any] | None = None,
) -> Rehearsal:
    """The recipe over a few rows. A recipe that leaves nothing has its `problem`; nothing is raised but for a step that does not take
    the form of the rows. Steps that load a model are left out."""
    rows = list(rows)
    facts = replace(facts, columns=facts.columns or columns_of(rows)) if facts else Facts(columns=columns_of(rows))
    cleaning.form_after(facts.form)
    light, skipped = cleaning.without_heavy()
    places = [place for place in range(len(cleaning.steps)) if place not in skipped]
    line = Line(light, facts, make_split_step(plan, borders) if plan else None)
    fates = [_Fate(row, row) for row in rows]
    line.note = lambda item, cleaned, after: _note(fates[item.place], cleaned, after)
    line.tally.rows = len(rows)
    kept, problem = list[Item](), None
    try:
        kept = _all_rounds(line, rows, plan.wanted if plan else [])
    except UserError as error:
        problem = error
    counts = Counter(item.row.split for item in kept if item.row.split)
    told = {split: counts[split] for split in SPLITS if counts[split]}
    tally = _whole(line.tally, cleaning, places, skipped)
    return Rehearsal(tally, told, _examples(fates, light, places), problem, skipped)


def _all_rounds(line: Line, rows: Sequence[TrainingRow], wanted: list[str]) -> list[Item]:
    items = [Item(place, row) for place, row in enumerate(rows)]
    had = {row.split for row in rows if row.split}
    for number in range(line.rounds):
        items = list(line.run(number, items))
        require_some(len(items))
        if number + 1 < line.rounds:
            for count, item in enumerate(items):
                line.table(number).look(item.row, count)
            line.decide(number)
    require_splits(wanted or had, {item.row.split for item in items})
    return items


def require_some(rows: int) -> None:
    """Raise UserError when no row is left."""
    if not rows:
        raise UserError("The recipe leaves no row.", "Loosen a filter, or leave a step out.", "steps")


def require_splits(had: Iterable[str], left: Iterable[str]) -> None:
    """Raise UserError when a split that the rows had lost all of them."""
    for split in sorted(set(had) - set(left)):
        told = f"The recipe leaves no row of the {split} split."
        raise UserError(told, "Loosen the recipe, or split the rows anew.", "steps")


def _note(fate: _Fate, cleaned: Cleaned, after: list[TrainingRow] | None) -> None:
    fate.changed += cleaned.changed
    if cleaned.row is None:
        fate.after, fate.dropped_by, fate.reason = None, cleaned.dropped_by, cleaned.reason
    elif fate.dropped_by is None:
        fate.after = cleaned.row
    if after:
        fate.copies += len(after) - 1


def _whole(tally: Tally, cleaning: Cleaning, places: list[int], skipped: list[int]) -> Tally:
    """The tally with the steps that were left out in their places."""
    whole = Line.blank_tally(cleaning)
    whole.rows = tally.rows
    for place, step in zip(places, tally.steps, strict=True):
        whole.steps[place] = step
    for place in skipped:
        whole.steps[place].is_skipped = True
    return whole


def _examples(fates: list[_Fate], light: Cleaning, places: list[int]) -> list[dict[str, Any]]:
    """The first rows that were touched, but not so many of a kind that what is rare would not be seen."""
    seen, chosen = Counter[tuple[Any, ...]](), []
    for index, fate in enumerate(fates):
        kind = (*fate.changed, fate.dropped_by, fate.copies > 1)
        if not fate.changed and fate.dropped_by is None and fate.copies == 1:
            continue
        seen[kind] += 1
        if seen[kind] <= SHOWN_ALIKE:
            chosen.append(_example(index, fate, light, places))
    return chosen[:SHOWN_ROWS]


def _example(index: int, fate: _Fate, light: Cleaning, places: list[int]) -> dict[str, Any]:
    dropped_by = names_of(light, [fate.dropped_by])[0] if fate.dropped_by is not None else ""
    return {
        "index": index,
        "before": shown(fate.row),
        "after": shown(fate.after) if fate.after else None,
        "changed": names_of(light, fate.changed),
        "dropped_by": EMPTIED if fate.reason == EMPTIED else dropped_by,
        "reason": fate.reason,
        "places": [places[place] for place in fate.changed],
        "dropped_at": None if fate.dropped_by is None else places[fate.dropped_by],
        "copies": fate.copies,
    }


def shown(row: TrainingRow) -> list[dict[str, str]]:
    """A row as turns to show: its messages, then the texts of its content, each with what it is called."""
    turns = [message._asdict() for message in row.messages]
    if not row.content:
        return turns
    content, texts = content_of_row(row), texts_of(row)[len(turns) :]
    if "values" in content:
        named = {str(name): "" if value is None else str(value) for name, value in content["values"].items()}
    elif "spans" in content:
        named = {"text": content["text"]}
    else:
        named = {"text" if len(texts) == 1 else f"text {number}": text for number, text in enumerate(texts, 1)}
    if content.get("label") is not None:
        named["label"] = str(content["label"])
    return [*turns, *({"role": name, "content": text} for name, text in named.items())]
