"""The recipe page's form as it is typed: steps in their order, each with a number of its own that outlives moves, and the split.

A step is sent as `step=<number>:<name>`, `<number>.on=1` and `<number>.<option>=<value>`. Links of before, with `step-html=1`, `min`,
`group_by`, are read too.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from workers.cleaning import REGISTRY, Option, StepKind
from workers.formats.chat import SPLITS
from workers.splits import DEFAULT_FRACTIONS

SUGGESTED = ("html", "unicode", "whitespace", "duplicates")
WAYS = ("group", "stratify", "time")
MOST_STEPS = 100


@dataclass(frozen=True)
class FormStep:
    """One step: its number, what was typed for its options, and whether it runs."""

    uid: int
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    is_on: bool = True

    @property
    def kind(self) -> StepKind | None:
        """What kind of step it is; None for one of a later release, or of a hand that typed an address."""
        return REGISTRY.get(self.name)

    def as_dict(self) -> dict[str, Any]:
        """The step as a recipe has it."""
        off = {} if self.is_on else {"off": True}
        return {"step": self.name, **self.values, **off}


@dataclass(frozen=True)
class Form:
    """All that the page's form says."""

    steps: tuple[FormStep, ...]
    split: Mapping[str, str]
    has_split: bool
    saved: str = ""  # the id of the recipe it began as

    def as_recipe(self) -> dict[str, Any]:
        """Steps and split, as `services.prepare_version` takes them."""
        return {"steps": [step.as_dict() for step in self.steps], "split": self._split() if self.has_split else None}

    def _split(self) -> dict[str, Any]:
        fractions = {split: _share(self.split[f"share-{split}"]) for split in SPLITS}
        way, column = self.split["way"], self.split["column"]
        named = {f"{way}_by": column} if way in WAYS and column else {}
        return {"fractions": fractions, "seed": number(self.split["seed"]), "group_by": "", **named}

    def after(self, act: str) -> "Form":
        """The form when a button was pressed: add:<name>, or remove, copy, up or down with the number of a step."""
        verb, _colon, what = act.partition(":")
        steps = list(self.steps)
        places = [place for place, step in enumerate(steps) if str(step.uid) == what]
        if verb == "add" and what in REGISTRY and len(steps) < MOST_STEPS:
            steps.append(FormStep(self._next(), what, defaults(REGISTRY[what])))
        elif places:
            _moved(steps, places[0], verb, self._next())
        return replace(self, steps=tuple(steps))

    def _next(self) -> int:
        return 1 + max((step.uid for step in self.steps), default=-1)


def _moved(steps: list[FormStep], place: int, verb: str, uid: int) -> None:
    step = steps[place]
    if verb == "remove":
        del steps[place]
    elif verb == "copy" and len(steps) < MOST_STEPS:
        steps.insert(place + 1, replace(step, uid=uid))
    elif verb in ("up", "down"):
        del steps[place]
        steps.insert(max(place - 1, 0) if verb == "up" else place + 1, step)


def defaults(kind: StepKind) -> dict[str, Any]:
    """Every option of a kind as it is before something is chosen."""
    return {option.name: option.default for option in kind.options}


def suggested(form: str, *, has_splits: bool) -> Form:
    """What is usually wanted of rows of this form."""
    names = [name for name in SUGGESTED if form in REGISTRY[name].forms]
    return Form(_numbered({"step": name} for name in names), plain_split(), not has_splits)


def of_recipe(steps: Sequence[Mapping[str, Any]], split: Mapping[str, Any] | None, saved: str = "") -> Form:
    """The form that says what a recipe says."""
    return Form(_numbered(steps), typed_split(split or {}), split is not None, saved)


def _numbered(steps: Iterable[Mapping[str, Any]]) -> tuple[FormStep, ...]:
    found = list[FormStep]()
    for uid, step in enumerate(steps):
        said = {name: value for name, value in step.items() if name not in ("step", "off")}
        kind = REGISTRY.get(step["step"])
        values = {**defaults(kind), **{n: v for n, v in said.items() if v is not None}} if kind else said
        found.append(FormStep(uid, step["step"], values, step.get("off") is not True))
    return tuple(found)


def plain_split() -> dict[str, str]:
    """The split as it is before something is chosen."""
    shares = {f"share-{split}": f"{100 * share:g}" for split, share in DEFAULT_FRACTIONS.items()}
    return {**shares, "seed": "42", "way": "", "column": ""}


def typed_split(plan: Mapping[str, Any]) -> dict[str, str]:
    """A plan as it would be typed."""
    typed = plain_split()
    for split, share in plan.get("fractions", {}).items():
        typed[f"share-{split}"] = f"{100 * share:g}"
    typed["seed"] = str(plan.get("seed", 42))
    for way in WAYS:
        if column := plan.get(f"{way}_by"):
            typed |= {"way": way, "column": str(column)}
    return typed


def read(query: QueryDict) -> Form:
    """The form that was sent."""
    split = {name: query.get(name, "").strip() for name in plain_split()}
    if column := query.get("group_by", "").strip():  # a link of before
        split |= {"way": "group", "column": column}
    steps = tuple(_steps(query)) if "step" in query or "recipe-form" in query else _numbered(_steps_of_before(query))
    return Form(steps, split, "has-split" in query, query.get("saved", "")[:36])


def _steps(query: QueryDict) -> Iterable[FormStep]:
    seen = set[int]()
    for said in query.getlist("step")[:MOST_STEPS]:
        uid, _colon, name = said.partition(":")
        if not uid.isascii() or not uid.isdigit() or len(uid) > 6 or int(uid) in seen:
            continue
        seen.add(int(uid))
        kind = REGISTRY.get(name)
        values = {option.name: _value(query, f"{uid}.{option.name}", option) for option in kind.options} if kind else {}
        yield FormStep(int(uid), name[:40], values, f"{uid}.on" in query)


def _steps_of_before(query: QueryDict) -> Iterable[dict[str, Any]]:
    of = {"length": query.get("length-of") or "answer", "duplicates": query.get("duplicates-of") or "conversation"}
    for name in ("html", "unicode", "whitespace", "length", "duplicates"):
        if f"step-{name}" in query:
            step: dict[str, Any] = {"step": name} | ({"of": of[name]} if name in of else {})
            if name == "length":
                step |= {f"{end}_characters": number(query.get(end, "").strip()) for end in ("min", "max")}
            yield step


def _value(query: QueryDict, name: str, option: Option) -> Any:
    return _READERS[option.kind](query, name, option)


def number(text: str) -> int | float | str | None:
    """A number where the text is one; else the text, for the recipe to refuse it by name; None for nothing."""
    text = text.strip()
    if text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 16:
        return int(text)
    try:
        return float(text) if text and len(text) < 32 else text or None
    except ValueError:
        return text


def _share(text: str) -> float | str:
    try:
        return round(float(text or "0") / 100, 8)
    except ValueError:
        return text


def _choices(query: QueryDict, name: str, option: Option) -> list[str]:
    if option.choices:
        return query.getlist(name)
    return query.get(name, "").replace(",", " ").split()


def _lines(query: QueryDict, name: str, option: Option) -> list[str]:
    return [line.strip() for line in query.get(name, "").splitlines() if line.strip()]


def _mapping(query: QueryDict, name: str, option: Option) -> dict[str, Any]:
    """Lines of "name = value"; a value that JSON knows (a number, true) is that, else a text."""
    found: dict[str, Any] = {}
    for line in _lines(query, name, option):
        left, _sign, right = line.rpartition("=") if "=" in line else (line, "", "")
        found[left.strip()] = _plain(right.strip())
    return found


def _plain(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, list | dict) else value


_Reader = Callable[[QueryDict, str, Option], Any]
_READERS: dict[str, _Reader] = {
    "number": lambda query, name, option: number(query.get(name, "")),
    "integer": lambda query, name, option: number(query.get(name, "")),
    "text": lambda query, name, option: query.get(name, "").replace("\r\n", "\n"),
    "choice": lambda query, name, option: query.get(name, ""),
    "choices": _choices,
    "bool": lambda query, name, option: name in query,
    "words": _lines,
    "mapping": _mapping,
    "column": lambda query, name, option: query.get(name, ""),
}
