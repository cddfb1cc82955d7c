"""What waits for a person: tasks to label, answers to rate, versions to approve, feedback to sort. Only what the person may do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Workspace, workspaces_where
from apps.evaluation.models import Item, Rating, Round
from apps.feedback.models import Signal, Status
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.queueing import counting
from apps.registry.models import ModelVersion, VersionStatus

MOST = 5  # of a kind


@dataclass(frozen=True)
class Waiting:
    """One thing to do: what, where, and what the button says."""

    icon: str
    title: str
    note: str
    url: str
    action: str


def waiting_for(user: Any, workspace: Workspace) -> list[Waiting]:
    """What waits for this person in this workspace, the work of others first."""
    return [
        *_to_rate(user, workspace),
        *_to_approve(user, workspace),
        *_to_label(user, workspace),
        *_to_sort(user, workspace),
    ]


def _may(user: Any, capability: str, workspace: Workspace) -> bool:
    return workspaces_where(user, capability).filter(pk=workspace.pk).exists()


def _to_rate(user: Any, workspace: Workspace) -> Iterator[Waiting]:
    rounds = Round.objects.to_rate(user).filter(workspace=workspace).order_by("opened_at")
    for round in rounds[:MOST]:
        done = Rating.objects.filter(rater__round=round, rater__user_id=user.pk, is_complete=True).count()
        left = Item.objects.filter(round=round).count() - done
        if left > 0:
            title = ngettext("Rate %(count)d answer", "Rate %(count)d answers", left) % {"count": left}
            yield Waiting("star", title, str(round), reverse("evaluation:rate", args=[round.pk]), _("Rate"))


def _to_approve(user: Any, workspace: Workspace) -> Iterator[Waiting]:
    """Versions of others: nobody approves what they made or asked for."""
    if not _may(user, "registry.approve", workspace):
        return
    rows = ModelVersion.objects.visible_to(user).filter(workspace=workspace, status=VersionStatus.PENDING)
    others = rows.exclude(created_by=user.pk).exclude(asked_by=user.pk).select_related("model", "asked_by")
    for version in others.order_by("asked_at")[:MOST]:
        title = _("Approve %(version)s") % {"version": version}
        note = _("asked by %(person)s") % {"person": version.asked_by or "-"}
        yield Waiting("models", title, note, version.get_absolute_url(), _("Review"))


def _to_label(user: Any, workspace: Workspace) -> Iterator[Waiting]:
    """What is left for this person in open projects: the number that the screen of labeling says as well."""
    if not _may(user, "labeling.annotate", workspace):
        return
    rows = LabelProject.objects.visible_to(user, "labeling.annotate").filter(
        LabelProject.objects.may_be_labelled_by(user)
    )
    found = 0
    for project in rows.filter(workspace=workspace, status=ProjectStatus.OPEN).order_by("created_at"):
        left = counting.own(project, user)["left"]
        if left:
            found += 1
            title = ngettext("Label %(count)d task", "Label %(count)d tasks", left) % {"count": left}
            yield Waiting("label", title, project.name, reverse("labeling:work", args=[project.pk]), _("Label"))
        if found == MOST:
            return


def _to_sort(user: Any, workspace: Workspace) -> Iterator[Waiting]:
    if not _may(user, "feedback.triage", workspace):
        return
    new = Signal.objects.visible_to(user).filter(workspace=workspace, status=Status.NEW)
    found = new.aggregate(
        all=Count("pk"), down=Count("pk", filter=Q(thumbs="down")), better=Count("pk", filter=~Q(correction=""))
    )
    if found["all"]:
        title = ngettext("Sort %(count)d signal", "Sort %(count)d signals", found["all"]) % {"count": found["all"]}
        note = _("%(down)d thumbs down, %(better)d with a better answer") % found
        yield Waiting("feedback", title, note, f"{reverse('feedback:list')}?status={Status.NEW}", _("Sort"))
