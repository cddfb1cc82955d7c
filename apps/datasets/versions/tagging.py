"""Tags: names that point to one version of a dataset, and may be moved to another."""

import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Problem
from apps.datasets.models import Dataset, DatasetVersion, VersionTag

MOST = 50  # tags of a dataset
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def checked_name(name: Any) -> str:
    """The name without blanks around it. Raises Problem."""
    found = str(name or "").strip()
    if not _NAME.fullmatch(found):
        hint = _("Up to 40 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit; such as gold.")
        raise Problem(_("This cannot be the name of a tag."), field="name", hint=hint, code="bad_tag")
    return found


@transaction.atomic
def set_tag(*, actor: Any, version: DatasetVersion, name: str) -> VersionTag:
    """Let the tag point to this version: a new one, or one moved from another version. Raises Problem, and Gone for a version
    without rows."""
    name = checked_name(name)
    version.require_rows()
    dataset = Dataset.objects.select_for_update().get(pk=version.dataset_id)
    tag: VersionTag | None = dataset.tags.filter(name=name).select_related("version").first()
    if tag and tag.version_id == version.pk:
        return tag
    if tag is None and dataset.tags.count() >= MOST:
        raise Problem(_("A dataset has at most %(most)s tags.") % {"most": MOST}, field="name")
    was = tag.version.number if tag else None
    tag = tag or VersionTag(workspace_id=dataset.workspace_id, dataset=dataset, name=name)
    tag.version, tag.created_by = version, actor
    tag.save()
    ledger.write(row=version, verb="dataset.tag_set", actor=actor, note=name, moved_from=was)
    live.ring(dataset)
    return tag


@transaction.atomic
def remove_tag(*, actor: Any, tag: VersionTag) -> None:
    """Take a tag away; the version stays."""
    ledger.write(row=tag.version, verb="dataset.tag_removed", actor=actor, note=tag.name)
    live.ring(tag.dataset)
    tag.delete()
