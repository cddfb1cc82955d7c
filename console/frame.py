"""What the frame around every page shows: workspaces, the rail, the meter of running jobs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import current_workspace
from apps.accounts.models import Membership, User, Workspace
from apps.accounts.roles import CAPABILITIES
from apps.jobs.models import ALIVE, Job, Slot, Status, in_seconds

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True)
class Entry:
    """A place in the rail, in the order of the arrow."""

    label: "StrPromise"
    icon: str
    view: str
    start: str  # first part of its addresses
    keys: str  # pressed one after the other
    on_phone: bool = True  # in the phone's bar; the others are under More
    rule: bool = False  # a line above
    end: bool = False  # at the foot
    needs: tuple[str, ...] = ()  # one of these capabilities; a place that would answer "not allowed" is not shown


RAIL = [
    Entry(_("Overview"), "overview", "overview:home", "", "g o"),
    Entry(_("Data"), "data", "datasets:list", "datasets", "g d", rule=True, needs=("datasets.view",)),
    Entry(_("Label"), "label", "labeling:list", "label", "g l", needs=("labeling.view", "labeling.annotate")),
    Entry(_("Train"), "train", "training:runs", "train", "g t", needs=("training.view",)),
    Entry(_("Chat"), "feedback", "training:chat", "train/chat", "g c", needs=("training.chat",)),
    Entry(
        _("Base models"), "models", "training:models", "train/models", "g b", on_phone=False, needs=("training.view",)
    ),
    Entry(_("Queue"), "clock", "jobs:queue", "queue", "g q", on_phone=False, needs=("jobs.view",)),
    Entry(
        _("Evaluate"), "evaluate", "evaluation:list", "evaluate", "g e", needs=("evaluation.view", "evaluation.rate")
    ),
    Entry(_("Models"), "models", "registry:models", "models", "g m", on_phone=False, needs=("registry.view",)),
    Entry(_("Serve"), "serve", "serving:deployments", "serve", "g v", on_phone=False, needs=("serving.view",)),
    Entry(_("Roll out"), "rollout", "rollout:rollouts", "rollout", "g r", on_phone=False, needs=("rollout.view",)),
    Entry(_("Feedback"), "star", "feedback:list", "feedback", "g f", on_phone=False, needs=("feedback.view",)),
    Entry(_("Settings"), "settings", "accounts:members", "settings", "g s", on_phone=False, end=True),
]


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the bars show; little for somebody who is not signed in, or for a person without a workspace."""
    outside = {"mail_works": bool(settings.EMAIL_HOST)}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return outside
    try:
        workspace = current_workspace(request)
    except Http404:
        return outside
    counts = _counts(workspace)
    return {
        **outside,
        "workspace": workspace,
        "memberships": user.memberships.select_related("workspace").order_by("workspace__name"),
        "nav": _rail(request.path.strip("/"), _held(user, workspace)),
        **counts,
    }


def _counts(workspace: Workspace) -> dict[str, Any]:
    jobs = Job.objects.filter(workspace=workspace)
    total = Slot.objects.filter(queue="gpu", seen_at__gt=in_seconds(-60)).count()
    used = Job.objects.filter(queue="gpu", status__in=ALIVE).count()
    return {
        "running_count": jobs.filter(status__in=ALIVE).exclude(queue__in=["chat", "serve"]).count(),
        "queued_count": jobs.filter(status=Status.QUEUED).count(),
        "slots": {"used": used, "all": total, "marks": [number < used for number in range(min(total, 8))]},
    }


def _held(user: User, workspace: Workspace) -> frozenset[str]:
    """What the person may do here."""
    membership = Membership.objects.filter(user_id=user.pk, workspace=workspace).first()
    return CAPABILITIES.get(membership.role, frozenset()) if membership else frozenset()


def _rail(path: str, held: frozenset[str]) -> list[dict[str, Any]]:
    current = max((entry.start for entry in RAIL if _within(path, entry.start)), key=len, default="")
    return [
        {
            **vars(entry),
            "url": reverse(entry.view),
            "current": entry.start == current and _within(path, current),
            "counts_running": entry.view == "training:runs",
        }
        for entry in RAIL
        if not entry.needs or held.intersection(entry.needs)
    ]


def _within(path: str, start: str) -> bool:
    return path == start or (bool(start) and path.startswith(f"{start}/"))
