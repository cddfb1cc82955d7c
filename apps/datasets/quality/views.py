"""Doors to the pages of profile and quality."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.datasets.framing import frame, is_partial, version_of
from apps.datasets.models import Dataset
from apps.datasets.quality import board, pages, profiles
from apps.jobs import services as jobs


@login_required
@vary_on_headers("HX-Request")  # the way back must not show a part that was fetched alone
def profile(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """The figures of a version; POST has them found anew."""
    shown, problem = (
        version_of(request, pk, number, "datasets.edit" if request.method == "POST" else "datasets.view"),
        None,
    )
    if request.method == "POST":
        try:
            profiles.start_profile(actor=request.user, version=shown, options=pages.chosen_options(request.POST))
            return redirect("datasets:profile", pk, number)
        except Problem as found:
            problem = found
    context = {
        **frame(request, shown.dataset, shown),
        "tab": "profile",
        "problem": problem,
        **pages.profile_page(shown),
    }
    part = "#figures" if is_partial(request) else ""
    return render(request, f"datasets/profile_page.html{part}", context, status=problem.status if problem else 200)


@login_required
@require_POST
def cancel_profile(request: HttpRequest, pk: UUID, job: UUID) -> HttpResponse:
    dataset = fetch_for(request.user, "jobs.cancel", Dataset, pk)
    if found := profiles.jobs_of(dataset).filter(pk=job).first():
        jobs.cancel(actor=request.user, job=found)
        return redirect(found.url or dataset)
    return redirect(dataset)


@login_required
def quality(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The board; POST changes the limits."""
    dataset = fetch_for(request.user, "datasets.edit" if request.method == "POST" else "datasets.view", Dataset, pk)
    problem = None
    if request.method == "POST":
        try:
            board.change_bounds(actor=request.user, dataset=dataset, bounds=pages.typed_bounds(request.POST))
            messages.success(request, _("The limits are kept."))
            return redirect("datasets:quality", pk)
        except Problem as found:
            problem = found
    shown = pages.board_page(dataset, problem, request.POST if problem else None)
    context = {**frame(request, dataset, dataset.newest), "tab": "quality", **shown}
    return render(request, "datasets/quality_board.html", context, status=problem.status if problem else 200)
