"""What differs between two versions: looked up where it is known, found at once where that is quick, else by a job.

A difference is kept in the metadata tier (rows by their places, none of their text): versions never change, so it stays true.
"""

import hashlib
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets.models import DatasetVersion, new_key
from apps.datasets.versions import finding
from apps.jobs import services as jobs
from apps.jobs.models import Job
from workers.version_diff import Difference, diff, read

COMPARE = "datasets.compare"
QUICK_ROWS = 3_000_000  # rows to be read that a page waits for: a million on both sides takes a second (bench_versions)
BY_COLUMN = 3  # reading a column of JSON as well costs so many times as much


@dataclass(frozen=True)
class Comparison:
    """Two versions, and what differs: known (`found`), or asked of `job`, or neither: nobody has asked yet, and it would take long."""

    before: DatasetVersion
    after: DatasetVersion
    by: str
    found: Difference | None
    job: Job | None = None


def look(before: DatasetVersion, after: DatasetVersion, by: str = "") -> Comparison:
    """What differs, as far as a page can tell. Raises Gone for a version without rows, Problem for a column that cannot be."""
    found = known_or_quick(before, after, by)
    return Comparison(before, after, by, found, None if found else _last_job(before, after, by))


@transaction.atomic
def start(before: DatasetVersion, after: DatasetVersion, by: str = "", *, actor: Any) -> Comparison:
    """As `look`, and have a job find what is not known yet, unless one does so already."""
    DatasetVersion.objects.select_for_update().get(pk=after.pk)
    seen = look(before, after, by)
    if seen.found or (seen.job and not seen.job.is_terminal):
        return seen
    job = jobs.submit(
        actor=actor,
        workspace=after.workspace,
        kind=COMPARE,
        title=_("Compare %(after)s with %(before)s") % {"after": after, "before": before},
        inputs={"dataset": str(after.dataset_id), "before": str(before.pk), "after": str(after.pk)},
        settings={"by": by},
    )
    return Comparison(before, after, by, None, job)


def known_or_quick(
    before: DatasetVersion, after: DatasetVersion, by: str = "", most: int = QUICK_ROWS
) -> Difference | None:
    """What differs, if it is known or found by reading at most `most` rows; else None."""
    for version in (before, after):
        version.require_rows()
    if by and by not in (columns := finding.columns_of(before, after)):
        hint = _("The columns are: %(names)s.") % {"names": ", ".join(columns)} if columns else ""
        raise Problem(_("The first rows of both have no column of this name."), field="by", hint=hint)
    key = key_of(before, after, by)
    if storage().exists(key):
        return read(storage().local(key))
    if cost(before, after, by) > most:
        return None
    found = diff(before.shard_paths(), after.shard_paths(), by=by)
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as name:
        path = Path(name) / "diff.parquet"
        found.write(path)
        storage().keep(path, key)
    return found


def key_of(before: DatasetVersion, after: DatasetVersion, by: str) -> str:
    """Where the difference of two versions is kept."""
    column = f"-{hashlib.sha256(by.encode()).hexdigest()[:16]}" if by else ""
    return new_key(after.dataset_id, "meta", f"diff-{before.pk}-{after.pk}{column}.parquet")


def cost(before: DatasetVersion, after: DatasetVersion, by: str = "") -> int:
    """Rows that have to be read: those of shards that only one has, and what the patches touch."""
    mine, theirs = (Counter(shard["sha256"] for shard in version.shards) for version in (before, after))
    rows = {shard["sha256"]: int(shard["rows"]) for version in (before, after) for shard in version.shards}
    alone = (mine - theirs) + (theirs - mine)
    patched = sum(int(version.patch["rows"]) for version in (before, after) if version.patch)
    return (sum(rows[sha] * count for sha, count in alone.items()) + patched) * (BY_COLUMN if by else 1)


def _last_job(before: DatasetVersion, after: DatasetVersion, by: str) -> Job | None:
    found = Job.objects.filter(
        kind=COMPARE, inputs__before=str(before.pk), inputs__after=str(after.pk), settings__by=by
    )
    last: Job | None = found.order_by("-created_at").first()
    return last
