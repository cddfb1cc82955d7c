"""Doors to the pages of the queue: settings, people, the making of tasks."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.labeling.framing import frame
from apps.labeling.models import LabelProject
from apps.labeling.queueing import filling, pages, settings


@login_required
def settings_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How the project hands out its tasks."""
    found, problem = fetch_for(request.user, "labeling.manage", LabelProject, pk), None
    if request.method == "POST":
        try:
            settings.change_settings(actor=request.user, project=found, **pages.settings_of(request.POST))
            messages.success(request, _("The settings are saved."))
            return redirect("labeling:settings", pk)
        except Problem as wrong:
            problem = wrong
    shown = pages.settings_page(found, request.POST if problem else None, problem)
    context = {**frame(request, found), "tab": "settings", **shown}
    return render(request, "labeling/project_settings.html", context, status=problem.status if problem else 200)


@login_required
def people_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who labels, how much, and which tasks."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    context = {**frame(request, found), "tab": "people", **pages.people_page(found)}
    return render(request, "labeling/project_people.html", context)


@login_required
@require_POST
def change_part(request: HttpRequest, pk: UUID, person: int) -> HttpResponse:
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    who = next((one for one, _share in settings.labellers(found) if one.pk == person), None)
    if who is None:
        raise Http404
    try:
        settings.change_part(actor=request.user, project=found, person=who, **pages.part_of(request.POST))
    except Problem as problem:
        shown = {**pages.people_page(found), "problem": problem}
        context = {**frame(request, found), "tab": "people", **shown}
        return render(request, "labeling/project_people.html", context, status=problem.status)
    messages.success(request, _("Saved for %(person)s.") % {"person": who})
    return redirect("labeling:people", pk)


@login_required
@require_POST
def fill(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Go on with the making of tasks, or take what is there as all."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    verb = filling.stop_here if request.POST.get("stop") else filling.go_on
    verb(actor=request.user, project=found)
    return redirect(found)


@login_required
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    try:
        settings.delete_draft(actor=request.user, project=found, typed=request.POST.get("typed", ""))
    except Problem as problem:
        context = {**frame(request, found), "tab": "settings", **pages.settings_page(found, None, problem)}
        return render(request, "labeling/project_settings.html", context, status=problem.status)
    messages.success(request, _("%(name)s is deleted.") % {"name": found.name})
    return redirect("labeling:list")
