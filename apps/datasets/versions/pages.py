"""What the pages about versions show, put together from the pure parts; the doors stay thin."""

from collections.abc import Mapping
from typing import Any

from django.utils.http import urlencode

from apps.datasets import preparing
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.quality import attach_broken
from apps.datasets.versions import diffing, finding, lanes, purging, showing, tiers
from apps.jobs.models import Status
from workers.formats.chat import SPLITS
from workers.version_diff import KINDS

LISTED = 500
SHOWN = 20
ABOUT_ROWS = 200_000  # rows that the page about a version reads to tell how it differs from its parent


def versions_page(dataset: Dataset) -> dict[str, Any]:
    """All versions with their line, the preparations that run, and the last one if it failed after the newest version was made."""
    rows = dataset.versions.select_related("created_by", "parent__dataset", "purge__created_by").prefetch_related(
        "tags"
    )
    found = list(rows.order_by("-number")[:LISTED])
    attach_broken(found)
    drawn = lanes.draw([(version.pk, version.parent_id) for version in found])
    jobs = list(preparing.jobs_of(dataset)[:20])
    newest = found[0] if found else None
    last = jobs[0] if jobs else None
    is_failed = last and last.status == Status.FAILED and (newest is None or last.created_at > newest.created_at)
    return {
        "versions": list(zip(found, drawn, strict=True)),
        "newest": newest,
        "running": [job for job in jobs if not job.is_terminal],
        "failed": last if is_failed else None,
    }


def changes_page(version: DatasetVersion, query: Mapping[str, str]) -> dict[str, Any]:
    """Against which version, how many rows differ in each way, and a page of them. Raises Problem naming the parameter."""
    before, by = finding.other_side(version, query), query.get("by", "").strip()
    asked = {name: query[name] for name in ("against", "by", "kind", "split", "q") if query.get(name)}
    context: dict[str, Any] = {
        "against": before,
        "by": by,
        "asked": asked,
        "others": version.dataset.versions.exclude(pk=version.pk).filter(purge=None).order_by("-number")[:LISTED],
        "splits": SPLITS,
    }
    if before is None:
        return context
    seen = diffing.look(before, version, by)
    context |= {"seen": seen, "columns": finding.columns_of(before, version)}
    if seen.found is None:
        return context
    shown = showing.page(seen, query, limit=SHOWN)
    start = int(query.get("cursor") or 0)
    return {
        **context,
        "kinds": [("", sum(seen.found.counts.values()), _link(asked, kind=""))]
        + [(kind, seen.found.counts[kind], _link(asked, kind=kind)) for kind in KINDS],
        "page": shown,
        "first": start + 1,
        "last": start + shown.seen,
        "next_link": _link(asked, cursor=str(shown.next)) if shown.next is not None else "",
        "first_link": _link(asked) if start else "",
        "is_reordered": not seen.found.table.num_rows and before.content_hash != version.content_hash,
    }


def _link(asked: Mapping[str, str], **changes: str) -> str:
    return "?" + urlencode({name: value for name, value in {**asked, **changes}.items() if value})


def about_page(version: DatasetVersion) -> dict[str, Any]:
    """Where a version comes from, how it differs from its parent, what it keeps on the disk, and what holds it."""
    parent = version.parent
    is_whole = version.purged is None and parent is not None and parent.purged is None
    found = diffing.known_or_quick(parent, version, most=ABOUT_ROWS) if is_whole and parent else None
    return {
        "tags": version.tags.all(),
        "line": _line(version),
        "counts": found.counts if found else None,
        "tiers": tiers.tiers_of(version),
        "holders": purging.holders_of(version),
        "children": version.children.select_related("dataset").order_by("-number")[:20],
    }


def _line(version: DatasetVersion) -> list[DatasetVersion]:
    """The version and its ancestors of this dataset, the newest first; at most twenty."""
    known = {one.pk: one for one in version.dataset.versions.select_related("created_by", "parent__dataset", "purge")}
    line, at = list[DatasetVersion](), known.get(version.pk)
    while at is not None and len(line) < 20:
        line.append(at)
        at = known.get(at.parent_id) if at.parent_id else None
    return line
