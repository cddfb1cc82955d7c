"""The named values of rows: what is missing, what kind they are, how they are spread."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from workers.profiling.sketch import Sketch

MOST_COLUMNS = 200  # those that come later are counted, not described
MOST_VALUES = 1_000  # differing texts of a column that are counted
TOP = 12
SHORT = 60  # characters of a text that can be a category


def is_missing(value: Any) -> bool:
    """None, no number, and text of nothing but white space."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


class Column:
    """One column: how many rows have a value, its numbers, and its short texts."""

    def __init__(self) -> None:
        self.filled = self.texts = 0
        self.numbers = Sketch()
        self.values: Counter[str] = Counter()
        self.is_open = False  # more differing texts than are counted
        self._waiting: list[float] = []

    def add(self, value: Any) -> None:
        """Count one value in."""
        self.filled += 1
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            self._waiting.append(float(value))
            if len(self._waiting) > 5_000:
                self.settle()
            return
        self.texts += 1
        text = value if isinstance(value, str) else str(value)
        if len(text) > SHORT or (text not in self.values and len(self.values) >= MOST_VALUES):
            self.is_open = True
        else:
            self.values[text] += 1

    def settle(self) -> None:
        """Take in what waits."""
        self.numbers.add(self._waiting)
        self._waiting = []

    def summary(self, name: str, rows: int) -> dict[str, Any]:
        """What a page shows of the column."""
        self.settle()
        found: dict[str, Any] = {"name": name[:120], "filled": self.filled, "missing": rows - self.filled}
        found["share"] = round((rows - self.filled) / rows, 6) if rows else 0.0
        if self.numbers.count > self.texts:
            return {**found, "kind": "number", "numbers": self.numbers.summary()}
        distinct = len(self.values)
        top = [{"value": value, "count": count} for value, count in self.values.most_common(TOP) if count > 1]
        is_category = not self.is_open and distinct <= max(20, self.filled // 20)
        kind = "category" if is_category else "text"
        return {**found, "kind": kind, "distinct": None if self.is_open else distinct, "top": top}

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        self.settle()
        plain = {name: getattr(self, name) for name in ("filled", "texts", "is_open")}
        return {**plain, "numbers": self.numbers.as_dict(), "values": dict(self.values)}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Column:
        """The column that `as_dict` wrote down."""
        made = cls()
        made.filled, made.texts, made.is_open = raw["filled"], raw["texts"], raw["is_open"]
        made.numbers, made.values = Sketch.read(raw["numbers"]), Counter(raw["values"])
        return made


class Columns:
    """All columns of a version."""

    def __init__(self) -> None:
        self.rows = 0
        self.by_name: dict[str, Column] = {}
        self.left_out: set[str] = set()

    def add(self, values: Mapping[str, Any]) -> None:
        """Count one row in."""
        self.rows += 1
        for name, value in values.items():
            column = self.by_name.get(name)
            if column is None:
                if len(self.by_name) >= MOST_COLUMNS:
                    if len(self.left_out) < 10_000:
                        self.left_out.add(name)
                    continue
                column = self.by_name[name] = Column()
            if not is_missing(value):
                column.add(value)

    def missing(self) -> dict[str, Any]:
        """The share of missing values among all values of all columns; {} before the first row."""
        if not self.rows or not self.by_name:
            return {}
        missing = sum(self.rows - column.filled for column in self.by_name.values())
        cells = self.rows * len(self.by_name)
        return {"n": cells, "missing": missing, "share": round(missing / cells, 6), "columns": len(self.by_name)}

    def summary(self, hidden: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
        """Each column but the hidden ones, in the order of their coming."""
        return [
            column.summary(name, self.rows)
            for name, column in self.by_name.items()
            if name not in hidden or column.filled < self.rows
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        columns = {name: column.as_dict() for name, column in self.by_name.items()}
        return {"rows": self.rows, "columns": columns, "left_out": sorted(self.left_out)}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Columns:
        """The columns that `as_dict` wrote down."""
        made = cls()
        made.rows, made.left_out = raw["rows"], set(raw["left_out"])
        made.by_name = {name: Column.read(column) for name, column in raw["columns"].items()}
        return made
