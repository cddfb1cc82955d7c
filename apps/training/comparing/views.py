"""The page of a comparison, and its two downloads."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.training.comparing import choosing, pages, sending
from apps.training.models import Run, RunView


def _chosen(request: HttpRequest) -> tuple[list[Run], RunView | None]:
    """The runs of the address, or of the saved view that it names."""
    seen = Run.objects.visible_to(request.user)
    if not (pk := request.GET.get("view")):
        return choosing.chosen(seen, request.GET.getlist("runs")), None
    view = fetch_for(request.user, "training.view", RunView, pk)
    runs = choosing.of_view(view, seen)
    if len(runs) < choosing.FEWEST:
        hint = _("Choose runs on the list and save the view again.")
        raise Problem(_("This view finds fewer than two runs now."), field="view", hint=hint)
    return runs, view


@login_required
def compare(request: HttpRequest) -> HttpResponse:
    runs, view = _chosen(request)
    workspace = require(request.user, "training.view", runs[0].workspace)
    views = RunView.objects.filter(workspace=workspace)
    context = pages.context_of(runs, views=views, view=view, user=request.user)
    return render(request, "training/compare.html", context)


def _as_csv(body: Any, name: str) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(body, content_type="text/csv", headers=headers)


@login_required
def table(request: HttpRequest) -> HttpResponseBase:
    require(request.user, "training.view", current_workspace(request))
    return _as_csv([sending.table(_chosen(request)[0])], "runs")


@login_required
def points(request: HttpRequest) -> HttpResponseBase:
    require(request.user, "training.view", current_workspace(request))
    return _as_csv(sending.points(_chosen(request)[0], request.GET.get("metric", "")[:40]), "curves")
