"""Doors to the pages of datasets."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.datasets import catalogue, downloads, listings, pages, preparing, services
from apps.datasets.browsing import views as browsing
from apps.datasets.forms import DeleteForm, UploadForm
from apps.datasets.framing import frame, is_partial, may, version_of, wants_json
from apps.datasets.landing import refuse_too_large
from apps.datasets.models import Dataset, Upload
from apps.datasets.receiving.page import page as receiving
from apps.jobs import services as jobs


@login_required
def list_page(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "datasets.view", current_workspace(request))
    wanted = catalogue.Wanted.read(request.GET)
    context = {
        "page": catalogue.find(workspace, wanted),
        "wanted": wanted,
        "may_upload": may(request, "datasets.upload", workspace),
        **pages.list_choices(),
    }
    if is_partial(request):
        return render(request, "datasets/dataset_list.html#table", context)
    return render(request, "datasets/dataset_list.html", {**context, "importing": catalogue.importing(workspace)})


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Choose a file for a new dataset."""
    workspace = require(request.user, "datasets.upload", current_workspace(request))
    return _receive(request, workspace=workspace)


@login_required
def new_version(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose a file for the next version of a dataset."""
    dataset = fetch_for(request.user, "datasets.upload", Dataset, pk)
    return _receive(request, workspace=dataset.workspace, dataset=dataset)


def _receive(request: HttpRequest, **target: Any) -> HttpResponse:
    if request.method != "POST":
        return render(
            request, "datasets/dataset_new.html", {"form": UploadForm(), **target, **receiving(request.user, **target)}
        )
    try:
        refuse_too_large(request)
        file, name = request.FILES.get("file"), request.POST.get("name", "")
        upload = services.receive_upload(actor=request.user, file=file, name=name, **target)
    except Problem as problem:
        if wants_json(request):
            raise
        form = UploadForm(request.POST)
        form.refuse(problem)
        context = {"form": form, **target, **receiving(request.user, **target)}
        return render(request, "datasets/dataset_new.html", context, status=problem.status)
    url = upload.get_absolute_url()
    return JsonResponse({"url": url}, status=201) if wants_json(request) else redirect(url)


@login_required
def mapping(request: HttpRequest, pk: UUID, upload: UUID) -> HttpResponse:
    """See what the rows will become, correct it, start the import."""
    row = fetch_for(request.user, "datasets.upload", Upload, upload, dataset=pk)
    if request.method == "POST":
        wanted = pages.chosen(request.POST, row)
        try:
            services.start_import(actor=request.user, upload=row, **wanted)
            return redirect(row.dataset)
        except Problem as problem:
            context = pages.mapping_page(row, wanted, problem)
            return render(request, "datasets/dataset_mapping.html", context, status=problem.status)
    context = pages.mapping_page(row, pages.chosen(request.GET, row), is_anew=pages.is_read_anew(request.GET))
    return render(request, "datasets/dataset_mapping.html" + ("#choices" if is_partial(request) else ""), context)


@login_required
@require_POST
def cancel_import(request: HttpRequest, pk: UUID, upload: UUID) -> HttpResponse:
    row = fetch_for(request.user, "jobs.cancel", Upload, upload, dataset=pk)
    if row.job:
        jobs.cancel(actor=request.user, job=row.job)
    return redirect(row.dataset)


@login_required
@require_POST
def load_demo(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "datasets.upload", current_workspace(request))
    return redirect(services.load_demo(workspace=workspace, actor=request.user).dataset)


@login_required
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The newest version; before there is one, how the import goes."""
    dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
    newest = dataset.newest
    if newest is None:
        return render(request, "datasets/dataset_waiting.html", {**frame(request, dataset), "tab": "rows"})
    return browsing.rows(request, newest)


@login_required
def version(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    return browsing.rows(request, version_of(request, pk, number))


@login_required
@require_POST
def cancel_prepare(request: HttpRequest, pk: UUID, job: UUID) -> HttpResponse:
    dataset = fetch_for(request.user, "jobs.cancel", Dataset, pk)
    if found := preparing.jobs_of(dataset).filter(pk=job).first():
        jobs.cancel(actor=request.user, job=found)
    return redirect("datasets:versions", pk)


@login_required
@require_POST
def roll_back(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    made = services.roll_back(actor=request.user, version=version_of(request, pk, number, "datasets.edit"))
    words = {"new": made.number, "old": number}
    messages.success(request, _("v%(new)s has the rows of v%(old)s. Nothing was lost.") % words)
    return redirect("datasets:versions", pk)


@login_required
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    dataset = fetch_for(request.user, "datasets.delete", Dataset, pk)
    form = DeleteForm(request.POST or None, wanted=dataset.name)
    if request.method == "POST" and form.is_valid():
        services.delete_dataset(actor=request.user, dataset=dataset)
        messages.success(request, _("%(name)s was deleted.") % {"name": dataset.name})
        return redirect("datasets:list")
    return render(request, "datasets/dataset_delete.html", {**frame(request, dataset), "form": form})


@login_required
def download(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    shown = version_of(request, pk, number)
    return downloads.rows_as_jsonl(shown, listings.split_of(shown, request.GET))


@login_required
def download_quarantine(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    return downloads.quarantine_as_jsonl(version_of(request, pk, number))
