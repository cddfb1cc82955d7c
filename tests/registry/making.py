"""Checkpoints of ended runs as rows alone: the registry reads no weights."""

from typing import Any

from apps.accounts.models import User, Workspace
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Status
from apps.registry import services
from apps.registry.models import Model, ModelVersion
from apps.training.models import BaseModel, Checkpoint, Run
from tests.make import make_job, make_version


def make_base(workspace: Workspace, slug: str = "tiny") -> BaseModel:
    made: BaseModel = BaseModel.objects.get_or_create(
        workspace=workspace,
        slug=slug,
        defaults={"name": slug.title(), "source": "folder", "path": "/tmp", "facts": {"layers": 2}},
    )[0]
    return made


def make_checkpoint(
    workspace: Workspace, *, base: str = "tiny", method: str = "lora", status: str = Status.SUCCEEDED, **values: Any
) -> Checkpoint:
    """A checkpoint of a run of its own."""
    number = Run.objects.filter(workspace=workspace).count() + 1
    version = DatasetVersion.objects.filter(workspace=workspace).first() or make_version(workspace)
    run = Run.objects.create(
        workspace=workspace,
        number=number,
        name=f"run {number}",
        base_model=make_base(workspace, base),
        dataset_version=version,
        recipe={"method": method},
        job=make_job(workspace, status=status),
    )
    defaults = {"step": 10, "name": "checkpoints/step-10", "key": f"checkpoints/{run.pk}/step-10", "is_final": True}
    made: Checkpoint = Checkpoint.objects.create(workspace=workspace, run=run, **{**defaults, **values})
    return made


def make_model(workspace: Workspace, actor: User | None = None, name: str = "support") -> Model:
    return services.create_model(actor=actor, workspace=workspace, name=name)


def make_approved(model: Model, checkpoint: Checkpoint, *, by: User, approver: User, **values: Any) -> ModelVersion:
    """Registered and asked for by one, approved by another."""
    made = services.register_version(actor=by, model=model, checkpoint=checkpoint, **values)
    services.request_approval(actor=by, version=made)
    return services.approve_version(actor=approver, version=made)
