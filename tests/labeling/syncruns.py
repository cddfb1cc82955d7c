"""Runs of the program that speaks to Label Studio, in this process: claim, prepare, run, hear, end, as the supervisor does."""

import os
from typing import Any
from unittest.mock import patch

from apps.jobs import events, kinds, protocol
from apps.jobs.models import Job, Status
from apps.labeling.models import LabelProject, SyncRun
from apps.labeling.queueing import counting
from apps.labeling.syncing import services as syncing
from tests.cast import Cast
from workers import sync_labels
from workers.context import Context, Spec
from workers.failures import classify
from workers.reporter import Reporter


def run() -> Job:
    """The run that waits."""
    job = protocol.claim(queue="cpu", slot="here:cpu0", worker="test")
    assert job is not None
    kind = kinds.get(job.kind)
    spec = Spec("sync_labels", job.folder, inputs=kind.prepare(job), settings=job.settings)
    reporter = Reporter(job.folder / "events-1.jsonl")
    mine: dict[str, Any] = {"job": job, "epoch": job.epoch}
    result, failure = None, None
    try:
        with patch.dict(os.environ, kind.secrets(job)), patch("workers.studio.patience.PAUSES", (0.01,) * 3):
            result = sync_labels.main(Context(spec, reporter))
    except Exception as exc:
        failure = classify(exc).as_event()
    reporter.close()
    said = [events.read(line) for line in reporter.path.read_bytes().splitlines()]
    if said:
        protocol.record_events(**mine, events=said)
    if result is None:
        protocol.fail(**mine, failure=failure or {})
    else:
        protocol.succeed(**mine, result=result)
    job.refresh_from_db()
    return job


def ran() -> dict[str, Any]:
    """What the run that waits does, told as the page tells it; zeros are left out."""
    job = run()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    return done_by(job)


def done_by(job: Job) -> dict[str, Any]:
    done: dict[str, Any] = SyncRun.objects.get(job=job).done
    return {name: count for name, count in done.items() if count and name != "answers"}


def go(cast: Cast, project: LabelProject, *, full: bool = False) -> dict[str, Any]:
    """Sync now; what the run did."""
    syncing.sync_now(actor=cast.curator, project=project, full=full)
    return ran()


def is_sound(project: LabelProject) -> bool:
    """The figures are those of the rows."""
    before = counting.counts(project)
    counting.recount(project)
    return counting.counts(project) == before
