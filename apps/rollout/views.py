"""Pages of rollouts. Each fetches what the person may see, asks the services for what is to be done, and renders."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import Workspace, workspaces_where
from apps.core.errors import Problem
from apps.rollout import finding, pages, services
from apps.rollout.models import Rollout

STEPS: dict[str, tuple[str, Callable[..., Rollout]]] = {
    "start": ("rollout.manage", services.start_rollout),
    "pause": ("rollout.manage", services.pause_rollout),
    "stop": ("rollout.stop", services.stop_rollout),
}
VERBS = {"manage": "rollout.manage", "stop": "rollout.stop"}


def may(request: Any, workspace: Workspace) -> dict[str, bool]:
    """Which of the verbs of this stage the person may use here."""
    return {
        verb: workspaces_where(request.user, capability).filter(pk=workspace.pk).exists()
        for verb, capability in VERBS.items()
    }


def said(request: HttpRequest, name: str) -> str:
    """What a form says."""
    return request.POST.get(name, "")


@login_required
def rollouts(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "rollout.view", current_workspace(request))
    context = {**pages.list_page(request.user, workspace, request.GET), "may": may(request, workspace)}
    template = "rollout/rollout_list.html#rows" if request.headers.get("HX-Request") else "rollout/rollout_list.html"
    return render(request, template, context)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "rollout.manage", current_workspace(request))
    problem = None
    if request.method == "POST":
        try:
            return redirect(_made(request, workspace))
        except Problem as told:
            problem = told
    context = {"deployments": pages.deployments(workspace), "problem": problem, "values": request.POST}
    return render(request, "rollout/rollout_new.html", context, status=problem.status if problem else 200)


def _made(request: HttpRequest, workspace: Workspace) -> Rollout:
    given = request.POST
    return services.create_rollout(
        actor=request.user,
        workspace=workspace,
        name=given.get("name", ""),
        control=finding.deployment_of(workspace, given.get("control", ""), "control"),
        candidate=finding.deployment_of(workspace, given.get("candidate", ""), "candidate"),
        share=finding.percent(given.get("percent", "")),
    )


@login_required
def rollout(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _page(request, fetch_for(request.user, "rollout.view", Rollout, pk))


def _page(request: HttpRequest, found: Rollout, problem: Problem | None = None) -> HttpResponse:
    context = {**pages.rollout_page(found, request.GET), "may": may(request, found.workspace), "problem": problem}
    template = "rollout/rollout_detail.html" + ("#all" if request.headers.get("HX-Request") else "")
    return render(request, template, context, status=problem.status if problem else 200)


@login_required
@require_POST
def share(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "rollout.manage", Rollout, pk)
    try:
        wanted = finding.percent(request.POST.get("percent", ""))
        services.set_share(actor=request.user, rollout=found, share=wanted, note=said(request, "note"))
    except Problem as problem:
        return _page(request, found, problem)
    return redirect(found)


@login_required
@require_POST
def take_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Start, pause, stop at once."""
    if step not in STEPS:
        raise Http404
    capability, verb = STEPS[step]
    found = fetch_for(request.user, capability, Rollout, pk)
    try:
        verb(actor=request.user, rollout=found, note=said(request, "note")[:1000])
    except Problem as problem:
        return _page(request, found, problem)
    if step == "stop":
        messages.success(request, _("Stopped: everybody gets the control."))
    return redirect(found)
