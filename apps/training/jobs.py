"""The kinds of job that this stage owns: fine-tuning, preparing a base model, chatting."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.training import base_models, chat, loading, publishing, services
from apps.training.models import BaseModel, Checkpoint, Run, Sample, Source
from apps.training.planning import probing
from workers.checkpoints import CheckpointDamaged


def _run_of(job: Job) -> Run:
    run: Run = Run.objects.select_related("base_model", "dataset_version", "job").get(job=job)
    return run


def _prepare_sft(job: Job) -> dict[str, Any]:
    run = _run_of(job)
    return loading.for_training(run.base_model, run.dataset_version, resume_from=_resume_point(job))


def _resume_point(job: Job) -> str | None:
    """The newest sound checkpoint of this job, else the one of the run that is continued. Raises Problem when that is gone."""
    own = job.folder / "checkpoints"
    if job.epoch > 1 and own.is_dir() and any(own.glob("step-*")):
        return "latest"
    if not (pk := job.inputs.get("resume_checkpoint")):
        return None
    earlier = Checkpoint.objects.select_related("run__job").filter(pk=pk).first()
    if earlier is None or not earlier.folder.is_dir():
        raise Problem(_("The checkpoint to go on from is gone."), hint=_("Clone the run to start it anew."))
    return str(earlier.folder)


def _on_sft_event(job: Job, event: Event) -> None:
    if event["type"] == "checkpoint":
        services.note_checkpoint(run=_run_of(job), event=event)
    elif event["type"] == "sample":
        values = {name: event.get(name) or "" for name in ("prompt", "answer", "base_answer")}
        Sample.objects.update_or_create(run=_run_of(job), step=event["step"], index=event["index"], defaults=values)
    elif event["type"] == "resumed":
        run = _run_of(job)
        run.samples.filter(step__gt=event["step"]).delete()
        run.checkpoints.filter(step__gt=event["step"]).update(is_removed=True, is_best=False)


def _verify_sft(job: Job, result: Event) -> None:
    """The bytes are what the trainer wrote, and training changed them; then they are published. Raises Problem."""
    if not result.get("weights_changed"):
        raise Problem(_("Training changed none of the weights."), hint=_("Raise the learning rate."))
    run = _run_of(job)
    final = run.checkpoints.filter(name=str(result.get("checkpoint"))).first()
    if final is None:
        raise Problem(_("The program named a final checkpoint that it never wrote."))
    for checkpoint in _lasting(run, final):
        _verify_files(job.folder / checkpoint.name)
        publishing.publish(checkpoint)


def _lasting(run: Run, final: Checkpoint) -> Iterable[Checkpoint]:
    """The checkpoints that outlive the job's folder."""
    return [final, *run.checkpoints.filter(is_best=True, is_removed=False).exclude(pk=final.pk)]


def _verify_files(folder: Path) -> None:
    try:
        publishing.check_files(folder)
    except CheckpointDamaged as damage:
        raise Problem(
            _("The checkpoint %(name)s is damaged: %(why)s.") % {"name": folder.name, "why": damage}
        ) from damage


def _on_sft_success(job: Job, result: Event) -> None:
    run = _run_of(job)
    final = run.checkpoints.get(name=result["checkpoint"])
    services.mark(run, "is_final", final.step)
    for checkpoint in _lasting(run, final):
        run.checkpoints.filter(pk=checkpoint.pk).update(key=publishing.key_of(checkpoint))


def _run_url(job: Job) -> str:
    run = Run.objects.filter(job=job).first()
    return run.get_absolute_url() if run else ""


def _model_of(job: Job) -> BaseModel:
    found: BaseModel | None = BaseModel.objects.filter(pk=job.inputs["base_model"]).first()
    if found is None:
        raise Problem(_("The base model was removed."))
    return found


def _prepare_model(job: Job) -> dict[str, Any]:
    model = _model_of(job)
    inputs = {"source": model.source, "target": str(model.folder), "folder": model.path}
    if model.source == Source.HUB:
        inputs |= {"repo": model.repository, "revision": model.revision or "main"}
    return inputs


def _on_model_ready(job: Job, result: Event) -> None:
    model = _model_of(job)
    base_models.note_facts(model, base_models.facts_of(model.folder), revision=result.get("revision") or "")
    version = DatasetVersion.objects.select_related("workspace").filter(pk=job.inputs.get("demo_version")).first()
    if version is not None:
        with suppress(Problem):  # the model is ready all the same
            services.load_demo(workspace=version.workspace, actor=version.created_by, version=version)


def _prepare_chat(job: Job) -> dict[str, Any]:
    model, tuned = _model_of(job), None
    if pk := job.inputs["checkpoint"]:
        checkpoint = Checkpoint.objects.select_related("run__job").filter(pk=pk).first()
        if checkpoint is None or not checkpoint.folder.is_dir():
            raise Problem(_("This checkpoint is gone: newer ones took its place."))
        tuned = {"folder": str(checkpoint.folder), "method": checkpoint.run.method}
    chat.ask_again(job)
    return {"model": {"folder": str(model.folder)}, "tuned": tuned}


def _on_chat_event(job: Job, event: Event) -> None:
    if event["type"] == "reply":
        chat.note_reply(job, event)


def _on_chat_end(job: Job, result: Event) -> None:
    chat.move_open_turns(job)


SFT = Kind(
    name=services.SFT,
    label=gettext_lazy("Fine-tune"),
    program="fine_tune",
    queue="gpu",
    prepare=_prepare_sft,
    on_event=_on_sft_event,
    verify=_verify_sft,
    on_success=_on_sft_success,
    url=_run_url,
)
PREPARE_MODEL = Kind(
    name=base_models.PREPARE,
    label=gettext_lazy("Prepare a base model"),
    program="prepare_model",
    queue="cpu",
    prepare=_prepare_model,
    on_success=_on_model_ready,
)
PROBE = Kind(
    name=probing.PROBE,
    label=gettext_lazy("Measure a few steps"),
    program="probe",
    queue="gpu",
    prepare=probing.inputs_of,
    max_crashes=1,
)
CHAT = Kind(
    name=chat.CHAT,
    label=gettext_lazy("Chat"),
    program="chat",
    queue="chat",
    prepare=_prepare_chat,
    on_event=_on_chat_event,
    on_success=_on_chat_end,
    takes_messages=True,
    max_crashes=1,
)
