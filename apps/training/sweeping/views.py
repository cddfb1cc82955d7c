"""Pages of sweeps."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import workspaces_where
from apps.core.errors import Problem
from apps.training.models import Run, Sweep
from apps.training.sweeping import form, services


@login_required
def sweeps(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "training.view", current_workspace(request))
    problem, posted = None, request.POST
    if request.method == "POST":
        try:
            return redirect(_begin(request))
        except Problem as exc:
            problem = exc
    may_launch = workspaces_where(request.user, "training.launch").filter(pk=workspace.pk).exists()
    context = {
        "sweeps": Sweep.objects.visible_to(request.user).filter(workspace=workspace)[:200],
        "runs": Run.objects.filter(workspace=workspace).order_by("-created_at")[:100] if may_launch else [],
        "problem": problem,
        "posted": posted,
        "like": posted.get("like") or request.GET.get("like", ""),
        "example": form.EXAMPLE,
    }
    return render(request, "training/sweep_list.html", context, status=problem.status if problem else 200)


def _begin(request: HttpRequest) -> Sweep:
    """The sweep that was asked for, with the model, rows and settings of a run."""
    run = fetch_for(request.user, "training.launch", Run, request.POST.get("like"))
    return services.begin(
        actor=request.user,
        workspace=run.workspace,
        base_model=run.base_model,
        dataset_version=run.dataset_version,
        values=form.values_of(request.POST, run.recipe),
    )


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
