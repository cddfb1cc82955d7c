"""Doors to the pages of rows."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.datasets.browsing import address, jobs, media, metadata, page
from apps.datasets.browsing.columns import NUMBER, column_called, columns_of
from apps.datasets.browsing.finding import read_question
from apps.datasets.browsing.statistics import statistics_of
from apps.datasets.framing import frame, is_partial, version_of
from apps.datasets.models import Dataset, DatasetVersion
from workers.browse_columns import SHOWN


def rows(request: HttpRequest, shown: DatasetVersion) -> HttpResponse:
    """The rows of a version: the page, its table alone, or one row."""
    if "add-column" in request.GET:
        return _added(request, shown)
    part = request.headers.get("HX-Target", "") if is_partial(request) else ""
    if part == "row":
        context = {**frame(request, shown.dataset, shown), **page.row_of(shown, request.GET.dict())}
        return render(request, "datasets/browse_row.html", context)
    if part == "count":
        found = page.counted(shown, request.GET.dict())
        return render(request, "datasets/dataset_rows.html#count", {**found, "version": shown, "is_ready": True})
    context = {
        **frame(request, shown.dataset, shown),
        "tab": "rows",
        **page.rows_page(shown, request.GET.dict(), request.user),
    }
    status = context["problem"].status if context["problem"] else 200
    return render(request, "datasets/dataset_rows.html" + ("#rows" if part == "rows" else ""), context, status=status)


def _added(request: HttpRequest, shown: DatasetVersion) -> HttpResponse:
    """The filter with one more condition, under an address that says it whole."""
    try:
        group = read_question(shown, request.GET).filter
        told = address.as_text(address.with_condition(group, request.GET, columns_of(shown)))
    except Problem as problem:
        messages.error(request, f"{problem.message} {problem.hint}".strip())
        told = request.GET.get("filter", "")
    return redirect(shown.get_absolute_url() + address.link(request.GET, filter=told))


@login_required
@require_GET
def column(request: HttpRequest, pk: UUID, number: int, column: str) -> HttpResponse:
    """The figures of one column, in the place of the opened row."""
    shown = version_of(request, pk, number)
    found = column_called(columns_of(shown), column, "column")
    figures = statistics_of(shown, found, read_question(shown, request.GET))
    most = max((bar["rows"] for bar in figures["histogram"]), default=0) or 1
    bars = [{**bar, "height": 100 * bar["rows"] / most} for bar in figures["histogram"]]
    top = [{**one, "share": 100 * one["rows"] / (figures["count"] or 1)} for one in figures["top"]]
    for one in top:
        same = "starts with" if found.is_cut and len(one["value"]) >= SHOWN else "is"
        condition = [[found.id, same, one["value"] if found.kind != NUMBER or found.is_own else float(one["value"])]]
        one["url"] = address.link(request.GET, filter=page.with_one(shown, request.GET, condition))
    context = {
        "column": found,
        "figures": figures,
        "bars": bars,
        "top": top,
        "version": shown,
        "dataset": shown.dataset,
    }
    return render(request, "datasets/browse_column.html", context)


@login_required
@require_GET
def image(request: HttpRequest, pk: UUID, media_name: str) -> HttpResponse:
    return media.image_of(fetch_for(request.user, "datasets.view", Dataset, pk), media_name)


@login_required
@require_POST
def index(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Start the index of a version that has none, because its job failed or was cancelled."""
    shown = version_of(request, pk, number, "datasets.edit")
    if not metadata.is_ready(shown):
        jobs.submit_index(shown)
    return redirect(shown)
