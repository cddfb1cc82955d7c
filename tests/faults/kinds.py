"""The kinds of job that the fault tests run: one for the Celery worker, one for slots that a test launches by itself, real imports."""

from dataclasses import replace

from apps.core.errors import Problem
from apps.datasets.browsing.jobs import KIND as INDEX
from apps.datasets.jobs import IMPORT
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Artifact, Job
from workers.checkpoints import CheckpointDamaged, verify


def verify_checkpoint(job: Job, result: Event) -> None:
    """The result counts only when its manifest verifies."""
    try:
        verify(job.folder / str(result["checkpoint"]))
    except CheckpointDamaged as damage:
        raise Problem(f"The last checkpoint is damaged: {damage}", hint="Run it again.") from damage


def register_result(job: Job, result: Event) -> None:
    Artifact.objects.create(
        job=job, kind="result", name=str(result["checkpoint"]), step=result["step"], epoch=job.epoch
    )


FAKE = Kind(
    name="test.fake",
    label="Fake",
    program="tests.faults.fake_trainer",
    queue="gpu",
    verify=verify_checkpoint,
    on_success=register_result,
)
ASIDE = replace(FAKE, name="test.aside", queue="chat")  # no Celery worker of the tests takes it
TOUGH = replace(FAKE, name="test.tough", max_crashes=10_000, max_losses=10_000)  # never given up, whatever befalls it
KINDS = {kind.name: kind for kind in (FAKE, ASIDE, TOUGH, IMPORT, INDEX)}
