"""What the page of duplicates shows: past searches, the groups of one with their rows side by side, and what would go."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from apps.core.errors import Problem
from apps.datasets.amending import rows_at
from apps.datasets.differences import SHOWN, Piece, differences
from apps.datasets.duplicates import reviewing
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job
from workers.formats.chat import TrainingRow
from workers.preparing import shown

PAGE_GROUPS = 10
SHOWN_MEMBERS = 6  # of a group; the others follow as places
METHODS: dict[str, StrPromise] = {
    "duplicates": _("Exact"),
    "near_duplicates": _("Near"),
    "semantic_duplicates": _("In meaning"),
}
PARTS: dict[str, StrPromise] = {
    "conversation": _("the whole row"),
    "question": _("the question or text, whatever the answer"),
    "answer": _("the last answer"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a group beside the others; `pieces` mark what differs from the first."""

    place: int
    stays: bool
    split: str
    turns: list[tuple[str, list[Piece]]]

    @property
    def number(self) -> int:
        """Its place as people count."""
        return self.place + 1


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group with the rows that are shown."""

    group: reviewing.Group
    members: list[Member]

    @property
    def number(self) -> int:
        """Its number as people count."""
        return self.group.number + 1

    @property
    def more(self) -> list[tuple[int, bool]]:
        """The places that are not shown with their text, and whether each stays."""
        return [(place, place in self.group.stays) for place in self.group.places[SHOWN_MEMBERS:]]


def search_of(version: DatasetVersion, pk: UUID | str) -> Job:
    """A search in this version. Http404."""
    found: Job | None = reviewing.searches_of(version).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def groups_shown(version: DatasetVersion, job: Job, start: int, limit: int = PAGE_GROUPS) -> list[ShownGroup]:
    """Some groups with their rows, read from the version."""
    groups = list(islice(reviewing.groups_from(job, start), limit))
    places = sorted({place for group in groups for place in group.places[:SHOWN_MEMBERS]})
    rows = dict(zip(places, rows_at(version, dict.fromkeys(places)), strict=True))
    return [ShownGroup(group, _members(group, rows)) for group in groups]


def _members(group: reviewing.Group, rows: Mapping[int, TrainingRow]) -> list[Member]:
    places = group.places[:SHOWN_MEMBERS]
    first = shown(rows[places[0]])
    return [
        Member(place, place in group.stays, rows[place].split, _turns(first, shown(rows[place]))) for place in places
    ]


def _turns(first: list[dict[str, str]], turns: list[dict[str, str]]) -> list[tuple[str, list[Piece]]]:
    found = []
    for number, turn in enumerate(turns):
        old = first[number]["content"] if number < len(first) else ""
        text = turn["content"]
        is_same = old == text
        pieces = [Piece("same", text[:SHOWN] + "…" * (len(text) > SHOWN))] if is_same else list(differences(old, text))
        found.append((turn["role"], pieces))
    return found


def page(version: DatasetVersion, query: Mapping[str, str]) -> dict[str, Any]:
    """Past searches, and the groups of the one that is asked for or is the newest."""
    searches = list(reviewing.searches_of(version)[:8])
    wanted = query.get("search", "")
    job = next((search for search in searches if not wanted or str(search.pk) == wanted), None)
    start = int(query["from"]) if query.get("from", "").isdecimal() and len(query["from"]) < 10 else 0
    told: dict[str, Any] = {
        "searches": [(search, METHODS.get(search.settings.get("step", ""), "")) for search in searches]
    }
    told |= {
        "job": job,
        "methods": METHODS.items(),
        "parts": PARTS.items(),
        "is_running": bool(job and not job.is_terminal),
    }
    if job is None or not reviewing.is_done(job) or version.purged:
        return told
    try:
        groups = groups_shown(version, job, start)
    except Problem:
        return told
    total = int(job.result.get("groups", 0))
    after = start + PAGE_GROUPS if start + PAGE_GROUPS < total else None
    going = int(job.result.get("rows", 0))
    return {
        **told,
        "is_found": True,
        "groups": groups,
        "total": total,
        "going": going,
        "start": start,
        "after": after,
        "before": max(start - PAGE_GROUPS, 0) if start else None,
        "made": reviewing.removed_by(job),
        "method": METHODS[job.settings["step"]],
    }


def typed(form: Mapping[str, str]) -> dict[str, Any]:
    """The options of a search as the form says them."""
    options: dict[str, Any] = {"step": form.get("step", ""), "of": form.get("of", "conversation")}
    if options["step"] == "duplicates":
        return options
    percent = form.get("threshold", "").strip()
    if percent:
        try:
            options["threshold"] = round(float(percent.replace(",", ".")) / 100, 6)
        except ValueError:
            options["threshold"] = percent
    return {**options, "keep": form.get("keep", "first")}


def ticked(form: Any) -> dict[str, list[int]]:
    """Which rows of the groups on the page stay, as ticked."""
    found: dict[str, list[int]] = {number: [] for number in form.getlist("group")[: 10 * PAGE_GROUPS]}
    for number in found:
        found[number] = [
            int(place) for place in form.getlist(f"stays-{number}") if place.isdecimal() and len(place) < 16
        ]
    return found
