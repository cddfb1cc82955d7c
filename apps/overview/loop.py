"""The ring as a row of stages: where each one stands in a few words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.models import Workspace
from apps.datasets.models import DatasetVersion
from apps.evaluation.models import Round, RoundStatus
from apps.feedback.models import Signal
from apps.feedback.models import Status as SignalStatus
from apps.labeling.models import LabelProject, ProjectStatus, Task
from apps.registry.models import ModelVersion, VersionStatus
from apps.rollout.models import Rollout, RolloutStatus
from apps.serving.models import Deployment
from apps.serving.models import Status as DeploymentStatus
from apps.training.models import Run

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Told = tuple[str, bool]  # in words; whether something is going on


@dataclass(frozen=True)
class Stage:
    label: "StrPromise"
    icon: str
    url: str
    note: str
    is_live: bool


def stages_of(user: Any, workspace: Workspace) -> list[Stage]:
    found = []
    for label, icon, view, tell in STAGES:
        note, is_live = tell(user, workspace)
        found.append(Stage(label, icon, reverse(view), note, is_live))
    return found


def _data(user: Any, workspace: Workspace) -> Told:
    rows = DatasetVersion.objects.visible_to(user).filter(workspace=workspace).select_related("dataset")
    newest = rows.order_by("-created_at").first()
    return (str(newest) if newest else _("nothing yet")), False


def _label(user: Any, workspace: Workspace) -> Told:
    projects = LabelProject.objects.visible_to(user, "labeling.view").filter(
        workspace=workspace, status=ProjectStatus.OPEN
    )
    tasks = Task.objects.filter(project__in=projects)
    left = (projects.aggregate(all=Sum("task_count"))["all"] or 0) - tasks.finished().count()
    if not projects.exists():
        return _("no open project"), False
    return ngettext("%(count)d task open", "%(count)d tasks open", left) % {"count": left}, left > 0


def _train(user: Any, workspace: Workspace) -> Told:
    run = Run.objects.visible_to(user).filter(workspace=workspace).select_related("job").order_by("-created_at").first()
    if run is None:
        return _("no run yet"), False
    if run.job.is_alive and run.job.percent is not None:
        return _("%(run)s at %(percent)d %%") % {"run": run.code, "percent": run.job.percent}, True
    return f"{run.code} {str(run.job.get_status_display()).lower()}", not run.job.is_terminal


def _evaluate(user: Any, workspace: Workspace) -> Told:
    rounds = Round.objects.visible_to(user, "evaluation.view").filter(workspace=workspace)
    newest = rounds.exclude(status=RoundStatus.CANCELLED).order_by("-number").first()
    if newest is None:
        return _("no round yet"), False
    told = newest.get_outcome_display() if newest.outcome else newest.get_status_display()
    return _("Round %(number)d: %(told)s") % {"number": newest.number, "told": str(told).lower()}, newest.is_open


def _models(user: Any, workspace: Workspace) -> Told:
    rows = ModelVersion.objects.visible_to(user).filter(workspace=workspace).select_related("model")
    newest = rows.filter(status=VersionStatus.APPROVED).order_by("-decided_at", "-created_at").first()
    newest = newest or rows.order_by("-created_at").first()
    if newest is None:
        return _("nothing registered"), False
    return f"{newest} {str(newest.get_status_display()).lower()}", False


def _serve(user: Any, workspace: Workspace) -> Told:
    ready = Deployment.objects.visible_to(user).filter(workspace=workspace, status=DeploymentStatus.READY).count()
    if not ready:
        return _("nothing deployed"), False
    return ngettext("%(count)d deployment ready", "%(count)d deployments ready", ready) % {"count": ready}, True


def _roll_out(user: Any, workspace: Workspace) -> Told:
    rows = Rollout.objects.visible_to(user).filter(workspace=workspace, status=RolloutStatus.RUNNING)
    running = rows.order_by("-started_at").first()
    if running is None:
        return _("nothing runs"), False
    return _("%(share)s %% in %(name)s") % {"share": running.percent, "name": running.name}, True


def _feedback(user: Any, workspace: Workspace) -> Told:
    rows = Signal.objects.visible_to(user).filter(workspace=workspace, status=SignalStatus.NEW)
    new = rows.aggregate(count=Count("pk"))["count"]
    return (ngettext("%(count)d to sort", "%(count)d to sort", new) % {"count": new} if new else _("all sorted")), False


STAGES: "tuple[tuple[StrPromise, str, str, Callable[[Any, Workspace], Told]], ...]" = (
    (gettext_lazy("Data"), "data", "datasets:list", _data),
    (gettext_lazy("Label"), "label", "labeling:list", _label),
    (gettext_lazy("Train"), "train", "training:runs", _train),
    (gettext_lazy("Evaluate"), "evaluate", "evaluation:list", _evaluate),
    (gettext_lazy("Models"), "models", "registry:models", _models),
    (gettext_lazy("Serve"), "serve", "serving:deployments", _serve),
    (gettext_lazy("Roll out"), "rollout", "rollout:rollouts", _roll_out),
    (gettext_lazy("Feedback"), "feedback", "feedback:list", _feedback),
)
