"""Doors to the pages of suggestions: the list, the form with its preview, one suggester, and what is done with it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.labeling.framing import frame, is_partial
from apps.labeling.models import LabelProject, Suggester, SuggesterKind
from apps.labeling.suggesting import asking, ordering, pages, suggesters

PARTS = {"suggestions": "suggesters", "suggester": "suggester"}  # what is fetched again while a job works


def _of(request: HttpRequest, pk: UUID, suggester: UUID) -> Suggester:
    project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    rows = project.suggesters.select_related("project__workspace", "job")
    found: Suggester = get_object_or_404(rows, pk=suggester)
    return found


def _show(
    request: HttpRequest, project: LabelProject, page: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    page = f"{page}.html#{PARTS[page]}" if page in PARTS and is_partial(request) else f"{page}.html"
    whole = {**frame(request, project), "tab": "suggestions", **context}
    return render(request, f"labeling/{page}", whole, status=status)


@login_required
def list_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All suggesters of a project."""
    project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    return _show(request, project, "suggestions", pages.list_page(project))


@login_required
def new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form of a new suggester, its preview, and the making."""
    project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    kind = (request.POST or request.GET).get("kind", SuggesterKind.RULES)
    if kind not in SuggesterKind.values:
        raise Http404
    return _form(request, project, kind, None)


@login_required
def change(request: HttpRequest, pk: UUID, suggester: UUID) -> HttpResponse:
    """The same form for one that is there."""
    found = _of(request, pk, suggester)
    return _form(request, found.project, found.kind, found)


def _form(request: HttpRequest, project: LabelProject, kind: str, found: Suggester | None) -> HttpResponse:
    asked, problem, preview = request.POST or request.GET, None, {}
    if request.method == "POST":
        try:
            control = asking.question_of(project.config, kind, request.POST.get("question"))
            spec = pages.spec_of(request.POST, control, kind)
            if "preview" not in request.POST:
                return _keep(request, project, kind, found, spec)
            preview = pages.previewed(project, kind, spec)
        except Problem as wrong:
            problem = wrong
    context = {**pages.form_page(project, kind, asked, found, problem), **preview}
    return _show(request, project, "suggester_form", context, problem.status if problem else 200)


def _keep(
    request: HttpRequest, project: LabelProject, kind: str, found: Suggester | None, spec: dict[str, Any]
) -> HttpResponse:
    name = request.POST.get("name", "")
    if found is None:
        found = suggesters.make_suggester(actor=request.user, project=project, name=name, kind=kind, spec=spec)
    else:
        found = suggesters.change_suggester(actor=request.user, suggester=found, name=name, spec=spec)
    if "run" in request.POST:
        suggesters.run_suggester(actor=request.user, suggester=found)
    return redirect(found)


@login_required
def detail(request: HttpRequest, pk: UUID, suggester: UUID) -> HttpResponse:
    """One suggester: figures, functions, and some of what it suggests."""
    found = _of(request, pk, suggester)
    return _show(request, found.project, "suggester", pages.detail_page(found))


@login_required
@require_POST
def do(request: HttpRequest, pk: UUID, suggester: UUID) -> HttpResponse:
    """Run, cancel, show, hide, order by it, delete."""
    found, what = _of(request, pk, suggester), request.POST.get("what", "")
    common: dict[str, Any] = {"actor": request.user, "suggester": found}
    if what in ("run", "run_new"):
        suggesters.run_suggester(**common, only_new=what == "run_new")
    elif what == "cancel":
        suggesters.cancel(**common)
    elif what in ("show", "hide"):
        suggesters.show(**common, is_shown=what == "show")
        messages.success(request, _("Annotators see them now.") if what == "show" else _("Annotators see none now."))
    elif what == "order":
        count = ordering.order_by_uncertainty(**common)
        messages.success(request, _("%(count)d tasks are in order now, the least sure first.") % {"count": count})
    elif what == "delete":
        suggesters.delete_suggester(**common)
        messages.success(request, _("%(name)s is deleted.") % {"name": found.name})
        return redirect("labeling:suggestions", pk)
    else:
        raise Http404
    return redirect(found)
