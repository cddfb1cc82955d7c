"""Verbs of duplicates: find groups of rows that say the same, choose which rows stay, remove the others. A search is a job; its groups
and the choices are files of the metadata tier, and hold places of rows, never their texts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets.amending import amend_version
from apps.datasets.models import Dataset, DatasetVersion, new_key
from apps.datasets.preparing import as_problem
from apps.jobs import services as jobs
from apps.jobs.models import Job, JobQuerySet, Status
from workers.cleaning import read_steps
from workers.duplicates import GROUPS_READ, METHODS
from workers.failures import UserError

KIND = "datasets.duplicates"
STEP = "duplicates"  # the step of the versions that this makes
MOST_REMOVED = 20_000  # rows that a page removes at once; above it a recipe does it


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that say the same, by their places from 0. `stays` are those that are to stay; `chosen` whether a person said so."""

    number: int
    places: list[int]
    stays: list[int]
    chosen: bool

    @property
    def goes(self) -> list[int]:
        """The places of the rows that would be removed."""
        return [place for place in self.places if place not in self.stays]


def checked(version: DatasetVersion, options: Any) -> dict[str, Any]:
    """A step for duplicates with every option. Raises Problem naming the one that is wrong."""
    if not isinstance(options, Mapping):
        raise Problem(_("Send an object of options."), hint='{"step": "near_duplicates", "threshold": 0.8}')
    if options.get("step") not in METHODS:
        raise Problem(_("The step is one of: %(names)s.") % {"names": ", ".join(METHODS)}, field="step")
    try:
        kind, values = read_steps([dict(options)])[0]
    except UserError as error:
        problem = as_problem(error)
        problem.field = problem.field.removeprefix("steps.0").removeprefix(".") or "step"
        raise problem from None
    version.require_form(*kind.forms, field="step")
    return {"step": kind.name, **values}


def start_search(*, actor: Any, version: DatasetVersion, options: Any) -> Job:
    """Submit the job that finds the groups. Raises Problem for bad options, Conflict while the same search runs."""
    settings = checked(version, options)
    require_rows(version)
    with transaction.atomic():
        Dataset.objects.select_for_update().get(pk=version.dataset_id)
        if any(job.settings == settings for job in searches_of(version).unfinished()):
            raise Conflict(_("This search is running already."))
        return jobs.submit(
            actor=actor,
            workspace=version.workspace,
            kind=KIND,
            title=_("Find duplicates in %(version)s") % {"version": version},
            inputs={"dataset": str(version.dataset_id), "version": str(version.pk)},
            settings=settings,
        )


def require_rows(version: DatasetVersion) -> None:
    """Raise Conflict where the rows of a version are gone."""
    if version.purged or not all(storage().exists(file["key"]) for file in version.files):
        raise Conflict(_("The rows of this version were deleted."))


def searches_of(version: DatasetVersion) -> JobQuerySet:
    """The searches for duplicates in a version, newest first."""
    found: JobQuerySet = Job.objects.filter(kind=KIND, inputs__version=str(version.pk))
    return found.order_by("-created_at")


def groups_key(job: Job) -> str:
    """Where the groups of a search are kept."""
    return new_key(job.inputs["dataset"], "meta", f"duplicates-{job.pk}.parquet")


def choices_key(job: Job) -> str:
    """Where it is kept what a person chose."""
    return new_key(job.inputs["dataset"], "meta", f"duplicates-{job.pk}.json")


def is_done(job: Job) -> bool:
    """Whether there are groups to look at."""
    return job.status == Status.SUCCEEDED and storage().exists(groups_key(job))


def removed_by(job: Job) -> DatasetVersion | None:
    """The version that was made of a search."""
    made: DatasetVersion | None = DatasetVersion.objects.filter(provenance_kind="job", provenance_id=job.pk).first()
    return made


def groups_from(job: Job, start: int = 0) -> Iterator[Group]:
    """The groups of a search from number `start` on, with what was chosen."""
    if not is_done(job):
        raise Conflict(_("This search has found nothing yet."), hint=_("Wait for it, or start it again."))
    chosen = _choices(job)
    with pq.ParquetFile(storage().local(groups_key(job)), memory_map=False) as file:
        for part in range(start // GROUPS_READ, file.metadata.num_row_groups):
            rows = file.read_row_group(part, use_threads=False).to_pylist()
            for number, row in enumerate(rows, part * GROUPS_READ):
                if number >= start:
                    stays = chosen.get(str(number))
                    yield Group(number, row["places"], [row["stays"]] if stays is None else stays, stays is not None)


def _choices(job: Job) -> dict[str, list[int]]:
    key = choices_key(job)
    if not storage().exists(key):
        return {}
    with storage().open(key) as file:
        found: dict[str, list[int]] = json.load(file)
    return found


def choose(*, job: Job, choices: Any) -> None:
    """Keep which rows of some groups stay: {group number: [places]}. Raises Problem for a group or row that is not there, or when
    none of a group would stay."""
    wanted = _as_choices(choices)
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        _require_open(job)
        kept = _choices(job)
        for number, stays in wanted.items():
            group = next(groups_from(job, number), None)
            if group is None or not set(stays) <= set(group.places):
                raise Problem(
                    _("There is no such row in group %(number)s.") % {"number": number}, field=f"choices.{number}"
                )
            if not stays:
                told = _("At least one row of group %(number)s must stay.") % {"number": number + 1}
                raise Problem(told, field=f"choices.{number}")
            kept[str(number)] = sorted(set(stays))
        with storage().open(choices_key(job), "wb") as file:
            file.write(json.dumps(kept).encode())


def _as_choices(choices: Any) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for name, places in choices.items() if isinstance(choices, Mapping) else [("", None)]:
        is_list = isinstance(places, Sequence) and not isinstance(places, str)
        if not str(name).isdecimal() or not str(name).isascii() or len(str(name)) > 12 or not is_list:
            raise Problem(
                _("The choices are an object: group number to the rows that stay."),
                field="choices",
                hint='{"0": [3, 8]}',
            )
        places = list(places or ())
        if any(type(place) is not int for place in places):
            raise Problem(_("A row is named by its place, a whole number from 0."), field=f"choices.{name}")
        found[int(name)] = places
    return found


def _require_open(job: Job) -> None:
    if made := removed_by(job):
        raise Conflict(_("The rows were removed already, in v%(number)s.") % {"number": made.number}, code="removed")


def remove(*, actor: Any, version: DatasetVersion, job: Job) -> DatasetVersion:
    """Make the next version without the rows that are not to stay. Raises Conflict when that was done, Problem when nothing goes or
    too much for one go."""
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        _require_open(job)
        require_rows(version)
        gone = [place for group in groups_from(job) for place in group.goes]
        if not gone:
            raise Problem(_("No row goes: every row of every group stays."), field="choices", code="nothing")
        if len(gone) > MOST_REMOVED:
            hint = _("Drop them by a recipe: its steps for duplicates take any number.")
            raise Problem(
                _("At most %(most)s rows are removed at once.") % {"most": MOST_REMOVED}, hint=hint, field="choices"
            )
        tally = {
            "rows": version.row_count,
            "kept": version.row_count - len(gone),
            "changed": {},
            "dropped": {job.settings["step"]: len(gone)},
        }
        return amend_version(
            actor=actor,
            parent=version,
            changes=dict.fromkeys(gone),
            step=STEP,
            note=_("%(number)s duplicates removed after review") % {"number": len(gone)},
            provenance=("job", job.pk),
            recipe={"steps": [job.settings], "split": None, **tally},
        )
