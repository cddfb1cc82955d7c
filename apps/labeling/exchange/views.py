"""The pages on which labels come in and go out."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.labeling import exchange
from apps.labeling.exchange import pages, receiving
from apps.labeling.framing import frame, is_partial
from apps.labeling.models import LabelImport, LabelProject


@login_required
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every format, and whether it fits the questions of the project; a file to bring in."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    return render(request, "labeling/project_export.html", {**frame(request, found), **pages.formats_page(found)})


@login_required
def export(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    wanted, partial = request.GET.get("format", "json"), request.GET.get("partial") == "1"
    return exchange.export(found, wanted, partial=partial)


@login_required
@require_POST
def receive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Look at a file that was sent."""
    found = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    person = request.POST.get("person", "")
    try:
        row = receiving.receive(actor=request.user, project=found, file=request.FILES.get("file"), person=person)
    except Problem as problem:
        context = {**frame(request, found), **pages.formats_page(found), "problem": problem, "person": person}
        return render(request, "labeling/project_export.html", context, status=problem.status)
    return redirect(row)


@login_required
def one_import(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a file would do, how far it is, or what it did."""
    row = fetch_for(request.user, "labeling.manage", LabelImport, pk)
    context = {**frame(request, row.project), **pages.import_page(row)}
    return render(request, "labeling/label_import.html" + ("#outcome" if is_partial(request) else ""), context)


@login_required
@require_POST
def start(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = fetch_for(request.user, "labeling.manage", LabelImport, pk)
    return redirect(receiving.start(actor=request.user, row=row))


@login_required
@require_POST
def drop(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = fetch_for(request.user, "labeling.manage", LabelImport, pk)
    receiving.drop(row=row)
    return redirect("labeling:formats", row.project_id)
