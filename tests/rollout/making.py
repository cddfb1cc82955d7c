"""Deployments and rollouts as rows alone: no engine is started."""

from typing import Any

from apps.accounts.models import Workspace
from apps.registry import services as registry
from apps.registry.models import Model
from apps.rollout import services
from apps.rollout.models import Rollout
from apps.serving.models import Deployment, Engine, Exchange, ExchangeStatus, Status
from tests.registry.making import make_checkpoint


def make_deployment(workspace: Workspace, name: str, *, status: str = Status.READY) -> Deployment:
    """A version of the model `support`, served under a name."""
    model = Model.objects.filter(workspace=workspace, name="support-model").first()
    model = model or registry.create_model(actor=None, workspace=workspace, name="support-model")
    version = registry.register_version(actor=None, model=model, checkpoint=make_checkpoint(workspace))
    base = version.checkpoint.run.base_model
    engine = Engine.objects.get_or_create(workspace=workspace, key=f"base.{base.pk}", defaults={"base_model": base})[0]
    made: Deployment = Deployment.objects.create(
        workspace=workspace, name=name, model_version=version, engine=engine, status=status
    )
    return made


def make_rollout(workspace: Workspace, *, share: float = 0.1, start: bool = True, **values: Any) -> Rollout:
    """Two deployments and a rollout over them, running unless said otherwise."""
    name = values.pop("name", "support")
    control = values.pop("control", None) or make_deployment(workspace, f"{name}-old")
    candidate = values.pop("candidate", None) or make_deployment(workspace, f"{name}-new")
    made = services.create_rollout(
        actor=values.pop("actor", None),
        workspace=workspace,
        name=name,
        control=control,
        candidate=candidate,
        share=share,
        seed=values.pop("seed", "seed"),
    )
    return services.start_rollout(actor=None, rollout=made) if start else made


def make_exchange(rollout: Rollout, unit: str, **values: Any) -> Exchange:
    """A request that the rollout sent to an arm, and its answer."""
    choice = services.choose(workspace=rollout.workspace, name=rollout.name, unit=unit)
    assert choice is not None
    defaults = {"request": {"messages": [{"role": "user", "content": "hi"}]}, "status": ExchangeStatus.SUCCEEDED}
    made: Exchange = Exchange.objects.create(
        workspace=rollout.workspace,
        deployment=choice.deployment,
        unit=unit,
        arm_id=choice.arm.pk,
        rollout_id=rollout.pk,
        arm=str(choice.arm),
        **{**defaults, **values},
    )
    return made
