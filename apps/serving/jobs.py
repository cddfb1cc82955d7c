"""The kind of job that this stage owns: an engine, which lives until it is stopped."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.serving import engines
from apps.serving.models import Deployment, Engine


def _prepare(job: Job) -> dict[str, Any]:
    return engines.spec_of(job, listen=settings.ENGINE_LISTEN)


def _on_event(job: Job, event: Event) -> None:
    if event["type"] == "listening":
        engines.note_address(job, str(event["address"]))
    elif event["type"] == "model":
        engines.note_model(job, event)


def _on_success(job: Job, result: Event) -> None:
    engines.note_gone(Deployment.objects.filter(engine__job=job))


def _url(job: Job) -> str:
    engine = Engine.objects.filter(job=job).first()
    deployment = engine.deployments.order_by("-is_wanted", "name").first() if engine else None
    return deployment.get_absolute_url() if deployment else ""


SERVE = Kind(
    name=engines.ENGINE,
    label=_("Engine"),
    program="serve",
    queue="serve",
    prepare=_prepare,
    on_event=_on_event,
    on_success=_on_success,
    url=_url,
    takes_messages=True,
)
