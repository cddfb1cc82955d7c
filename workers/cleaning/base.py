"""What a step of a recipe is: its name, its options, and how it is made to run. Steps register themselves; recipes name them.

A recipe is a list of {"step": name, options...} that runs in its order; a step may be there more than once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workers.failures import UserError
from workers.formats.chat import TrainingRow
from workers.formats.forms import FORMS

GROUPS = ("text", "rows", "privacy", "duplicates", "values", "shape")
MOST_STEPS = 100
MOST_WORDS = 10_000
MOST_CHARACTERS = 20_000  # of a text, a word or a name in an option
MOST_NUMBER = 10**15


@dataclass(frozen=True)
class Option:
    """One thing to choose about a step. `least` and `most` bound numbers, the length of texts and the count of words.

    Kinds: number, integer, text, choice (one of `choices`), choices (some of them; any words where it names none), bool, words
    (list of texts), mapping (text to text, number, true, false or null), column (a name). `choice_labels` go with `choices`.
    """

    name: str
    kind: str
    label: str
    default: Any = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    help: str = ""
    is_required: bool = False
    choice_labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """What a row step returns for a row that goes. The reason is one word; "" where the step has only one."""

    reason: str = ""


@dataclass
class Facts:
    """What a step may know of the version: the form of its rows where the step stands, its columns beside the messages or values."""

    form: str = "chat"
    seed: int = 42
    workspace_key: bytes | None = None
    columns: list[str] = field(default_factory=list)
    model_dir: Path | None = None
    watch: Callable[[int, int, str], None] = lambda done, total, phase: None  # a long decision calls it now and then
    embed: Embed | None = None  # texts as vectors of meaning, where the program can load the model


Embed = Callable[
    [Sequence[str], Callable[[int, int], None]], Any
]  # texts, progress -> float32 (texts, width), unit length
RowStep = Callable[[TrainingRow], TrainingRow | Dropped]


class TableStep(Protocol):
    """A step that looks at every row before it decides about any. `number` counts the rows that the steps before it left, from 0."""

    def look(self, row: TrainingRow, number: int) -> None:
        """See a row; rows come in order."""

    def decide(self) -> dict[str, Any]:
        """All rows were seen. Returns facts for the report. Raises UserError."""

    def finish(self, row: TrainingRow, number: int) -> Iterable[TrainingRow]:
        """What becomes of the row: nothing (it goes), itself, another, or several."""


@dataclass(frozen=True)
class StepKind:
    """A kind of step.

    `check` may raise UserError whose field is the name of an option. `result_form` is set where rows change form. `is_heavy` says
    whether a step with these options loads a model, so that a page cannot try it. A step that is `after_split` runs when rows have
    their splits, wherever it stands.
    """

    name: str
    label: str
    help: str
    group: str
    options: tuple[Option, ...]
    make: Callable[[Mapping[str, Any], Facts], RowStep | TableStep]
    forms: frozenset[str] = frozenset(FORMS)
    result_form: str | None = None
    check: Callable[[Mapping[str, Any]], None] | None = None
    is_heavy: Callable[[Mapping[str, Any]], bool] = lambda options: False
    after_split: bool = False


Step = tuple[StepKind, dict[str, Any]]
REGISTRY: dict[str, StepKind] = {}


def register(kind: StepKind) -> StepKind:
    """Make a kind of step known. Raises ValueError when its name is taken or its group unknown."""
    if REGISTRY.get(kind.name, kind) is not kind or kind.group not in GROUPS:
        raise ValueError(f"The step {kind.name!r} of group {kind.group!r} cannot be registered.")
    REGISTRY[kind.name] = kind
    return kind


def read_steps(raw: Any) -> list[Step]:
    """A recipe of plain data as checked (kind, options) with every option filled in. Raises UserError(field="steps.<n>.<option>")."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise UserError("The steps must be a list.", '[{"step": "html"}, {"step": "duplicates"}]', "steps")
    if len(raw) > MOST_STEPS:
        raise UserError(f"A recipe has at most {MOST_STEPS} steps.", "Divide it into two recipes.", "steps")
    return [_read_step(item, f"steps.{number}") for number, item in enumerate(raw)]


def as_list(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The recipe as plain data, every option written out."""
    return [{"step": kind.name, **options} for kind, options in steps]


def form_after(steps: Iterable[Step], form: str) -> str:
    """The form of the rows when the steps have run. Raises UserError naming the first step that does not take the form it meets."""
    for number, (kind, _options) in enumerate(steps):
        if form not in kind.forms:
            hint = f"It takes: {', '.join(name for name in FORMS if name in kind.forms)}."
            raise UserError(
                f"The step “{kind.label}” does not work on rows of the form {form}.", hint, f"steps.{number}"
            )
        form = kind.result_form or form
    return form


def _read_step(item: Any, place: str) -> Step:
    said = {"step": item} if isinstance(item, str) else dict(item) if isinstance(item, Mapping) else {}
    name = said.pop("step", None)
    kind = REGISTRY.get(name) if isinstance(name, str) else None
    if kind is None:
        told = f"There is no step “{name[:40]}”." if isinstance(name, str) else "A step needs its name."
        raise UserError(told, f"The steps are: {', '.join(REGISTRY)}.", place)
    known = [option.name for option in kind.options]
    for option_name in said:
        if option_name not in known:
            hint = f"Its options are: {', '.join(known)}." if known else "It has no options."
            raise UserError(f"The step “{name}” has no option “{str(option_name)[:40]}”.", hint, place)
    options = {option.name: _value(option, said.get(option.name), f"{place}.{option.name}") for option in kind.options}
    if kind.check:
        _check(kind, options, place)
    return kind, options


def _check(kind: StepKind, options: Mapping[str, Any], place: str) -> None:
    assert kind.check is not None
    try:
        kind.check(options)
    except UserError as error:
        raise UserError(error.message, error.hint, f"{place}.{error.field}" if error.field else place) from None


def _value(option: Option, raw: Any, place: str) -> Any:
    """The option's value, checked; its default where nothing (or null) was said."""
    if raw is None or (raw == "" and option.kind != "text"):
        raw = option.default
    if raw is None or raw in ("", [], {}):
        if option.is_required:
            raise UserError(f"“{option.label}” is missing.", option.help, place)
        return raw
    return _READERS[option.kind](option, raw, place)


def _number(option: Option, raw: Any, place: str) -> float | int:
    is_whole = option.kind == "integer"
    what = "a whole number" if is_whole else "a number"
    if isinstance(raw, bool) or not isinstance(raw, int if is_whole else int | float) or not abs(raw) <= MOST_NUMBER:
        raise UserError(f"“{option.label}” must be {what}{_bounds(option)}.", option.help, place)
    if not _is_within(option, raw):
        raise UserError(f"“{option.label}” must be {what}{_bounds(option)}; this is {raw}.", option.help, place)
    return raw


def _is_within(option: Option, value: float) -> bool:
    return (option.least is None or value >= option.least) and (option.most is None or value <= option.most)


def _bounds(option: Option) -> str:
    if option.least is not None and option.most is not None:
        return (
            f" from {option.least:g} to {option.most:g}"
            if option.most < 1e6
            else f" from {option.least:g} to {option.most:.0f}"
        )
    if option.least is not None:
        return f" of at least {option.least:g}"
    return f" of at most {option.most:g}" if option.most is not None else ""


def _text(option: Option, raw: Any, place: str) -> str:
    if not isinstance(raw, str):
        raise UserError(f"“{option.label}” must be a text.", option.help, place)
    if not _is_within(option, len(raw)) or len(raw) > MOST_CHARACTERS:
        most = min(option.most or MOST_CHARACTERS, MOST_CHARACTERS)
        raise UserError(f"“{option.label}” has {option.least or 0:g} to {most:g} characters.", option.help, place)
    return raw


def _choice(option: Option, raw: Any, place: str) -> str:
    if not isinstance(raw, str) or raw not in option.choices:
        raise UserError(f"“{option.label}” is one of: {', '.join(option.choices)}.", option.help, place)
    return raw


def _choices(option: Option, raw: Any, place: str) -> list[str]:
    found = _words(option, raw, place)
    for word in found:
        if option.choices and word not in option.choices:
            raise UserError(f"“{option.label}” are some of: {', '.join(option.choices)}.", option.help, place)
    return list(dict.fromkeys(found))


def _words(option: Option, raw: Any, place: str) -> list[str]:
    """A list of texts, or one text with a word on each line."""
    lines = raw.splitlines() if isinstance(raw, str) else raw
    if not isinstance(lines, Sequence) or any(not isinstance(word, str) for word in lines):
        raise UserError(f"“{option.label}” must be a list of texts.", option.help, place)
    found = [word for word in lines if word.strip()]
    if not _is_within(option, len(found)) or len(found) > MOST_WORDS:
        told = f"“{option.label}” has {option.least or 0:g} to {min(option.most or MOST_WORDS, MOST_WORDS):g} words."
        raise UserError(told, option.help, place)
    if any(len(word) > MOST_CHARACTERS for word in found):
        raise UserError(f"A word of “{option.label}” is longer than {MOST_CHARACTERS} characters.", option.help, place)
    if option.is_required and not found:
        raise UserError(f"“{option.label}” is missing.", option.help, place)
    return found


def _bool(option: Option, raw: Any, place: str) -> bool:
    if not isinstance(raw, bool):
        raise UserError(f"“{option.label}” must be true or false.", option.help, place)
    return raw


def _mapping(option: Option, raw: Any, place: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping) or len(raw) > MOST_WORDS:
        raise UserError(f"“{option.label}” must be an object with at most {MOST_WORDS} names.", option.help, place)
    for name, value in raw.items():
        is_plain = (
            value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
        )
        if not isinstance(name, str) or not is_plain or len(name) + len(str(value)) > MOST_CHARACTERS:
            raise UserError(f"“{option.label}” maps names to texts or numbers.", option.help, place)
    return dict(raw)


_READERS: dict[str, Callable[[Option, Any, str], Any]] = {
    "number": _number,
    "integer": _number,
    "text": _text,
    "choice": _choice,
    "choices": _choices,
    "bool": _bool,
    "words": _words,
    "mapping": _mapping,
    "column": _text,
}
