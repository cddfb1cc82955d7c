"""The choices of the mapping page: layouts, the roles of one, and the column that plays each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from apps.datasets.models import Layout
from workers.formats import ENCODINGS, LAYOUTS, guess_columns
from workers.formats.table import TEXTS

ROLE_LABELS: dict[str, StrPromise] = {
    "messages": _("Messages"),
    "conversations": _("Conversation"),
    "instruction": _("Instruction"),
    "input": _("Input"),
    "output": _("Answer"),
    "prompt": _("Question"),
    "completion": _("Answer"),
    "system": _("System message"),
    "history": _("Earlier turns"),
    "chosen": _("Chosen answer"),
    "rejected": _("Rejected answer"),
    "label": _("Label"),
    "text": _("Text"),
    "spans": _("Entities"),
    "tokens": _("Words"),
    "tags": _("Tags of the words"),
    "image": _("Image"),
    "boxes": _("Boxes"),
}
ROLE_HINTS: dict[str, StrPromise] = {
    "messages": _("A list of turns with role and content."),
    "conversations": _("A list of turns with from and value."),
    "input": _("Put below the instruction."),
    "system": _("How the assistant should behave."),
    "history": _("A list of [question, answer] pairs."),
    "chosen": _("Text, a turn, or a list of turns."),
    "spans": _("A list of start, end and label; the end is not included."),
    "tokens": _("A list of words."),
    "tags": _("One for each word, such as B-PER, I-PER and O."),
}
_HINTS_OF: dict[tuple[str, str], StrPromise] = {
    ("preference", "prompt"): _("Text or a list of turns; none where the answers are whole conversations."),
    ("kto", "label"): _("True where the answer is wanted."),
    ("kto_messages", "label"): _("True where the last answer is wanted."),
    ("tabular", "label"): _("What is to be foretold, where there is one. Every other column is a value."),
}
UNSURE: dict[str, StrPromise] = {
    "prompt_completion": _(
        "The names of the columns say nothing, so the first was taken for the question and the second for the answer."
    ),
    "tabular": _("Most columns are numbers, so the file was taken for a table. Choose another layout if it is not."),
    "text": _("There is one column of text and its name says nothing, so it was taken for plain text."),
}


@dataclass(frozen=True)
class RoleChoice:
    """One select of the page: a role and the column chosen for it."""

    name: str
    label: StrPromise | str
    hint: StrPromise | str
    is_required: bool
    column: str


def chosen_mapping(query: Mapping[str, str], columns: list[str]) -> dict[str, Any] | None:
    """The mapping that the page's form sends; None when it sends none. A changed layout is filled in by guessing."""
    layout = query.get("layout", "")
    if layout not in LAYOUTS:
        return None
    if query.get("was") != layout:
        return {"layout": layout, "columns": guess_columns(layout, columns)}
    roles = (*LAYOUTS[layout].roles, *LAYOUTS[layout].optional)
    return {"layout": layout, "columns": {role: query.get(f"role-{role}", "") for role in roles}}


def role_choices(mapping: Mapping[str, Any] | None) -> list[RoleChoice]:
    """The selects for a mapping, required roles first."""
    if not mapping or mapping.get("layout") not in LAYOUTS:
        return []
    layout, columns = LAYOUTS[mapping["layout"]], mapping.get("columns", {})
    return [
        RoleChoice(role, ROLE_LABELS[role], _hint(layout.name, role), role in layout.roles, columns.get(role, ""))
        for role in (*layout.roles, *layout.optional)
    ]


def _hint(layout: str, role: str) -> StrPromise | str:
    return _HINTS_OF[layout, role] if (layout, role) in _HINTS_OF else ROLE_HINTS.get(role, "")


def layout_choices(format: str) -> list[tuple[str, Any]]:
    """The layouts that a file of this format can have: images come in archives, and nothing else does."""
    return [(name, label) for name, label in Layout.choices if (name == Layout.IMAGE) == (format == "images")]


def text_choices(format: str) -> list[tuple[str, StrPromise]]:
    """How a plain text is parted; none for another file."""
    if format not in TEXTS:
        return []
    return [("txt", _("Between blank lines")), ("lines", _("Each line is one"))]


def encoding_choices() -> list[tuple[str, str]]:
    return list(ENCODINGS.items())
