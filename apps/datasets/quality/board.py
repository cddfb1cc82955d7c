"""The limits of a dataset, which of them a version breaks, and the gate that a broken one shuts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.datasets.models import Dataset, DatasetVersion, Profile, QualityLimits
from apps.datasets.quality.thresholds import BY_NAME, LIMITS, SIGNS, Verdict, as_bound, bounds_with, judge, shown

OVERRIDE = "quality_override"
LONGEST_REASON = 300


def own_bounds(dataset: Dataset) -> dict[str, Any]:
    """Where the limits of a dataset differ from the defaults."""
    found = QualityLimits.objects.filter(dataset=dataset).values_list("bounds", flat=True).first()
    return dict(found or {})


@transaction.atomic
def change_bounds(*, actor: Any, dataset: Dataset, bounds: Mapping[str, Any]) -> dict[str, float | None]:
    """Set some limits ({name: number, or None for none}); all bounds as they are now. Raises Problem naming the limit."""
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    before = bounds_with(own_bounds(dataset))
    after = {**before, **{name: _checked(name, raw) for name, raw in bounds.items()}}
    changed = {name: [before[name], bound] for name, bound in after.items() if bound != before[name]}
    if changed:
        own = {limit.name: after[limit.name] for limit in LIMITS if after[limit.name] != limit.default}
        values = {"bounds": own, "workspace": dataset.workspace, "created_by": actor}
        QualityLimits.objects.update_or_create(dataset=dataset, defaults=values)
        note = "; ".join(_change(name, *pair) for name, pair in changed.items())
        ledger.write(row=dataset, verb="dataset.quality_limits", actor=actor, note=note[:400], changed=changed)
        live.ring(dataset)
    return after


def _checked(name: str, raw: Any) -> float | None:
    limit = BY_NAME.get(name)
    if limit is None:
        hint = _("There are: %(names)s.") % {"names": ", ".join(BY_NAME)}
        raise Problem(_("There is no limit “%(name)s”.") % {"name": str(name)[:40]}, field=str(name)[:40], hint=hint)
    try:
        return as_bound(limit, raw)
    except ValueError:
        unit = _("a share from 0 to 1") if limit.unit == "share" else _("a number from 0")
        told = _("%(label)s: give %(unit)s, or nothing for no limit.") % {"label": limit.label, "unit": unit}
        raise Problem(told, field=name) from None


def _change(name: str, before: float | None, after: float | None) -> str:
    limit = BY_NAME[name]
    words = [shown(limit, bound) if bound is not None else _("no limit") for bound in (before, after)]
    return f"{limit.label}: {words[0]} \N{RIGHTWARDS ARROW} {words[1]}"


def verdicts_of(version: DatasetVersion) -> list[Verdict]:
    """What the newest profile of a version says of each limit."""
    profile = Profile.objects.filter(version=version).first()
    return judge(profile.figures if profile else None, own_bounds(version.dataset))


def broken_of(version: DatasetVersion) -> list[Verdict]:
    """The limits that a version breaks; none where it has no profile."""
    return [verdict for verdict in verdicts_of(version) if verdict.is_broken]


def attach_broken(versions: Iterable[DatasetVersion]) -> None:
    """Bring `broken_limits` (labels) of each version in two queries, for a list: None where it has no profile."""
    rows = list(versions)
    figures = dict(_measured(rows))
    own = dict(
        QualityLimits.objects.filter(dataset__in={row.dataset_id for row in rows}).values_list("dataset", "bounds")
    )
    for row in rows:
        verdicts = judge(figures[row.pk], own.get(row.dataset_id, {})) if row.pk in figures else None
        broken = None if verdicts is None else [str(verdict.limit.label) for verdict in verdicts if verdict.is_broken]
        row.broken_limits = broken  # type: ignore[attr-defined]


def _measured(versions: list[DatasetVersion]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(version, what the limits read of its figures) of each profile, the newest last; the rest of the figures stays where it is."""
    places = list(dict.fromkeys((limit.part, key) for limit in LIMITS for key in (limit.key, "n")))
    names = [f"figures__{part}__{key}" for part, key in places]
    found = Profile.objects.filter(version__in=versions).order_by("created_at")
    for version, *values in found.values_list("version", *names):
        told: dict[str, Any] = {}
        for (part, key), value in zip(places, values, strict=True):
            told.setdefault(part, {})[key] = value
        yield version, told


def told(verdict: Verdict) -> str:
    """A verdict in words: "Duplicates 7.1 % (limit < 5 %, n = 1200)"."""
    limit = verdict.limit
    bound = f"{SIGNS[limit.way]} {shown(limit, verdict.bound)}"
    return _("%(label)s %(value)s (limit %(bound)s, n = %(n)s)") % {
        "label": limit.label,
        "value": shown(limit, verdict.value),
        "bound": bound,
        "n": verdict.n,
    }


def require_good(version: DatasetVersion, override: Any = "") -> list[Verdict]:
    """The limits that the version breaks, if a reason to go on is given. Raises Conflict (field "quality_override") without one,
    Problem for a reason that is no text. A version without a profile breaks none."""
    if override is not None and not isinstance(override, str):
        raise Problem(_("The reason must be a text."), field=OVERRIDE)
    reason = (override or "").strip()
    if len(reason) > LONGEST_REASON or "\0" in reason:
        raise Problem(_("A reason has at most %(most)s characters.") % {"most": LONGEST_REASON}, field=OVERRIDE)
    broken = broken_of(version)
    if broken and not reason:
        message = _("%(version)s breaks its quality limits: %(what)s.") % {
            "version": version,
            "what": "; ".join(map(told, broken)),
        }
        hint = _("Mend the data, change the limit on the quality board, or say why you train on it all the same.")
        raise Conflict(message, field=OVERRIDE, hint=hint, code="quality_broken")
    return broken


def note_override(*, actor: Any, version: DatasetVersion, broken: list[Verdict], reason: str, purpose: str) -> None:
    """Write down that somebody went on in spite of broken limits."""
    what = "; ".join(map(told, broken))
    ledger.write(
        row=version,
        verb="dataset.quality_overridden",
        actor=actor,
        note=reason.strip(),
        broken=[verdict.as_dict() for verdict in broken],
        told=what,
        purpose=purpose,
    )
