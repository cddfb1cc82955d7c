"""Doors to the page of duplicates."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.errors import Problem
from apps.datasets.duplicates import pages, reviewing
from apps.datasets.framing import frame, is_partial, version_of
from apps.jobs import services as jobs


@login_required
def duplicates(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Searches and the groups of one; POST starts a search."""
    shown, problem = (
        version_of(request, pk, number, "datasets.edit" if request.method == "POST" else "datasets.view"),
        None,
    )
    if request.method == "POST":
        try:
            job = reviewing.start_search(actor=request.user, version=shown, options=pages.typed(request.POST))
            return redirect(job.url)
        except Problem as found:
            problem = found
    context = {
        **frame(request, shown.dataset, shown),
        "tab": "duplicates",
        "problem": problem,
        **pages.page(shown, request.GET),
    }
    template = "datasets/duplicates_page.html" + ("#found" if is_partial(request) else "")
    return render(request, template, context, status=problem.status if problem else 200)


@login_required
@require_POST
def choose(request: HttpRequest, pk: UUID, number: int, job: UUID) -> HttpResponse:
    """Keep what is ticked on the page, then go on, or remove what is not to stay in any group."""
    shown = version_of(request, pk, number, "datasets.edit")
    search, act = pages.search_of(shown, job), request.POST.get("act", "")
    here = f"{search.url}&from={act if act.isdecimal() else request.POST.get('from', '0')}"
    try:
        reviewing.choose(job=search, choices=pages.ticked(request.POST))
        if act != "remove":
            return redirect(here)
        made = reviewing.remove(actor=request.user, version=shown, job=search)
    except Problem as problem:
        messages.error(request, f"{problem.message} {problem.hint}")
        return redirect(here)
    messages.success(request, _("v%(number)s is without them.") % {"number": made.number})
    return redirect(made)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: UUID, number: int, job: UUID) -> HttpResponse:
    shown = version_of(request, pk, number, "jobs.cancel")
    search = pages.search_of(shown, job)
    jobs.cancel(actor=request.user, job=search)
    return redirect(search.url)
