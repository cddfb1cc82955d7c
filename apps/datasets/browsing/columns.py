"""The columns by which the rows of a version can be filtered and sorted, and what can be asked of each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem
from apps.datasets.browsing import metadata
from apps.datasets.models import DatasetVersion
from workers.browse_columns import column_id
from workers.formats.forms import TALKS

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TEXT, NUMBER = "text", "number"
OPERATORS: "dict[str, StrPromise]" = {
    "is": _("is"),
    "is not": _("is not"),
    "contains": _("contains"),
    "starts with": _("starts with"),
    "matches": _("matches (RE2)"),
    ">": _("is more than"),
    "<": _("is less than"),
    "between": _("is between"),
    "is missing": _("is missing"),
    "is not missing": _("is there"),
}
_OF_KIND = {
    TEXT: ("is", "is not", "contains", "starts with", "matches", "is missing", "is not missing"),
    NUMBER: ("is", "is not", ">", "<", "between", "is missing", "is not missing"),
}


@dataclass(frozen=True)
class Column:
    """`id` is ours and safe in SQL; `label` is what people read. `is_own`: kept beside the row, as text."""

    id: str
    label: str
    kind: str
    is_own: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        """What can be asked; numbers that are kept as text can be asked as both."""
        return tuple(dict.fromkeys(_OF_KIND[self.kind] + (_OF_KIND[TEXT] if self.is_own else ())))

    @property
    def is_cut(self) -> bool:
        """Whether what is shown and sorted by is only the begin of it."""
        return self.id in ("question", "answer")

    @property
    def whole_id(self) -> str:
        """The small column with its value to the end."""
        return f"{self.id}_whole" if self.is_cut else self.id

    @property
    def whole(self) -> str:
        """Its value to the end, in SQL."""
        return f'"{self.whole_id}"'

    @property
    def number(self) -> str:
        """Its value as a number, in SQL."""
        return f'TRY_CAST("{self.id}" AS DOUBLE)' if self.is_own else f'"{self.id}"'

    @property
    def order(self) -> str:
        """Its value as it is sorted, in SQL."""
        return self.number if self.kind == NUMBER else f'"{self.id}"'

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "label": self.label, "kind": self.kind, "operators": list(self.operators)}


def columns_of(version: DatasetVersion) -> dict[str, Column]:
    """The columns by their ids. Of a version that waits for its index, those of every version of its form."""
    own = metadata.known_names(version) if metadata.is_ready(version) else {}
    beside = [Column(id, name, NUMBER if is_numeric else TEXT, True) for id, (name, is_numeric) in own.items()]
    return {column.id: column for column in [*_common(version), *beside]}


def _common(version: DatasetVersion) -> list[Column]:
    is_talk, names = version.form in TALKS, _FIRST.get(version.form, _("Text"))
    talk = [Column("answer", str(_("Answer")), TEXT), Column("turns", str(_("Turns")), NUMBER)] if is_talk else []
    lengths = [Column("answer_characters", str(_("Characters of answers")), NUMBER)] if is_talk else []
    return [
        Column("question", str(names), TEXT),
        *talk,
        Column("characters", str(_("Characters")), NUMBER),
        *lengths,
        *([Column("label", str(_("Label")), TEXT)] if version.form in LABELLED else []),
        *([Column("split", str(_("Split")), TEXT)] if version.splits else []),
        Column("source_line", str(_("Source line")), NUMBER),
        Column("row_id", str(_("Row id")), TEXT),
    ]


LABELLED = ("kto", "classification", "tabular", "image")
_FIRST: "dict[str, StrPromise]" = {
    **dict.fromkeys(TALKS, _("First message")),
    "tabular": _("Values"),
    "image": _("Image"),
}


def column_called(columns: dict[str, Column], name: Any, field: str) -> Column:
    """The column of this id, or the one kept beside the rows under this name. Raises Problem."""
    found = columns.get(name) if isinstance(name, str) else None
    if found is None and isinstance(name, str):
        found = columns.get(column_id(name))
    if found is None:
        hint = str(_("The columns are: %(names)s.")) % {"names": ", ".join(list(columns)[:30])}
        raise Problem(str(_("There is no such column.")), field=field, hint=hint, code="unknown_column")
    return found
