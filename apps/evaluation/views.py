"""Pages of evaluation: the list, reports, rounds. What a rater must not see is decided in apps.evaluation.pages."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import Workspace, workspaces_where
from apps.core.errors import Problem
from apps.evaluation import forms, pages, rating, rating_api, services
from apps.evaluation.models import MetricReport, Round, RoundStatus

MANAGE = "evaluation.manage"


def may_manage(request: Any, workspace: Workspace) -> bool:
    return workspaces_where(request.user, MANAGE).filter(pk=workspace.pk).exists()


@login_required
def rounds(request: HttpRequest) -> HttpResponse:
    """Rounds; for a person who only rates, the rounds to rate."""
    workspace = current_workspace(request)
    context = {**pages.rounds(request.user, workspace, request.GET), **_rights(request, workspace), "tab": "rounds"}
    part = "waiting" if request.GET.get("part") == "waiting" else "rows"
    return _listed(request, "evaluation/round_list.html", context, part)


@login_required
def reports(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "evaluation.view", current_workspace(request))
    context = {**pages.measured(request.user, workspace, request.GET), **_rights(request, workspace), "tab": "reports"}
    return _listed(request, "evaluation/report_list.html", context)


def _rights(request: Any, workspace: Workspace) -> dict[str, bool]:
    may_view = workspaces_where(request.user, "evaluation.view").filter(pk=workspace.pk).exists()
    return {"may_manage": may_manage(request, workspace), "may_view": may_view}


def _listed(request: HttpRequest, template: str, context: dict[str, Any], part: str = "rows") -> HttpResponse:
    return render(request, f"{template}#{part}" if request.headers.get("HX-Request") else template, context)


@login_required
def new_report(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, MANAGE, current_workspace(request))
    initial = {"checkpoint": request.GET.get("checkpoint", "")}
    form = forms.ReportForm(request.POST or None, user=request.user, workspace=workspace, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(services.create_report(actor=request.user, **form.cleaned_data))
        except Problem as problem:
            form.refuse(problem)
    has_any = forms.checkpoints_of(request.user, workspace).exists()
    context = {"form": form, "has_any": has_any, "checkpoint": initial["checkpoint"]}
    return render(request, "evaluation/report_new.html", context, status=400 if form.errors else 200)


@login_required
@require_GET
def report(request: HttpRequest, pk: str) -> HttpResponse:
    found = fetch_for(request.user, "evaluation.view", MetricReport, pk)
    context = {**pages.report(found, request.user), "may_manage": may_manage(request, found.workspace)}
    return render(request, f"evaluation/report.html{'#body' if request.headers.get('HX-Request') else ''}", context)


@login_required
@require_POST
def cancel_report(request: HttpRequest, pk: str) -> HttpResponse:
    found = fetch_for(request.user, MANAGE, MetricReport, pk)
    services.cancel_report(actor=request.user, report=found)
    return redirect(found)


@login_required
def new_round(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, MANAGE, current_workspace(request))
    initial = {"first": request.GET.get("checkpoint", "")}
    form = forms.RoundForm(request.POST or None, user=request.user, workspace=workspace, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(services.create_round(actor=request.user, workspace=workspace, **form.values()))
        except Problem as problem:
            form.refuse(problem)
    context = {"form": form, "has_any": forms.checkpoints_of(request.user, workspace).exists()}
    return render(request, "evaluation/round_new.html", context, status=400 if form.errors else 200)


def _round(request: HttpRequest, pk: str, capability: str = "workspace.view") -> Round:
    return fetch_for(request.user, capability, Round, pk)


@login_required
def round(request: HttpRequest, pk: str) -> HttpResponse:
    """One page for each part of a round's life; a draft is edited on it."""
    found = _round(request, pk, MANAGE if request.method == "POST" else "workspace.view")
    manages = may_manage(request, found.workspace)
    if found.status == RoundStatus.DRAFT and manages:
        return _draft(request, found)
    if request.method == "POST":
        services.edit_round(actor=request.user, round=found)  # refuses
    context = {**pages.round(found, request.user), "may_manage": manages}
    name = "round_closed" if found.status == RoundStatus.CLOSED else "round_open"
    part = "#body" if request.headers.get("HX-Request") and name == "round_open" else ""
    return render(request, f"evaluation/{name}.html{part}", context)


def _draft(request: HttpRequest, found: Round) -> HttpResponse:
    initial = pages.initial_of(found)
    form = forms.RoundForm(request.POST or None, user=request.user, workspace=found.workspace, initial=initial)
    rubric = forms.rubric_of(request.POST, found.rubric)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_round(actor=request.user, round=found, **form.values(), rubric=rubric)
            return _after_edit(request, found)
        except Problem as problem:
            form.refuse(problem)
    context = {"round": found, "form": form, "rubric": rubric}
    return render(request, "evaluation/round_draft.html", context, status=400 if form.errors else 200)


def _after_edit(request: HttpRequest, found: Round) -> HttpResponse:
    if "open" in request.POST:
        found.refresh_from_db()
        services.open_round(actor=request.user, round=found)
        messages.success(request, _("The answers are being made. The round opens by itself when they are there."))
    else:
        messages.success(request, _("Saved."))
    return redirect(found)


VERBS = {
    "prepare": services.prepare_again,
    "draft": services.back_to_draft,
    "cancel": services.cancel_round,
}


@login_required
@require_POST
def act(request: HttpRequest, pk: str, verb: str) -> HttpResponse:
    """One of VERBS on a round."""
    found = _round(request, pk, MANAGE)
    VERBS[verb](actor=request.user, round=found)
    return redirect(found)


@login_required
@require_POST
def close(request: HttpRequest, pk: str) -> HttpResponse:
    found = _round(request, pk, MANAGE)
    services.close_round(actor=request.user, round=found, early="early" in request.POST)
    return redirect(found)


@login_required
@require_POST
def follow(request: HttpRequest, pk: str) -> HttpResponse:
    """A next round, linked to this one."""
    return redirect(services.next_round(actor=request.user, round=_round(request, pk, MANAGE)))


@login_required
@require_GET
def rate(request: HttpRequest, pk: str) -> HttpResponse:
    found = _round(request, pk, "evaluation.rate")
    rater = rating.rater_of(found, request.user)
    if found.status != RoundStatus.RATING:
        return redirect(found)
    return render(request, "evaluation/rate.html", pages.rate(found, rater))


@login_required
@require_GET
def export(request: HttpRequest, pk: str, kind: str) -> HttpResponseBase:
    response: HttpResponseBase = rating_api.export(rating_api.closed(_round(request, pk)), kind)
    return response
