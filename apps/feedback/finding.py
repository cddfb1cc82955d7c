"""The list of feedback as a person asks for it: arm, thumbs, status, words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.feedback.models import Signal, Status, Thumbs
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.schema import gallery
from apps.labeling.schema.label_config import parse_config

NO_ARM = "-"  # answers that no rollout chose


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to. Unknown values narrow to nothing wrong: they are dropped on pages and refused by the API."""

    arm: str = ""
    thumbs: str = ""
    status: str = ""
    text: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Wanted":
        return cls(
            arm=given.get("arm", "")[:130],
            thumbs=given.get("thumbs", "") if given.get("thumbs") in Thumbs.values else "",
            status=given.get("status", "") if given.get("status") in Status.values else "",
            text=given.get("q", "").strip().replace("\0", "")[:200],
        )

    @classmethod
    def strictly(cls, given: Mapping[str, Any]) -> "Wanted":
        """Raises Problem naming a value that there is not."""
        for name, values in (("thumbs", Thumbs.values), ("status", Status.values)):
            if given.get(name) and given[name] not in values:
                raise Problem(_("There is no such %(name)s.") % {"name": name}, field=name, hint=", ".join(values))
        return cls.of(given)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.arm or self.thumbs or self.status or self.text)

    def query(self, **more: str) -> str:
        values = {"arm": self.arm, "thumbs": self.thumbs, "status": self.status, "q": self.text, **more}
        return "?" + urlencode({name: value for name, value in values.items() if value})

    def narrow(self, rows: QuerySet[Signal]) -> QuerySet[Signal]:
        if self.arm:
            rows = rows.filter(exchange__arm="" if self.arm == NO_ARM else self.arm)
        if self.thumbs:
            rows = rows.filter(thumbs=self.thumbs)
        if self.status:
            rows = rows.filter(status=self.status)
        if self.text:
            places = (
                "correction",
                "comment",
                "end_user",
                "exchange__prompt",
                "exchange__answer",
                "exchange__deployment__name",
            )
            said = Q()
            for place in places:
                said |= Q(**{f"{place}__icontains": self.text})
            rows = rows.filter(said)
        return rows


def signals_of(user: Any, workspace: Workspace) -> QuerySet[Signal]:
    rows: QuerySet[Signal] = Signal.objects.visible_to(user).filter(workspace=workspace)
    joins = ("exchange__deployment__model_version__model", "created_by", "project", "version__dataset", "workspace")
    return rows.select_related(*joins)


def arms_of(rows: QuerySet[Signal]) -> list[str]:
    """Arms that have feedback, by name."""
    return list(
        rows.exclude(exchange__arm="").order_by("exchange__arm").values_list("exchange__arm", flat=True).distinct()
    )


def counts_of(rows: QuerySet[Signal]) -> dict[str, int]:
    found = {row["status"]: row["count"] for row in rows.order_by().values("status").annotate(count=Count("pk"))}
    return {status: found.get(status, 0) for status in Status.values}


def open_projects(user: Any, workspace: Workspace) -> QuerySet[LabelProject]:
    """Projects that take corrections now."""
    rows: QuerySet[LabelProject] = LabelProject.objects.visible_to(user, "labeling.manage").filter(workspace=workspace)
    return rows.filter(status=ProjectStatus.OPEN, label_config=parse_config(gallery.CORRECTION).xml)
