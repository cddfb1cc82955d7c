"""The list of datasets: search, filters, sort and paging, each from a closed set of choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, OrderBy, Q
from django.db.models.functions import Lower
from django.http import QueryDict

from apps.accounts.models import Workspace
from apps.datasets.models import Dataset, DatasetVersion, Layout, State, Upload, attach_newest
from apps.datasets.quality import attach_broken
from apps.jobs.models import TERMINAL

PAGE = 25
SORTS: dict[str, OrderBy] = {
    "name": Lower("name").asc(),
    "-name": Lower("name").desc(),
    "rows": F("newest_rows").asc(nulls_first=True),
    "-rows": F("newest_rows").desc(nulls_last=True),
    "changed": F("changed_at").asc(),
    "-changed": F("changed_at").desc(),
}


@dataclass(frozen=True)
class Wanted:
    """What a visitor asks of the list; anything unknown falls back to "all" and newest first."""

    text: str = ""
    layout: str = ""
    state: str = ""
    sort: str = "-changed"
    page: str = "1"

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Wanted":
        layout, state, sort = (query.get(name, "") for name in ("layout", "state", "sort"))
        return cls(
            text=query.get("q", "").strip()[:80],
            layout=layout if layout in Layout.values else "",
            state=state if state in State.values else "",
            sort=sort if sort in SORTS else "-changed",
            page=query.get("page", "1"),
        )

    def query(self, **changes: Any) -> str:
        """The query string for this list with some things changed; paging starts again."""
        values = {"q": self.text, "layout": self.layout, "state": self.state, "sort": self.sort, **changes}
        found = QueryDict(mutable=True)
        found.update(
            {name: str(value) for name, value in values.items() if value and (name, value) != ("sort", "-changed")}
        )
        return f"?{found.urlencode()}" if found else "?"

    def sort_link(self, column: str) -> str:
        """Sort by this column; by the other direction when it is sorted by already."""
        return self.query(sort=f"-{column}" if self.sort == column else column)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.layout or self.state)


def find(workspace: Workspace, wanted: Wanted) -> Page[Dataset]:
    """One page of datasets, each with `row_counts` over its versions for the small line."""
    found = Dataset.objects.filter(workspace=workspace).with_newest().select_related("created_by")
    if wanted.text:
        found = found.filter(Q(name__icontains=wanted.text) | Q(description__icontains=wanted.text))
    if wanted.layout:
        found = found.filter(newest_layout=wanted.layout)
    if wanted.state:
        found = found.in_state(wanted.state)
    page = Paginator(found.order_by(SORTS[wanted.sort], "pk"), PAGE).get_page(wanted.page)
    attach_newest(page)
    attach_broken([dataset.known_newest for dataset in page if dataset.known_newest])
    counts = _row_counts([dataset.pk for dataset in page])
    for dataset in page:
        dataset.row_counts = counts.get(dataset.pk, [])
    return page


def _row_counts(datasets: list[Any]) -> dict[Any, list[int]]:
    counts: dict[Any, list[int]] = {}
    versions = DatasetVersion.objects.filter(dataset__in=datasets).order_by("dataset", "number")
    for dataset, rows in versions.values_list("dataset_id", "row_count"):
        counts.setdefault(dataset, []).append(rows)
    return counts


def importing(workspace: Workspace) -> list[Upload]:
    """Uploads of the workspace whose import is queued or running, newest first."""
    found = Upload.objects.filter(workspace=workspace, job__isnull=False).exclude(job__status__in=TERMINAL)
    return list(found.select_related("job", "dataset").order_by("-created_at")[:20])
