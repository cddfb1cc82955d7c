"""The kind of job that makes the tasks of a large project: its program chooses the rows, then they are written."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core import ledger
from apps.core.errors import Problem
from apps.datasets.sourcing import shards_of, version_of
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.labeling.models import LabelProject
from apps.labeling.queueing import bell, filling
from workers.choose_rows import OUTPUT, read


def _project(job: Job) -> LabelProject:
    found: LabelProject | None = LabelProject.objects.filter(pk=job.inputs["project"]).first()
    if found is None:
        raise Problem(str(_("The label project is gone: it was deleted.")))
    return found


def _inputs(job: Job) -> dict[str, Any]:
    version = version_of(job)
    told = {"shards": shards_of(version), "total": version.row_count}
    if not job.settings["selection"].get("fresh"):
        return told
    kept = job.folder / "known.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("\n".join(sorted(filling.labelled_elsewhere(version))), encoding="ascii")
    return {**told, "known": str(kept)}


def _write(job: Job, result: Event) -> None:
    """Outside of any transaction, in portions: what is written stays when this is killed, and the next attempt goes on."""
    project, places = _project(job), read(job.folder / "artifacts" / OUTPUT)
    if not places:
        raise Problem(str(_("No row of the version is wanted: the split or the words fit none, or all were labelled.")))
    LabelProject.objects.filter(pk=project.pk).update(wanted_tasks=len(places))
    filling.fill(project, version_of(job), places, filling.check_alive(job))


def _ready(job: Job, result: Event) -> None:
    project = _project(job)
    LabelProject.objects.filter(pk=project.pk).update(is_filled=True)
    actor = job.created_by or "fill"
    ledger.write(row=project, verb="labelproject.tasks_added", actor=actor, count=project.task_count)
    bell.ring(project)


def _url(job: Job) -> str:
    project = LabelProject.objects.filter(pk=job.inputs.get("project")).first()
    return project.get_absolute_url() if project else ""


KIND = Kind(
    name=filling.FILL,
    label=_("Make tasks"),
    program="choose_rows",
    queue="cpu",
    prepare=_inputs,
    verify=_write,
    on_success=_ready,
    url=_url,
)
