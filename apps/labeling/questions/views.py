"""Doors to the pages on which a question is made, and to the pictures of tasks."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import workspaces_where
from apps.core.errors import Problem
from apps.datasets.browsing.media import image_of
from apps.labeling import services
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.questions import changing, pages


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Choose a question and data; see the page that people will get."""
    workspace = require(request.user, "labeling.manage", current_workspace(request))
    problem = None
    if request.method == "POST":
        try:
            wanted = pages.ordered(request.POST, request.user)
            return redirect(services.create_project(actor=request.user, workspace=workspace, **wanted))
        except Problem as found:
            problem = found
    context = pages.new_page(request.user, workspace, request.POST or request.GET, problem)
    return render(request, "labeling/project_new.html", context, status=problem.status if problem else 200)


@login_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Builder, XML and picture of the config that is being made, or what is wrong with it."""
    require(request.user, "labeling.manage", current_workspace(request))
    told = {**pages.row_count(request.POST, request.user), **pages.question(request.POST, request.user)}
    return render(request, "labeling/question_parts.html", told)


@login_required
def config(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The question of a draft, to be changed."""
    project, problem = fetch_for(request.user, "labeling.manage", LabelProject, pk), None
    if request.method == "POST":
        try:
            text = pages.config_text(request.POST)
            changing.change_config(actor=request.user, project=project, label_config=text)
            messages.success(request, _("The question is changed."))
            return redirect(project)
        except Problem as found:
            problem = found
    context = pages.config_page(project, request.user, request.POST, problem)
    return render(request, "labeling/project_config.html", context, status=problem.status if problem else 200)


@login_required
@require_GET
def picture(request: HttpRequest, pk: UUID, media_name: str) -> HttpResponse:
    """A picture of the project's dataset, to who runs or watches it, and to who labels while there is something to label."""
    project = fetch_for(request.user, "workspace.view", LabelProject, pk)
    if not _may_look(request.user, project) or project.dataset_version is None:
        raise Http404
    return image_of(project.dataset_version.dataset, media_name)


def _may_look(person: Any, project: LabelProject) -> bool:
    wanted = ["labeling.view"]
    if project.status in (ProjectStatus.OPEN, ProjectStatus.PAUSED):
        wanted.append("labeling.annotate")
    return any(workspaces_where(person, one).filter(pk=project.workspace_id).exists() for one in wanted)
