"""Filters as people and programs write them, and as SQL whose values are bound. Knows no database.

A filter is a condition [column, operator, value], {"all": [filters]}, {"any": [filters]}, or a list, which means all of it.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import re2
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing.columns import NUMBER, OPERATORS, Column, column_called
from workers.browse_columns import SHOWN

MOST_CONDITIONS = 30
MOST_CHARACTERS = 500
_DEPTH = 4
_WITHOUT_VALUE = ("is missing", "is not missing")
_UNSAYABLE = re.compile("[\0\ud800-\udfff]")  # no text holds the end of C strings or half a character
_NUMERIC = (">", "<", "between")


@dataclass(frozen=True)
class Condition:
    """One question to one column. `value` is text, a number, a pair of numbers, or None."""

    column: Column
    operator: str
    value: Any

    def as_list(self) -> list[Any]:
        told = list(self.value) if isinstance(self.value, tuple) else self.value
        return [self.column.id, self.operator] + ([] if self.operator in _WITHOUT_VALUE else [told])

    @property
    def is_piece_of_text(self) -> bool:
        """Whether it asks for a piece of a whole text, which an index may answer."""
        return self.operator == "contains" and self.column.is_cut

    def sql(self) -> tuple[str, list[Any]]:
        """The condition and the values to bind."""
        name = f'"{self.column.id}"'
        number, value = self.column.number, self.value
        if self.operator in ("is", "is not"):
            is_number = isinstance(value, float)
            same = "IS NOT DISTINCT FROM" if self.operator == "is" else "IS DISTINCT FROM"
            return f"{number if is_number else self.column.whole} {same} ?", [value]
        if self.operator == "between":
            return f"{number} BETWEEN ? AND ?", list(value)
        if self.operator in _NUMERIC:
            return f"{number} {self.operator} ?", [value]
        if self.operator in _WITHOUT_VALUE:
            told = (
                f"({name} IS NULL)"
                if self.column.kind == NUMBER and not self.column.is_own
                else f"(coalesce({name}, '') = '')"
            )
            return told if self.operator == "is missing" else f"NOT {told}", []
        function = {"contains": "contains", "starts with": "starts_with", "matches": "regexp_matches"}[self.operator]
        decides = self.operator == "starts with" and len(value) <= SHOWN  # the begin that is kept says it all
        return f"{function}({name if decides else self.column.whole}, ?)", [value]


@dataclass(frozen=True)
class Group:
    """Several filters of which all or any must hold."""

    is_any: bool
    parts: tuple["Condition | Group", ...]

    def as_plain(self) -> Any:
        inner = [part.as_plain() if isinstance(part, Group) else part.as_list() for part in self.parts]
        return {"any": inner} if self.is_any else inner

    def sql(self) -> tuple[str, list[Any]]:
        """The condition and the values to bind; one that always holds where there are no parts."""
        told = [part.sql() for part in self.parts]
        if not told:
            return "TRUE", []
        joined = (" OR " if self.is_any else " AND ").join(f"({sql})" for sql, _values in told)
        return joined, [value for _sql, values in told for value in values]

    @property
    def conditions(self) -> list[Condition]:
        """All conditions in it, in their order."""
        return [one for part in self.parts for one in (part.conditions if isinstance(part, Group) else [part])]


def read_filter(text: str, columns: Mapping[str, Column]) -> Group:
    """The filter that a query's `filter` says. Raises Problem."""
    if not text.strip():
        return Group(False, ())
    try:
        raw = json.loads(text[:20_000])
    except (ValueError, RecursionError):
        raise _wrong(_("The filter is not JSON.")) from None
    return checked(raw, columns)


def checked(raw: Any, columns: Mapping[str, Column]) -> Group:
    """Plain data as a filter. Raises Problem naming what is wrong."""
    found = _part(raw or [], dict(columns), _DEPTH)
    group = found if isinstance(found, Group) else Group(False, (found,))
    if len(group.conditions) > MOST_CONDITIONS:
        raise _wrong(_("A filter has at most %(most)s conditions.") % {"most": MOST_CONDITIONS})
    return group


def _part(raw: Any, columns: dict[str, Column], depth: int) -> Condition | Group:
    if depth == 0:
        raise _wrong(_("The filter is nested too deeply."))
    if isinstance(raw, list) and raw and isinstance(raw[0], str):
        return _condition(raw, columns)
    is_any = isinstance(raw, Mapping) and list(raw) == ["any"]
    if isinstance(raw, Mapping) and list(raw) in (["any"], ["all"]):
        raw = raw["any" if is_any else "all"]
    if not isinstance(raw, list):
        raise _wrong(_("A filter is a list of conditions."))
    return Group(is_any, tuple(_part(inner, columns, depth - 1) for inner in raw[: MOST_CONDITIONS + 1]))


def _condition(raw: list[Any], columns: dict[str, Column]) -> Condition:
    column = column_called(columns, raw[0], "filter")
    operator = raw[1] if len(raw) > 1 else ""
    if operator not in column.operators:
        hint = _("Of %(column)s can be asked: %(operators)s.")
        told = {"column": column.label, "operators": ", ".join(column.operators)}
        raise _wrong(_("This cannot be asked of the column."), hint % told)
    assert isinstance(operator, str) and operator in OPERATORS
    return Condition(column, operator, _value(column, operator, raw[2] if len(raw) > 2 else None))


def _value(column: Column, operator: str, value: Any) -> Any:
    if operator in _WITHOUT_VALUE:
        return None
    if operator == "between":
        pair = value if isinstance(value, list) else str(value).replace(" and ", ",").replace("…", ",").split(",")
        if len(pair) != 2:
            raise _wrong(_("“Between” takes two numbers, such as 10, 20."))
        return (_number(pair[0]), _number(pair[1]))
    if operator in _NUMERIC or (column.kind == NUMBER and not column.is_own):
        return _number(value)
    if value is None or isinstance(value, list | dict):
        raise _wrong(_("Say a value for %(column)s.") % {"column": column.label})
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
    if len(text) > MOST_CHARACTERS or _UNSAYABLE.search(text):
        raise _wrong(_("A value has at most %(most)s characters, and whole ones.") % {"most": MOST_CHARACTERS})
    return pattern(text, "filter") if operator == "matches" else text


def _number(value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError("not a number")
        found = float(value)
    except (TypeError, ValueError):
        raise _wrong(_("“%(value)s” is not a number.") % {"value": str(value)[:40]}) from None
    if not math.isfinite(found):
        raise _wrong(_("“%(value)s” is not a number.") % {"value": str(value)[:40]})
    return found


def pattern(text: str, field: str) -> str:
    """A regular expression that RE2 takes: it looks at every character once, whatever the pattern. Raises Problem."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(text, options=options)
    except (re2.error, UnicodeError) as error:
        told = str(error.args[0] if error.args else error)
        told = told.decode(errors="replace") if isinstance(told, bytes) else told
        raise Problem(_("This pattern is not a regular expression of RE2."), field=field, hint=told[:200]) from None
    return text


def _wrong(message: str, hint: str = "") -> Problem:
    return Problem(message, field="filter", hint=hint, code="bad_filter")
