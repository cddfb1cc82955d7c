"""Deployments for tests, with as little said as possible."""

from typing import Any

from apps.accounts.models import User, Workspace
from apps.registry import services as registry
from apps.registry.models import Model, ModelVersion
from apps.serving import exchanges, services
from apps.serving.models import Deployment, Engine, Exchange, ExchangeStatus, Status
from apps.training.models import Checkpoint
from tests.registry.making import make_checkpoint

QUESTION = [{"role": "user", "content": "Where is my parcel?"}]


def make_model_version(
    workspace: Workspace, *, name: str = "support", actor: User | None = None, checkpoint: Checkpoint | None = None
) -> ModelVersion:
    """A draft, the next of its model."""
    model: Model = Model.objects.filter(workspace=workspace, name=name).first() or registry.create_model(
        actor=actor, workspace=workspace, name=name
    )
    return registry.register_version(actor=actor, model=model, checkpoint=checkpoint or make_checkpoint(workspace))


def make_deployment(
    workspace: Workspace,
    name: str = "support-a",
    *,
    actor: User | None = None,
    version: ModelVersion | None = None,
    address: str = "",
    token: str = "",
) -> Deployment:
    """Turned on. With `address` it is ready there."""
    version = version or make_model_version(workspace, actor=actor)
    deployment = services.deploy(
        actor=actor, workspace=workspace, name=name, model_version=version, allow_unapproved=True
    )
    if address:
        Engine.objects.filter(pk=deployment.engine_id).update(address=address, token=token)
        Deployment.objects.filter(pk=deployment.pk).update(status=Status.READY)
    found: Deployment = Deployment.objects.select_related("engine").get(pk=deployment.pk)
    return found


def make_exchange(deployment: Deployment, *, answer: str = "On its way.", **values: Any) -> Exchange:
    """Answered, unless a status is given."""
    request = values.pop(
        "request", {"messages": values.pop("messages", QUESTION), "max_tokens": 50, "temperature": 0.0}
    )
    status = values.pop("status", ExchangeStatus.SUCCEEDED)
    latency_ms = values.pop("latency_ms", 1200)
    exchange = exchanges.begin(deployment=deployment, request=request, **values)
    if status != ExchangeStatus.RUNNING:
        counts = {"ttft_ms": 200, "latency_ms": latency_ms, "prompt_tokens": 12, "completion_tokens": 5}
        exchanges.close(exchange, status, answer=answer, finish="stop", **counts)
    return exchange
