"""The step that brings classes to a target distribution: by leaving rows out, or by having rows several times."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workers.cleaning.base import Facts, Option, StepKind, register
from workers.cleaning.columns import class_of
from workers.cleaning.values import draw
from workers.failures import UserError
from workers.formats.chat import TrainingRow

MOST_CLASSES = 10_000
MOST_GROWTH = 20  # how often a row may come, so that a rare class cannot blow a version up


class BalanceStep:
    """Which rows stay or come again is drawn by a hash of the seed and the row's key. Memory: 12 bytes a row."""

    def __init__(self, options: Mapping[str, Any], facts: Facts) -> None:
        self._options, self._seed = options, facts.seed
        self._classes: dict[str, int] = {}
        self._of, self._draws = array("i"), array("Q")
        self._copies: Any = None

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row."""
        is_fixed = self._options["only_train"] and row.split not in ("", "train")
        name = class_of(row, self._options["by"])
        self._of.append(-1 if is_fixed else self._classes.setdefault(name, len(self._classes)))
        self._draws.append(draw(row, self._seed))
        if len(self._classes) > MOST_CLASSES:
            raise UserError(
                f"“{self._options['by']}” has more than {MOST_CLASSES} different values.",
                "Choose another column.",
                "by",
            )

    def decide(self) -> dict[str, Any]:
        """Find how often each row comes. Raises UserError when the rows have no class, or the target names one that none has."""
        of, draws = np.frombuffer(self._of, np.int32), np.frombuffer(self._draws, np.uint64)
        if set(self._classes) <= {""}:
            raise UserError(f"No row has a value in “{self._options['by']}”.", "Choose another column.", "by")
        sizes = {name: int((of == code).sum()) for name, code in self._classes.items()}
        wanted = targets(sizes, self._options)
        self._copies = np.ones(len(of), np.int64)
        for name, code in self._classes.items():
            places = np.flatnonzero(of == code)
            order = places[np.argsort(draws[places], kind="stable")]
            whole, rest = divmod(min(wanted[name], len(places) * MOST_GROWTH), len(places))
            self._copies[order] = whole
            self._copies[order[:rest]] += 1
        after = {name: int(self._copies[of == code].sum()) for name, code in self._classes.items()}
        return {"before": _first(sizes), "after": _first(after)}

    def finish(self, row: TrainingRow, number: int) -> Iterator[TrainingRow]:
        """The row as often as it is to come."""
        for _copy in range(int(self._copies[number])):
            yield row


def targets(sizes: Mapping[str, int], options: Mapping[str, Any]) -> dict[str, int]:
    """How many rows of each class there are to be. By undersampling none gets more than it has; by oversampling none fewer."""
    target, is_over = options["target"], options["method"] == "over"
    named = {name: size for name, size in sizes.items() if name}
    if target == "cap":
        return {name: min(size, options["cap"]) if name else size for name, size in sizes.items()}
    if target == "equal":
        each = max(named.values()) if is_over else min(named.values())
        return {name: each if name else size for name, size in sizes.items()}
    shares = {name: float(share) for name, share in options["shares"].items()}
    if unknown := [name for name in shares if name not in named]:
        raise UserError(
            f"No row is of the class “{unknown[0][:80]}”.", f"There are: {', '.join(sorted(named)[:20])}.", "shares"
        )
    scales = [named[name] / share for name, share in shares.items() if share > 0]
    scale = max(scales) if is_over else min(scales)
    exact = 1e-9 * scale
    return {
        name: max(math.floor(scale * shares[name] + exact), 0 if shares[name] == 0 else 1) if name in shares else size
        for name, size in sizes.items()
    }


def _first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:50])


def _check(options: Mapping[str, Any]) -> None:
    if options["target"] == "cap" and options["cap"] is None:
        raise UserError("Say how many rows a class may have.", "", "cap")
    if options["target"] != "shares":
        return
    shares = options["shares"] or {}
    if any(isinstance(share, bool) or not isinstance(share, int | float) or share < 0 for share in shares.values()):
        raise UserError("A share is a number of at least 0.", '{"yes": 0.5, "no": 0.5}', "shares")
    if not any(shares.values()):
        raise UserError("Name the share of each class.", '{"yes": 0.5, "no": 0.5}', "shares")


register(
    StepKind(
        "balance",
        "Balance classes",
        "Classes get the same number of rows, given shares, or at most so many: rows go, or come several times.",
        "rows",
        (
            Option("by", "column", "Class", "label", is_required=True, most=200, help="“label”, or a column."),
            Option(
                "target",
                "choice",
                "Target",
                "equal",
                ("equal", "shares", "cap"),
                choice_labels=("the same for each", "given shares", "at most so many"),
            ),
            Option(
                "method",
                "choice",
                "By",
                "under",
                ("under", "over"),
                choice_labels=("leaving rows out", "repeating rows"),
            ),
            Option("shares", "mapping", "Shares", {}, help="Classes that are not named stay as they are."),
            Option("cap", "integer", "At most", None, least=1, most=10_000_000),
            Option(
                "only_train",
                "bool",
                "Only rows of the train split",
                True,
                help="Where rows have splits: the others are measured as they are.",
            ),
        ),
        BalanceStep,
        check=_check,
    )
)
