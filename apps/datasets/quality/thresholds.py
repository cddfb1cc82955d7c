"""The limits of the quality board: what each measures, which way it may go, its default, and what a profile says of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

BELOW, ABOVE, AT_MOST = "below", "above", "at_most"
SIGNS = {BELOW: "<", ABOVE: ">", AT_MOST: "\N{LESS-THAN OR EQUAL TO}"}
Figures = Mapping[str, Any]
Found = tuple[float, int]  # the value, and of how many


@dataclass(frozen=True)
class Limit:
    """One limit. `unit` is "share" (shown in per cent), "rows" or ""; values and bounds of a share are from 0 to 1."""

    name: str
    label: StrPromise
    help: StrPromise
    way: str
    default: float
    unit: str
    most: float
    part: str
    key: str = "share"

    def read(self, figures: Figures) -> Found | None:
        """The value in a profile's figures, and of how many it is; None where it was not measured."""
        found = figures.get(self.part) or {}
        value, count = found.get(self.key), found.get("n")
        return (float(value), int(count)) if isinstance(value, int | float) and count else None

    def is_broken(self, value: float, bound: float) -> bool:
        """Whether a value is beyond the bound."""
        if self.way == ABOVE:
            return value <= bound
        return value >= bound if self.way == BELOW else value > bound


LIMITS = (
    Limit(
        "perplexity",
        _("Perplexity"),
        _("of the base model, on a sample: how surprising the texts are to it"),
        BELOW,
        150,
        "",
        1e6,
        "perplexity",
        "value",
    ),
    Limit(
        "duplicates",
        _("Duplicates"),
        _("rows that are, or nearly are, an earlier row"),
        BELOW,
        0.05,
        "share",
        1,
        "duplicates",
    ),
    Limit(
        "topics",
        _("Topic consistency"),
        _("rows with at least five others of like meaning"),
        ABOVE,
        0.8,
        "share",
        1,
        "topics",
    ),
    Limit(
        "missing",
        _("Missing values"),
        _("empty among all values of all columns"),
        BELOW,
        0.05,
        "share",
        1,
        "missing",
    ),
    Limit(
        "leak",
        _("Leak between splits"),
        _("rows of validation and test that are, or nearly are, in an earlier split"),
        AT_MOST,
        0,
        "rows",
        1e9,
        "leak",
        "rows",
    ),
    Limit(
        "label_errors",
        _("Label errors"),
        _("labels that confident learning doubts"),
        BELOW,
        0.1,
        "share",
        1,
        "label_errors",
    ),
)
BY_NAME = {limit.name: limit for limit in LIMITS}


@dataclass(frozen=True)
class Verdict:
    """What a profile says of one limit. No `value`: not measured. No `bound`: the limit is off."""

    limit: Limit
    bound: float | None
    value: float | None = None
    n: int = 0
    why: str = ""  # it was not measured

    @property
    def is_broken(self) -> bool:
        return self.value is not None and self.bound is not None and self.limit.is_broken(self.value, self.bound)

    @property
    def state(self) -> str:
        """One of broken, kept, off, unknown."""
        if self.value is None:
            return "unknown"
        if self.bound is None:
            return "off"
        return "broken" if self.is_broken else "kept"

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        told = {"name": self.limit.name, "value": self.value, "n": self.n or None, "bound": self.bound}
        return {**told, "way": self.limit.way, "unit": self.limit.unit, "state": self.state}


def bounds_with(own: Mapping[str, Any]) -> dict[str, float | None]:
    """Every bound: a dataset's own where it has one, else the default."""
    return {limit.name: own.get(limit.name, limit.default) for limit in LIMITS}


def judge(figures: Figures | None, own: Mapping[str, Any]) -> list[Verdict]:
    """A verdict for each limit. No figures: nothing was measured."""
    bounds, verdicts = bounds_with(own), []
    for limit in LIMITS:
        found = limit.read(figures) if figures else None
        why = str((figures or {}).get("left_out", {}).get(limit.name, ""))
        value, n = found or (None, 0)
        verdicts.append(Verdict(limit, bounds[limit.name], value, n, why))
    return verdicts


def as_bound(limit: Limit, raw: Any) -> float | None:
    """A number for a limit, or None for no limit. Raises ValueError."""
    if raw is None:
        return None
    if (
        isinstance(raw, bool)
        or not isinstance(raw, int | float)
        or not math.isfinite(raw)
        or not 0 <= raw <= limit.most
    ):
        raise ValueError("no number in range")
    return float(raw)


def shown(limit: Limit, value: float | None) -> str:
    """A value with its unit: 4.2 %, 3 rows, 38.1."""
    if value is None:
        return "\N{EN DASH}"
    if limit.unit == "share":
        return f"{100 * value:.4g}\N{NO-BREAK SPACE}%"
    return (
        f"{value:,.0f}".replace(",", "\N{NO-BREAK SPACE}")
        if limit.unit == "rows"
        else f"{value:.4g}"
        if value < 1e4
        else f"{value:.0f}"
    )
