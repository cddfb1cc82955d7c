"""The read-only picture of the page that people will label on, with a row of the chosen version in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from apps.core.errors import Problem
from apps.datasets.browsing.media import is_media_name
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import read_page
from apps.labeling.schema import fields
from apps.labeling.schema.label_config import Config, Control, Shown

EXAMPLE = [
    {"role": "user", "content": "My boots came loose after one rainy day. Can I swap them for a size 43?"},
    {"role": "assistant", "content": "I am sorry about that. Yes: send them back and we swap them, postage is on us."},
]
OTHER = "Please describe the fault in writing."


@dataclass(frozen=True)
class Sample:
    """A row to show: its data, which of how many rows it is (from 1; 0 without a version), and what its fields are."""

    data: Mapping[str, Any]
    says: Mapping[str, Any]
    place: int = 0
    count: int = 0
    pictures: str = ""

    @property
    def columns(self) -> list[str]:
        return [name for name in self.data if name not in self.says]


def sample_of(posted: QueryDict, person: Any, version_of: Callable[[str, Any], DatasetVersion | None]) -> Sample:
    """The row of the chosen version that the form asks for (an example without a version)."""
    try:
        version = version_of(posted.get("dataset_version", ""), person)
    except Problem:
        version = None
    if version is None or not version.row_count or version.form not in fields.SAYS:
        return Sample(_example(), {**fields.SAYS["chat"], **fields.SAYS["preference"]})
    text = posted.get("row", "")
    place = min(max(int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1, 1), version.row_count)
    [row] = read_page(version.shard_paths(), start=place - 1, limit=1, total=version.row_count).rows
    pictures = reverse("datasets:media", args=[version.dataset_id, "name"]).removesuffix("name")
    data = fields.data_of(row, version.form)
    return Sample(data, fields.SAYS[version.form], place, version.row_count, pictures)


def _example() -> dict[str, Any]:
    told = fields.of_conversation(EXAMPLE)
    pair = {"answer_a": told["answer"], "answer_b": OTHER}
    return {**told, **pair, "answers": [{"id": name[-1], "body": text} for name, text in pair.items()]}


def shown(config: Config, sample: Sample) -> list[dict[str, Any]]:
    """Parts with what they show of the row."""
    parts = []
    for part in config.parts:
        value = sample.data.get(part.field if isinstance(part, Shown) else part.prefill, "")
        if part.kind == "Image":
            value = f"{sample.pictures}{value}" if sample.pictures and is_media_name(str(value)) else ""
        elif part.kind in ("Paragraphs", "Chat") and not fields.is_conversation(value):
            value = []
        elif part.kind == "List":
            value = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
        asked = {"scale": _scale(part), "has_digits": _has_digits(part)} if isinstance(part, Control) else {}
        parts.append({"part": part, "value": value, **asked})
    return parts


def _has_digits(control: Control) -> bool:
    """Whether the answers are digits, which are then their own keys."""
    return control.kind == "Choices" and all(re.fullmatch("[0-9]", option.value) for option in control.options)


def _scale(control: Control) -> range | tuple[()]:
    """The digits of a rating, and of a number that has few values."""
    if control.kind == "Rating":
        return range(1, control.max_rating + 1)
    low, high = control.min, control.max
    is_short = isinstance(low, int) and isinstance(high, int) and high - low <= 10 and control.step in (None, 1)
    return range(int(low or 0), int(high or 0) + 1) if control.kind == "Number" and is_short else ()
