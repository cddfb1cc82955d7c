"""What the columns of a file mean: its layout, found or corrected by a person, and the training row made from each row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.formats import building_chats as chats
from workers.formats import building_texts as texts
from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import make_row
from workers.formats.problems import FileRefused, Problem, RowFault
from workers.formats.rows import Row
from workers.formats.values import has_column

pieces_of_json = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, None, json.encoder.encode_basestring, None, ":", ",", False, False, False
)  # what JSONEncoder(ensure_ascii=False, allow_nan=False) makes anew for every row, at a fifth of the time of an import
Builder = Callable[[Mapping[str, Any], Mapping[str, str]], tuple[list[Message], dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay rows of a form (workers.formats.forms) out in columns. `roles` are the columns it needs, `optional` those it
    may have."""

    name: str
    label: str
    form: str
    roles: tuple[str, ...]
    optional: tuple[str, ...]
    build: Builder


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A layout and the column that plays each of its roles; nested ones by their dotted path. `numbers` are the columns of a table
    whose text is read as numbers."""

    layout: str
    columns: dict[str, str]
    numbers: frozenset[str] = frozenset()

    @property
    def form(self) -> str:
        """What kind of rows come of it."""
        return LAYOUTS[self.layout].form

    def as_dict(self) -> dict[str, Any]:
        """{"layout": ..., "columns": {role: column}, "numbers": [...] where there are some}, as `read_mapping` takes it."""
        numbers = {"numbers": sorted(self.numbers)} if self.numbers else {}
        return {"layout": self.layout, "columns": dict(self.columns), **numbers}


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("messages", "Chat messages", "chat", ("messages",), ("system",), chats.chat_messages),
        Layout("sharegpt", "ShareGPT conversations", "chat", ("conversations",), ("system",), chats.sharegpt),
        Layout("alpaca", "Alpaca instructions", "chat", ("instruction", "output"), ("input", "system", "history"), chats.alpaca),
        Layout("prompt_completion", "Prompt and completion", "chat", ("prompt", "completion"), ("system",), chats.pair),
        Layout("preference", "Chosen and rejected answers", "preference", ("chosen", "rejected"), ("prompt", "input", "system"),
               chats.preference),
        Layout("kto_messages", "Conversations, wanted or not", "kto", ("messages", "label"), ("system",), chats.kto_messages),
        Layout("kto", "Answers, wanted or not", "kto", ("prompt", "completion", "label"), ("system",), chats.kto_pair),
        Layout("text", "Plain text", "text", ("text",), (), texts.text),
        Layout("classification", "Texts and classes", "classification", ("text", "label"), (), texts.classification),
        Layout("ner", "Entities as spans", "ner", ("text", "spans"), (), texts.spans),
        Layout("ner_tags", "Entities as tags of words", "ner", ("tokens", "tags"), (), texts.tags),
        Layout("tabular", "Table of values", "tabular", (), ("label",), texts.table),
        Layout("image", "Images", "image", ("image",), ("label", "boxes"), texts.image),
    )
}  # fmt: skip
_ROLE_ALIASES = {
    "user": "prompt", "question": "prompt", "human": "prompt", "assistant": "completion", "answer": "completion",
    "response": "completion", "gpt": "completion", "conversation": "conversations",
}  # fmt: skip

_BY_ROLES: tuple[tuple[set[str], str], ...] = (
    ({"chosen", "rejected"}, "preference"), ({"messages", "label"}, "kto_messages"), ({"messages"}, "messages"),
    ({"text", "spans"}, "ner"), ({"tokens", "tags"}, "ner_tags"), ({"text", "label"}, "classification"), ({"text"}, "text"),
    ({"prompt", "completion", "label"}, "kto"), ({"image"}, "image"),
)  # fmt: skip


def read_mapping(raw: Any, columns: Sequence[str]) -> ColumnMapping:
    """The mapping a person sent: {"layout"?, "columns": {role: column}} or plainly {role: column}.

    Raises FileRefused (field "mapping" or "mapping.<role>") for an unknown layout or role, a missing role, a column that
    is not among `columns` (when given), or a column that plays two roles.
    """
    if not isinstance(raw, Mapping) or not raw:
        raise _wrong("The mapping must be an object {role: column}.")
    nested = raw.get("columns")
    pairs = (
        dict(nested)
        if isinstance(nested, Mapping)
        else {key: value for key, value in raw.items() if key not in ("layout", "numbers")}
    )
    pairs = {str(role): column for role, column in pairs.items() if column not in (None, "")}
    layout = _named_layout(raw.get("layout"), pairs)
    if layout.name in ("prompt_completion", "sharegpt", "preference", "kto"):
        pairs = _renamed(pairs, layout)
    _check_roles(pairs, layout)
    _check_columns(pairs, columns)
    columns_by_role = {role: str(column) for role, column in pairs.items()}
    return ColumnMapping(layout.name, columns_by_role, _numbers(raw.get("numbers"), layout))


def _numbers(raw: Any, layout: Layout) -> frozenset[str]:
    if raw in (None, "", []) or layout.form != "tabular":
        return frozenset()
    if not isinstance(raw, list) or not all(isinstance(name, str) for name in raw):
        raise _wrong(
            "The columns of numbers must be a list of names.", 'Such as {"numbers": ["age", "price"]}.', "numbers"
        )
    return frozenset(raw)


def _named_layout(name: Any, pairs: Mapping[str, Any]) -> Layout:
    if name not in (None, ""):
        if name not in LAYOUTS:
            raise _wrong(f"There is no layout “{str(name)[:40]}”.", f"Choose one of: {', '.join(LAYOUTS)}.", "layout")
        return LAYOUTS[name]
    for roles, found in _BY_ROLES:
        if roles <= pairs.keys():
            return LAYOUTS[found]
    if "conversations" in pairs or "conversation" in pairs:
        return LAYOUTS["sharegpt"]
    return LAYOUTS["alpaca" if "instruction" in pairs else "prompt_completion"]


def _renamed(pairs: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """Roles by their other names, "input" and "output" too where they are not Alpaca's."""
    aliases = {**_ROLE_ALIASES, "input": "prompt", "output": "completion"}
    if layout.name != "sharegpt":
        aliases |= dict.fromkeys(("conversations", "conversation", "messages", "instruction"), "prompt")
    known = (*layout.roles, *layout.optional)
    return {role if role in known else aliases.get(role, role): column for role, column in pairs.items()}


def _check_roles(pairs: Mapping[str, Any], layout: Layout) -> None:
    known = (*layout.roles, *layout.optional)
    for role in pairs:
        if role not in known:
            raise _wrong(
                f"The layout “{layout.name}” has no role “{role[:40]}”.",
                f"Its roles are: {', '.join(known)}.",
                role[:40],
            )
    for role in layout.roles:
        if role not in pairs:
            raise _wrong(
                f"No column is chosen for “{role}”.",
                f"The layout “{layout.name}” needs {' and '.join(layout.roles)}.",
                role,
            )


def _check_columns(pairs: Mapping[str, Any], columns: Sequence[str]) -> None:
    used: dict[str, str] = {}
    for role, column in pairs.items():
        if not isinstance(column, str):
            raise _wrong(f"The column for “{role}” must be a name.", "", role)
        if columns and not has_column(columns, column):
            raise _wrong(
                f"The file has no column “{column[:80]}”.", f"Its columns are: {', '.join(columns)[:300]}.", role
            )
        if column in used:
            raise _wrong(f"The column “{column[:80]}” is chosen for “{used[column]}” and for “{role}”.", "", role)
        used[column] = role


def _wrong(message: str, hint: str = "", role: str = "") -> FileRefused:
    return FileRefused("bad_mapping", message, hint=hint, field=f"mapping.{role}" if role else "mapping")


def map_row(row: Row, mapping: ColumnMapping) -> TrainingRow | Problem:
    """The training row made from a row, or the problem with it; nothing is raised."""
    layout = LAYOUTS[mapping.layout]
    try:
        if mapping.numbers:
            messages, content = texts.table(row.values, mapping.columns, mapping.numbers)
        else:
            messages, content = layout.build(row.values, mapping.columns)
        extra = None if layout.form in _WHOLE else extra_of(row.values, mapping)
        return make_row(layout.form, messages, content, source_line=row.line, extra=extra)
    except RowFault as fault:
        return fault.at(row.line, raw_text(row))
    except RecursionError:
        return Problem(row.line, "too_deep", "The row is nested too deeply.", raw_text(row))


_WHOLE = ("tabular",)  # forms whose rows take in every column


def extra_of(values: Mapping[str, Any], mapping: ColumnMapping) -> str | None:
    """The JSON of a row's columns that play no role; None where there are none."""
    used = mapping.columns.values()
    left_out = _OF_IMAGES if mapping.layout == "image" else ()
    rest = {name: value for name, value in values.items() if name not in used and name not in left_out}
    return "".join(pieces_of_json(rest, 0)) if rest else None


_OF_IMAGES = ("width", "height", "thumb")


def raw_text(row: Row) -> str:
    """The row as text for the quarantine: as in the file, or as JSON where the file has no text."""
    return row.raw or json.dumps(row.values, ensure_ascii=False)
