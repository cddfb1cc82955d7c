"""Which number a new version may bear: the rules of `versions` applied to what a model already has. Raises Problem or Conflict."""

from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem
from apps.registry.models import Change, Model, ModelVersion
from apps.registry.versions import (
    FIRST,
    STEPS,
    Made,
    Step,
    Version,
    bump,
    least_step,
    parse,
    step_between,
    step_needed,
)

LONGEST_PRE = 60


def read(text: str) -> Version:
    """The version that a person wrote."""
    try:
        version = parse(text.strip())
    except ValueError:
        raise Problem(
            _("“%(text)s” is no semantic version.") % {"text": text.strip()[:60]},
            field="version",
            hint=_("Three numbers and, if you like, a pre-release: 1.4.0 or 1.4.0-rc.1."),
        ) from None
    if version.build:
        hint = _("Two versions that differ only there would have the same rank.")
        raise Problem(_("Leave out what stands after the plus sign."), field="version", hint=hint)
    if len(version.pre) > LONGEST_PRE:
        raise Problem(_("A pre-release has at most 60 characters."), field="version")
    return version


def release_before(model: Model, version: Version) -> ModelVersion | None:
    """The newest release below the one that `version` is or leads to, whatever became of it: its number says what it was."""
    rows = model.versions.filter(pre="").select_related("checkpoint__run")
    return next((row for row in rows.order_by("-number") if row.semver.core < version.core), None)


def propose(model: Model, made: Made, word: str = "") -> Version:
    """The next number: by the step that was asked for, else by the least step that is enough for the change."""
    if word and word not in STEPS:
        raise Problem(_("There is no such step."), field="bump", hint=", ".join(STEPS))
    newest = model.newest
    if newest is None:
        return FIRST
    if word:
        return bump(newest.semver, STEPS[word])
    steps = (bump(newest.semver, step) for step in (Step.PATCH, Step.MINOR, Step.MAJOR))
    return next(version for version in steps if _shortfall(model, made, version) is None)


def _shortfall(model: Model, made: Made, version: Version) -> tuple[ModelVersion, Step] | None:
    """The release before and the step that the change asks for, where the number shows less than that."""
    release = release_before(model, version)
    if release is None:
        return None
    needed = least_step(release.semver, step_needed(release.made, made))
    return (release, needed) if step_between(release.semver, version) < needed else None


def check(model: Model, made: Made, version: Version) -> Change:
    """Whether the number may be given, and what it then says. Raises Conflict for one that repeats or goes backwards,
    Problem for one that promises less change than there is."""
    newest = model.newest
    if newest is None:
        return _first(version)
    if version <= newest.semver:
        repeats = model.versions.filter(version=str(version)).exists()
        words = {"version": version, "newest": newest.version}
        message = _("There is already a %(version)s.") if repeats else _("%(version)s is not above %(newest)s.")
        hint = _("A number never goes backwards and never comes again; the newest is %(newest)s.") % words
        raise Conflict(message % words, field="version", hint=hint, code="version_backwards")
    if short := _shortfall(model, made, version):
        release, needed = short
        told = {"version": version, "before": release.version, "least": bump(release.semver, needed)}
        message = _("%(version)s says too little after %(before)s.") % told
        hint = f"{_say(needed)} {_('Take %(least)s or higher.') % told}"
        raise Problem(message, field="version", hint=hint, code="step_too_small")
    before = release_before(model, version)
    return Change(step_between(before.semver, version).word) if before else Change.FIRST


def _first(version: Version) -> Change:
    if version.core != FIRST.core and (version.major or not any(version.core)):
        hint = _("Or 0.1.0 while it is an experiment.")
        raise Problem(_("The first version is 1.0.0."), field="version", hint=hint)
    return Change.FIRST


def _say(step: Step) -> str:
    """The rule, in plain words."""
    return {
        Step.PATCH: _("The same checkpoint again is at least a patch."),
        Step.MINOR: _("A new adapter on the same base model is at least a minor step."),
        Step.MAJOR: _("A full fine-tune, or another base model than before, is a major step."),
    }[step]
