"""What the pages of profile and quality show, put together; the doors stay thin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.core.models import LedgerEntry
from apps.datasets.base_models import known_models
from apps.datasets.models import Dataset, DatasetVersion, Profile
from apps.datasets.quality import profiles
from apps.datasets.quality.board import own_bounds
from apps.datasets.quality.sections import plots, tiles
from apps.datasets.quality.tables import tables
from apps.datasets.quality.thresholds import LIMITS, SIGNS, Limit, Verdict, judge, shown
from apps.datasets.quality.wording import REASONS, SCRIPT, STATES
from apps.jobs.models import Job, Status

VERSIONS = 50  # of the trend
TOLD = ("dataset.quality_limits", "dataset.quality_overridden", "dataset.profiled")


def profile_page(version: DatasetVersion) -> dict[str, Any]:
    """The figures of a version: of its profile, or of the job that finds them just now."""
    profile = profiles.newest(version)
    jobs = list(profiles.jobs_of(version.dataset, version)[:3])
    running = next((job for job in jobs if not job.is_terminal), None)
    figures = running.facts.get("figures") if running else None
    figures = figures or (profile.figures if profile else None)
    parent = profiles.newest(version.parent) if version.parent else None
    shapes = plots(figures) if figures else []
    return {
        "profile": profile,
        "running": running,
        "failed": _failed(jobs, profile),
        "figures": figures,
        "is_partial_figures": bool(running and running.facts.get("figures")),
        "tiles": tiles(figures, parent.figures if parent else None) if figures else [],
        "parent_profile": parent,
        "plots": shapes,
        "plot_data": {plot.name: plot.data for plot in shapes},
        "tables": tables(figures) if figures else [],
        "left_out": _left_out(figures) if figures and not running else [],
        "broken": [line(one) for one in judge(profile.figures, own_bounds(version.dataset)) if one.is_broken]
        if profile
        else [],
        "models": known_models(version.workspace),
        "defaults": profiles.DEFAULTS,
        "script_words": SCRIPT,
    }


def chosen_options(query: Mapping[str, str]) -> dict[str, Any]:
    """The options of the form as `start_profile` takes them. Raises Problem for what is no number."""
    rows = query.get("perplexity_rows", "").strip() or "0"
    if not rows.isascii() or not rows.isdigit() or len(rows) > 6:
        raise Problem(_("Give a whole number of rows."), field="perplexity_rows")
    return {"base_model": query.get("base_model", ""), "perplexity_rows": int(rows), "topics": "topics" in query}


def _failed(jobs: list[Job], profile: Profile | None) -> Job | None:
    last = jobs[0] if jobs else None
    is_newer = last and (profile is None or last.created_at > profile.created_at)
    return last if last and is_newer and last.status == Status.FAILED else None


def _left_out(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {"tokens": _("Tokens"), "topics": _("Topic consistency"), "perplexity": _("Perplexity")}
    names["label_errors"] = _("Label errors")
    return [(names.get(name, name), str(REASONS.get(why, why))) for name, why in figures.get("left_out", {}).items()]


def line(verdict: Verdict) -> dict[str, Any]:
    """A limit as a line of the board."""
    limit = verdict.limit
    return {
        "name": limit.name,
        "label": limit.label,
        "help": limit.help,
        "value": shown(limit, verdict.value),
        "n": verdict.n,
        "sign": SIGNS[limit.way],
        "bound": shown(limit, verdict.bound) if verdict.bound is not None else "",
        "field": as_typed(limit, verdict.bound),
        "unit": "%" if limit.unit == "share" else limit.unit,
        "default": shown(limit, limit.default),
        "state": verdict.state,
        "state_label": STATES[verdict.state],
        "why": REASONS.get(verdict.why, ""),
        "status": {"broken": "bad", "kept": "good"}.get(verdict.state, ""),
    }


def as_typed(limit: Limit, bound: float | None) -> str:
    """A bound as it stands in its field: shares in per cent."""
    if bound is None:
        return ""
    return f"{100 * bound if limit.unit == 'share' else bound:.10g}"


def typed_bounds(query: Mapping[str, str]) -> dict[str, float | None]:
    """The bounds of the form; an empty field is no limit. Raises Problem naming the field."""
    found: dict[str, float | None] = {}
    for limit in LIMITS:
        if limit.name not in query:
            continue
        text = query[limit.name].strip().replace(",", ".").removesuffix("%").strip()
        try:
            number = float(text) if text else None
        except ValueError:
            told = _("%(label)s: this is no number.") % {"label": limit.label}
            raise Problem(told, field=limit.name) from None
        found[limit.name] = number / 100 if number is not None and limit.unit == "share" else number
    return found


def board_page(
    dataset: Dataset, problem: Problem | None = None, typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The board of a dataset: its newest version against the limits, the trend over versions, what was changed."""
    version, own = dataset.newest, own_bounds(dataset)
    profile = profiles.newest(version) if version else None
    lines = [line(verdict) for verdict in judge(profile.figures if profile else None, own)]
    for one in lines:
        one["field"] = (typed or {}).get(one["name"], one["field"])
        one["problem"] = problem.message if problem and problem.field == one["name"] else ""
    trend = _trend(dataset, own)
    return {
        "profile": profile,
        "lines": lines,
        "broken_count": sum(one["state"] == "broken" for one in lines),
        "measured_count": sum(one["state"] in ("broken", "kept") for one in lines),
        "problem": problem,
        "trend": trend,
        "limits": LIMITS,
        "trend_data": _trend_data(trend, own),
        "history": _history(dataset),
        "script_words": SCRIPT,
    }


def _trend(dataset: Dataset, own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The verdicts of each version that has a profile, the oldest first."""
    newest: dict[int, Profile] = {}
    found = Profile.objects.filter(version__dataset=dataset).select_related("version").order_by("created_at")
    for profile in found:
        newest[profile.version.number] = profile
    return [
        {"version": newest[number].version, "verdicts": verdicts, "cells": [line(verdict) for verdict in verdicts]}
        for number in sorted(newest)[-VERSIONS:]
        if (verdicts := judge(newest[number].figures, own))
    ]


def _trend_data(trend: list[dict[str, Any]], own: Mapping[str, Any]) -> dict[str, Any]:
    """What profile.js draws for each limit: values over versions, and the bound."""
    drawn = {}
    for place, verdict in enumerate(judge(None, own)):
        scale = 100 if verdict.limit.unit == "share" else 1
        values = [one["verdicts"][place] for one in trend]
        drawn[f"trend-{verdict.limit.name}"] = {
            "kind": "trend",
            "labels": [f"v{one['version'].number}" for one in trend],
            "values": [None if one.value is None else round(scale * one.value, 4) for one in values],
            "broken": [one.is_broken for one in values],
            "counts": [one.n for one in values],
            "bound": None if verdict.bound is None else scale * verdict.bound,
            "unit": "%" if scale == 100 else str(verdict.limit.unit),
        }
    return drawn


def _history(dataset: Dataset) -> list[LedgerEntry]:
    """Who changed limits, went on in spite of them, or had a version measured: the newest first."""
    ids = [str(dataset.pk), *map(str, dataset.versions.values_list("pk", flat=True))]
    found = LedgerEntry.objects.filter(workspace_id=dataset.workspace_id, verb__in=TOLD, object_id__in=ids)
    return list(found.order_by("-pk")[:30])
