"""Doors to the pages about versions."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.datasets.forms import DeleteForm
from apps.datasets.framing import frame, is_partial, version_of
from apps.datasets.models import Dataset
from apps.datasets.versions import diffing, finding, pages, purging, tagging


@login_required
def versions(request: HttpRequest, pk: UUID) -> HttpResponse:
    dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
    context = {**frame(request, dataset, dataset.newest), "tab": "versions", **pages.versions_page(dataset)}
    return render(request, "datasets/dataset_versions.html" + ("#list" if is_partial(request) else ""), context)


@login_required
def compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Two versions that were ticked: the older one is what the newer one is compared with."""
    dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
    numbers = sorted({finding.named(dataset, name, field="v").number for name in request.GET.getlist("v")[:3]})
    if len(numbers) != 2:
        messages.error(request, _("Tick two versions to compare them."))
        return redirect("datasets:versions", pk)
    response = redirect("datasets:changes", pk, numbers[1])
    response["Location"] += f"?against={numbers[0]}"
    return response


@login_required
def changes(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """What differs from its parent, or from another version. POST has a job find it out, where a page cannot wait for it."""
    shown, problem, context = version_of(request, pk, number), None, {}
    if request.method == "POST":
        _start(request, pk, number)
        return redirect(request.get_full_path())
    try:
        context = pages.changes_page(shown, request.GET)
    except Problem as found:
        problem, context = found, {"others": (), "asked": {}}
    context = {**frame(request, shown.dataset, shown), "tab": "changes", "problem": problem, **context}
    template = "datasets/version_changes.html" + ("#rows" if is_partial(request) else "")
    return render(request, template, context, status=problem.status if problem else 200)


def _start(request: HttpRequest, pk: UUID, number: int) -> None:
    shown = version_of(request, pk, number, "datasets.edit")
    before = finding.other_side(shown, request.GET)
    if before:
        diffing.start(before, shown, request.GET.get("by", "").strip(), actor=request.user)


@login_required
def about(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Where a version comes from, its tags, what it keeps on the disk and what holds it."""
    shown = version_of(request, pk, number)
    context = {**frame(request, shown.dataset, shown), "tab": "about", **pages.about_page(shown)}
    return render(request, "datasets/version_about.html", context)


@login_required
@require_POST
def set_tag(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    shown = version_of(request, pk, number, "datasets.edit")
    try:
        tag = tagging.set_tag(actor=request.user, version=shown, name=request.POST.get("name", ""))
        messages.success(request, _("%(tag)s points to v%(number)s.") % {"tag": tag, "number": number})
    except Problem as problem:
        messages.error(request, f"{problem.message} {problem.hint}")
    return redirect("datasets:about", pk, number)


@login_required
@require_POST
def remove_tag(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    shown = version_of(request, pk, number, "datasets.edit")
    tag = shown.tags.filter(name=request.POST.get("name", "")).first()
    if tag is None:
        raise Http404
    tagging.remove_tag(actor=request.user, tag=tag)
    messages.success(request, _("The tag %(tag)s is gone; the version stays.") % {"tag": tag})
    return redirect("datasets:about", pk, number)


@login_required
def purge(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Delete the rows of a version, when nothing needs them and its name was typed."""
    shown = version_of(request, pk, number, "datasets.delete")
    form, problem = DeleteForm(request.POST or None, wanted=str(shown)), purging.why_not(shown)
    if request.method == "POST" and form.is_valid():
        purging.purge_version(actor=request.user, version=shown, reason=request.POST.get("reason", ""))
        messages.success(request, _("The rows of v%(number)s were deleted.") % {"number": number})
        return redirect("datasets:versions", pk)
    context = {"form": form, "problem": problem, "freed": purging.own_bytes(shown)}
    return render(request, "datasets/version_delete.html", {**frame(request, shown.dataset, shown), **context})
