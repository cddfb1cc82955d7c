"""Settings side by side, and which of them differ. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.recipes import Recipe

KNOWN = Recipe().as_dict()


@dataclass(frozen=True)
class Setting:
    """One setting of several runs. `values` in the order of the runs."""

    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values[1:])

    @property
    def shown(self) -> list[str]:
        return [shown(value) for value in self.values]


def settings_of(recipes: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """Every setting of the recipes in the order of the form, then those that are no more.

    A recipe that was written before a setting existed has its default, as its resumption would.
    """
    names = [*KNOWN, *sorted({name for recipe in recipes for name in recipe} - set(KNOWN))]
    return [Setting(name, tuple(recipe.get(name, KNOWN.get(name)) for recipe in recipes)) for name in names]


def shown(value: Any) -> str:
    """As it would be typed: 0.0002 and not 2e-4's binary neighbour, lists with commas."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
