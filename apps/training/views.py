"""Pages of training. Each fetches what the person may see, asks the services for what is to be done, and renders."""

from collections.abc import AsyncIterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import workspaces_where
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.jobs.models import MetricPoint
from apps.training import base_models, chatting, launch_page, launching, listing, presenting, services
from apps.training.models import BaseModel, Checkpoint, Run, Source

POINTS_A_PIECE = 5000
VERBS = {
    "launch": "training.launch",
    "stop": "training.stop",
    "chat": "training.chat",
    "add": "training.add_model",
    "register": "registry.register",
}


def may(request: Any, workspace: Any) -> dict[str, bool]:
    """Which of the verbs of this stage the person may use here: `may.launch`, `may.stop` and so on."""
    held = {verb: workspaces_where(request.user, capability) for verb, capability in VERBS.items()}
    return {verb: rooms.filter(pk=workspace.pk).exists() for verb, rooms in held.items()}


@login_required
def runs(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "training.view", current_workspace(request))
    found = Run.objects.visible_to(request.user).filter(workspace=workspace)
    found = found.select_related("job", "base_model", "dataset_version__dataset", "created_by")
    listed = listing.RUNS.show(found, request.GET, reverse("training:runs"), listing.runs_with)
    context = {"listed": listed, "may": may(request, workspace)}
    template = "training/run_list.html#rows" if request.headers.get("HX-Request") else "training/run_list.html"
    return render(request, template, context)


@login_required
def launch(request: HttpRequest) -> HttpResponse:
    """The form; it is sent to the API, which answers with what is to be mended or with the new run."""
    workspace = require(request.user, "training.launch", current_workspace(request))
    base_models.bundled(workspace)
    like = request.GET.get("like", request.GET.get("clone"))
    cloned = None if like is None else fetch_for(request.user, "training.view", Run, like)
    versions = DatasetVersion.objects.visible_to(request.user).of_form(*launching.learned_forms())
    versions = versions.filter(workspace=workspace).select_related("dataset").prefetch_related("tags")
    models = BaseModel.objects.visible_to(request.user).filter(workspace=workspace).select_related("job")
    context = launch_page.context_of(
        versions=versions.order_by("-created_at")[:200], models=models, cloned=cloned, query=request.GET
    )
    return render(request, "training/run_launch.html", context)


def _run(request: HttpRequest, capability: str, pk: str) -> Run:
    return fetch_for(request.user, capability, Run, pk)


@login_required
def run(request: HttpRequest, pk: str) -> HttpResponse:
    """The live page; its parts are fetched alone when the run changes."""
    found = _run(request, "training.view", pk)
    part = request.GET.get("part", "")
    if part and part not in presenting.PARTS:
        raise Http404
    context = presenting.run_page(found, may=may(request, found.workspace))
    return render(request, f"training/run_detail.html#{part}" if part else "training/run_detail.html", context)


@login_required
def points(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Every point of every curve, as CSV."""
    found = _run(request, "training.view", pk)
    name = f'attachment; filename="{found.code}.csv"'
    return StreamingHttpResponse(_as_csv(found), content_type="text/csv", headers={"Content-Disposition": name})


async def _as_csv(run: Run) -> AsyncIterator[str]:
    """Page by page: a curve can have millions of points."""
    rows = MetricPoint.objects.filter(job_id=run.job_id).order_by("seq").values_list("seq", "step", "name", "value")
    last, piece = 0, "step,metric,value\n"
    while piece:
        yield piece
        page = [row async for row in rows.filter(seq__gt=last)[:POINTS_A_PIECE]]
        piece = "".join(f"{step},{name},{'' if value is None else value}\n" for _seq, step, name, value in page)
        last = page[-1][0] if page else last


@login_required
@require_POST
def stop(request: HttpRequest, pk: str) -> HttpResponse:
    found = _run(request, "training.stop", pk)
    services.stop_run(actor=request.user, run=found)
    return redirect(found)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    found = _run(request, "training.stop", pk)
    services.cancel_run(actor=request.user, run=found)
    return redirect(found)


@login_required
@require_POST
def resume(request: HttpRequest, pk: str) -> HttpResponse:
    continued = services.resume_run(actor=request.user, run=_run(request, "training.launch", pk))
    messages.success(request, _("This run goes on where the earlier one ended."))
    return redirect(continued)


@login_required
def chat_page(request: HttpRequest) -> HttpResponse:
    """One prompt to a checkpoint and its base, side by side; or to a base model alone."""
    workspace = require(request.user, "training.chat", current_workspace(request))
    base_models.bundled(workspace)
    checkpoint = model = None
    if pk := request.GET.get("checkpoint", ""):
        checkpoint = fetch_for(request.user, "training.chat", Checkpoint, pk)
    elif pk := request.GET.get("base_model", ""):
        model = fetch_for(request.user, "training.chat", BaseModel, pk)
    context = chatting.page(user=request.user, workspace=workspace, checkpoint=checkpoint, model=model)
    return render(request, "training/chat.html", context)


@login_required
def models_page(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "training.view", current_workspace(request))
    base_models.bundled(workspace)
    problem, values = None, {}
    if request.method == "POST":
        require(request.user, "training.add_model", workspace)
        names = ("source", "name", "path", "repository", "revision")
        values = {name: request.POST.get(name, "").strip() for name in names}
        try:
            added = _add_model(request.user, workspace, values)
            messages.success(request, _("%(name)s was added.") % {"name": added})
            return redirect("training:models")
        except Problem as exc:
            problem = exc
    models = BaseModel.objects.visible_to(request.user).filter(workspace=workspace).select_related("job")
    context = {"models": models, "problem": problem, "values": values, "may": may(request, workspace)}
    template = "training/model_list.html#rows" if request.headers.get("HX-Request") else "training/model_list.html"
    return render(request, template, context, status=problem.status if problem else 200)


def _add_model(user: Any, workspace: Any, values: dict[str, str]) -> BaseModel:
    common = {"actor": user, "workspace": workspace, "name": values["name"]}
    if values["source"] == Source.HUB:
        revision = values["revision"] or "main"
        return base_models.add_from_hub(**common, repository=values["repository"], revision=revision)
    return base_models.add_folder(**common, path=values["path"])


@login_required
@require_POST
def prepare_model(request: HttpRequest, pk: str) -> HttpResponse:
    model = fetch_for(request.user, "training.add_model", BaseModel, pk)
    base_models.prepare_again(actor=request.user, model=model)
    return redirect("training:models")


@login_required
@require_POST
def remove_model(request: HttpRequest, pk: str) -> HttpResponse:
    model = fetch_for(request.user, "training.add_model", BaseModel, pk)
    base_models.remove(actor=request.user, model=model)
    messages.success(request, _("%(name)s was removed.") % {"name": model})
    return redirect("training:models")
