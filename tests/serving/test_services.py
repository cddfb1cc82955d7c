"""Deploy, stop, start; what an engine's life means for deployments; how it comes back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.jobs import kinds, protocol
from apps.jobs import services as jobs
from apps.jobs.models import Desired, Job
from apps.jobs.models import Status as JobStatus
from apps.registry import services as registry
from apps.registry.models import ModelVersion
from apps.serving import engines, exchanges, services
from apps.serving.models import Deployment, Engine, Exchange, ExchangeStatus, Status
from tests.cast import Cast
from tests.registry.making import make_checkpoint
from tests.serving.conftest import claim, tell
from tests.serving.making import make_deployment, make_exchange, make_model_version

pytestmark = pytest.mark.django_db


def deploy(cast: Cast, version: ModelVersion, name: str = "support-a", **values: Any) -> Deployment:
    given = {"allow_unapproved": True, **values}
    return services.deploy(actor=cast.engineer, workspace=cast.workspace, name=name, model_version=version, **given)


def started(deployment: Deployment) -> Job:
    """Its engine as a worker runs it, with the spec made."""
    job = claim()
    base = deployment.engine.base_model
    base.path = str(job.folder.parent)
    job.folder.mkdir(parents=True, exist_ok=True)
    base.save()
    kinds.get(job.kind).prepare(job)
    return job


def ready(deployment: Deployment, job: Job) -> None:
    tell(
        job,
        {"type": "listening", "address": "http://127.0.0.1:4711"},
        {"type": "model", "model": deployment.engine_model, "state": "ready"},
    )
    deployment.refresh_from_db()


def test_deploy__draft__needs_to_be_said(cast: Cast, version: ModelVersion) -> None:
    with pytest.raises(Problem) as refused:
        deploy(cast, version, allow_unapproved=False)
    assert (refused.value.field, refused.value.code) == ("model_version", "not_approved")
    deployment = deploy(cast, version)
    assert deployment.status == Status.STARTING and deployment.is_wanted
    assert ledger.history(deployment).get().data == {"unapproved": True}


def test_deploy__approved_version__starts_an_engine(cast: Cast, version: ModelVersion, hints: list[str]) -> None:
    registry.request_approval(actor=cast.engineer, version=version)
    registry.approve_version(actor=cast.approver, version=version)
    deployment = deploy(cast, version, allow_unapproved=False)
    job = deployment.engine.job
    assert job is not None and (job.kind, job.queue, job.status) == ("serving.engine", "serve", JobStatus.QUEUED)
    assert job.url == deployment.get_absolute_url()


@pytest.mark.parametrize("name", ["", "Support", "a b", "-a", "x" * 61, "a/b", "ä"])
def test_deploy__name_that_is_none__is_refused(cast: Cast, version: ModelVersion, name: str) -> None:
    with pytest.raises(Problem) as refused:
        deploy(cast, version, name)
    assert refused.value.field == "name"


def test_deploy__taken_name_or_foreign_or_rejected_version__is_refused(cast: Cast, version: ModelVersion) -> None:
    deploy(cast, version)
    with pytest.raises(Conflict):
        deploy(cast, version)
    with pytest.raises(Problem):
        deploy(cast, make_model_version(cast.other_workspace), "foreign")
    rejected = make_model_version(cast.workspace)
    registry.request_approval(actor=cast.engineer, version=rejected)
    registry.reject_version(actor=cast.approver, version=rejected, note="bad")
    with pytest.raises(Problem):
        deploy(cast, rejected, "rejected")
    assert Deployment.objects.count() == 1


def test_engines__adapters_of_one_base__share_one_and_full_weights_have_their_own(
    cast: Cast, version: ModelVersion
) -> None:
    first, second = deploy(cast, version), deploy(cast, make_model_version(cast.workspace), "support-b")
    full = make_model_version(cast.workspace, name="whole", checkpoint=make_checkpoint(cast.workspace, method="full"))
    third = deploy(cast, full, "whole-a")
    assert first.engine_id == second.engine_id != third.engine_id
    assert (third.engine.checkpoint, first.engine.checkpoint) == (full.checkpoint, None)
    assert Job.objects.filter(kind=engines.ENGINE).count() == 2


def test_engine__its_spec__names_every_wanted_adapter_and_a_new_token(cast: Cast, version: ModelVersion) -> None:
    first, second = deploy(cast, version), deploy(cast, make_model_version(cast.workspace), "support-b")
    job = started(first)
    spec = engines.spec_of(job, listen={"host": "127.0.0.1", "port": 0})
    assert {one["name"] for one in spec["adapters"]} == {first.engine_model, second.engine_model}
    assert spec["own"] is None and len(spec["token"]) > 30
    assert spec["token"] not in str(job.inputs) and Engine.objects.get().token == spec["token"]
    again = engines.spec_of(job, listen={})
    assert again["token"] != spec["token"]


def test_engine__its_events__make_deployments_ready_or_failed(cast: Cast, version: ModelVersion) -> None:
    first, second = deploy(cast, version), deploy(cast, make_model_version(cast.workspace), "support-b")
    job = started(first)
    ready(first, job)
    tell(
        job, {"type": "model", "model": second.engine_model, "state": "failed", "message": "Damaged.", "hint": "Again."}
    )
    second.refresh_from_db()
    assert first.status == Status.READY and first.ready_at
    assert (second.status, second.failure_message) == (Status.FAILED, "Damaged.")
    assert Engine.objects.get().address == "http://127.0.0.1:4711"


def test_deploy__while_the_engine_runs__sends_it_a_word(cast: Cast, version: ModelVersion) -> None:
    job = started(deploy(cast, version))
    second = deploy(cast, make_model_version(cast.workspace), "support-b")
    assert [message.payload["load"]["name"] for message in job.inbox.all()] == [second.engine_model]
    assert Job.objects.filter(kind=engines.ENGINE).count() == 1


def test_stop__one_of_two__is_let_go_and_the_engine_stays(cast: Cast, version: ModelVersion) -> None:
    first, second = deploy(cast, version), deploy(cast, make_model_version(cast.workspace), "support-b")
    job = started(first)
    ready(first, job)
    ready(second, job)
    services.stop_deployment(actor=cast.engineer, deployment=first)
    assert (first.status, first.is_wanted) == (Status.STOPPING, False)
    assert job.inbox.get().payload == {"unload": first.engine_model}
    tell(job, {"type": "model", "model": first.engine_model, "state": "unloaded"})
    first.refresh_from_db()
    job.refresh_from_db()
    assert (first.status, job.desired) == (Status.STOPPED, Desired.RUN)
    with pytest.raises(Conflict):
        services.stop_deployment(actor=cast.engineer, deployment=first)


def test_stop__same_version_deployed_twice__keeps_the_adapter(cast: Cast, version: ModelVersion) -> None:
    first, second = deploy(cast, version), deploy(cast, version, "support-b")
    job = started(first)
    ready(first, job)
    second.refresh_from_db()
    assert second.status == Status.READY
    services.stop_deployment(actor=cast.engineer, deployment=first)
    assert first.status == Status.STOPPED
    assert not job.inbox.exists()


def test_stop__the_last_one__lets_the_engine_leave(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    job = started(deployment)
    ready(deployment, job)
    services.stop_deployment(actor=cast.engineer, deployment=deployment)
    job.refresh_from_db()
    assert job.desired == Desired.STOP
    protocol.succeed(job=job, epoch=job.epoch, result={"drained": True})
    deployment.refresh_from_db()
    assert deployment.status == Status.STOPPED
    engines.keep()
    assert Job.objects.filter(kind=engines.ENGINE).count() == 1  # nobody wants another


def test_stop__before_the_engine_ran__is_at_once(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    services.stop_deployment(actor=cast.engineer, deployment=deployment)
    assert deployment.status == Status.STOPPED
    assert Job.objects.get(kind=engines.ENGINE).status == JobStatus.CANCELLED


def test_start__after_a_stop__brings_it_back(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    services.stop_deployment(actor=cast.engineer, deployment=deployment)
    services.start_deployment(actor=cast.engineer, deployment=deployment)
    assert (deployment.status, deployment.is_wanted) == (Status.STARTING, True)
    assert Job.objects.filter(kind=engines.ENGINE, status=JobStatus.QUEUED).count() == 1
    with pytest.raises(Conflict):
        services.start_deployment(actor=cast.engineer, deployment=deployment)


def test_start__while_the_engine_leaves__gets_the_next_engine(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    job = started(deployment)
    ready(deployment, job)
    services.stop_deployment(actor=cast.engineer, deployment=deployment)
    services.start_deployment(actor=cast.engineer, deployment=deployment)
    protocol.succeed(job=job, epoch=job.epoch, result={"drained": True})
    engines.keep()
    deployment.refresh_from_db()
    assert deployment.status == Status.STARTING
    assert Job.objects.filter(kind=engines.ENGINE, status=JobStatus.QUEUED).count() == 1


def test_crash__between_two_attempts__is_told_as_starting(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    job = started(deployment)
    ready(deployment, job)
    protocol.fail(job=job, epoch=job.epoch, failure={"class": "crashed", "message": "killed by signal 9"})
    engines.keep()
    deployment.refresh_from_db()
    assert deployment.status == Status.STARTING and deployment.is_wanted
    assert Job.objects.filter(kind=engines.ENGINE).count() == 1  # the protocol tries it again


def test_crash__job_at_its_end__is_followed_by_another_after_a_growing_pause(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    pauses = []
    for number in range(1, 4):
        Job.objects.filter(kind=engines.ENGINE, status=JobStatus.QUEUED).update(crashes=2)
        job = started(deployment)
        ready(deployment, job)
        protocol.fail(job=job, epoch=job.epoch, failure={"class": "crashed", "message": "killed by signal 9"})
        engines.keep()
        engine = Engine.objects.get()
        assert engine.failures == number and engine.not_before is not None
        pauses.append((engine.not_before - timezone.now()).total_seconds())
        assert Job.objects.filter(kind=engines.ENGINE).count() == number
        Engine.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        engines.keep()
        assert Job.objects.filter(kind=engines.ENGINE).count() == number + 1
    assert pauses == pytest.approx([5, 10, 20], abs=2)
    deployment.refresh_from_db()
    assert deployment.status == Status.STARTING


def test_refused_base__fails_its_deployments_with_the_reason(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    job = claim()
    refusal = {"class": "user_error", "message": "The folder has no config.json.", "hint": "Give a whole folder."}
    protocol.fail(job=job, epoch=job.epoch, failure=refusal)
    engines.keep()
    engines.keep()
    deployment.refresh_from_db()
    assert (deployment.status, deployment.failure_message) == (Status.FAILED, "The folder has no config.json.")
    assert Job.objects.filter(kind=engines.ENGINE).count() == 1
    services.start_deployment(actor=cast.engineer, deployment=deployment)
    assert Job.objects.filter(kind=engines.ENGINE).count() == 2


def test_cancelled_job__comes_back_while_it_is_wanted(cast: Cast, version: ModelVersion) -> None:
    deployment = deploy(cast, version)
    assert deployment.engine.job is not None
    jobs.cancel(actor=cast.engineer, job=deployment.engine.job)
    engines.keep()
    engines.keep()
    assert Job.objects.filter(kind=engines.ENGINE, status=JobStatus.QUEUED).count() == 1


def test_exchanges__closed_once__and_lost_ones_by_the_console(workspace: Workspace) -> None:
    deployment = make_deployment(workspace)
    exchange = make_exchange(deployment, status=ExchangeStatus.RUNNING)
    assert exchanges.close(exchange, ExchangeStatus.CANCELLED, answer="On its")
    assert not exchanges.close(exchange, ExchangeStatus.SUCCEEDED, answer="On its way.")
    lost = make_exchange(deployment, status=ExchangeStatus.RUNNING)
    exchanges.keep(lost, "So far")
    assert exchanges.close_lost() == 0
    Exchange.objects.filter(pk=lost.pk).update(kept_at=timezone.now() - timedelta(seconds=46))
    assert exchanges.close_lost() == 1
    assert set(Exchange.objects.values_list("status", "answer")) == {("cancelled", "On its"), ("failed", "So far")}


def test_figures__of_a_day__count_and_rank(workspace: Workspace) -> None:
    deployment = make_deployment(workspace)
    for number in range(1, 41):
        make_exchange(deployment, latency_ms=number * 100)
    make_exchange(deployment, status=ExchangeStatus.FAILED)
    old = make_exchange(deployment, latency_ms=90_000)
    Exchange.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=25))
    found = exchanges.figures(Deployment.objects.all())
    assert found[deployment.pk] == {"requests": 41, "failed": 1, "p95": 3.8}


@pytest.mark.parametrize(
    ("values", "expected"), [([], None), ([100], 0.1), ([300, 100, 200], 0.3), (list(range(1, 101)), 0.095)]
)
def test_percentile__nearest_rank(values: list[int], expected: float | None) -> None:
    assert exchanges.percentile(values, 95) == expected


def test_exchange__question__is_kept_as_text_to_be_searched(workspace: Workspace) -> None:
    asked = [
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "外套防雨吗？"},
    ]
    exchange = make_exchange(make_deployment(workspace), messages=asked)
    assert list(Exchange.objects.filter(prompt__icontains="防雨")) == [exchange]
    assert str(exchange).endswith("外套防雨吗？")
