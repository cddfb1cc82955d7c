"""Pages of sweeps."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import workspaces_where
from apps.training.models import Sweep
from apps.training.sweeping import services


@login_required
def sweeps(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "training.view", current_workspace(request))
    found = Sweep.objects.visible_to(request.user).filter(workspace=workspace)
    return render(request, "training/sweep_list.html", {"sweeps": found[:200]})


@login_required
def sweep(request: HttpRequest, pk: str) -> HttpResponse:
    found = fetch_for(request.user, "training.view", Sweep, pk)
    rooms = [
        workspaces_where(request.user, name).filter(pk=found.workspace_id)
        for name in ("training.stop", "training.launch")
    ]
    trials = found.trials.select_related("run__job")
    context = {
        "sweep": found,
        "trials": trials,
        "best": services.best_of(found),
        "may": all(room.exists() for room in rooms),
    }
    template = "training/sweep.html#rows" if request.headers.get("HX-Request") else "training/sweep.html"
    return render(request, template, context)


@login_required
@require_POST
def pause(request: HttpRequest, pk: str) -> HttpResponse:
    return redirect(services.pause(actor=request.user, sweep=fetch_for(request.user, "training.stop", Sweep, pk)))


@login_required
@require_POST
def resume(request: HttpRequest, pk: str) -> HttpResponse:
    return redirect(services.resume(actor=request.user, sweep=fetch_for(request.user, "training.launch", Sweep, pk)))


@login_required
@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    return redirect(services.cancel(actor=request.user, sweep=fetch_for(request.user, "training.stop", Sweep, pk)))
