"""How far a project is and how well people agree, for who watches it."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Avg, Count, Max
from django.utils.translation import gettext as _

from apps.labeling.agreement import Coefficient
from apps.labeling.models import AssignmentStatus, LabelProject, Share
from apps.labeling.queueing.counting import counts as counts
from apps.labeling.queueing.counting import own as own
from apps.labeling.reviewing import figures


def people(project: LabelProject) -> list[dict[str, Any]]:
    """What each person did, the busiest first; imported answers by the names that came with them."""
    shares = Share.objects.filter(project=project).people().select_related("annotator")
    held = project.assignments.filter(status=AssignmentStatus.LEASED).order_by().values_list("annotator")
    in_hand = dict(held.annotate(count=Count("pk")))
    found = [
        {
            "person": str(share.annotator or _("somebody")),
            "submitted": share.submitted,
            "skipped": share.skipped,
            "held": in_hand.get(share.annotator_id, 0),
            "seconds": share.seconds / share.submitted if share.submitted else None,
            "last": share.last_at,
        }
        for share in shares
        if share.submitted or share.skipped or share.annotator_id in in_hand
    ]
    return sorted(found + _imported(project), key=lambda row: -row["submitted"])


def _imported(project: LabelProject) -> list[dict[str, Any]]:
    nobody = project.assignments.filter(annotator=None, status=AssignmentStatus.SUBMITTED)
    rows = nobody.exclude(annotator_label="").order_by().values("annotator_label")
    counted = rows.annotate(count=Count("pk"), seconds=Avg("annotation__lead_time"), last=Max("finished_at"))
    return [
        {
            "person": row["annotator_label"],
            "submitted": row["count"],
            "skipped": 0,
            "held": 0,
            "seconds": row["seconds"],
            "last": row["last"],
        }
        for row in counted
    ]


@dataclass(frozen=True)
class Agreement:
    """The figure for one question, the same as on the tab Agreement."""

    control: str
    kind: str
    measure: str
    coefficient: Coefficient

    def as_dict(self) -> dict[str, Any]:
        return {"control": self.control, "kind": self.kind, "measure": self.measure, **asdict(self.coefficient)}


def agreements(project: LabelProject) -> list[Agreement]:
    """How well people agree, question by question."""
    found = figures.figures(project)
    return [Agreement(one.control.name, one.control.kind, one.measure, one.coefficient) for one in found.questions]


def agreement_sample(project: LabelProject) -> dict[str, Any]:
    """From how many tasks the figures are, and whether the project has more."""
    found = figures.figures(project)
    return {"tasks": found.looked, "is_sample": found.is_sample}
