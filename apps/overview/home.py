"""What the home page shows a person: what waits, what runs, what broke, where the ring stands, what happened."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.models import Workspace, workspaces_where
from apps.datasets.models import Dataset, attach_newest
from apps.datasets.quality import attach_broken
from apps.jobs.models import TERMINAL, Job, Status
from apps.overview import events
from apps.overview.loop import stages_of
from apps.overview.waiting import waiting_for
from apps.serving.models import Deployment
from apps.serving.models import Status as DeploymentStatus
from apps.training.models import Run

MAY = ("datasets.upload", "training.launch", "datasets.view")


def home_of(user: Any, workspace: Workspace) -> dict[str, Any]:
    """Who only labels and rates sees what waits, and nothing of the stages."""
    may = {name.replace(".", "_"): workspaces_where(user, name).filter(pk=workspace.pk).exists() for name in MAY}
    context = {"waiting": waiting_for(user, workspace), "may": may, "is_worker": not may["datasets_view"]}
    return context if context["is_worker"] else {**context, **_stages(user, workspace)}


def _stages(user: Any, workspace: Workspace) -> dict[str, Any]:
    runs = Run.objects.visible_to(user).filter(workspace=workspace)
    runs = runs.select_related("job", "base_model", "dataset_version__dataset")
    jobs = Job.objects.visible_to(user).filter(workspace=workspace).exclude(queue="chat")
    return {
        "live_run": runs.exclude(job__status__in=TERMINAL).order_by("created_at").first() or runs.first(),
        "active": list(jobs.exclude(status__in=TERMINAL).order_by("created_at")[:8]),
        **_broken(user, workspace, jobs),
        "stages": stages_of(user, workspace),
        "runs": runs[:5],
        "events": events.latest(workspace, 8),
        "steps": {
            "data": Dataset.objects.visible_to(user).filter(workspace=workspace).exists(),
            "run": runs.exists(),
            "result": runs.filter(job__status=Status.SUCCEEDED).exists(),
        },
    }


def _broken(user: Any, workspace: Workspace, jobs: Any) -> dict[str, Any]:
    """Jobs that failed since yesterday (imports, trainings, engines and all others), and deployments that are down."""
    since = timezone.now() - timedelta(days=1)
    down = Deployment.objects.visible_to(user).filter(workspace=workspace, status=DeploymentStatus.FAILED)
    return {
        "broken": jobs.filter(status=Status.FAILED, finished_at__gt=since).order_by("-finished_at")[:4],
        "down": down.order_by("name")[:4],
        "beyond": _beyond_limits(user, workspace),
    }


def _beyond_limits(user: Any, workspace: Workspace) -> list[Any]:
    """Newest versions of the datasets changed last that break a quality limit."""
    datasets = list(Dataset.objects.visible_to(user).filter(workspace=workspace).order_by("-changed_at")[:25])
    attach_newest(datasets)
    versions = [dataset.known_newest for dataset in datasets if dataset.known_newest]
    attach_broken(versions)
    return [version for version in versions if version.broken_limits][:4]
