"""Doors to the Label Studio tab of a project."""

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
from apps.labeling.framing import frame, is_partial
from apps.labeling.models import LabelProject, SyncConflict
from apps.labeling.syncing import choosing, pages, services


def _project(request: HttpRequest, pk: UUID) -> LabelProject:
    found: LabelProject = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    return found


@login_required
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The connection, what went each way, conflicts; the form where there is none."""
    return _page(request, _project(request, pk))


def _page(request: HttpRequest, found: LabelProject, problem: Problem | None = None) -> HttpResponse:
    context = {**frame(request, found), "tab": "studio", **pages.page(found), "problem": problem, "given": request.POST}
    part = "#studio" if is_partial(request) else ""
    return render(request, f"labeling/project_studio.html{part}", context, status=problem.status if problem else 200)


@login_required
@require_POST
def connect(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try what was given; what is wrong is said at its field."""
    found = _project(request, pk)
    url, token = request.POST.get("url", ""), request.POST.get("token", "")
    try:
        made = services.connect(actor=request.user, project=found, url=url, token=token, poll_minutes=_minutes(request))
    except Problem as problem:
        return _page(request, found, problem)
    words = {"version": made.version, "person": made.person}
    messages.success(request, _("Connected to Label Studio %(version)s as %(person)s.") % words)
    return redirect("labeling:studio", pk)


def _minutes(request: HttpRequest) -> int:
    text = request.POST.get("poll_minutes", "15")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _act(request: HttpRequest, found: LabelProject, verb: Any, said: str) -> HttpResponse:
    try:
        verb()
    except Problem as problem:
        return _page(request, found, problem)
    messages.success(request, said)
    return redirect("labeling:studio", found.pk)


@login_required
@require_POST
def sync(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send and fetch now; `full` looks at everything."""
    found, full = _project(request, pk), request.POST.get("full") == "1"
    return _act(
        request, found, lambda: services.sync_now(actor=request.user, project=found, full=full), _("The run has begun.")
    )


@login_required
@require_POST
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Pause, go on, or look more or less often."""
    found = _project(request, pk)
    values: dict[str, Any] = {}
    if "is_paused" in request.POST:
        values["is_paused"] = request.POST["is_paused"] == "1"
    if "poll_minutes" in request.POST:
        values["poll_minutes"] = _minutes(request)
    verb = lambda: services.change(actor=request.user, project=found, **values)  # noqa: E731
    return _act(request, found, verb, _("The connection is changed."))


@login_required
@require_POST
def webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _project(request, pk)
    url = request.POST.get("url", "").strip()

    def verb() -> None:
        services.add_webhook(actor=request.user, project=found, address=lambda row: url or pages.hook_url(request, row))

    return _act(request, found, verb, _("The server tells of new answers from now on."))


@login_required
@require_POST
def disconnect(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _project(request, pk)
    try:
        left = services.disconnect(actor=request.user, project=found)
    except Problem as problem:
        return _page(request, found, problem)
    messages.success(request, left or _("Disconnected. Every answer stays on both sides."))
    return redirect("labeling:studio", pk)


@login_required
@require_POST
def choose(request: HttpRequest, pk: UUID, conflict: UUID) -> HttpResponse:
    """Keep ours or take theirs."""
    found = _project(request, pk)
    row = fetch_for(request.user, "labeling.manage", SyncConflict, conflict, connection__project=found.pk)
    choice = request.POST.get("choice", "")
    said = _("Ours is kept; it goes to the server with the next run.") if choice == "ours" else _("Theirs is taken.")
    return _act(request, found, lambda: choosing.choose(actor=request.user, conflict=row, choice=choice), said)
