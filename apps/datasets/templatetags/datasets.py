"""Numbers and lines as the pages of datasets show them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from apps.datasets.catalogue import Wanted
from apps.datasets.models import DatasetVersion
from apps.datasets.prepare_page import SPLIT_LABELS, counts_of
from apps.datasets.recipes.fields import label_of

register = template.Library()
NARROW = "\N{NO-BREAK SPACE}"


@register.filter
def grouped(number: Any) -> str:
    """18412 as "18 412", with spaces that do not break; "" for None."""
    return "" if number is None else f"{int(number):,}".replace(",", NARROW)


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in one unit; "just now" within a minute."""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


@register.filter
def spark(values: Sequence[int]) -> str:
    """The path of a line through `values` in a box of 72 x 20; a flat one for a single value."""
    points = [*values, *values] if len(values) == 1 else list(values)
    low, high = min(points), max(points)
    step, height = 72 / (len(points) - 1), high - low
    return "M" + " ".join(
        f"{number * step:.1f},{17 - (14 * (value - low) / height if height else 0):.1f}"
        for number, value in enumerate(points)
    )


@register.filter
def spark_end(values: Sequence[int]) -> str:
    """The height of the last point of `spark`."""
    return spark(values).rsplit(",", 1)[1]


@register.filter
def cell(values: dict[str, str], column: str) -> str:
    """The value of a column; "" when the row has none."""
    return values.get(column, "")


@register.filter
def before_last(turns: Sequence[Any]) -> Sequence[Any]:
    """What was said before the last answer."""
    return turns[:-1]


@register.filter
def chosen_turns(row: dict[str, Any]) -> Sequence[Any]:
    """The chosen answer, to stand beside the rejected one."""
    return list(row["messages"][-1:])


@register.filter
def hue(label: str) -> int:
    """One of six colours for a label, always the same."""
    return sum(label.encode()) % 6 + 1


@register.filter
def origin(version: DatasetVersion) -> str:
    """What a version was made by, in a few words."""
    if version.step == "import":
        return _("Imported from %(name)s") % {"name": version.source_name}
    if version.step == "recipe" and version.parent:
        return _("Prepared from %(parent)s") % {"parent": version.parent_label}
    return version.note or version.step.replace("_", " ").capitalize()


@register.filter
def recipe_words(version: DatasetVersion) -> str:
    """The steps of a version's recipe and how it was split."""
    steps = [label_of(step["step"]) for step in version.recipe.get("steps", ())]
    if plan := version.recipe.get("split"):
        column = plan.get("group_by") or plan.get("stratify_by") or plan.get("time_by")
        grouped = _("split by %(column)s, seed %(seed)s") if column else _("split, seed %(seed)s")
        steps.append(grouped % {"column": column, "seed": plan["seed"]})
    return ", ".join(steps)


@register.filter
def step_counts(version: DatasetVersion) -> list[dict[str, Any]]:
    """What each step of a version's recipe did."""
    return counts_of(version)


@register.filter
def split_counts(version: DatasetVersion) -> list[tuple[Any, str, int]]:
    """(label, name, rows) of each split of a version."""
    counts = version.splits.get("counts", {})
    return [(SPLIT_LABELS[name], name, counts[name]) for name in SPLIT_LABELS if name in counts]


@register.simple_tag
def sort_link(wanted: Wanted, column: str) -> str:
    return wanted.sort_link(column)


@register.filter
def kind_word(kind: str) -> str:
    """How rows differ between two versions, in a word; "" for all of them."""
    words = {"changed": _("changed"), "moved": _("moved"), "added": _("added"), "removed": _("removed")}
    return words.get(kind, _("differ"))
