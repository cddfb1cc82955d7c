"""The space of a sweep: for each setting that varies, which values it may take; checked against the recipe's own bounds. Pure."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.recipes import Recipe
from workers.recipes.fields import RecipeError

MOST_SETTINGS, MOST_VALUES, MOST_TRIALS = 12, 100, 500
HOW = '{"log": [1e-5, 1e-3]}, {"range": [0, 0.1], "step": 0.05} or {"values": [8, 16]}'
KINDS = ("log", "range", "values")


class SpaceError(ValueError):
    """A space that cannot be used: which setting, why, and what would be right."""

    def __init__(self, field: str, message: str, hint: str = HOW) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message, self.hint = field, message, hint


@dataclass(frozen=True)
class Axis:
    """The values of one setting: a list of them, or from `low` to `high` (by `step`, or evenly in the logarithm)."""

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    whole: bool = False

    def listed(self) -> tuple[Any, ...] | None:
        """Every value in order, or None where there are endlessly many."""
        if self.values:
            return self.values
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            return None
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        found = [round(self.low + place * step, 12) for place in range(count)]
        return tuple(int(value) if self.whole else value for value in found)


def read(raw: Any) -> tuple[Axis, ...]:
    """The axes of plain data, in the order of their names (so that the order of a grid never depends on JSON).

    Raises SpaceError naming the setting and the way out.
    """
    if not isinstance(raw, Mapping) or not raw:
        raise SpaceError(
            "", "The space must be an object with at least one setting.", '{"learning_rate": {"log": [1e-5, 1e-3]}}'
        )
    if len(raw) > MOST_SETTINGS:
        raise SpaceError("", f"{len(raw)} settings are too many.", f"Vary at most {MOST_SETTINGS} settings.")
    return tuple(_axis(str(name), raw[name]) for name in sorted(raw))


def _axis(name: str, said: Any) -> Axis:
    if name == "seed" or name not in Recipe().as_dict():
        raise SpaceError(
            name[:60], "There is no such setting to vary.", f"Settings are: {', '.join(Recipe().as_dict())}."
        )
    kinds = [kind for kind in KINDS if isinstance(said, Mapping) and kind in said]
    if len(kinds) != 1 or set(said) - {*kinds, "step"} or ("step" in said and kinds != ["range"]):
        raise SpaceError(name, "This says not what values it may take.")
    return _listed(name, said["values"]) if kinds == ["values"] else _between(name, said, kinds[0])


def _checked(name: str, value: Any) -> Any:
    try:
        return Recipe.from_dict({name: value}).as_dict()[name]
    except RecipeError as error:
        raise SpaceError(name, error.message, error.hint) from error


def _listed(name: str, values: Any) -> Axis:
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_VALUES:
        raise SpaceError(name, f"Values must be a list of 1 to {MOST_VALUES}.")
    found = [_checked(name, value) for value in values]
    if any(not isinstance(value, bool | int | float | str) for value in found):
        raise SpaceError(name, "Lists cannot be varied.", "Vary settings that are numbers or words.")
    return Axis(name, values=tuple(dict.fromkeys(found)))


def _between(name: str, said: Mapping[str, Any], kind: str) -> Axis:
    ends = said[kind]
    if not isinstance(ends, list) or len(ends) != 2:
        raise SpaceError(name, "A range has two ends.")
    low, high = (_checked(name, end) for end in ends)
    if isinstance(low, bool) or not isinstance(low, int | float):
        raise SpaceError(name, "This setting is no number.", 'Use {"values": [...]}.')
    if low >= high or (kind == "log" and low <= 0):
        raise SpaceError(name, "The first end must be the smaller one, and above 0 for log.", f"Use {HOW}.")
    whole, step = isinstance(low, int), said.get("step")
    if step is not None and (isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step <= high - low):
        raise SpaceError(name, "The step must be above 0 and fit between the ends.")
    if step is not None and ((whole and step != int(step)) or (high - low) / step > MOST_VALUES * 10):
        raise SpaceError(name, "The step is no whole number or far too small.")
    return Axis(name, low=low, high=high, step=step, log=kind == "log", whole=whole)


def grid(axes: tuple[Axis, ...]) -> list[dict[str, Any]]:
    """Every combination, the last setting (by name) running fastest. Raises SpaceError for endless or too many ones."""
    lists = []
    for axis in axes:
        if (values := axis.listed()) is None:
            raise SpaceError(
                axis.name, "A grid needs values that can be counted.", 'Give "values", or a range with a "step".'
            )
        lists.append(values)
    if (count := math.prod(map(len, lists))) > MOST_TRIALS:
        raise SpaceError(
            "", f"The grid has {count} combinations.", f"At most {MOST_TRIALS} trials are run: take values away."
        )
    return [dict(zip((axis.name for axis in axes), values, strict=True)) for values in itertools.product(*lists)]
