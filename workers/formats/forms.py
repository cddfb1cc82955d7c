"""What kind of thing a row is: its form, what it holds besides its messages, and its identity.

A row of any form is a `TrainingRow`. Its `content` is canonical JSON (sorted keys, no spaces, UTF-8) or None:

    chat            messages; no content
    preference      messages end with the chosen answer; {"rejected": [turns that end with the rejected answer]}
    kto             messages; {"label": true or false}: whether the answer is wanted
    text            no messages; {"text"}
    classification  no messages; {"text", "label"}
    ner             no messages; {"text", "spans": [{"start", "end", "label"}]} in characters, end not included
    tabular         no messages; {"values": {column: text, number, true, false or null}, "label"?}
    image           no messages; {"image": name in the version's media, "width", "height", "label"?, "boxes"?:
                    [{"label", "x", "y", "width", "height"}] in pixels}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workers.formats.chat import Message, TrainingRow, checked, row_id
from workers.formats.problems import RowFault
from workers.formats.values import check_storable

FORMS = ("chat", "preference", "kto", "text", "classification", "ner", "tabular", "image")
TALKS = ("chat", "preference", "kto")  # forms whose rows are conversations
KEY_DIGITS = 32  # hex digits of a row's key

canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def identity(messages: Sequence[Message], content: str | None) -> str:
    """sha256 (hex) of what a row holds. Of a chat it is `row_id`; else that of its messages' id, a space and its content."""
    said = row_id(messages)
    return said if content is None else hashlib.sha256(f"{said} {content}".encode()).hexdigest()


def key_of(row: TrainingRow) -> str:
    """What stays the same of a row when it is edited: 32 hex digits, of its identity when it first came in."""
    return row.key or row.row_id[:KEY_DIGITS]


def make_row(
    form: str,
    messages: Sequence[Message],
    content: Mapping[str, Any] | None,
    *,
    source_line: int,
    extra: str | None = None,
    split: str = "",
    key: str = "",
) -> TrainingRow:
    """A checked row of a form. Raises RowFault when nothing could be learned from it."""
    kept = checked(messages) if form in TALKS else []
    text = _checked(form, kept, content or {})
    return TrainingRow(identity(kept, text), kept, source_line, extra, split, text, key)


def content_of_row(row: TrainingRow) -> dict[str, Any]:
    """The row's content as plain data; {} where it has none."""
    return json.loads(row.content) if row.content else {}


def texts_of(row: TrainingRow) -> list[str]:
    """Every text of a row that a person reads: of its messages, then of its content, in a fixed order. What marks places in a text
    (ner) is left out: such a text cannot be changed without its spans."""
    return [message.content for message in row.messages] + [text for _path, text in _content_texts(content_of_row(row))]


def with_texts(row: TrainingRow, texts: Sequence[str], *, form: str) -> TrainingRow:
    """The row with other texts, in the order of `texts_of`; its key stays. Raises RowFault when nothing is left to learn from."""
    count = len(row.messages)
    messages = [Message(message.role, text) for message, text in zip(row.messages, texts[:count], strict=True)]
    content = content_of_row(row)
    for (path, _old), text in zip(list(_content_texts(content)), texts[count:], strict=True):
        *way, last = path
        inner: Any = content
        for step in way:
            inner = inner[step]
        inner[last] = text
    return make_row(
        form, messages, content or None, source_line=row.source_line, extra=row.extra, split=row.split, key=key_of(row)
    )


def label_of(row: TrainingRow) -> str:
    """The class of a row as text; "" where it has none."""
    label = content_of_row(row).get("label")
    return json.dumps(label) if isinstance(label, bool) else str(label) if label is not None else ""


def _content_texts(content: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], str]]:
    for number, turn in enumerate(content.get("rejected", ())):
        yield ("rejected", number, "content"), turn["content"]
    if "text" in content and "spans" not in content:
        yield ("text",), content["text"]
    for name, value in content.get("values", {}).items():
        if isinstance(value, str):
            yield ("values", name), value


def _checked(form: str, messages: list[Message], content: Mapping[str, Any]) -> str | None:
    check = _CHECKS[form]
    if check is None:
        return None
    kept = check(messages, content)
    for text in _strings(kept):
        check_storable(text)
    return canonical(kept)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _text(content: Mapping[str, Any]) -> str:
    text = content.get("text")
    if not isinstance(text, str) or not text.strip():
        raise RowFault("empty_text", "The text is empty.")
    return text


def _label(content: Mapping[str, Any], *, needed: bool = True) -> dict[str, str]:
    label = content.get("label")
    if label is None or not str(label).strip():
        if needed:
            raise RowFault("no_label", "The label is missing.")
        return {}
    if isinstance(label, list | Mapping):
        raise RowFault("bad_label", "The label must be one word or number.")
    return {"label": json.dumps(label) if isinstance(label, bool) else str(label).strip()}


def _preference(messages: list[Message], content: Mapping[str, Any]) -> dict[str, Any]:
    turns = [Message(turn["role"], turn["content"]) for turn in content.get("rejected") or ()]
    if not turns or turns[-1].role != "assistant" or not turns[-1].content.strip():
        raise RowFault("no_rejected", "The rejected answer is missing.")
    if turns[-1] == messages[-1]:
        raise RowFault("same_answers", "The chosen and the rejected answer are the same: there is nothing to prefer.")
    return {"rejected": [turn._asdict() for turn in turns]}


def _wanted(_messages: list[Message], content: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(content.get("label"), bool):
        raise RowFault("no_label", "Whether the answer is wanted must be true or false.")
    return {"label": content["label"]}


def _spans(_messages: list[Message], content: Mapping[str, Any]) -> dict[str, Any]:
    text, found = _text(content), []
    for span in content.get("spans") or ():
        start, end, label = span.get("start"), span.get("end"), str(span.get("label") or "").strip()
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text) or not label:
            raise RowFault(
                "bad_span", f"A span needs a label and places within the {len(text)} characters of the text."
            )
        found.append({"start": start, "end": end, "label": label})
    return {"text": text, "spans": sorted(found, key=lambda span: (span["start"], span["end"], span["label"]))}


def _tabular(_messages: list[Message], content: Mapping[str, Any]) -> dict[str, Any]:
    values = content.get("values")
    if not isinstance(values, Mapping) or not any(value is not None for value in values.values()):
        raise RowFault("empty_row", "The row has no value.")
    if any(isinstance(value, list | Mapping) for value in values.values()):
        raise RowFault("nested_value", "A value of a table must be text, a number, true, false or nothing.")
    return {"values": dict(values), **_label(content, needed=False)}


def _image(_messages: list[Message], content: Mapping[str, Any]) -> dict[str, Any]:
    name = content.get("image")
    if not isinstance(name, str) or not name:
        raise RowFault("no_image", "The image is missing.")
    sizes = {side: content[side] for side in ("width", "height")}
    boxes = [dict(box) for box in content.get("boxes") or ()]
    kept = {"image": name, **sizes, **_label(content, needed=False)}
    return {**kept, "boxes": boxes} if boxes else kept


_CHECKS: dict[str, Any] = {
    "chat": None,
    "preference": _preference,
    "kto": _wanted,
    "text": lambda _messages, content: {"text": _text(content)},
    "classification": lambda _messages, content: {"text": _text(content), **_label(content)},
    "ner": _spans,
    "tabular": _tabular,
    "image": _image,
}
