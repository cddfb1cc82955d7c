"""Verbs of training: launch, stop, resume."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets import quality
from apps.datasets.models import DatasetVersion
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.training import base_models, launching, loading, publishing
from apps.training.models import BaseModel, Checkpoint, Run, Sample
from workers.checkpoints import CheckpointDamaged
from workers.recipes import PRESETS, Recipe

SFT = "training.sft"
DEMO_NAME = "support-quick-look"


def launch_run(
    *,
    actor: Any,
    workspace: Workspace,
    name: str,
    base_model: BaseModel,
    dataset_version: DatasetVersion,
    recipe: Any,
    quality_override: Any = "",
) -> Run:
    """Check everything that can be checked, then write the run and its job down together. Raises Problem.
    `quality_override` is the reason to train on a version that breaks the limits of its dataset."""
    name = launching.checked_name(name)
    if base_model.workspace_id != workspace.pk or dataset_version.workspace_id != workspace.pk:
        raise Problem(_("Model, data and run must be in one workspace."), field="dataset_version")
    found = launching.review(base_model=base_model, version=dataset_version, recipe=recipe)
    for problem in found.errors:
        raise problem
    broken = quality.require_good(dataset_version, quality_override)
    assert found.recipe is not None  # no errors, so there is a recipe
    with transaction.atomic():
        run = _write_run(actor, workspace, name, base_model, dataset_version, found.recipe)
        if broken:
            quality.note_override(
                actor=actor, version=dataset_version, broken=broken, reason=quality_override, purpose=str(run)
            )
    return run


def relaunch(
    *, actor: Any, run: Run, dataset_version: DatasetVersion, name: str = "", quality_override: Any = ""
) -> Run:
    """The same model and settings again, on other rows. Raises Problem as a launch does."""
    return launch_run(
        actor=actor,
        workspace=run.workspace,
        name=name or run.name,
        base_model=run.base_model,
        dataset_version=dataset_version,
        recipe=run.recipe,
        quality_override=quality_override,
    )


@transaction.atomic
def _write_run(
    actor: Any,
    workspace: Workspace,
    name: str,
    base_model: BaseModel,
    version: DatasetVersion,
    recipe: Recipe,
    resume_at: Checkpoint | None = None,
) -> Run:
    Workspace.objects.select_for_update().get(pk=workspace.pk)  # run numbers have no gaps and no doubles
    number = (Run.objects.filter(workspace=workspace).aggregate(newest=Max("number"))["newest"] or 0) + 1
    inputs = {
        "base_model": str(base_model.pk),
        "dataset_version": str(version.pk),
        "resume_checkpoint": str(resume_at.pk) if resume_at else None,
    }
    job = jobs.submit(
        actor=actor,
        workspace=workspace,
        kind=SFT,
        title=f"run-{number} {name}",
        inputs=inputs,
        settings=recipe.as_dict(),
    )
    run: Run = Run.objects.create(
        workspace=workspace,
        created_by=actor,
        number=number,
        name=name,
        base_model=base_model,
        dataset_version=version,
        recipe=recipe.as_dict(),
        job=job,
        resumed_from=resume_at.run if resume_at else None,
    )
    ledger.write(row=run, verb="run.launched", actor=actor, note=f"{base_model} on {version}")
    return run


def spec_of(run: Run) -> dict[str, Any]:
    """What `python -m workers.run` needs to do the same in a terminal; its folder is that of the file."""
    inputs = loading.for_training(run.base_model, run.dataset_version)
    return {"program": "fine_tune", "inputs": inputs, "settings": run.recipe}


def stop_run(*, actor: Any, run: Run) -> Job:
    """End after the present step and keep the result so far."""
    return jobs.stop_and_save(actor=actor, job=run.job)


def cancel_run(*, actor: Any, run: Run) -> Job:
    return jobs.cancel(actor=actor, job=run.job)


def resume_run(*, actor: Any, run: Run) -> Run:
    """A new run that goes on exactly where this one ended, from its newest sound checkpoint. Raises Conflict."""
    if not run.job.is_terminal:
        raise Conflict(_("The run has not ended."), hint=_("Stop it first."))
    if not run.can_resume:
        raise Conflict(_("There is nothing to go on from."), hint=_("Clone the run to start it anew."))
    start = newest_sound(run)
    if start is None:
        raise Conflict(_("None of its checkpoints is sound any more."), hint=_("Clone the run to start it anew."))
    recipe = Recipe.from_dict(run.recipe)
    with transaction.atomic():
        continued = _write_run(actor, run.workspace, run.name, run.base_model, run.dataset_version, recipe, start)
        jobs.copy_history(source=run.job, target=continued.job, up_to_step=start.step)
        _copy_samples(run, continued, start.step)
    continued.job.refresh_from_db()
    return continued


def newest_sound(run: Run) -> Checkpoint | None:
    """The newest checkpoint whose files are those of its manifest."""
    rows = run.checkpoints.filter(is_removed=False).select_related("run__job")
    found: Checkpoint | None = next(filter(is_sound, rows), None)
    return found


def is_sound(checkpoint: Checkpoint) -> bool:
    """Whether the files are those of the manifest, as far as that can be told while a person waits."""
    if checkpoint.key and not storage().is_local:
        return True  # too far away to be read for a page; the trainer looks at every byte
    try:
        publishing.check_files(checkpoint.folder)
    except CheckpointDamaged:
        return False
    return True


def _copy_samples(source: Run, target: Run, up_to_step: int) -> None:
    rows = source.samples.filter(step__lte=up_to_step).values("step", "index", "prompt", "answer", "base_answer")
    Sample.objects.bulk_create([Sample(run=target, **row) for row in rows])


def note_checkpoint(*, run: Run, event: Mapping[str, Any]) -> Checkpoint:
    """Write down a checkpoint that the trainer has finished, and which older ones it removed."""
    files = (event.get("manifest") or {}).get("files", [])
    checkpoint, _new = Checkpoint.objects.update_or_create(
        run=run,
        step=event["step"],
        defaults={
            "workspace": run.workspace,
            "created_by": run.created_by,
            "name": event["folder"],
            "metrics": event.get("metrics") or {},
            "size": sum(int(file.get("size", 0)) for file in files),
            "is_removed": False,
        },
    )
    if event.get("best"):
        mark(run, "is_best", event["step"])
    if "kept" in event:
        run.checkpoints.exclude(step__in=[*event["kept"], event["step"]]).update(is_removed=True)
    return checkpoint


def mark(run: Run, flag: str, step: int) -> None:
    """Give the one checkpoint of this step a flag that only one of the run may have."""
    run.checkpoints.exclude(step=step).update(**{flag: False})
    run.checkpoints.filter(step=step).update(**{flag: True})


def load_demo(*, workspace: Workspace, actor: Any, version: DatasetVersion) -> Run | None:
    """A short LoRA on the demo data, so that the first thing seen is a curve that moves. None while the model is prepared:
    its job then launches the run."""
    base = base_models.bundled(workspace, demo_version=version.pk)
    if not base.is_ready:
        return None
    return launch_run(
        actor=actor,
        workspace=workspace,
        name=DEMO_NAME,
        base_model=base,
        dataset_version=version,
        recipe=PRESETS["quick"].recipe.as_dict(),
    )
