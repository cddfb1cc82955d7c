"""How a setting of a recipe is declared (default, bounds, help, where it counts) and how a value for it is checked."""

import math
import re
from dataclasses import MISSING, Field, field
from typing import Any

MODULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


class RecipeError(ValueError):
    """A setting that cannot be used: which, why, and what would be right."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message, self.hint = field, message, hint


def number(default: float, low: float, high: float, help: str, *, above: bool = False, **where: Any) -> Any:
    """A float in [low, high], or in (low, high] with `above`. `where`: methods=(...) and objectives=(...) for which it counts."""
    return field(default=default, metadata={"low": low, "high": high, "above": above, "help": help, **where})


def count(default: int, low: int, high: int, help: str, **where: Any) -> Any:
    """A whole number in [low, high]."""
    return field(default=default, metadata={"low": low, "high": high, "help": help, **where})


def choice(default: str, choices: tuple[str, ...], help: str, **where: Any) -> Any:
    """One of a few words."""
    return field(default=default, metadata={"choices": choices, "help": help, **where})


def switch(default: bool, help: str, **where: Any) -> Any:
    """True or false."""
    return field(default=default, metadata={"help": help, **where})


def names(default: str | tuple[str, ...], help: str, **limits: Any) -> Any:
    """ "auto" or layer names; with `text` (longest) and `most`: a short list of texts."""
    return field(default=default, metadata={"names": True, "help": help, **limits})


def checked(spec: "Field[Any]", value: Any) -> Any:
    """The value in its proper type, or RecipeError."""
    if "choices" in spec.metadata:
        return _checked_choice(spec, value)
    if spec.metadata.get("names"):
        return _checked_texts(spec, value) if "text" in spec.metadata else _checked_modules(spec, value)
    if isinstance(_default(spec), bool):
        if not isinstance(value, bool):
            raise RecipeError(spec.name, f"{_shown(value)} is neither true nor false.", "Use true or false.")
        return value
    return _checked_number(spec, value)


def _default(spec: "Field[Any]") -> Any:
    return None if spec.default is MISSING else spec.default


def _checked_choice(spec: "Field[Any]", value: Any) -> str:
    choices = spec.metadata["choices"]
    if not isinstance(value, str) or value not in choices:
        raise RecipeError(spec.name, f"{_shown(value)} is not a choice.", f"Choose one of: {', '.join(choices)}.")
    return value


def _checked_number(spec: "Field[Any]", value: Any) -> float | int:
    low, high, whole = spec.metadata["low"], spec.metadata["high"], isinstance(_default(spec), int)
    hint = f"Use a {'whole ' if whole else ''}number {'above' if spec.metadata.get('above') else 'from'} {low:g} to {high:g}."
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecipeError(spec.name, f"{_shown(value)} is not a number.", hint)
    if isinstance(value, int) and abs(value) > 10**15:
        raise RecipeError(spec.name, "The number is far too large.", hint)
    if not math.isfinite(value):
        raise RecipeError(spec.name, f"{_shown(value)} is not a finite number.", hint)
    if whole and value != int(value):
        raise RecipeError(spec.name, f"{_shown(value)} is not a whole number.", hint)
    if spec.metadata.get("or_zero") and value == 0:
        return 0
    if value < low or value > high or (spec.metadata.get("above") and value == low):
        raise RecipeError(spec.name, f"{_shown(value)} is out of range.", hint)
    return int(value) if whole else float(value)


def _checked_modules(spec: "Field[Any]", value: Any) -> str | tuple[str, ...]:
    hint = 'Use "auto" or a list of layer names such as ["q_proj", "v_proj"].'
    if value == "auto":
        return "auto"
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 64:
        raise RecipeError(spec.name, f"{_shown(value)} is not a list of layer names.", hint)
    for name in value:
        if not isinstance(name, str) or len(name) > 100 or not MODULE_NAME.fullmatch(name):
            raise RecipeError(spec.name, f"{_shown(name)} is not a layer name.", hint)
    return tuple(dict.fromkeys(value))


def _checked_texts(spec: "Field[Any]", value: Any) -> tuple[str, ...]:
    most, longest = spec.metadata["most"], spec.metadata["text"]
    hint = f"Use a list of at most {most} texts of at most {longest} characters."
    if not isinstance(value, list | tuple) or len(value) > most:
        raise RecipeError(spec.name, f"{_shown(value)} is not a short list of texts.", hint)
    for text in value:
        if not isinstance(text, str) or not text.strip() or len(text) > longest or "\0" in text:
            raise RecipeError(spec.name, f"{_shown(text)} is not a usable text.", hint)
    return tuple(value)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = "The value"
    return text if len(text) <= 60 else text[:57] + "..."
