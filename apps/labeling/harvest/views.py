"""Doors to the page on which answers become a dataset version."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.labeling.framing import frame
from apps.labeling.harvest import automatic as plans
from apps.labeling.harvest import pages
from apps.labeling.harvest.services import freeze_labels
from apps.labeling.models import LabelProject, Rule


@login_required
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What each rule gives, before anything is frozen."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    return _page(request, found)


@login_required
@require_POST
def freeze(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    name, partial = request.POST.get("name", ""), request.POST.get("partial") == "1"
    try:
        version = freeze_labels(actor=request.user, project=found, name=name, partial=partial, **_wanted(request))
    except Problem as problem:
        return _page(request, found, problem)
    words = {"version": version, "rows": version.row_count}
    messages.success(request, _("%(version)s is frozen: %(rows)d rows.") % words)
    return redirect(version)


@login_required
@require_POST
def automatic(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Freeze when finished: on or off."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    is_automatic = request.POST.get("is_automatic") == "1"
    try:
        plans.plan_harvest(actor=request.user, project=found, is_automatic=is_automatic, **_wanted(request))
    except Problem as problem:
        return _page(request, found, problem)
    on, off = _("The labels will be frozen when the last task is finished."), _("The labels are frozen by hand only.")
    messages.success(request, on if is_automatic else off)
    return redirect("labeling:harvest", found.pk)


def _wanted(request: HttpRequest) -> dict[str, Any]:
    form, _colon, question = request.POST.get("shape", "").partition(":")
    return {"rule": request.POST.get("rule", Rule.MAJORITY), "form": form, "question": question}


def _page(request: HttpRequest, found: LabelProject, problem: Problem | None = None) -> HttpResponse:
    asked = request.POST or request.GET
    context = {**frame(request, found), **pages.page(found, asked.get("shape", ""), asked.get("rule", ""))}
    problem = problem or context.get("problem")
    context |= {"tab": "progress", "problem": problem, "name": request.POST.get("name", "")}
    return render(request, "labeling/project_harvest.html", context, status=problem.status if problem else 200)
