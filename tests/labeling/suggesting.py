"""Suggesters that have run, as the workers would run them."""

from pathlib import Path
from typing import Any

from apps.jobs import kinds, protocol
from apps.jobs.models import Job
from apps.labeling.models import LabelProject, Suggester
from apps.labeling.suggesting import suggesters
from workers import suggest_rules
from workers.context import Context, Spec
from workers.reporter import Reporter

GOOD = {"question": "quality", "lines": {"good": ["hello", "thank"], "bad": ["broken"]}, "ignores_case": True}


def made(actor: Any, project: LabelProject, spec: dict[str, Any], kind: str = "rules", name: str = "") -> Suggester:
    return suggesters.make_suggester(actor=actor, project=project, name=name or f"By {kind}", kind=kind, spec=spec)


def claimed(suggester: Suggester) -> Job:
    suggester.refresh_from_db()
    job = suggester.job
    assert job
    found = protocol.claim(queue=job.queue, slot=f"h:{job.queue}0", worker="w")
    assert found is not None and found.pk == job.pk
    job.refresh_from_db()
    return job


def context_of(job: Job) -> Context:
    """What the program is given for a claimed job."""
    inputs = kinds.get(job.kind).prepare(job)
    reporter = Reporter(Path(job.folder) / "events.jsonl", 1)
    return Context(Spec("suggest_rules", job.folder, inputs=inputs, settings=job.settings), reporter)


def work(job: Job, program: Any = suggest_rules) -> dict[str, Any]:
    """Run its program here and end it well."""
    result: dict[str, Any] = program.main(context_of(job))
    kinds.get(job.kind).verify(job, result)
    protocol.succeed(job=job, epoch=job.epoch, result=result)
    return result


def ran(actor: Any, project: LabelProject, spec: dict[str, Any], kind: str = "rules", name: str = "") -> Suggester:
    """Made, run and ready."""
    suggester = made(actor, project, spec, kind, name)
    suggesters.run_suggester(actor=actor, suggester=suggester)
    work(claimed(suggester))
    suggester.refresh_from_db()
    return suggester
