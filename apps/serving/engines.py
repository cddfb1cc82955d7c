"""Engines as the console sees them: which there should be, what they are told, what their events mean, and how they come back.

An engine is a job without an end. The job protocol restarts it after a crash; should the job itself end while somebody wants its
deployments, `keep` (beat) starts a new one with a growing pause.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.jobs import services as jobs
from apps.jobs.models import Desired, FailureClass, Job
from apps.jobs.models import Status as JobStatus
from apps.registry.models import ModelVersion
from apps.serving.models import Deployment, Engine, Status

ENGINE = "serving.engine"
CONSOLE = "console"  # who acts where no person does
HEALTHY = timedelta(minutes=10)  # an engine that lived so long starts again without a pause
PAUSE_S, LONGEST_PAUSE_S = 5, 300
LIMITS = {"most_open": 8, "most_waiting": 64}


def engine_for(version: ModelVersion) -> Engine:
    """The engine of this version's base model, shared by all its adapters; weights of their own have one of their own."""
    run = version.checkpoint.run
    own = None if run.shares_base else version.checkpoint
    key = f"full.{own.pk}" if own else f"base.{run.base_model_id}"
    values = {"base_model": run.base_model, "checkpoint": own}
    engine: Engine = Engine.objects.get_or_create(workspace=version.workspace, key=key, defaults=values)[0]
    return engine


def locked(engine: Engine) -> Engine:
    """Its row, held until the transaction ends: what is wanted of an engine changes one after the other."""
    found: Engine = Engine.objects.select_for_update(of=("self",)).select_related("job", "workspace").get(pk=engine.pk)
    return found


def wanted(engine: Engine) -> QuerySet[Deployment]:
    """The deployments that it shall answer for."""
    rows: QuerySet[Deployment] = engine.deployments.filter(is_wanted=True, status__in=[Status.STARTING, Status.READY])
    return rows.select_related("model_version__checkpoint__run__job")


def bring_up(engine: Engine, deployment: Deployment, *, actor: Any) -> None:
    """See to it that the engine loads this deployment. The engine's row is held by the caller."""
    job = engine.job
    if job is None or job.is_terminal:
        submit(engine, actor=actor)
    elif job.desired == Desired.RUN:
        jobs.send_message(job=job, payload={"load": described(deployment)})
    # else it is leaving: `keep` starts the next one


def submit(engine: Engine, *, actor: Any) -> None:
    title = _("Engine for %(model)s") % {"model": engine}
    engine.job = jobs.submit(
        actor=actor,
        workspace=engine.workspace,
        kind=ENGINE,
        title=title,
        inputs={"engine": str(engine.pk)},
        settings=LIMITS,
    )
    engine.address, engine.token, engine.not_before = "", "", None
    engine.save(update_fields=["job", "address", "token", "not_before"])


def take_down(engine: Engine, deployment: Deployment) -> None:
    """Have the engine let go of a deployment's model, unless another one needs it. Its open answers are finished first."""
    checkpoint = deployment.model_version.checkpoint_id
    shared = wanted(engine).filter(model_version__checkpoint_id=checkpoint).exclude(pk=deployment.pk).exists()
    job = engine.job
    if shared or job is None or job.status != JobStatus.RUNNING:
        move(deployment, Status.STOPPED, actor=CONSOLE)
    elif job.desired == Desired.RUN:
        jobs.send_message(job=job, payload={"unload": deployment.engine_model})


def leave_if_unneeded(engine: Engine, *, actor: Any) -> None:
    """End an engine that nobody wants anything of; it answers what it has begun first."""
    job = Job.objects.unfinished().filter(pk=engine.job_id, desired=Desired.RUN).first()
    if job is None or wanted(engine).exists():
        return
    try:
        jobs.stop_and_save(actor=actor, job=job)
    except Conflict:
        return  # it is ending already


def described(deployment: Deployment) -> dict[str, str]:
    """What the program needs to load it."""
    return {"name": deployment.engine_model, "folder": str(deployment.model_version.checkpoint.folder)}


# ---- what the job's life means for deployments (apps.serving.jobs)


def spec_of(job: Job, *, listen: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of an attempt, with a token made for it. What was sent before is part of it: the messages are dropped."""
    with transaction.atomic():
        engine = Engine.objects.select_related("base_model", "checkpoint__run__job").filter(job=job).first()
        if engine is None:
            raise Problem(_("Another engine has taken this one's place."))
        job.inbox.all().delete()
        token = secrets.token_urlsafe(32)
        Engine.objects.filter(pk=engine.pk).update(token=token, address="")
        _set_back(engine)
        names = {deployment.engine_model: described(deployment) for deployment in wanted(engine)}
    own_weights = engine.checkpoint if engine.checkpoint and not engine.checkpoint.run.has_adapter else None
    merged = engine.checkpoint if engine.checkpoint and not own_weights else None
    folder = (own_weights or engine.base_model).folder
    if not folder.is_dir() or (merged and not merged.folder.is_dir()):
        raise Problem(_("The files of %(model)s are gone.") % {"model": engine})
    own = str(engine.checkpoint_id) if engine.checkpoint_id else None
    return {
        "model": {"folder": str(folder)},
        "merge": str(merged.folder) if merged else None,
        "own": own,
        "adapters": [] if own else list(names.values()),
        "listen": dict(listen),
        "token": token,
    }


def _set_back(engine: Engine) -> None:
    """The process is gone: nothing is ready, and what was stopping has stopped."""
    for deployment in engine.deployments.filter(status=Status.READY):
        _quietly(deployment, Status.STARTING)
    for deployment in engine.deployments.filter(status=Status.STOPPING):
        _quietly(deployment, Status.STOPPED)


def _quietly(deployment: Deployment, to: str, **values: Any) -> None:
    """Move it, unless somebody else was first."""
    try:
        with transaction.atomic():
            move(deployment, to, actor=CONSOLE, **values)
    except Conflict:
        return


def note_address(job: Job, address: str) -> None:
    Engine.objects.filter(job=job).update(address=address)


def note_model(job: Job, event: Mapping[str, Any]) -> None:
    """One model became ready, failed, or was let go of."""
    rows = Deployment.objects.filter(engine__job=job, model_version__checkpoint_id=event["model"])
    if event["state"] == "ready":
        for deployment in rows.filter(status=Status.STARTING, is_wanted=True):
            _quietly(deployment, Status.READY, ready_at=timezone.now(), failure_message="", failure_hint="")
    elif event["state"] == "failed":
        for deployment in rows.filter(status=Status.STARTING):
            _fail(deployment, str(event.get("message") or ""), str(event.get("hint") or ""))
    else:
        note_gone(rows)


def _fail(deployment: Deployment, message: str, hint: str) -> None:
    _quietly(deployment, Status.FAILED, failure_message=message[:2000], failure_hint=hint[:2000])


def note_gone(rows: Iterable[Deployment]) -> None:
    for deployment in rows:
        if deployment.status == Status.STOPPING:
            _quietly(deployment, Status.STOPPED)


# ---- the upkeep


def keep() -> None:
    """Look after every engine that somebody wants, or that should be gone."""
    open_ones = Deployment.objects.exclude(status__in=[Status.STOPPED, Status.FAILED])
    idle = Engine.objects.filter(job__in=Job.objects.unfinished())
    for engine in Engine.objects.filter(pk__in=open_ones.values("engine")).union(idle):
        keep_one(engine)


def keep_one(engine: Engine) -> None:
    with transaction.atomic():
        engine = locked(engine)
        job = engine.job
        if job is None or job.is_terminal:
            _after_the_end(engine, job)
        elif job.status == JobStatus.QUEUED:
            _set_back(engine)
    leave_if_unneeded(engine, actor=CONSOLE)


def _after_the_end(engine: Engine, job: Job | None) -> None:
    """The job is over. Note what that means, then, after the pause, start the next one if it is wanted."""
    _set_back(engine)
    if job is not None and engine.not_before is None:
        if job.status == JobStatus.FAILED and job.failure_class == FailureClass.USER_ERROR:
            for deployment in wanted(engine):  # it would fail again: a person has to mend it
                _fail(deployment, job.failure_message, job.failure_hint)
        _note_pause(engine, job)
    if wanted(engine).exists() and (engine.not_before is None or engine.not_before <= timezone.now()):
        submit(engine, actor=None)


def _note_pause(engine: Engine, job: Job) -> None:
    now = timezone.now()
    lived = (job.finished_at or now) - (job.started_at or now)
    was_asked = job.desired != Desired.RUN
    engine.failures = 0 if was_asked or lived >= HEALTHY else engine.failures + 1
    pause = min(PAUSE_S * 2 ** min(engine.failures - 1, 10), LONGEST_PAUSE_S) if engine.failures else 0
    engine.not_before = now + timedelta(seconds=pause)
    engine.save(update_fields=["failures", "not_before"])
