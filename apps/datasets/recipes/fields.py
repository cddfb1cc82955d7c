"""Steps and their options as the page shows them: every field comes from what the step declares."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrPromise

from apps.datasets.base_models import KnownModel
from apps.datasets.recipes.form import FormStep, defaults
from workers.cleaning import REGISTRY, Option, StepKind

GROUPS: dict[str, StrPromise] = {
    "text": gettext_lazy("Texts"),
    "rows": gettext_lazy("Rows"),
    "privacy": gettext_lazy("Privacy"),
    "duplicates": gettext_lazy("Duplicates"),
    "values": gettext_lazy("Values"),
    "shape": gettext_lazy("Shape"),
}
LONG_TEXT = 1_000  # characters from which on a text is typed into several lines


@dataclass(frozen=True)
class Field:
    """One option of a step as a form field. `widget` names the template's part that draws it."""

    name: str
    label: str
    help: str
    widget: str
    value: str
    choices: list[tuple[str, str, bool]]  # value, label, whether it is chosen
    is_wide: bool = False

    @property
    def said(self) -> str:
        """The value in words."""
        if self.choices:
            return "; ".join(label for _value, label, is_chosen in self.choices if is_chosen)
        return _("yes") if self.widget == "check" and self.value else self.value.replace("\n", ", ")


@dataclass(frozen=True)
class ShownStep:
    """A step as a part of the page."""

    uid: int
    name: str
    label: str
    help: str
    is_on: bool
    fields: list[Field]
    is_open: bool
    place: int
    is_last: bool
    summary: str = ""


def label_of(name: str) -> str:
    """What a step is called."""
    return _(REGISTRY[name].label) if name in REGISTRY else name


def picker() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """All kinds of steps in their groups: (group, [(name, label, help)])."""
    found: dict[str, list[tuple[str, str, str]]] = {group: [] for group in GROUPS}
    for kind in REGISTRY.values():
        found[kind.group].append((kind.name, _(kind.label), _(kind.help)))
    return [(str(GROUPS[group]), kinds) for group, kinds in found.items() if kinds]


def shown_steps(steps: Sequence[FormStep], columns: Sequence[str], models: Sequence[KnownModel]) -> list[ShownStep]:
    """The steps of a form, each with its fields."""
    last = len(steps) - 1
    return [_shown(step, place, place == last, columns, models) for place, step in enumerate(steps)]


def _shown(
    step: FormStep, place: int, is_last: bool, columns: Sequence[str], models: Sequence[KnownModel]
) -> ShownStep:
    kind = step.kind
    if kind is None:
        return ShownStep(
            step.uid, step.name, step.name, _("There is no such step here."), step.is_on, [], False, place, is_last
        )
    fields = [_field(option, step, columns, models) for option in kind.options]
    usual = defaults(kind)
    is_open = len(kind.options) > 1 and dict(step.values) == usual  # it was just added
    said = [
        f"{field.label}: {field.said}"
        for field, option in zip(fields, kind.options, strict=True)
        if step.values.get(option.name) != usual[option.name]
    ]
    label, help = _(kind.label), _(kind.help)
    return ShownStep(step.uid, step.name, label, help, step.is_on, fields, is_open, place, is_last, " · ".join(said))


def _field(option: Option, step: FormStep, columns: Sequence[str], models: Sequence[KnownModel]) -> Field:
    value = step.values.get(option.name, option.default)
    widget = _widget(option)
    if option.name == "model" and option.kind == "text":
        widget = "select"
        choices = _with_chosen([("", _("none")), *((model.slug, model.name) for model in models)], value)
    elif option.kind == "column":
        widget = "select"
        choices = _with_chosen([("", _("choose a column")), *((name, name) for name in columns)], value)
    else:
        labels = option.choice_labels or option.choices
        chosen = {value} if option.kind == "choice" else set(value or ()) if option.choices else set()
        choices = [(name, _(label), name in chosen) for name, label in zip(option.choices, labels, strict=True)]
    return Field(
        f"{step.uid}.{option.name}",
        _(option.label),
        _(option.help) if option.help else "",
        widget,
        _typed(option, value),
        choices,
        is_wide=widget in ("lines", "checks"),
    )


def _with_chosen(known: Iterable[tuple[str, str]], value: Any) -> list[tuple[str, str, bool]]:
    """The choices, with one more for a value that is not among them: else it would be lost by looking at it."""
    found = [(name, label, name == (value or "")) for name, label in known]
    return found if any(chosen for _name, _label, chosen in found) else [*found, (str(value), str(value), True)]


def _widget(option: Option) -> str:
    if option.kind in ("words", "mapping") or (option.kind == "text" and (option.most or 0) > LONG_TEXT):
        return "words" if option.kind == "words" else "lines"
    if option.kind == "choices" and option.choices:
        return "checks"
    return {"choice": "select", "bool": "check", "number": "number", "integer": "number"}.get(option.kind, "text")


def _typed(option: Option, value: Any) -> str:
    if value is None:
        return ""
    if option.kind == "bool":
        return "1" if value is True else ""
    if option.kind == "words":
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    if option.kind == "choices":
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if option.kind == "mapping" and isinstance(value, Mapping):
        return "\n".join(f"{name} = {_written(said)}" for name, said in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _written(value: Any) -> str:
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, ensure_ascii=False)


def kinds_as_list() -> list[dict[str, Any]]:
    """Every kind of step with its options, for programs."""
    return [_kind_as_dict(kind) for kind in REGISTRY.values()]


def _kind_as_dict(kind: StepKind) -> dict[str, Any]:
    return {
        "step": kind.name,
        "label": _(kind.label),
        "help": _(kind.help),
        "group": kind.group,
        "forms": sorted(kind.forms),
        "result_form": kind.result_form,
        "options": [_option_as_dict(option) for option in kind.options],
    }


def _option_as_dict(option: Option) -> dict[str, Any]:
    names = ("name", "kind", "default", "least", "most", "is_required")
    told = {name: getattr(option, name) for name in names}
    return {
        **told,
        "label": _(option.label),
        "help": _(option.help) if option.help else "",
        "choices": list(option.choices),
    }
