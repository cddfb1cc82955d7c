"""The tabs of a version: four of what a person wants, each with the pages that belong to it."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from apps.datasets.models import DatasetVersion


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a version in the bar; `count` stands beside its name."""

    name: str
    label: StrPromise
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A tab of the upper bar, its pages in the lower one. `count` stands beside its name."""

    label: StrPromise
    pages: list[Tab]
    count: int | None = None

    @property
    def url(self) -> str:
        """Where a click on the group leads: its first page."""
        return self.pages[0].url

    def holds(self, name: str) -> bool:
        return any(page.name == name for page in self.pages)


def groups_of(version: DatasetVersion, current: str, *, may_edit: bool) -> list[Group]:
    """The groups with the pages that there are for this version and person; what is empty is left out unless it is `current`."""
    prepare = [Tab("prepare", _("Prepare"), _of(version, "prepare"))] if may_edit else []
    groups = [
        Group(_("Rows"), _rows(version, current), version.row_count),
        Group(_("Quality"), _quality(version)),
        Group(_("Prepare"), prepare),
        Group(_("Versions"), _versions(version), version.dataset.versions.count()),
    ]
    return [group for group in groups if group.pages]


def _rows(version: DatasetVersion, current: str) -> list[Tab]:
    drafts = version.dataset.drafts.count()
    quarantine = Tab("quarantine", _("Quarantine"), _of(version, "quarantine"), version.quarantined_count)
    pages = [Tab("rows", _("Rows"), version.get_absolute_url())]
    if quarantine.count or current == "quarantine":
        pages.append(quarantine)
    if drafts or current == "drafts":
        pages.append(Tab("drafts", _("Drafts"), _of(version.dataset, "drafts"), drafts))
    return pages


def _quality(version: DatasetVersion) -> list[Tab]:
    pages = [
        Tab("profile", _("Profile"), _of(version, "profile")),
        Tab("quality", _("Limits"), _of(version.dataset, "quality")),
    ]
    if not version.purged:
        pages.append(Tab("duplicates", _("Duplicates"), _of(version, "duplicates")))
    return pages


def _versions(version: DatasetVersion) -> list[Tab]:
    return [
        Tab("versions", _("All versions"), _of(version.dataset, "versions")),
        Tab("changes", _("Changes"), _of(version, "changes")),
        Tab("about", _("About"), _of(version, "about")),
    ]


def _of(row: Any, page: str) -> str:
    """The address of a page of a version, or of a dataset."""
    found: str = (
        reverse(f"datasets:{page}", args=[row.dataset_id, row.number])
        if isinstance(row, DatasetVersion)
        else reverse(f"datasets:{page}", args=[row.pk])
    )
    return found
