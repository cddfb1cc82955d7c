"""The page on which labels come in and go out."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.accounts.access import fetch_for
from apps.labeling import exchange, progress
from apps.labeling.framing import frame
from apps.labeling.models import LabelProject


@login_required
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every format, and whether it fits the questions of the project."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    config = found.config
    formats = [{"name": name, "format": one, "fits": one.fits(config)} for name, one in exchange.FORMATS.items()]
    counts = progress.counts(found)
    context = {
        **frame(request, found),
        "tab": "export",
        "formats": formats,
        "counts": counts,
        "is_settled": not found.is_open or not counts["waiting"],
    }
    return render(request, "labeling/project_export.html", context)


@login_required
def export(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    wanted, partial = request.GET.get("format", "json"), request.GET.get("partial") == "1"
    return exchange.export(found, wanted, partial=partial)
