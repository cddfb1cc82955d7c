"""How addresses and forms name a version: by its number, or by a tag with an @ before it."""

from collections.abc import Mapping
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing.reading import rows_at
from apps.datasets.models import Dataset, DatasetVersion, VersionTag

_DIGITS = 9
_LOOKED_AT = 100  # first rows of a version whose columns may pair rows


def number_of(dataset: object, tag: str) -> int:
    """The number of the version that a tag of this dataset (or its id) points to; 0 where there is no such tag or dataset."""
    try:
        pk = dataset.pk if isinstance(dataset, Dataset) else UUID(str(dataset))
    except ValueError:
        return 0
    found = VersionTag.objects.filter(dataset=pk, name=tag).values_list("version__number", flat=True).first()
    return int(found or 0)


def named(dataset: Dataset, name: str, *, field: str = "against") -> DatasetVersion:
    """The version that "3" or "@gold" names. Raises Problem."""
    text = name.strip().removeprefix("v")
    number = number_of(dataset, text[1:]) if text.startswith("@") else _number(text)
    found: DatasetVersion | None = dataset.versions.filter(number=number).select_related("dataset", "purge").first()
    if found is None:
        hint = _("Name a version by its number, such as 3, or by a tag, such as @gold.")
        raise Problem(_("There is no such version."), field=field, hint=hint, code="no_version")
    return found


def other_side(version: DatasetVersion, query: Mapping[str, str]) -> DatasetVersion | None:
    """What a version is to be compared with: `against`, else its parent; None for a first one."""
    return named(version.dataset, query["against"]) if query.get("against") else version.parent


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def columns_of(before: DatasetVersion, after: DatasetVersion) -> list[str]:
    """Columns beside the first rows of both versions: what may pair their rows."""
    there = _column_names(before)
    return [name for name in _column_names(after) if name in there]


def _column_names(version: DatasetVersion) -> list[str]:
    found: dict[str, None] = {}
    for row in rows_at(version, range(min(version.row_count, _LOOKED_AT))):
        values = row.content.get("values")
        found.update(dict.fromkeys([*row.extra, *(values if isinstance(values, dict) else ())]))
    return list(found)
