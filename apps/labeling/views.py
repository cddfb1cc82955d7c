"""Doors to the pages of labeling."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.labeling import pages, services
from apps.labeling.framing import frame, is_partial, may
from apps.labeling.models import LabelProject
from apps.labeling.tasklist import tasks_page


@login_required
def list_page(request: HttpRequest) -> HttpResponse:
    """Projects that the person runs, watches or labels in."""
    workspace = current_workspace(request)
    verbs = ("view", "annotate")
    held = {f"may_{verb}": may(request, f"labeling.{verb}", workspace) for verb in verbs}
    if not held["may_view"]:
        require(request.user, "labeling.annotate", workspace)
    context = {
        **pages.projects(request.user, workspace, request.GET, **held),
        **held,
        "may_manage": may(request, "labeling.manage", workspace),
    }
    return render(request, "labeling/project_list.html" + ("#table" if is_partial(request) else ""), context)


@login_required
def project(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is and how well people agree."""
    found = fetch_for(request.user, "labeling.view", LabelProject, pk)
    around = frame(request, found)
    context = {**around, "tab": "progress", **pages.progress_page(found)}
    return render(request, "labeling/project_detail.html" + ("#figures" if is_partial(request) else ""), context)


@login_required
def tasks(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "labeling.view", LabelProject, pk)
    context = {**frame(request, found), "tab": "tasks", **tasks_page(found, request.GET)}
    return render(request, "labeling/project_tasks.html", context)


@login_required
def work(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The screen of who labels: all it shows of tasks it asks of the API, as the person who is signed in."""
    found = fetch_for(request.user, "labeling.annotate", LabelProject, pk)
    return render(request, "labeling/work.html", pages.work_page(found, request.user))


@login_required
@require_POST
def move(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    services.move_project(actor=request.user, project=found, to=request.POST.get("status", ""))
    return redirect(found)
