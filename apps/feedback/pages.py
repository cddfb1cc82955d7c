"""What the pages of feedback show beside the rows themselves."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet

from apps.accounts.models import Workspace, workspaces_where
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.quality import attach_broken
from apps.feedback import finding, services
from apps.feedback.models import Signal, Status, Thumbs
from apps.labeling.models import LabelProject

PER_PAGE = 50
RECENT = 30
VERBS = {
    "triage": "feedback.triage",
    "label": "labeling.manage",
    "data": "datasets.edit",
    "train": "training.launch",
}


def may(user: Any, workspace: Workspace) -> dict[str, bool]:
    return {
        verb: workspaces_where(user, capability).filter(pk=workspace.pk).exists() for verb, capability in VERBS.items()
    }


def list_page(user: Any, workspace: Workspace, wanted: finding.Wanted, number: Any) -> dict[str, Any]:
    rows = finding.signals_of(user, workspace)
    page = Paginator(wanted.narrow(rows), PER_PAGE).get_page(number)
    return {
        "page": page,
        "wanted": wanted,
        "counts": finding.counts_of(rows),
        "arms": finding.arms_of(rows),
        "no_arm": finding.NO_ARM,
        "statuses": Status.choices,
        "thumbs": Thumbs.choices,
        "may": may(user, workspace),
        "projects": finding.open_projects(user, workspace)[:RECENT],
        "datasets": Dataset.objects.visible_to(user, "datasets.edit").filter(workspace=workspace)[:RECENT],
        "previous_link": wanted.query(page=str(page.number - 1)),
        "next_link": wanted.query(page=str(page.number + 1)),
    }


def returns_page(user: Any, workspace: Workspace) -> dict[str, Any]:
    """Where feedback went: label projects with the versions frozen from them, and versions made of praised answers."""
    projects = [{"project": p, "versions": _frozen(user, p)} for p in _projects(user, workspace)[:RECENT]]
    harvested = [_trainable(version) for version in _harvested(user, workspace)[:RECENT]]
    frozen = [item for project in projects for item in project["versions"]]
    attach_broken([item["version"] for item in [*frozen, *harvested]])
    return {
        "projects": projects,
        "harvested": harvested,
        "may": may(user, workspace),
        "counts": finding.counts_of(finding.signals_of(user, workspace)),
    }


def _projects(user: Any, workspace: Workspace) -> QuerySet[Any]:
    answered = Q(tasks__accepted__isnull=False) | Q(tasks__submitted__gt=0)
    rows = LabelProject.objects.visible_to(user, "labeling.view").filter(workspace=workspace, signals__isnull=False)
    counted: QuerySet[Any] = rows.annotate(
        signal_count=Count("signals", distinct=True), answered_count=Count("tasks", filter=answered, distinct=True)
    )
    return counted.order_by("-created_at")


def _frozen(user: Any, project: LabelProject) -> list[dict[str, Any]]:
    rows = DatasetVersion.objects.visible_to(user).filter(provenance_kind="labelproject", provenance_id=project.pk)
    return [_trainable(version) for version in rows.select_related("dataset").order_by("-created_at")[:5]]


def _harvested(user: Any, workspace: Workspace) -> QuerySet[Any]:
    rows: QuerySet[Any] = DatasetVersion.objects.visible_to(user).filter(workspace=workspace, provenance_kind="signal")
    return rows.select_related("dataset").order_by("-created_at")


def _trainable(version: DatasetVersion) -> dict[str, Any]:
    """A version, the run whose answers are behind it, and the runs that learned from it already."""
    runs = version.runs.select_related("job").order_by("-created_at")[:3]
    return {"version": version, "run": services.run_behind(version), "runs": runs}


def detail_page(user: Any, signal: Signal) -> dict[str, Any]:
    exchange = signal.exchange
    version = exchange.deployment.model_version
    others = Signal.objects.filter(exchange=exchange).exclude(pk=signal.pk).select_related("created_by")[:10]
    return {
        "signal": signal,
        "exchange": exchange,
        "model_version": version,
        "run": version.checkpoint.run,
        "others": others,
        "may": may(user, signal.workspace),
        "projects": finding.open_projects(user, signal.workspace)[:RECENT],
        "datasets": Dataset.objects.visible_to(user, "datasets.edit").filter(workspace=signal.workspace)[:RECENT],
    }
