"""What the pages of serving show."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.jobs.models import Slot, in_seconds
from apps.jobs.models import Status as JobStatus
from apps.registry.models import ModelVersion, VersionStatus
from apps.serving import exchanges, listing, wording
from apps.serving.models import Deployment, Exchange, ExchangeStatus, Status

PER_PAGE = 25
TONES = {
    Status.READY: "good",
    Status.STARTING: "info",
    Status.STOPPING: "warn",
    Status.FAILED: "bad",
    Status.STOPPED: "idle",
}
EXCHANGE_TONES = {"succeeded": "good", "failed": "bad", "cancelled": "warn", "running": "info"}
OVER = (VersionStatus.REJECTED, VersionStatus.RETIRED)


def list_page(user: Any, workspace: Workspace, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of deployments with their figures, and the versions that may be deployed."""
    rows = deployments(user).filter(workspace=workspace)
    listed = listing.DEPLOYMENTS.show(rows, query, reverse("serving:deployments"))
    figures = exchanges.figures(rows.filter(pk__in=[row.pk for row in listed.page]))
    found = [{"deployment": row, "state": state_of(row), "figures": figures.get(row.pk, {})} for row in listed.page]
    return {"listed": listed, "rows": found, "versions": deployable(user, workspace)}


def deployments(user: Any) -> QuerySet[Deployment]:
    rows: QuerySet[Deployment] = Deployment.objects.visible_to(user)
    return rows.select_related("engine__job", "model_version__model", "created_by", "workspace")


def deployable(user: Any, workspace: Workspace) -> list[ModelVersion]:
    rows = ModelVersion.objects.visible_to(user).filter(workspace=workspace).exclude(status__in=OVER)
    return list(rows.select_related("model").order_by("model__name", "-number")[:200])


def state_of(deployment: Deployment) -> dict[str, str]:
    """The status with its colour, and in words what it waits for."""
    return {
        "label": str(deployment.get_status_display()),
        "tone": TONES[Status(deployment.status)],
        "text": _why(deployment),
    }


def _why(deployment: Deployment) -> str:
    job = deployment.engine.job
    if deployment.status == Status.FAILED:
        return deployment.failure_message
    if deployment.status != Status.STARTING:
        return ""
    if job is None or job.is_terminal:
        return _("The engine ended; it is started again in a moment.")
    if job.status == JobStatus.QUEUED and job.crashes:
        return _("The engine crashed and starts again.")
    if job.status == JobStatus.QUEUED:
        is_there = Slot.objects.filter(queue="serve", seen_at__gt=in_seconds(-60)).exists()
        return _("Waits for a free engine slot.") if is_there else _("Waits for a worker; none is there.")
    return _("The model is being loaded.")


def detail(user: Any, deployment: Deployment, query: Any, address: str) -> dict[str, Any]:
    """Everything of one deployment's page."""
    figures = exchanges.figures(Deployment.objects.filter(pk=deployment.pk)).get(deployment.pk, {})
    siblings = deployments(user).filter(engine=deployment.engine, is_wanted=True).exclude(pk=deployment.pk)
    return {
        "deployment": deployment,
        "state": state_of(deployment),
        "figures": figures,
        "siblings": siblings[:20],
        "job": deployment.engine.job,
        "address": address,
        "words": wording.TRY,
        "try_data": {"url": reverse("serving:try", args=[deployment.pk])},
        **log(deployment, query),
    }


def log(deployment: Deployment, query: Any) -> dict[str, Any]:
    """A page of the exchanges that fit, newest first."""
    text = query.get("q", "").replace("\0", "").strip()[:100]
    status = query.get("status", "") if query.get("status", "") in ExchangeStatus.values else ""
    rows: QuerySet[Exchange] = deployment.exchanges.order_by("-created_at", "pk")
    rows = rows.filter(status=status) if status else rows
    if text:
        rows = rows.filter(Q(prompt__icontains=text) | Q(answer__icontains=text) | Q(unit__icontains=text))
    page = Paginator(rows, PER_PAGE).get_page(query.get("page"))
    narrowed = {name: value for name, value in {"q": text, "status": status}.items() if value}
    return {
        "page": page,
        "wanted": {"text": text, "status": status},
        "statuses": ExchangeStatus.choices,
        "tones": EXCHANGE_TONES,
        "previous_link": "?" + urlencode({**narrowed, "page": page.number - 1}),
        "next_link": "?" + urlencode({**narrowed, "page": page.number + 1}),
    }
