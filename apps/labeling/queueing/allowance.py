"""Whether a person may have one more task of a project: named people, pause, deadline, quotas."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.labeling.models import LabelProject, ProjectStatus, Share, WorkDay


@dataclass(frozen=True)
class Bar:
    """Why no new task is given, as a code and in words."""

    code: str
    words: str


def bar_of(project: LabelProject, share: Share | None, in_hand: int = 0) -> Bar | None:
    """Why this person gets no new task now; None when nothing is in the way."""
    if project.status != ProjectStatus.OPEN:
        return Bar("not_open", _("The project is not open for labeling."))
    if project.only_named and not (share and share.is_named):
        return Bar("not_named", _("This project is for named people; ask who runs it to name you."))
    if project.is_past_deadline:
        return Bar("deadline", _("The deadline has passed. What you have in hand can still be submitted."))
    if share and share.is_paused:
        return Bar("paused", share.pause_note or _("Who runs the project gives you no new tasks for now."))
    return over_quota(share, in_hand) if share else None


def over_quota(share: Share, in_hand: int) -> Bar | None:
    total, day = share.quotas
    if total is not None and share.submitted + in_hand >= total:
        return Bar("quota_total", _("You have reached your %(count)d tasks of this project.") % {"count": total})
    if day is not None and done_today(share) + in_hand >= day:
        return Bar("quota_day", _("You have reached your %(count)d tasks of today.") % {"count": day})
    return None


def done_today(share: Share) -> int:
    days = WorkDay.objects.filter(share=share, day=timezone.localdate())
    return days.values_list("submitted", flat=True).first() or 0


def quota_left(share: Share) -> int | None:
    """Tasks that the person may still submit today, those in hand included; None without a quota."""
    total, day = share.quotas
    rest = [total - share.submitted] if total is not None else []
    if day is not None:
        rest.append(day - done_today(share))
    return max(0, min(rest)) if rest else None


def seen_deadline(project: LabelProject) -> Any:
    return project.deadline.isoformat() if project.deadline else None
