"""The fields of a task: what a labeling config may show of a row of each form, and what each kind of object asks of its field.

Pure but for the words.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.labeling.schema.parts import Config, Shown

MAX_DATA = 256 * 1024  # bytes of one task as JSON
MAX_ITEMS = 50  # of a list that is ranked
ROLES = ("system", "user", "assistant", "tool")

_PROMPT, _MESSAGES = gettext_lazy("what the user says last"), gettext_lazy("the turns before the answer")
_WHOLE = gettext_lazy("the whole conversation as text")
_CHAT = {
    "prompt": _PROMPT,
    "answer": gettext_lazy("the assistant's last turn; may be empty"),
    "text": _WHOLE,
    "messages": _MESSAGES,
}
SAYS = {
    "chat": _CHAT,
    "preference": {
        "prompt": _PROMPT,
        "messages": _MESSAGES,
        "answer_a": gettext_lazy("one of the two answers, by a fixed chance for each row"),
        "answer_b": gettext_lazy("the other one"),
        "answers": gettext_lazy("both, for a List"),
        "chosen": gettext_lazy("the answer that was preferred"),
        "rejected": gettext_lazy("the answer that was not"),
        "text": _WHOLE,
    },
    "kto": {**_CHAT, "label": gettext_lazy("true where the answer was wanted")},
    "text": {"text": gettext_lazy("the text")},
    "classification": {"text": gettext_lazy("the text"), "label": gettext_lazy("its class so far")},
    "ner": {"text": gettext_lazy("the text")},
    "tabular": {"text": gettext_lazy("all columns, one a line"), "label": gettext_lazy("its class so far")},
    "image": {"image": gettext_lazy("the picture, for an Image"), "label": gettext_lazy("its class so far")},
}
Turn = dict[str, str]


class Row(Protocol):
    """What is read of a row of a version (apps.datasets.rows)."""

    @property
    def messages(self) -> list[Turn]: ...
    @property
    def extra(self) -> dict[str, Any]: ...
    @property
    def content(self) -> dict[str, Any]: ...
    @property
    def label(self) -> str: ...


def data_of(row: Row, form: str) -> dict[str, Any]:
    """What a task shows of a row: the fields of SAYS for its form, and its other columns by their names."""
    columns = {as_field(name): "" if value is None else value for name, value in row.extra.items()}
    return {**columns, **_OF_FORM[form](row)}


def as_field(column: str) -> str:
    """The name of a column as a config can say it after the $."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", column)[:64]
    return name if name and not name[0].isdigit() else f"_{name}"[:64]


def of_conversation(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """$prompt $answer $text $messages: the last turn is the answer when the assistant says it."""
    turns = [{"role": str(m["role"]), "content": str(m["content"])} for m in messages]
    answer = turns.pop()["content"] if turns and turns[-1]["role"] == "assistant" else ""
    prompt = next((turn["content"] for turn in reversed(turns) if turn["role"] == "user"), "")
    told = [*turns, {"role": "assistant", "content": answer}] if answer else turns
    text = "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in told)
    return {"prompt": prompt, "answer": answer, "text": text, "messages": turns}


def _of_chat(row: Row) -> dict[str, Any]:
    return of_conversation(row.messages)


def _of_preference(row: Row) -> dict[str, Any]:
    """Which of the two answers is called a goes by a hash, so that nobody sees which was preferred."""
    told = of_conversation(row.messages)
    chosen, rejected = told["answer"], str(row.content["rejected"][-1]["content"])
    pair = sorted([chosen, rejected])
    if hashlib.sha256(json.dumps(pair).encode()).digest()[0] & 1:
        pair.reverse()
    named = dict(zip(("answer_a", "answer_b"), pair, strict=True))
    answers = [{"id": name[-1], "body": text} for name, text in named.items()]
    return {**told, **named, "answers": answers, "chosen": chosen, "rejected": rejected}


def _of_table(row: Row) -> dict[str, Any]:
    values = row.content["values"]
    lines = (f"{name}: {value}" for name, value in values.items() if value is not None)
    columns = {as_field(name): "" if value is None else value for name, value in values.items()}
    return {"text": "\n".join(lines), "label": row.label, **columns}


def _of_image(row: Row) -> dict[str, Any]:
    boxes = {"boxes": row.content["boxes"]} if row.content.get("boxes") else {}  # not shown: its own labels
    return {name: row.content[name] for name in ("image", "width", "height")} | {"label": row.label} | boxes


_OF_FORM = {
    "chat": _of_chat,
    "preference": _of_preference,
    "kto": lambda row: {**_of_chat(row), "label": row.label},
    "text": lambda row: {"text": row.content["text"]},
    "classification": lambda row: {"text": row.content["text"], "label": row.label},
    "ner": lambda row: {
        "text": row.content["text"],
        "spans": row.content.get("spans", []),
    },  # not shown: its own labels
    "tabular": _of_table,
    "image": _of_image,
}


def completed(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the fields that follow from its messages, where they are not given."""
    messages: Any = data.get("messages")
    if not is_conversation(messages) or all(name in data for name in _CHAT):
        return dict(data)
    derived = of_conversation(messages)
    return {**derived, **data, "messages": derived["messages"]}


def is_conversation(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(turn, dict) and turn.get("role") in ROLES and isinstance(turn.get("content"), str) for turn in value
    )


def check_data(config: Config, data: Any, where: str) -> dict[str, Any]:
    """The data of a task, with what the config shows. Raises Problem naming the field."""
    if not isinstance(data, dict):
        raise Problem(_("The data of a task is an object."), field=where)
    full = completed(data)
    if len(json.dumps(full)) > MAX_DATA:
        raise Problem(_("A task has at most %(kib)d KiB of data.") % {"kib": MAX_DATA // 1024}, field=where)
    for field in config.fields:
        if field not in full:
            known = ", ".join(f"${name}" for name in list(full)[:20]) or "-"
            message = _("The labeling config shows $%(field)s, which this task does not have.") % {"field": field}
            raise Problem(message, field=f"{where}.{field}", hint=_("There is: %(known)s.") % {"known": known})
    for part in config.parts:
        kind, field = (part.kind, part.field) if isinstance(part, Shown) else ("TextArea", part.prefill)
        if field:
            full[field] = _checked(kind, full[field], field, where)
    return full


def _checked(kind: str, value: Any, field: str, where: str) -> Any:
    """The value as an object of this kind shows it."""
    place = f"{where}.{field}"
    if kind in ("Paragraphs", "Chat"):
        if is_conversation(value):
            return value
        words = {"kind": kind, "field": field}
        raise Problem(
            _("%(kind)s shows a list of turns with role and content; $%(field)s is none.") % words, field=place
        )
    if kind == "List":
        return _items(value, field, place)
    if kind == "Image":
        return picture_name(value, place)
    if not isinstance(value, str | int | float):
        raise Problem(_("$%(field)s is no text.") % {"field": field}, field=place)
    return value


def _items(value: Any, field: str, place: str) -> list[dict[str, Any]]:
    """What a List ranks: {"id", "title"?, "body"?} each, nothing else; html least of all."""
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_ITEMS:
        message = _("A List shows from 2 to %(most)d items; $%(field)s is no such list.")
        raise Problem(message % {"most": MAX_ITEMS, "field": field}, field=place)
    kept: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, item in enumerate(value):
        given = item if isinstance(item, dict) else {}
        told: dict[str, Any] = {name: given[name] for name in ("id", "title", "body") if given.get(name) is not None}
        if not told.get("id") or not all(isinstance(text, str) for text in told.values()) or len(told["id"]) > 64:
            message = _("An item of a List has an id of at most 64 characters, a title and a body, each a text.")
            raise Problem(message, field=f"{place}.{number}")
        if told["id"] in seen:
            raise Problem(_("The id “%(id)s” is there twice.") % {"id": told["id"]}, field=f"{place}.{number}.id")
        seen.add(told["id"])
        kept.append(told)
    return kept


_PICTURE = re.compile(r"(?:/label/[0-9a-f-]{36}/pictures/)?([0-9a-f]{64}\.(?:png|jpe?g|webp|gif|bmp|tiff?))")


def picture_name(value: Any, place: str) -> str:
    """The name of a picture of ours, of the name itself or of its address. Nothing else is ever loaded by a page."""
    found = _PICTURE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        hint = _("Make the project from a dataset of images, or import tasks that such a project exported.")
        message = _("An Image shows a picture of a dataset of this console, never an address elsewhere or data.")
        raise Problem(message, field=place, hint=hint)
    return found[1]


def for_screen(config: Config, data: Mapping[str, Any], pictures: str) -> dict[str, Any]:
    """What the config shows of a task, for who labels it; a picture by its address below `pictures`."""
    images = {part.field for part in config.parts if isinstance(part, Shown) and part.kind == "Image"}
    return {
        field: f"{pictures}{data[field]}" if field in images and data.get(field) else data.get(field)
        for field in config.fields
    }
