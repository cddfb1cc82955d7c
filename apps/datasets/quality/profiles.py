"""Verbs of profiles: have one made, keep it, forget it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User, Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets.base_models import KnownModel, known_models
from apps.datasets.models import Dataset, DatasetVersion, Profile
from apps.jobs import services as jobs
from apps.jobs.models import Job, JobQuerySet

log = logging.getLogger(__name__)
KIND = "datasets.profile"
PERPLEXITY_ROWS = 64
MOST_PERPLEXITY_ROWS = 512
AUTO_ROWS = 200_000  # of a version whose rows a model is asked about without being told to
DEMO_PAUSE = timedelta(seconds=60)  # the demo's run has its first points by then on two cores
DEFAULTS: dict[str, Any] = {"base_model": "", "perplexity_rows": PERPLEXITY_ROWS, "topics": True, "seed": 42}


def newest(version: DatasetVersion) -> Profile | None:
    """The profile of a version that counts."""
    found: Profile | None = version.profiles.select_related("job", "created_by").first()
    return found


def jobs_of(dataset: Dataset, version: DatasetVersion | None = None) -> JobQuerySet:
    """The jobs that profile versions of a dataset, or one of them; newest first."""
    found: JobQuerySet = Job.objects.filter(kind=KIND, inputs__dataset=str(dataset.pk))
    found = found.filter(inputs__version=str(version.pk)) if version else found
    return found.order_by("-created_at")


def start_profile(
    *, actor: Any, version: DatasetVersion, options: Any = None, not_before: datetime | None = None
) -> Job:
    """Submit the job that finds the figures. Raises Problem naming a bad option, Conflict while it runs or when the rows are gone."""
    chosen = checked(version.workspace, {} if options is None else options)
    version.require_rows()
    if not all(storage().exists(file["key"]) for file in version.files):
        raise Conflict(_("The rows of this version are gone."), code="rows_gone")
    title = _("Profile %(version)s") % {"version": version}
    with transaction.atomic():
        Dataset.objects.select_for_update().get(pk=version.dataset_id)
        if jobs_of(version.dataset, version).unfinished().exists():
            raise Conflict(_("This version is being profiled already."), hint=_("Wait for it, or cancel that job."))
        inputs = {"dataset": str(version.dataset_id), "version": str(version.pk)}
        job = jobs.submit(
            actor=actor,
            workspace=version.workspace,
            kind=KIND,
            title=title,
            inputs=inputs,
            settings=chosen,
            not_before=not_before,
        )
        live.ring(version.dataset)
    return job


def checked(workspace: Workspace, options: Any) -> dict[str, Any]:
    """The options with what was left out filled in. Raises Problem."""
    if not isinstance(options, dict):
        raise Problem(_("Send an object of options."), hint='{"base_model": "", "perplexity_rows": 64}')
    if unknown := set(options) - set(DEFAULTS):
        hint = _("There are: %(names)s.") % {"names": ", ".join(DEFAULTS)}
        name = str(min(unknown, key=str))[:40]
        raise Problem(_("There is no option “%(name)s”.") % {"name": name}, field=name, hint=hint)
    chosen = {**DEFAULTS, **{name: value for name, value in options.items() if value is not None}}
    _require_whole(chosen, "perplexity_rows", MOST_PERPLEXITY_ROWS)
    _require_whole(chosen, "seed", 2**31 - 1)
    if not isinstance(chosen["topics"], bool):
        raise Problem(_("Say true or false."), field="topics")
    if not isinstance(chosen["base_model"], str):
        raise Problem(_("Name a base model by its slug."), field="base_model")
    if chosen["base_model"] and model_of(workspace, chosen["base_model"]) is None:
        names = ", ".join(model.slug for model in known_models(workspace))
        raise Problem(
            _("There is no base model of this name that is ready."),
            field="base_model",
            hint=_("There are: %(names)s.") % {"names": names} if names else "",
        )
    return chosen


def _require_whole(chosen: dict[str, Any], name: str, most: int) -> None:
    value = chosen[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Problem(_("Give a whole number from 0 to %(most)s.") % {"most": most}, field=name)


def model_of(workspace: Workspace, slug: str) -> KnownModel | None:
    """The base model of this name, or the first there is where none is named; None when it is not there."""
    models = known_models(workspace)
    return next((model for model in models if model.slug == slug or not slug), None)


def keep(*, version: DatasetVersion, created_by: Any, job: Job | None, figures: dict[str, Any]) -> Profile:
    """Write a profile down. It is the version's newest from now on."""
    from apps.datasets.quality.board import broken_of, told

    profile: Profile = Profile.objects.create(
        workspace=version.workspace, version=version, created_by=created_by, job=job, figures=figures
    )
    broken = "; ".join(map(told, broken_of(version)))
    actor = created_by or "profile"
    ledger.write(row=version, verb="dataset.profiled", actor=actor, note=broken[:400], rows=figures.get("rows"))
    live.ring(version.dataset)
    return profile


def after_freeze(version: DatasetVersion, created_by: Any) -> None:
    """On commit, have a version that a person's action made profiled, where the console does so of itself."""
    if settings.TUNELOOP_AUTO_PROFILE and isinstance(created_by, User):
        transaction.on_commit(lambda: _profile_new(version, created_by))


def profile_demo(*, actor: Any, version: DatasetVersion) -> Job | None:
    """Have the demo's version profiled without models, once its first run shows a curve. None where there is a profile."""
    if newest(version) or jobs_of(version.dataset, version).exists():
        return None
    options = {"topics": False, "perplexity_rows": 0}
    return start_profile(actor=actor, version=version, options=options, not_before=timezone.now() + DEMO_PAUSE)


def _profile_new(version: DatasetVersion, actor: User) -> None:
    """Nothing that goes wrong here may harm the version, which is made."""
    if twin := _twin(version):
        keep(version=version, created_by=actor, job=None, figures=twin.figures)
        return
    is_small = version.row_count <= AUTO_ROWS
    try:
        start_profile(
            actor=actor,
            version=version,
            options={"topics": is_small, "perplexity_rows": PERPLEXITY_ROWS if is_small else 0},
        )
    except Problem as problem:
        log.warning("no profile of %s: %s", version, problem.message)


def _twin(version: DatasetVersion) -> Profile | None:
    """A profile of another version of the dataset with the very same files, as a rollback makes."""
    files = [file["sha256"] for file in version.files]
    others = Profile.objects.filter(version__dataset=version.dataset, version__content_hash=version.content_hash)
    profile: Profile
    for profile in others.exclude(version=version).select_related("version")[:20]:
        if [file["sha256"] for file in profile.version.files] == files:
            return profile
    return None


def cancel_all(*, actor: Any, dataset: Dataset) -> None:
    """End the profiles that are being made: their rows go."""
    for job in jobs_of(dataset).unfinished():
        jobs.cancel(actor=actor, job=job)


def forget(version: DatasetVersion) -> None:
    """Delete what profiles say of a version whose rows are deleted: their examples are pieces of these rows."""
    Profile.objects.filter(version=version).delete()
    jobs_of(version.dataset, version).update(facts={}, result={})
