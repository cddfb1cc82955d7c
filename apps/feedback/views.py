"""Pages of feedback."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.datasets.models import Dataset, DatasetVersion
from apps.feedback import finding, pages, services
from apps.feedback.models import Signal
from apps.labeling.models import LabelProject


@login_required
def list_page(request: HttpRequest) -> HttpResponse:
    """What people said about answers; choose some and lead them on."""
    workspace = require(request.user, "feedback.view", current_workspace(request))
    wanted = finding.Wanted.of(request.GET)
    context = pages.list_page(request.user, workspace, wanted, request.GET.get("page"))
    part = "#rows" if request.headers.get("HX-Request") else ""
    return render(request, f"feedback/signal_list.html{part}", {**context, "tab": "list"})


@login_required
def signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One piece of feedback beside the exchange it is about."""
    found = fetch_for(request.user, "feedback.view", Signal, pk)
    return render(request, "feedback/signal_detail.html", pages.detail_page(request.user, found))


@login_required
def returns(request: HttpRequest) -> HttpResponse:
    """Where feedback went, and the next run on it."""
    workspace = require(request.user, "feedback.view", current_workspace(request))
    return render(
        request, "feedback/return_list.html", {**pages.returns_page(request.user, workspace), "tab": "returns"}
    )


def told_on(page: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """What cannot be done is told on a page where it can be chosen anew."""

    def around(verb: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(verb)
        def door(request: HttpRequest, **places: Any) -> HttpResponse:
            try:
                return verb(request, **places)
            except Problem as problem:
                messages.error(request, f"{problem.message} {problem.hint}".strip())
                return redirect(page)

        return door

    return around


told_on_list = told_on("feedback:list")


def _chosen(request: HttpRequest) -> list[Signal]:
    """The signals ticked on the page. Raises Problem; Http404 for one that is not the person's to see."""
    ids = list(dict.fromkeys(request.POST.getlist("signal")))
    if not ids or len(ids) > services.AT_ONCE:
        raise Problem(_("Choose the feedback first."), field="signal", hint=_("Tick the rows that you mean."))
    return [fetch_for(request.user, "feedback.triage", Signal, pk) for pk in ids]


@login_required
@require_POST
@told_on_list
def send(request: HttpRequest) -> HttpResponse:
    """Make tasks of the chosen signals, in an open project or a new one."""
    chosen, project = _chosen(request), None
    if pk := request.POST.get("project"):
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    else:
        require(request.user, "labeling.manage", chosen[0].workspace)
    name = request.POST.get("name", "")
    project = services.send_to_labeling(actor=request.user, signals=chosen, project=project, name=name)
    messages.success(request, _("Sent to “%(project)s”. Each becomes a task, once.") % {"project": project})
    return redirect("feedback:returns")


@login_required
@require_POST
@told_on_list
def dismiss(request: HttpRequest) -> HttpResponse:
    count = services.dismiss(actor=request.user, signals=_chosen(request))
    messages.success(request, ngettext("%(count)d dismissed.", "%(count)d dismissed.", count) % {"count": count})
    return redirect("feedback:list")


@login_required
@require_POST
@told_on_list
def reopen(request: HttpRequest) -> HttpResponse:
    chosen = _chosen(request)
    services.reopen(actor=request.user, signals=chosen)
    return redirect(chosen[0])


@login_required
@require_POST
@told_on_list
def harvest(request: HttpRequest) -> HttpResponse:
    """Make rows of the praised answers among the chosen."""
    chosen = _chosen(request)
    dataset = fetch_for(request.user, "datasets.edit", Dataset, request.POST.get("dataset"))
    version = services.harvest_good(actor=request.user, signals=chosen, dataset=dataset)
    messages.success(request, _("%(version)s has the praised answers.") % {"version": version})
    return redirect("feedback:returns")


@login_required
@require_POST
@told_on("feedback:returns")
def train(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Launch the run behind the answers again, on a version made of their feedback."""
    version = fetch_for(request.user, "training.launch", DatasetVersion, pk)
    reason = request.POST.get("quality_override", "")
    return redirect(services.train_again(actor=request.user, version=version, quality_override=reason))
