"""Doors to the quarantine of a version and to what is mended of it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.core.errors import Problem
from apps.datasets import mending, quarantine_page
from apps.datasets.framing import frame, version_of
from apps.datasets.landing import checked_file, on_disk, refuse_too_large
from apps.datasets.models import DatasetVersion

_PAGE = "datasets/dataset_quarantine.html"


@login_required
def quarantine(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Rows that could not come in, with line and reason, and their text to mend."""
    shown = version_of(request, pk, number)
    return render(request, _PAGE, {**frame(request, shown.dataset, shown), **quarantine_page.page(shown, request.GET)})


@login_required
@require_POST
def mend(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Try the rows whose text was changed, or a mended file; what can be used becomes the next version."""
    shown = version_of(request, pk, number, "datasets.edit")
    try:
        outcome = _tried(request, shown)
        problem = outcome.problem
    except Problem as found:
        outcome, problem = mending.Outcome(None), found
    if problem or outcome.version is None:
        problem = problem or Problem(_("No row was changed."), field="rows")
        page = quarantine_page.page(shown, request.POST, outcome.refused)
        context = {**frame(request, shown.dataset, shown), **page, "problem": problem}
        return render(request, _PAGE, context, status=problem.status)
    _tell(request, outcome, outcome.version)
    if not outcome.refused:
        return redirect("datasets:quarantine", pk, outcome.version.number)
    page = quarantine_page.page(outcome.version, request.POST, outcome.refused)
    return render(request, _PAGE, {**frame(request, shown.dataset, outcome.version), **page})


def _tried(request: HttpRequest, shown: DatasetVersion) -> mending.Outcome:
    if "file" in request.FILES:
        refuse_too_large(request)
        with on_disk(checked_file(request.FILES.get("file"))) as path:
            return mending.mend_file(actor=request.user, version=shown, path=path)
    rows = quarantine_page.changed_rows(shown, request.POST)
    return mending.mend_rows(actor=request.user, version=shown, rows=rows) if rows else mending.Outcome(None)


def _tell(request: HttpRequest, outcome: mending.Outcome, version: DatasetVersion) -> None:
    count = len(outcome.accepted)
    told = ngettext("%(count)s mended row is in v%(number)s.", "%(count)s mended rows are in v%(number)s.", count)
    messages.success(request, told % {"count": count, "number": version.number})
