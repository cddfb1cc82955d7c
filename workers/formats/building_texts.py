"""From columns to content: the builders of the layouts whose rows are texts, tables and images."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workers.formats.chat import Message, content_of
from workers.formats.problems import RowFault
from workers.formats.values import kind_of, value_at

Built = tuple[list[Message], "dict[str, Any] | None"]
NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?(?:[eE][+-]?\d{1,2})?", re.ASCII)  # not 007, not +1
_MEDIA = re.compile(r"[0-9a-f]{64}\.(?:png|jpg|webp|gif|bmp)")
_LABEL_KEYS = ("label", "type", "tag", "entity", "entity_group", "entity_type", "class", "标签", "类型")
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")  # written without spaces between words


def text(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A passage."""
    return [], {"text": _text(values, columns)}


def classification(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A passage and its class."""
    return [], {"text": _text(values, columns), "label": _label(value_at(values, columns["label"]))}


def spans(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """A passage and the places in it: {"start", "end", "label"} (and the like), or [start, end, label]; end not included."""
    column = columns["spans"]
    listed = _listed(value_at(values, column), column)
    return [], {"text": _text(values, columns), "spans": [_span(item, number) for number, item in enumerate(listed, 1)]}


def tags(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """Words and a tag for each in the BIO scheme (Ramshaw and Marcus 1995); BIOES and BILOU are read too."""
    words = [str(word) for word in _listed(value_at(values, columns["tokens"]), columns["tokens"])]
    names = _listed(value_at(values, columns["tags"]), columns["tags"])
    if len(words) != len(names):
        raise RowFault("tag_count", f"The row has {len(words)} words and {len(names)} tags; each word needs one.")
    if any(not isinstance(name, str) for name in names):
        raise RowFault("tag_numbers", "The tags are numbers. Write their names, such as B-PER and O.")
    said, places = joined(words)
    return [], {"text": said, "spans": list(_tagged(names, places))}


def joined(words: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Words as a text, with spaces between them but not between Chinese ones, and the (start, end) of each."""
    said, places, length = list[str](), list[tuple[int, int]](), 0
    for word in words:
        if said and not (_WIDE.match(word[:1]) and _WIDE.match(said[-1][-1:])):
            said.append(" ")
            length += 1
        places.append((length, length + len(word)))
        said.append(word)
        length += len(word)
    return "".join(said), places


def table(values: Mapping[str, Any], columns: Mapping[str, str], numbers: frozenset[str] = frozenset()) -> Built:
    """Every column a value, objects by their dotted path, lists as JSON; text in a column of `numbers` is read as one."""
    held = {name: _read_number(value) if name in numbers else value for name, value in _flat(values)}
    label = held.pop(columns["label"], None) if "label" in columns else None
    found = {name: None if value == "" else _whole(value) for name, value in held.items()}
    return [], {"values": found} if label in (None, "") else {"values": found, "label": _label(label)}


def image(values: Mapping[str, Any], columns: Mapping[str, str]) -> Built:
    """An image of an archive, as `workers.formats.images` found it."""
    content = {"image": values.get(columns["image"]), "width": values.get("width"), "height": values.get("height")}
    if not is_media_name(content["image"]) or not all(isinstance(content[side], int) for side in ("width", "height")):
        raise RowFault("no_image", "An image comes in a zip or tar archive, not as a column.")
    for role in ("label", "boxes"):
        if role in columns and values.get(columns[role]) not in (None, "", []):
            content[role] = values[columns[role]]
    if not all(isinstance(box, Mapping) for box in content.get("boxes") or ()):
        raise RowFault("bad_box", "A box must be an object with label, x, y, width and height.")
    return [], content


def is_media_name(name: Any) -> bool:
    """Whether a text names an image as we keep it: its sha256 and the ending of its format."""
    return isinstance(name, str) and bool(_MEDIA.fullmatch(name))


def read_number(text: str) -> int | float | None:
    """The number that a text writes in full, or None: "3" and "-0.5", not "007" and not "1,5"."""
    if not NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _read_number(value: Any) -> Any:
    number = read_number(value) if isinstance(value, str) else None
    return value if number is None else number


def _whole(value: Any) -> Any:
    """3.0 as 3: Arrow keeps one kind of number in a column, JSON and CSV do not."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53 else value


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list | Mapping):
            yield before + name, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        else:
            yield before + name, value


def _text(values: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    column = columns["text"]
    return content_of(value_at(values, column), f"“{column}” (text)")


def _label(value: Any) -> Any:
    """A class by its name. A list of one is that one; 3.0, as Parquet keeps a column of whole numbers with gaps, is 3."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and len(value) > 200:
        raise RowFault("long_label", f"The label has {len(value)} characters; 200 is the most.")
    return value


def _listed(value: Any, column: str) -> list[Any]:
    """A list, or one as JSON text, or words with spaces between."""
    if isinstance(value, str):
        if value.lstrip()[:1] != "[":
            return value.split()
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RowFault("bad_json", f"“{column}” is not a list in JSON.") from None
    if value is None:
        return []
    if not isinstance(value, list):
        raise RowFault("not_a_list", f"“{column}” must be a list; this is {kind_of(value)}.")
    return value


def _span(item: Any, number: int) -> dict[str, Any]:
    if isinstance(item, list) and len(item) == 3:
        return {"start": item[0], "end": item[1], "label": item[2]}
    if not isinstance(item, Mapping):
        raise RowFault(
            "bad_span", f"Span {number} must be an object with start, end and label; this is {kind_of(item)}."
        )
    label = next((item[key] for key in _LABEL_KEYS if item.get(key)), None)
    if isinstance(label, list) and label:
        label = label[0]
    if label is None and isinstance(item.get("labels"), list) and item["labels"]:
        label = item["labels"][0]
    start, end = item.get("start", item.get("start_offset")), item.get("end", item.get("end_offset"))
    return {"start": start, "end": end, "label": label}


def _tagged(names: Sequence[str], places: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    start, end, label = 0, 0, ""
    for name, (low, high) in zip(names, places, strict=True):
        mark, _, kind = (
            name.strip().partition("-") if "-" in name else ("", "", "" if name.strip() in ("O", "") else name)
        )
        goes_on = mark in ("I", "E", "M", "L") and kind == label
        if label and not goes_on:
            yield {"start": start, "end": end, "label": label}
            label = ""
        if kind:
            start, end, label = start if label else low, high, kind
    if label:
        yield {"start": start, "end": end, "label": label}
