"""The address of a page of rows: it says words, filter, order, columns, page and row, so that a link shows the same to others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing.columns import OPERATORS, Column
from apps.datasets.browsing.filters import Condition, Group, checked

NAMES = ("q", "filter", "split", "sort", "columns")


@dataclass(frozen=True)
class Chip:
    """One condition in words, and the address without it."""

    text: str
    url: str


def link(query: Mapping[str, str], **changes: Any) -> str:
    """The query string of the same question with other values; pages begin anew unless `cursor` is said."""
    kept = {name: query.get(name, "") for name in NAMES} | changes
    told = urlencode({name: value for name, value in kept.items() if value not in ("", None)})
    return f"?{told}"


def as_text(group: Group) -> str:
    """The filter as an address says it; "" for none."""
    return json.dumps(group.as_plain(), ensure_ascii=False, separators=(",", ":")) if group.parts else ""


def words_of(condition: Condition) -> str:
    """A condition as people say it."""
    value = condition.value
    if isinstance(value, tuple):
        value = _("%(low)g and %(high)g") % {"low": value[0], "high": value[1]}
    elif isinstance(value, float):
        value = f"{value:g}"
    return f"{condition.column.label} {OPERATORS[condition.operator]} {'' if value is None else value}".strip()


def chips(group: Group, query: Mapping[str, str]) -> list[Chip]:
    """The conditions of a flat filter, each with the address without it; a nested one is a single chip."""
    if any(isinstance(part, Group) for part in group.parts):
        return [Chip(_(" or ").join(words_of(one) for one in group.conditions), link(query, filter=""))]
    found = []
    for number, part in enumerate(group.parts):
        assert isinstance(part, Condition)
        others = Group(group.is_any, group.parts[:number] + group.parts[number + 1 :])
        found.append(Chip(words_of(part), link(query, filter=as_text(others))))
    return found


def with_condition(group: Group, query: Mapping[str, str], columns: Mapping[str, Column]) -> Group:
    """The filter with the condition that the form says. Raises Problem."""
    value: Any = query.get("add-value", "")
    added = checked([query.get("add-column", ""), query.get("add-operator", ""), value], columns)
    if len(group.conditions) >= 30:
        raise Problem(_("A filter has at most %(most)s conditions.") % {"most": 30}, field="filter")
    return Group(group.is_any, (*group.parts, *added.parts))


def turned(group: Group) -> str:
    """The same conditions, of which any instead of all must hold, or the reverse."""
    return as_text(Group(not group.is_any, group.parts))
