"""Whom a name means: a rollout, which chooses one of its arms; a deployment; or a model by alias or version that is deployed."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.registry.models import Model, ModelVersion
from apps.registry.services import alias_at
from apps.rollout import services as rollouts
from apps.rollout.models import Rollout, RolloutStatus
from apps.serving.models import Deployment, Status


class NoSuchModel(Problem):
    status = 404
    code = "model_not_found"


@dataclass(frozen=True)
class Target:
    """The deployment that answers, and the arm that led to it."""

    deployment: Deployment
    arm: str = ""  # its key, as clients see it
    chosen: dict[str, Any] = field(default_factory=dict)  # rollout_id, arm_id and arm for the log

    @property
    def label(self) -> str:
        return str(self.chosen.get("arm", ""))


def deployments_of(workspace: Workspace) -> QuerySet[Deployment]:
    """Those that are turned on, the ready ones first, with what an answer needs of them."""
    is_ready = Case(When(status=Status.READY, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows: QuerySet[Deployment] = Deployment.objects.filter(workspace=workspace, is_wanted=True)
    return rows.select_related("engine", "workspace", "model_version__model").order_by(is_ready, "-created_at")


def resolve(workspace: Workspace, name: str, unit: str) -> Target:
    """Raises NoSuchModel for a name that means nothing here, or nothing that runs."""
    return _by_rollout(workspace, name, unit) or Target(_by_deployment(workspace, name) or _by_model(workspace, name))


def _by_rollout(workspace: Workspace, name: str, unit: str) -> Target | None:
    choice = rollouts.choose(workspace=workspace, name=name, unit=unit)
    if choice is None:
        return None
    words = f"{choice.rollout.name}/{choice.arm.key}"
    chosen = {"rollout_id": choice.rollout.pk, "arm_id": choice.arm.pk, "arm": words}
    return Target(choice.deployment, choice.arm.key, chosen)


def _by_deployment(workspace: Workspace, name: str) -> Deployment | None:
    found = deployments_of(workspace).filter(name=name).first()
    if found is None and Deployment.objects.filter(workspace=workspace, name=name).exists():
        raise NoSuchModel(_("The deployment “%(name)s” is stopped.") % {"name": name}, field="model")
    return found


def _by_model(workspace: Workspace, name: str) -> Deployment:
    """`name@alias` or `name:1.2.0`."""
    version = _version_of(workspace, name)
    if version is None:
        hint = _("GET /v1/models lists the names that are served.")
        raise NoSuchModel(_("There is no model “%(name)s”.") % {"name": name[:80]}, field="model", hint=hint)
    found = deployments_of(workspace).filter(model_version=version).first()
    if found is None:
        raise NoSuchModel(_("%(version)s is not deployed.") % {"version": version}, field="model")
    return found


def _version_of(workspace: Workspace, name: str) -> ModelVersion | None:
    for mark in "@:":
        model_name, is_there, wanted = name.partition(mark)
        model = Model.objects.filter(workspace=workspace, name=model_name).first() if is_there and wanted else None
        if model is not None and mark == "@":
            return alias_at(model, wanted, timezone.now())
        if model is not None:
            found: ModelVersion | None = model.versions.filter(version=wanted).first()
            return found
    return None


def names_of(workspace: Workspace) -> list[tuple[str, int]]:
    """Every name that is served here, rollouts first, and since when (seconds of the epoch)."""
    started = Rollout.objects.filter(workspace=workspace).exclude(status=RolloutStatus.DRAFT)
    found: dict[str, int] = {}
    for rows in (started, deployments_of(workspace)):
        for name, created_at in rows.order_by("name").values_list("name", "created_at"):
            found.setdefault(name, int(created_at.timestamp()))
    return list(found.items())
