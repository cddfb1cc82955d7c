"""Guess the layout of a table from the names of its columns and from some of its rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.formats.building_chats import is_turns
from workers.formats.building_texts import is_media_name, read_number
from workers.formats.layouts import LAYOUTS, ColumnMapping
from workers.formats.rows import Row
from workers.formats.wordlists import WORDS, named

_WORDS_OF = {
    ("kto", "label"): "wanted", ("kto_messages", "label"): "wanted", ("tabular", "label"): "outcome",
    ("sharegpt", "conversations"): "messages",
}  # fmt: skip
_PATHS = 200  # paths into nested objects that are offered
_SHORT = 60  # characters of the longest name of a class
_BOOLS = frozenset({"true", "false", "True", "False", "TRUE", "FALSE"})


@dataclass(frozen=True, slots=True)
class Detected:
    """A guessed mapping. `certain` is False when neither the names nor the shapes of the columns told, only their order or kind."""

    mapping: ColumnMapping
    certain: bool = True


def columns_of(rows: Sequence[Row]) -> list[str]:
    """All columns of some rows, in the order in which they first come."""
    return list(dict.fromkeys(name for row in rows for name in row.values))


def paths_of(rows: Sequence[Row]) -> list[str]:
    """Dotted paths to the values inside nested objects ("meta.topic"), which can be chosen as columns too."""
    found: dict[str, None] = {}
    for row in rows:
        for name, value in row.values.items():
            if isinstance(value, Mapping):
                found.update(dict.fromkeys(_paths(value, name)))
    return list(found)[:_PATHS]


def _paths(value: Mapping[str, Any], before: str, depth: int = 3) -> list[str]:
    paths = []
    for name, inner in value.items():
        paths.append(f"{before}.{name}")
        if isinstance(inner, Mapping) and depth > 1:
            paths += _paths(inner, paths[-1], depth - 1)
    return paths


def detect_layout(rows: Sequence[Row]) -> Detected | None:
    """The likeliest mapping for a sample of rows, or None when no layout fits.

    Order: what the shape of values tells (answers chosen and rejected, wanted or not, entities, turns), then known names (Alpaca,
    classes, a pair), then a table of numbers, then the only two columns of text, then the only one.
    """
    sample = _Sample(rows)
    for look in _LOOKS:
        if found := look(sample):
            return found
    return None


class _Sample:
    """Some rows, and questions about their columns."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows, self.columns = rows, columns_of(rows)

    def named(self, role: str, besides: Sequence[str] = ()) -> str:
        return named([name for name in self.columns if name not in besides], role)

    def values(self, column: str) -> list[Any]:
        return [value for row in self.rows if (value := row.values.get(column)) not in (None, "")]

    def are(self, column: str, test: Callable[[Any], bool]) -> bool:
        """Whether the column has values and all pass."""
        values = self.values(column) if column else []
        return bool(values) and all(test(value) for value in values)

    def is_text(self, column: str) -> bool:
        values = [row.values.get(column) for row in self.rows]
        texts = [value for value in values if isinstance(value, str) and value.strip()]
        numbers = sum(bool(_NUMERIC.fullmatch(text)) for text in texts)
        return len(texts) > len(values) // 2 and numbers < len(texts)

    def texts(self) -> list[str]:
        """The columns of text that are neither a system message nor known to be about the row (an address, a date)."""
        left_out = {self.named("system"), *_in_order(self, "about")}
        return [name for name in self.columns if name not in left_out and self.is_text(name)]

    def is_number(self, column: str) -> bool:
        return self.are(column, _is_number)

    def turns(self, keys: tuple[str, str]) -> str:
        known = [name for name in self.columns if name.strip().lower() in WORDS["messages"]]
        for name in [*known, *(name for name in self.columns if name not in known)]:
            if any(_has_turns(row.values.get(name), keys) for row in self.rows[:20]):
                return name
        return ""

    def made(self, layout: str, certain: bool = True, /, **columns: str) -> Detected:
        """The mapping of these columns, roles without one left out."""
        kept: dict[str, str] = {}
        for role, column in columns.items():
            if column and column not in kept.values():
                kept[role] = column
        return Detected(ColumnMapping(layout, kept), certain)


def _images(sample: _Sample) -> Detected | None:
    if not sample.are("image", is_media_name):
        return None
    there = {name: name if name in sample.columns else "" for name in ("label", "boxes")}
    return sample.made("image", True, image="image", label=there["label"], boxes=there["boxes"])


def _preference(sample: _Sample) -> Detected | None:
    chosen, rejected = sample.named("chosen"), sample.named("rejected")
    if not chosen or not rejected:
        return None
    prompt = sample.named("prompt", (chosen, rejected)) or sample.named("messages", (chosen, rejected))
    given = sample.named("input", (prompt,))
    columns = {"prompt": prompt, "input": given, "system": sample.named("system")}
    return sample.made("preference", chosen=chosen, rejected=rejected, **columns)


def _kto(sample: _Sample) -> Detected | None:
    wanted = next((name for name in _in_order(sample, "wanted") if sample.are(name, _is_bool)), "")
    if not wanted:
        return None
    talk = sample.turns(("role", "content")) or sample.turns(("from", "value"))
    prompt, completion = sample.named("prompt"), sample.named("completion", (wanted, talk))
    if completion and prompt != completion:
        return sample.made(
            "kto", prompt=prompt or talk, completion=completion, label=wanted, system=sample.named("system")
        )
    return sample.made("kto_messages", messages=talk, label=wanted, system=sample.named("system")) if talk else None


def _in_order(sample: _Sample, role: str) -> list[str]:
    """All columns known by the words of a role."""
    found: list[str] = []
    while column := sample.named(role, found):
        found.append(column)
    return found


def _entities(sample: _Sample) -> Detected | None:
    tokens = next((name for name in _in_order(sample, "tokens") if sample.are(name, _is_list)), "")
    tags = next((name for name in _in_order(sample, "tags") if sample.are(name, _is_list) and name != tokens), "")
    if tokens and tags:
        return sample.made("ner_tags", tokens=tokens, tags=tags)
    text = sample.named("text")
    spans = next((name for name in _in_order(sample, "spans") if sample.are(name, _are_spans)), "")
    return sample.made("ner", text=text, spans=spans) if text and spans else None


def _talk(sample: _Sample) -> Detected | None:
    system = sample.named("system")
    if column := sample.turns(("role", "content")):
        return sample.made("messages", messages=column, system=system)
    if column := sample.turns(("from", "value")):
        return sample.made("sharegpt", conversations=column, system=system)
    return None


def _alpaca(sample: _Sample) -> Detected | None:
    instruction, output = sample.named("instruction"), sample.named("output")
    if not instruction or not output:
        return None
    others = {role: sample.named(role) for role in ("input", "system", "history")}
    return sample.made("alpaca", instruction=instruction, output=output, **others)


def _classes(sample: _Sample) -> Detected | None:
    label = sample.named("label")
    text = sample.named("text", (label,))
    if not text or not label or not sample.is_text(text) or not _are_classes(sample.values(label)):
        return None
    prompt, answer = sample.named("prompt"), sample.named("completion", (label,))
    if prompt and answer and answer != prompt and sample.is_text(answer) and not _are_classes(sample.values(answer)):
        return None  # questions with answers; the classes are about them
    return sample.made("classification", text=text, label=label)


def _are_classes(values: Sequence[Any]) -> bool:
    """Names or numbers that come again: short, and after the first dozen rows at most a third as many as rows."""
    plain = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
    if not plain or not all(isinstance(value, str | int | float) for value in plain):
        return False
    names = {str(value) for value in plain}
    return all(len(name) <= _SHORT and "\n" not in name for name in names) and len(names) <= max(12, len(plain) // 3)


def _pair(sample: _Sample) -> Detected | None:
    prompt, completion = sample.named("prompt"), sample.named("completion")
    if not prompt or not completion or prompt == completion:
        return None
    return sample.made("prompt_completion", prompt=prompt, completion=completion, system=sample.named("system"))


def _table(sample: _Sample) -> Detected | None:
    """Two columns of numbers or more, and at most two of text that are not classes."""
    if not all(sample.are(name, _is_plain) for name in sample.columns if sample.values(name)):
        return None
    numbers = [name for name in sample.columns if sample.is_number(name) or sample.are(name, _is_numeric)]
    if len(numbers) < 2:
        return None
    texts = [name for name in sample.columns if sample.is_text(name) and not _are_classes(sample.values(name))]
    label = sample.named("outcome")
    found = ColumnMapping("tabular", {"label": label} if label else {}, numbers_of(sample.rows))
    return Detected(found, certain=len(texts) < 2)


def _two_texts(sample: _Sample) -> Detected | None:
    texts = sample.texts()
    if len(texts) != 2:
        return None
    return sample.made("prompt_completion", False, prompt=texts[0], completion=texts[1], system=sample.named("system"))


def _one_text(sample: _Sample) -> Detected | None:
    texts = sample.texts()
    if len(texts) != 1:
        return None
    return sample.made("text", texts[0] == sample.named("text"), text=texts[0])


_LOOKS = (_images, _preference, _kto, _entities, _talk, _alpaca, _classes, _pair, _table, _two_texts, _one_text)


def numbers_of(rows: Sequence[Row]) -> frozenset[str]:
    """The columns of text in which every value of these rows writes a number: those of a CSV file that are numbers."""
    sample = _Sample(rows)
    return frozenset(name for name in sample.columns if sample.are(name, _is_written_number))


def guess_columns(layout: str, columns: Sequence[str]) -> dict[str, str]:
    """A column for each role of a layout a person chose: by the words for the role, then the next one that is free."""
    chosen: dict[str, str] = {}
    for role in (*LAYOUTS[layout].roles, *LAYOUTS[layout].optional):
        free = [name for name in columns if name not in chosen.values()]
        column = named(free, _WORDS_OF.get((layout, role), role))
        if not column and role in LAYOUTS[layout].roles and free:
            column = free[0]
        if column:
            chosen[role] = column
    return chosen


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value in _BOOLS)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is_number(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)) or _is_written_number(value)


def _is_written_number(value: Any) -> bool:
    return isinstance(value, str) and read_number(value) is not None


def _is_numeric(value: Any) -> bool:
    return isinstance(value, str) and bool(_NUMERIC.fullmatch(value))


# A number in any writing, a decimal comma too, which stays text: "1,234" may be either.
_NUMERIC = re.compile(r"\s*-?(?:\d+(?:[.,]\d*)?|[.,]\d+|\d{1,3}(?:\.\d{3})+,\d+)\s*")


def _opened(value: Any) -> Any:
    """A list that stands as JSON text in a cell."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _is_list(value: Any) -> bool:
    return isinstance(_opened(value), list)


def _are_spans(value: Any) -> bool:
    items = _opened(value)
    if not isinstance(items, list):
        return False
    return all(
        (
            isinstance(item, Mapping)
            and ({"start", "end"} <= item.keys() or {"start_offset", "end_offset"} <= item.keys())
        )
        or (isinstance(item, list) and len(item) == 3 and isinstance(item[0], int) and isinstance(item[1], int))
        for item in items
    )


def _has_turns(value: Any, keys: tuple[str, str]) -> bool:
    opened = _opened(value)
    first = opened[0] if is_turns(opened) else None
    return isinstance(first, Mapping) and all(key in first for key in keys)
