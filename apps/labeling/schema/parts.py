"""What a checked labeling config consists of: things to read and questions about them, in the order of the page. Pure."""

import json
from dataclasses import asdict, dataclass
from typing import Any

RELATIONS = "relations"  # the name of <Relations>, which has none of its own in a config
_STORED_AS = {"Relations": "relation"}


@dataclass(frozen=True, slots=True)
class Option:
    """A choice, label or relation: `value` is shown, `stored` is what a result holds (the alias, if there is one)."""

    value: str
    stored: str
    hotkey: str = ""
    hint: str = ""
    background: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Something to read: a header, or an object that shows the field `field` of a task. `text` is a header's words or a list's title."""

    kind: str
    name: str
    field: str
    text: str = ""
    granularity: str = "symbol"


@dataclass(frozen=True, slots=True)
class Control:
    """A question about the object `to`; Pairwise is about both `objects`, Relations about marked regions (to = "")."""

    kind: str
    name: str
    to: str
    required: bool
    multiple: bool = False
    options: tuple[Option, ...] = ()
    objects: tuple[str, ...] = ()
    max_rating: int = 0
    min: float | None = None
    max: float | None = None
    step: float | None = None
    placeholder: str = ""
    prefill: str = ""
    rows: int = 4
    hint: str = ""

    @property
    def type(self) -> str:
        """The `type` of its regions in a result, as Label Studio writes it."""
        return _STORED_AS.get(self.kind, self.kind.lower())

    @property
    def marks(self) -> bool:
        """Whether its regions are places in the object, of which there may be many."""
        return self.kind in ("Labels", "ParagraphLabels", "RectangleLabels")

    @property
    def stored(self) -> tuple[str, ...]:
        return tuple(option.stored for option in self.options)


@dataclass(frozen=True, slots=True)
class Config:
    """A checked config. `parts` are all headers, objects and questions in the order of the page."""

    xml: str
    parts: tuple[Shown | Control, ...]

    @property
    def shown(self) -> tuple[Shown, ...]:
        return tuple(part for part in self.parts if isinstance(part, Shown) and part.name)

    @property
    def controls(self) -> tuple[Control, ...]:
        return tuple(part for part in self.parts if isinstance(part, Control))

    def control(self, name: str) -> Control | None:
        return next((control for control in self.controls if control.name == name), None)

    def object(self, name: str) -> Shown | None:
        return next((shown for shown in self.shown if shown.name == name), None)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of a task that the page needs, each once."""
        found = [part.field if isinstance(part, Shown) else part.prefill for part in self.parts]
        return tuple(dict.fromkeys(field for field in found if field))

    def as_page(self) -> list[dict[str, Any]]:
        """For the scripts and the API: plain JSON."""
        plain: list[dict[str, Any]] = json.loads(json.dumps([asdict(part) for part in self.parts]))
        return plain
