"""An answer that a deployed version gave, chosen by an arm of a rollout. Nothing here loads torch."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.datasets.models import DatasetVersion
from apps.feedback import services
from apps.feedback.models import Signal
from apps.registry.models import Model, ModelVersion
from apps.serving.models import Deployment, Engine, Exchange
from apps.training import services as training
from apps.training.models import BaseModel, Checkpoint
from tests.cast import Cast
from tests.make import as_jsonl, make_api_key, make_version
from tests.training.folders import FACTS

ROWS = [{"prompt": f"Where is order {n}?", "completion": f"Order {n} is on its way."} for n in range(20)]


def make_deployment(
    cast: Cast, workspace: Workspace | None = None, name: str = "support", content: bytes = as_jsonl(ROWS)
) -> Deployment:
    """Upload, version, run, checkpoint, model version and deployment, as rows."""
    room = workspace or cast.workspace
    data = make_version(room, content, name=f"{name}-data", actor=cast.curator)
    base = BaseModel.objects.create(workspace=room, name="Tiny", slug=f"tiny-{name}", source="folder", facts=FACTS)
    run = training.launch_run(
        actor=cast.engineer, workspace=room, name=name, base_model=base, dataset_version=data, recipe={"max_steps": 2}
    )
    checkpoint = Checkpoint.objects.create(workspace=room, run=run, step=2, name="step-2")
    model = Model.objects.create(workspace=room, name=name)
    version = ModelVersion.objects.create(
        workspace=room, model=model, number=1, version="1.0.0", major=1, minor=0, patch=0, change="first", status="approved",
        checkpoint=checkpoint, created_by=cast.engineer,
    )  # fmt: skip
    engine = Engine.objects.create(workspace=room, key=f"base.{base.pk}", base_model=base)
    deployment: Deployment = Deployment.objects.create(
        workspace=room, name=name, model_version=version, engine=engine, created_by=cast.engineer
    )
    return deployment


def make_exchange(deployment: Deployment, prompt: str = "Where is it?", **values: Any) -> Exchange:
    given = {"answer": "No idea.", "status": "succeeded", "finish": "stop", "unit": "u-1", **values}
    exchange: Exchange = Exchange.objects.create(
        workspace=deployment.workspace,
        deployment=deployment,
        request={"messages": [{"role": "user", "content": prompt}], "max_tokens": 10},
        **given,
    )
    return exchange


@pytest.fixture
def deployment(cast: Cast) -> Deployment:
    return make_deployment(cast)


@pytest.fixture
def exchange(deployment: Deployment) -> Exchange:
    return make_exchange(deployment)


@pytest.fixture
def served(deployment: Deployment) -> DatasetVersion:
    """The version that the run behind the answers learned from."""
    version: DatasetVersion = deployment.model_version.checkpoint.run.dataset_version
    return version


Give = Callable[..., Signal]


@pytest.fixture
def give(cast: Cast, exchange: Exchange) -> Give:
    """Feedback of the engineer's program."""

    def said(on: Exchange | None = None, user: str = "", **words: Any) -> Signal:
        return services.give_feedback(actor=cast.engineer, exchange=on or exchange, said=words, user=user)[0]

    return said


@pytest.fixture
def client_of(cast: Cast) -> Callable[..., Client]:
    def client(role: str, **fields: Any) -> Client:
        workspace = cast.other_workspace if role == "stranger" else cast.workspace
        return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.by_role(role), workspace, **fields)}")

    return client


class Tally(dict[Any, list[Any]]):
    """What the arms were told, instead of a rollout's table."""

    def note(self, *, arm_id: Any, value: float | None, instead_of: float | None = None) -> None:
        self.setdefault(arm_id, []).append((value, instead_of))


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    told = Tally()
    monkeypatch.setattr("apps.rollout.services.note_feedback", told.note)
    return told


@pytest.fixture
def in_arm(deployment: Deployment) -> Exchange:
    return make_exchange(deployment, arm_id=uuid4(), rollout_id=uuid4(), arm="answers/b")
