"""What can be done to a row or to many: checked before it goes into a draft."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.datasets.browsing.filters import pattern
from apps.datasets.models import DatasetVersion
from workers.draft_edits import LABELLED, change_of, row_of
from workers.formats.chat import SPLITS, TrainingRow
from workers.formats.problems import RowFault
from workers.formats.values import check_storable

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MOST_CHARACTERS = 10_000
MOST_ROW_CHARACTERS = 2_000_000
LABELS: "dict[str, StrPromise]" = {
    "replace": gettext_lazy("Find and replace"),
    "label": gettext_lazy("Set the label"),
    "split": gettext_lazy("Set the split"),
    "column": gettext_lazy("Set a column"),
    "delete": gettext_lazy("Delete the rows"),
}
_PARTS = ("messages", "content", "extra", "split")


def offered(version: DatasetVersion) -> list[tuple[str, Any]]:
    """(name, label) of the operations that fit the rows of a version."""
    is_labelled = version.form in LABELLED
    return [(op, label) for op, label in LABELS.items() if (op != "label" or is_labelled)]


def read_operation(raw: Any, version: DatasetVersion, *, is_of_all: bool) -> dict[str, Any]:
    """An operation on many rows. Raises Problem naming the option that is wrong."""
    if not isinstance(raw, Mapping) or raw.get("op") not in LABELS:
        hint = '{"op": name, ...}: ' + ", ".join(LABELS)
        raise Problem(_("Choose what is to be done to the rows."), field="operation", hint=hint, code="bad_operation")
    read = {"label": _label, "split": _split, "replace": _replace, "column": _column}.get(str(raw["op"]))
    made = read(raw, version) if read else {}
    if raw["op"] == "split" and not version.splits and not is_of_all:
        hint = _("Set the split of all rows, or prepare the version with a split.")
        raise Problem(_("Either every row has a split, or none has."), field="operation.value", hint=hint)
    operation = {"op": raw["op"], **made}
    try:
        change_of(operation, version.form)
    except (ValueError, KeyError, IndexError) as error:
        raise Problem(_("This cannot be done."), field="operation", hint=str(error)[:200]) from None
    return operation


def _label(raw: Mapping[str, Any], version: DatasetVersion) -> dict[str, Any]:
    if version.form not in LABELLED:
        raise Problem(_("Rows of this form have no label."), field="operation.op")
    value = raw.get("value")
    if version.form == "kto":
        if str(value).lower() not in ("true", "false"):
            raise Problem(_("Whether an answer is wanted is true or false."), field="operation.value")
        return {"value": str(value).lower() == "true"}
    return {"value": _text(value, "value").strip() or _missing("value")}


def _split(raw: Mapping[str, Any], version: DatasetVersion) -> dict[str, Any]:
    if raw.get("value") not in SPLITS:
        raise Problem(_("A split is one of %(splits)s.") % {"splits": ", ".join(SPLITS)}, field="operation.value")
    return {"value": raw["value"]}


def _replace(raw: Mapping[str, Any], version: DatasetVersion) -> dict[str, Any]:
    find, put = _text(raw.get("find"), "find"), _text(raw.get("with", ""), "with")
    if not find:
        _missing("find")
    if raw.get("is_pattern"):
        pattern(find, "operation.find")
    return {"find": find, "with": put, "is_pattern": bool(raw.get("is_pattern"))}


def _column(raw: Mapping[str, Any], version: DatasetVersion) -> dict[str, Any]:
    name = _text(raw.get("name"), "name").strip() or _missing("name")
    value = raw.get("value")
    if isinstance(value, list | dict) or len(name) > 200:
        raise Problem(_("A column takes text, a number, true, false or nothing."), field="operation.value")
    return {"name": name, "value": _text(value, "value") if isinstance(value, str) else value}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        told = _("Say a text of at most %(most)s characters.") % {"most": MOST_CHARACTERS}
        raise Problem(told, field=f"operation.{name}")
    try:
        check_storable(value)
    except RowFault as fault:
        raise Problem(fault.reason, field=f"operation.{name}") from None
    return value


def _missing(name: str) -> str:
    raise Problem(_("This is missing."), field=f"operation.{name}", code="required")


def read_row(raw: Any, version: DatasetVersion, old: TrainingRow) -> dict[str, Any]:
    """A row as a person wants it, checked as every row of its form is. Raises Problem saying what could not be learned."""
    if not isinstance(raw, Mapping) or not set(raw) <= set(_PARTS) or not raw:
        raise Problem(_("A row has %(parts)s.") % {"parts": ", ".join(_PARTS)}, field="row", code="bad_row")
    row = dict(raw)
    if row.get("split", old.split) not in (SPLITS if version.splits else ("",)):
        raise Problem(_("A split is one of %(splits)s.") % {"splits": ", ".join(SPLITS)}, field="row.split")
    try:
        if len(json.dumps(row, ensure_ascii=False, allow_nan=False)) > MOST_ROW_CHARACTERS:
            raise Problem(_("The row is too long."), field="row")
        if not isinstance(row.get("extra", {}), Mapping):
            raise TypeError("extra")
        made = row_of(version.form, row, old)
        for text in (made.extra or "", *(turn.content for turn in made.messages)):
            check_storable(text)
    except RowFault as fault:
        raise Problem(fault.reason, field="row", code=fault.code) from None
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError):
        raise Problem(_("The row is not of the form of this version."), field="row", code="bad_row") from None
    return row
