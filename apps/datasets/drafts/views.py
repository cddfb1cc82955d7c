"""Doors to the pages of drafts: a row, many rows, the draft itself."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Conflict, Problem
from apps.datasets.browsing import address, finding, reading, tables
from apps.datasets.drafts import operations, services, showing
from apps.datasets.framing import frame, version_of
from apps.datasets.models import Dataset, DatasetVersion, Draft
from apps.jobs import services as jobs
from workers.formats.chat import SPLITS


@login_required
def edit_row(request: HttpRequest, pk: UUID, number: int, index: int) -> HttpResponse:
    """Change one row, or have it go: in the draft."""
    shown = version_of(request, pk, number, "datasets.edit")
    if index >= shown.row_count:
        raise Http404
    row, problem = reading.training_rows_at(shown, [index])[0], None
    if request.method == "POST":
        try:
            draft = services.open_draft(actor=request.user, base=shown)
            if "delete" in request.POST:
                services.delete_row(actor=request.user, draft=draft, place=index)
            else:
                raw = showing.read_fields(request.POST, row, shown)
                services.edit_row(actor=request.user, draft=draft, place=index, row=raw)
            messages.success(request, _("Row %(place)s is in your draft.") % {"place": index + 1})
            return redirect(
                shown.get_absolute_url() + address.link(request.GET, row=index, cursor=request.GET.get("cursor"))
            )
        except Problem as found:
            problem = found
    context = _row_context(request, shown, row, index, problem)
    return render(request, "datasets/draft_row.html", context, status=problem.status if problem else 200)


def _row_context(
    request: HttpRequest, shown: DatasetVersion, row: Any, index: int, problem: Problem | None
) -> dict[str, Any]:
    fields = showing.fields_of(shown, row)
    if request.method == "POST":
        fields = _as_sent(fields, request)
    back = address.link(request.GET, row=index, cursor=request.GET.get("cursor"))
    splits = SPLITS if shown.splits else ()
    here = {"fields": fields, "index": index, "place": index + 1, "problem": problem, "splits": splits, "back": back}
    return {
        **frame(request, shown.dataset, shown),
        **here,
        "tab": "rows",
        "draft": services.draft_of(shown.dataset, request.user),
    }


def _as_sent(fields: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """What was typed stays when it was refused."""
    sent = request.POST
    for name, prefix in (("messages", "message"), ("rejected", "rejected"), ("values", "value")):
        fields[name] = [(n, role, sent.get(f"{prefix}-{n}", text)) for n, role, text in fields[name]]
    return fields | {name: sent[name] for name in ("text", "spans", "label", "extra", "split") if name in sent}


@login_required
def edit_many(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """One operation on all rows that the address asks for: looked at first, then put into the draft."""
    shown, problem, changes = version_of(request, pk, number, "datasets.edit"), None, list[showing.Change]()
    tables.require_ready(shown)
    question = finding.read_question(shown, request.GET)
    places = finding.resolved(shown, question)
    form = request.POST if request.method == "POST" else request.GET
    try:
        if form.get("op"):
            operation = operations.read_operation(_operation(form), shown, is_of_all=question.is_plain)
            changes = showing.rehearsed(shown, operation, places)
            if request.method == "POST":
                draft = services.open_draft(actor=request.user, base=shown)
                services.edit_many(actor=request.user, draft=draft, operation=operation, query=request.GET.dict())
                return redirect(draft)
    except Problem as found:
        problem = found
    context = {
        **frame(request, shown.dataset, shown), "tab": "rows", "op": form.get("op") or "replace", "form": form, "places": len(places),
        "problem": problem, "changes": changes, "is_tried": bool(form.get("op")) and problem is None, "splits": SPLITS,
        "operations": operations.offered(shown), "narrowed": address.link(request.GET)[1:],
        "query": {name: request.GET.get(name, "") for name in address.NAMES},
        "chips": address.chips(question.filter, request.GET), "question": question,
    }  # fmt: skip
    return render(request, "datasets/draft_many.html", context, status=problem.status if problem else 200)


def _operation(form: Any) -> dict[str, Any]:
    """The operation that the form says."""
    op = form.get("op", "")
    if op == "replace":
        return {
            "op": op,
            "find": form.get("find", ""),
            "with": form.get("with", ""),
            "is_pattern": bool(form.get("is_pattern")),
        }
    if op == "column":
        return {"op": op, "name": form.get("name", ""), "value": form.get("column_value", "")}
    return {"op": op, "value": form.get(f"{op}_value", "")}


@login_required
@require_GET
def drafts(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Drafts of a dataset, of everybody."""
    dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
    found = dataset.drafts.select_related("base", "version", "created_by", "job")[:200]
    return render(
        request,
        "datasets/draft_list.html",
        {**frame(request, dataset, dataset.newest), "tab": "drafts", "drafts": found},
    )


@login_required
def draft(request: HttpRequest, pk: UUID, draft: UUID) -> HttpResponse:
    """What a draft changes; its note is written here."""
    found = _draft(request, pk, draft, "datasets.edit" if request.method == "POST" else "datasets.view")
    problem = None
    if request.method == "POST":
        try:
            services.set_note(actor=request.user, draft=found, note=request.POST.get("note", ""))
            return redirect(found)
        except Problem as refused:
            problem = refused
    return _shown(request, found, problem)


def _shown(request: HttpRequest, found: Draft, problem: Problem | None = None) -> HttpResponse:
    page = Paginator(found.edits.order_by("-number"), showing.PAGE).get_page(request.GET.get("page"))
    newest = found.dataset.newest
    has_rows = found.base.purged is None
    edits = list(showing.told(found, list(page))) if has_rows else []
    context = {
        **frame(request, found.dataset, found.base), "tab": "drafts", "draft": found, "edits": edits, "page": page, "problem": problem,
        "newest": newest, "is_moved": newest and newest.pk != found.base_id, "is_mine": found.created_by_id == request.user.pk,
        "next_number": newest.number + 1 if newest else 1,
    }  # fmt: skip
    return render(request, "datasets/draft.html", context, status=problem.status if problem else 200)


@login_required
@require_POST
def undo(request: HttpRequest, pk: UUID, draft: UUID, edit: UUID) -> HttpResponse:
    found = _draft(request, pk, draft, "datasets.edit")
    return _done(request, found, lambda: services.undo_edit(actor=request.user, draft=found, edit=edit))


@login_required
@require_POST
def discard(request: HttpRequest, pk: UUID, draft: UUID) -> HttpResponse:
    found = _draft(request, pk, draft, "datasets.edit")
    return _done(request, found, lambda: services.discard(actor=request.user, draft=found))


@login_required
@require_POST
def take_up(request: HttpRequest, pk: UUID, draft: UUID) -> HttpResponse:
    found = _draft(request, pk, draft, "datasets.edit")
    return _done(request, found, lambda: services.take_up(actor=request.user, draft=found))


@login_required
@require_POST
def freeze(request: HttpRequest, pk: UUID, draft: UUID) -> HttpResponse:
    found, as_child = _draft(request, pk, draft, "datasets.edit"), bool(request.POST.get("as_child"))
    return _done(request, found, lambda: services.freeze_draft(actor=request.user, draft=found, as_child=as_child))


@login_required
@require_POST
def cancel(request: HttpRequest, pk: UUID, draft: UUID) -> HttpResponse:
    found = _draft(request, pk, draft, "jobs.cancel")
    if found.job:
        jobs.cancel(actor=request.user, job=found.job)
    return redirect(found)


def _done(request: HttpRequest, found: Draft, step: Any) -> HttpResponse:
    try:
        step()
    except Conflict as problem:
        return _shown(request, _draft(request, found.dataset_id, found.pk, "datasets.view"), problem)
    except Problem as problem:
        return _shown(request, found, problem)
    return redirect(found)


def _draft(request: HttpRequest, pk: UUID, draft: UUID, capability: str) -> Draft:
    dataset = fetch_for(request.user, capability, Dataset, pk)
    fetch_for(request.user, capability, Draft, draft, dataset=dataset)
    found: Draft = Draft.objects.select_related(
        "dataset", "base__dataset", "base__purge", "job", "version", "created_by"
    ).get(pk=draft)
    return found
