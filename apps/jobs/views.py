"""The page of the queue: slots, what waits and why, what ended lately."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import workspaces_where
from apps.core.errors import Problem
from apps.jobs import draining, holding, ordering, queue_page
from apps.jobs.models import Job, Slot


@login_required
def queue(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "jobs.view", current_workspace(request))
    verbs = {"act": "jobs.cancel", "manage": "jobs.manage"}
    may = {verb: workspaces_where(request.user, held).filter(pk=workspace.pk).exists() for verb, held in verbs.items()}
    may["drain"] = bool(getattr(request.user, "is_superuser", False))
    context = queue_page.context_of(workspace, may)
    template = "jobs/queue.html#board" if request.headers.get("HX-Request") else "jobs/queue.html"
    return render(request, template, context)


ACTS = {
    "pause": lambda user, job: holding.hold(actor=user, job=job),
    "resume": lambda user, job: holding.release(actor=user, job=job),
    "up": lambda user, job: ordering.step(actor=user, job=job, by=-1),
    "down": lambda user, job: ordering.step(actor=user, job=job, by=1),
}


@login_required
@require_POST
def act(request: HttpRequest, pk: str) -> HttpResponse:
    """Pause, resume or move one job, by the button that was pressed."""
    job = fetch_for(request.user, "jobs.cancel", Job, pk)
    chosen = ACTS.get(request.POST.get("act", ""))
    if chosen is None:
        raise Problem(_("There is no such act."), field="act", hint=", ".join(ACTS))
    chosen(request.user, job)
    return redirect("jobs:queue")


@login_required
@require_POST
def pause_queue(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "jobs.manage", current_workspace(request))
    holding.pause_queue(actor=request.user, workspace=workspace)
    return redirect("jobs:queue")


@login_required
@require_POST
def resume_queue(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "jobs.manage", current_workspace(request))
    holding.resume_queue(actor=request.user, workspace=workspace)
    return redirect("jobs:queue")


@login_required
@require_POST
def drain(request: HttpRequest) -> HttpResponse:
    """Drain a slot, or open it again."""
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied(_("Only who looks after the installation may do this."))
    slot: Any = Slot.objects.filter(name=request.POST.get("slot", "")).first()
    if slot is None:
        raise Problem(_("There is no slot of this name."), field="slot", code="not_found")
    if request.POST.get("act") == "open":
        draining.undrain(actor=request.user, slot=slot)
    else:
        draining.drain(actor=request.user, slot=slot, at_once=request.POST.get("act") == "now")
        messages.success(request, _("%(slot)s takes nothing new.") % {"slot": slot})
    return redirect("jobs:queue")
