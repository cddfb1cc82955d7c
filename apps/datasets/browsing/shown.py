"""A row as the page shows it, whatever its form."""

import json
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.datasets.browsing.media import is_media_name
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import StoredRow


@dataclass(frozen=True)
class Stretch:
    """A piece of a text; `label` is "" outside of spans, `tone` a colour of six."""

    text: str
    label: str = ""
    tone: int = 0


@dataclass(frozen=True)
class Shown:
    """A row and its parts by form."""

    version: DatasetVersion
    row: StoredRow

    @property
    def index(self) -> int:
        return self.row.index

    @property
    def place(self) -> int:
        return self.row.place

    @property
    def rejected(self) -> list[dict[str, str]]:
        """The turns of a rejected answer that are not those of the chosen one."""
        turns: list[dict[str, str]] = self.row.content.get("rejected", [])
        same = 0
        while same < min(len(turns), len(self.row.messages)) and turns[same] == self.row.messages[same]:
            same += 1
        return turns[same:]

    @property
    def stretches(self) -> list[Stretch]:
        """The text with its spans; of spans that overlap, the first."""
        text, at, found = self.row.content.get("text", ""), 0, list[Stretch]()
        spans = self.row.content.get("spans", [])
        labels = sorted({span["label"] for span in spans})
        for span in spans:
            if span["start"] < at:
                continue
            found.append(Stretch(text[at : span["start"]]))
            found.append(Stretch(text[span["start"] : span["end"]], span["label"], labels.index(span["label"]) % 6 + 1))
            at = span["end"]
        return [stretch for stretch in [*found, Stretch(text[at:])] if stretch.text]

    @property
    def values(self) -> list[tuple[str, Any]]:
        return list(self.row.content.get("values", {}).items())

    @property
    def image_url(self) -> str:
        name = str(self.row.content.get("image", ""))
        return reverse("datasets:media", args=[self.version.dataset_id, name]) if is_media_name(name) else ""

    @property
    def boxes(self) -> list[dict[str, Any]]:
        boxes: list[dict[str, Any]] = self.row.content.get("boxes", [])
        return boxes

    @property
    def as_json(self) -> str:
        """The row as it would be downloaded, to be copied."""
        told = {"messages": self.row.messages, **self.row.content, **self.row.extra}
        if not self.row.messages:
            told.pop("messages")
        if self.row.split:
            told["split"] = self.row.split
        return json.dumps(told, ensure_ascii=False, indent=2)
