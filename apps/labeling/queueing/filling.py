"""The tasks of a project from the rows of a version: at once for few, by a job for many.

A job may be killed at any moment and go on, and two of its attempts may even write at the same time: each portion is written in one
transaction under the project's lock and begins at the number that the project has reached. Until all are there the project is not
filled: it cannot be opened, and nothing else can be added to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import stored_rows
from apps.jobs import services as jobs
from apps.jobs.models import TERMINAL, Job
from apps.labeling.models import LabelProject, ProjectStatus, Task
from apps.labeling.queueing import bell
from apps.labeling.queueing.writing import write_tasks
from apps.labeling.schema import fields
from apps.labeling.schema.label_config import Config
from workers.choose_rows import ID_DIGITS, Selection, choose
from workers.formats.stored import Stored

FILL = "labeling.fill"
MAX_TASKS = 5_000_000  # a project
AT_ONCE = 3000  # tasks that are written while somebody waits; more are a job
COUNTED = 20_000  # rows of a version that are read to tell how many are wanted
_PORTION = 5000


def selection_of(given: Mapping[str, Any], version: DatasetVersion) -> Selection:
    """What was asked for, checked: {"split", "words", "sample", "seed", "first", "fresh"}. Raises Problem naming the field."""
    found = Selection(**{name: given[name] for name in Selection.__dataclass_fields__ if given.get(name)})
    for name in ("first", "sample", "seed"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise Problem(_("Give a whole number, 0 for all rows."), field=name)
    if found.split and found.split not in ("train", "validation", "test"):
        raise Problem(_("There is no such split."), field="split", hint="train, validation, test")
    if not isinstance(found.fresh, bool):
        raise Problem(_("Say true or false."), field="fresh")
    if not isinstance(found.words, str) or len(found.words) > 100 or "\0" in found.words:
        raise Problem(_("Words to look for have at most 100 characters."), field="words")
    most = min(count for count in (found.first, found.sample, version.row_count) if count)
    if most > MAX_TASKS:
        message = _("A project has at most %(most)d tasks; this version has %(rows)d rows.")
        hint = _("Take fewer rows, or a sample.")
        raise Problem(message % {"most": MAX_TASKS, "rows": version.row_count}, field="first", hint=hint)
    return found


def labelled_elsewhere(version: DatasetVersion) -> frozenset[str]:
    """The first digits of the ids of rows of this dataset, of any version, that somebody answered in a label project."""
    tasks = Task.objects.filter(
        project__dataset_version__dataset=version.dataset_id, provenance_kind="version", key__startswith="row:"
    )
    answered = tasks.filter(Q(submitted__gt=0) | Q(accepted__isnull=False)).order_by().values_list("key", flat=True)
    return frozenset(key.rpartition(":")[2] for key in answered.iterator())


def places_of(version: DatasetVersion, selection: Selection) -> list[int]:
    """The places of the wanted rows, read now."""
    known = labelled_elsewhere(version) if selection.fresh else frozenset()
    return choose(version.shard_paths(), version.row_count, selection, known=known)


def count_of(version: DatasetVersion, selection: Selection) -> tuple[int, bool]:
    """How many tasks there would be, and whether that is sure: of many rows that had to be read it is the most there can be."""
    if not selection.is_narrow or version.row_count > COUNTED:
        return min(count for count in (selection.first, selection.sample, version.row_count) if count), (
            not selection.is_narrow
        )
    return len(places_of(version, selection)), True


def begin(*, actor: Any, project: LabelProject, version: DatasetVersion, selection: Selection) -> None:
    """Fill a new project: now, when there are few rows to look at, else by a job."""
    wanted = min(count for count in (selection.first, selection.sample, version.row_count) if count)
    looked_at = version.row_count if selection.is_narrow else wanted
    if looked_at <= AT_ONCE:
        fill(project, version, places_of(version, selection))
        ledger.write(row=project, verb="labelproject.tasks_added", actor=actor, count=project.task_count)
        return
    LabelProject.objects.filter(pk=project.pk).update(is_filled=False, wanted_tasks=wanted)
    _submit(actor, project, version, asdict(selection))


def _submit(actor: Any, project: LabelProject, version: DatasetVersion, selection: Mapping[str, Any]) -> None:
    job = jobs.submit(
        actor=actor,
        workspace=project.workspace,
        kind=FILL,
        title=_("Tasks of %(name)s") % {"name": project.name},
        inputs={"project": str(project.pk), "version": str(version.pk)},
        settings={"selection": dict(selection)},
    )
    LabelProject.objects.filter(pk=project.pk).update(filling=job)
    project.filling, project.is_filled = job, False


@transaction.atomic
def go_on(*, actor: Any, project: LabelProject) -> None:
    """Fill on where a job failed or was cancelled. Raises Conflict."""
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    job, version = project.filling, project.dataset_version
    if project.is_filled or job is None or version is None or job.status not in TERMINAL:
        raise Conflict(_("There is nothing to go on with."))
    _submit(actor, project, version, job.settings["selection"])


@transaction.atomic
def stop_here(*, actor: Any, project: LabelProject) -> None:
    """Take what is there as all of it. Raises Conflict while the job runs."""
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    if project.is_filled or (project.filling and project.filling.status not in TERMINAL):
        raise Conflict(_("Tasks are still being added; cancel that first."))
    LabelProject.objects.filter(pk=project.pk).update(is_filled=True, wanted_tasks=0)
    ledger.write(row=project, verb="labelproject.tasks_added", actor=actor, count=project.task_count)


def fill(
    project: LabelProject, version: DatasetVersion, places: Sequence[int], check: Callable[[], None] = lambda: None
) -> None:
    """Write the tasks of the rows at `places` (ascending) that are not there yet. `check` may raise between two portions."""
    config, at = project.config, -1
    items: Iterator[dict[str, Any]] = iter(())
    while True:
        check()
        with transaction.atomic():
            locked = LabelProject.objects.select_for_update().get(pk=project.pk)
            start = locked.task_count
            if locked.status != ProjectStatus.DRAFT or start >= len(places):
                break
            if start != at:
                items = _items(version, config, places[start:])
            portion = list(islice(items, _PORTION))
            common = {"provenance_kind": "version", "provenance_id": version.pk}
            at = start + write_tasks(locked, portion, after=start, created_by=locked.created_by_id, **common)
            LabelProject.objects.filter(pk=project.pk).update(task_count=at)
            bell.ring(locked)
    project.task_count = locked.task_count


def _items(version: DatasetVersion, config: Config, places: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The tasks of rows at ascending places, a row group in memory at a time."""
    at, form = 0, version.form
    for first, group in Stored(version.shard_paths()).groups(places[0]):
        end = at
        while end < len(places) and places[end] < first + group.num_rows:
            end += 1
        here = places[at:end]
        rows = group if len(here) == group.num_rows else group.take([place - first for place in here])
        for place, row in zip(here, stored_rows(rows, first), strict=True):
            data = fields.check_data(config, fields.data_of(row, form), f"rows.{place}")
            yield {"key": f"row:{place}:{row.row_id[:ID_DIGITS]}", "data": data, "extra": row.extra, "split": row.split}
        at = end
        if at == len(places):
            return


def check_alive(job: Job) -> Callable[[], None]:
    """Raises Conflict once the job was cancelled."""

    def check() -> None:
        job.refresh_from_db(fields=["status"])
        if job.status != "running":
            raise Conflict(_("The job was cancelled."))

    return check
