"""Pages of the registry. Each fetches what the person may see, asks the services for what is to be done, and renders."""

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
from apps.registry import aliases, finding, pages, services
from apps.registry.models import Model, ModelVersion
from apps.training.models import Checkpoint

STEPS: dict[str, tuple[str, Callable[..., ModelVersion]]] = {
    "request": ("registry.register", services.request_approval),
    "approve": ("registry.approve", services.approve_version),
    "reject": ("registry.approve", services.reject_version),
    "retire": ("registry.approve", services.retire_version),
}
VERBS = {"register": "registry.register", "approve": "registry.approve", "chat": "training.chat"}


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
def models(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    workspace = require(request.user, "registry.view", current_workspace(request))
    context = {
        **pages.list_page(request.user, workspace, request.GET),
        "may": may(request, workspace),
        "problem": problem,
        "values": request.POST,
    }
    template = "registry/model_list.html#rows" if request.headers.get("HX-Request") else "registry/model_list.html"
    return render(request, template, context, status=problem.status if problem else 200)


@login_required
@require_POST
def new_model(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "registry.register", current_workspace(request))
    values = {name: said(request, name) for name in ("name", "description")}
    try:
        return redirect(services.create_model(actor=request.user, workspace=workspace, **values))
    except Problem as problem:
        return models(request, problem)


@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Choose checkpoint, model and number; the numbers that may be given follow the choice."""
    workspace = require(request.user, "registry.register", current_workspace(request))
    problem = None
    if request.method == "POST":
        try:
            return redirect(_registered(request, workspace))
        except Problem as told:
            problem = told
    query = request.POST or request.GET
    context = {**_choice(request, workspace, query), "problem": problem, "values": query}
    template = "registry/version_register.html" + ("#numbers" if request.headers.get("HX-Request") else "")
    return render(request, template, context, status=problem.status if problem else 200)


def _choice(request: HttpRequest, workspace: Workspace, query: Any) -> dict[str, Any]:
    offered = pages.lasting_checkpoints(request.user, workspace)
    named = query.get("checkpoint", "")
    checkpoint = fetch_for(request.user, "training.view", Checkpoint, named) if named else next(iter(offered), None)
    if checkpoint is not None and checkpoint not in offered:
        offered.insert(0, checkpoint)
    known = Model.objects.visible_to(request.user).filter(workspace=workspace)
    named = query.get("model", "")
    model = fetch_for(request.user, "registry.view", Model, named) if named else None
    model = model or (known.first() if "model" not in query else None)
    numbers = pages.numbers_for(model, checkpoint) if checkpoint else []
    return {"checkpoints": offered, "checkpoint": checkpoint, "models": known, "model": model, "numbers": numbers}


def _registered(request: HttpRequest, workspace: Workspace) -> ModelVersion:
    given = request.POST
    if not given.get("checkpoint"):
        raise Problem(_("Choose a checkpoint."), field="checkpoint", code="required")
    values: dict[str, Any] = {
        "actor": request.user,
        "checkpoint": fetch_for(request.user, "training.view", Checkpoint, given["checkpoint"]),
        "version": said(request, "own").strip() or said(request, "version"),
        "notes": said(request, "notes"),
    }
    if named := given.get("model"):
        model = fetch_for(request.user, "registry.register", Model, named)
        return services.register_version(model=model, **values)
    values |= {"name": said(request, "name"), "description": said(request, "description")}
    return services.register_first(workspace=workspace, **values)


@login_required
def model(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _page(request, fetch_for(request.user, "registry.view", Model, pk))


@login_required
def version(request: HttpRequest, pk: UUID, version: str) -> HttpResponse:
    found = finding.model_version(request.user, "registry.view", pk, version)
    return _page(request, found.model, found)


def _page(
    request: HttpRequest, model: Model, chosen: ModelVersion | None = None, problem: Problem | None = None
) -> HttpResponse:
    context = {
        **pages.model_page(model, chosen, request.GET.get("at", ""), request.user),
        "may": may(request, model.workspace),
        "problem": problem,
        "values": request.POST,
    }
    template = "registry/model_detail.html#all" if request.headers.get("HX-Request") else "registry/model_detail.html"
    return render(request, template, context, status=problem.status if problem else 200)


@login_required
@require_POST
def decide(request: HttpRequest, pk: UUID, version: str, step: str) -> HttpResponse:
    """Ask for approval, approve, reject, retire."""
    if step not in STEPS:
        raise Http404
    capability, verb = STEPS[step]
    found = finding.model_version(request.user, capability, pk, version)
    try:
        verb(actor=request.user, version=found, note=said(request, "note"))
    except Problem as problem:
        return _page(request, found.model, found, problem)
    return redirect(found)


@login_required
@require_POST
def move_alias(request: HttpRequest, pk: UUID) -> HttpResponse:
    name = request.POST.get("alias", "").strip()
    found = fetch_for(request.user, aliases.capability_for(name), Model, pk)
    note, wanted = said(request, "note"), said(request, "version")
    try:
        if wanted:
            target = finding.version_of(found, wanted)
            services.set_alias(actor=request.user, model=found, name=name, version=target, note=note)
        else:
            services.clear_alias(actor=request.user, model=found, name=name, note=note)
    except Problem as problem:
        return _page(request, found, None, problem)
    messages.success(request, _("The alias was moved; its history keeps where it was."))
    return redirect(found)
