"""Doors to the pages of review, agreement and reports."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.labeling.framing import frame, is_partial
from apps.labeling.golden import answered, gold
from apps.labeling.models import Annotation, Comment, LabelProject, Task
from apps.labeling.reviewing import comments, deciding, editing, pages, planning, reports, showing, tables
from apps.labeling.reviewing.api import REVIEW, csv_of


def _project(request: HttpRequest, pk: UUID, capability: str = REVIEW) -> LabelProject:
    return fetch_for(request.user, capability, LabelProject, pk)


@login_required
def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A task beside all its answers, and what comes after it."""
    return _review_page(request, _project(request, pk))


def _review_page(
    request: HttpRequest, project: LabelProject, problem: Problem | None = None, sent: Any = None, **query: str
) -> HttpResponse:
    asked = {**request.GET.dict(), **query}
    try:
        found = pages.review_page(project, request.user, asked, sent)
    except Problem as wrong:
        problem, found = problem or wrong, pages.review_page(project, request.user, {})
    context = {**frame(request, project), "tab": "review", "problem": problem, **found}
    return render(request, "labeling/review.html", context, status=problem.status if problem else 200)


def _done(request: HttpRequest, project: LabelProject, task: Task, *, stay: bool = False) -> HttpResponseRedirect:
    """Back to the list: to the next task, or to this one."""
    query = request.GET.copy()
    for name in ("task", "after", "before", "edit", "did"):
        query.pop(name, None)
    query.update({"task": str(task.number)} if stay else {"after": str(task.number), "did": str(task.number)})
    return redirect(f"{reverse('labeling:review', args=[project.pk])}?{query.urlencode()}")


def _at(request: HttpRequest, pk: UUID, number: int) -> tuple[LabelProject, Task]:
    project = _project(request, pk)
    return project, showing.task_or_404(project, number)


@login_required
@require_POST
def decide(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Accept an answer, or the reviewer's own from the form; or take the decision back."""
    project, task = _at(request, pk, number)
    state, sent = request.POST.get("state", ""), None
    try:
        if request.POST.get("withdraw"):
            deciding.withdraw(actor=request.user, task=task, state=state)
            return _done(request, project, task, stay=True)
        if request.POST.get("own"):
            sent = editing.result_of(request.POST.get("result", ""))
            deciding.adjudicate(actor=request.user, task=task, result=sent, state=state)
        else:
            annotation = fetch_for(request.user, REVIEW, Annotation, request.POST.get("annotation"), task=task.pk)
            deciding.accept(actor=request.user, annotation=annotation, state=state)
    except Problem as problem:
        more = {"edit": request.POST["edit"]} if request.POST.get("own") and "edit" in request.POST else {}
        return _review_page(request, project, problem, sent, task=str(number), **more)
    return _done(request, project, task)


@login_required
@require_POST
def send_back(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    project, task = _at(request, pk, number)
    annotation = fetch_for(request.user, REVIEW, Annotation, request.POST.get("annotation"), task=task.pk)
    note, state = request.POST.get("note", ""), request.POST.get("state", "")
    try:
        deciding.send_back(actor=request.user, annotation=annotation, note=note, state=state)
    except Problem as problem:
        return _review_page(request, project, problem, task=str(number))
    return _done(request, project, task)


@login_required
@require_POST
def comment(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Say something about a task, answer in a thread, or settle one."""
    project, task = _at(request, pk, number)
    named = request.POST.get("thread")
    thread = fetch_for(request.user, REVIEW, Comment, named, task=task.pk) if named else None
    try:
        if thread and request.POST.get("settle"):
            comments.settle(actor=request.user, thread=thread, is_settled=request.POST["settle"] == "1")
        else:
            comments.say(actor=request.user, task=task, text=request.POST.get("text", ""), thread=thread)
    except Problem as problem:
        return _review_page(request, project, problem, task=str(number))
    return _done(request, project, task, stay=True)


@login_required
@require_POST
def mark_gold(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    project = _project(request, pk, "labeling.manage")
    task = showing.task_or_404(project, number)
    try:
        if request.POST.get("unmark"):
            gold.unmark(actor=request.user, task=task)
        else:
            gold.mark(actor=request.user, task=task, explanation=request.POST.get("explanation", ""))
    except Problem as problem:
        return _review_page(request, project, problem, task=str(number))
    return _done(request, project, task, stay=True)


@login_required
@require_POST
def plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = _project(request, pk, "labeling.manage")
    try:
        planning.change_plan(actor=request.user, project=project, **pages.plan_values(request.POST))
    except Problem as problem:
        return _review_page(request, project, problem)
    messages.success(request, _("The plan of review is kept."))
    return redirect("labeling:review", project.pk)


@login_required
def agreement(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How well people agree, while they work."""
    project = _project(request, pk)
    context = {
        **frame(request, project),
        "tab": "agreement",
        **tables.agreement_page(project, request.GET.get("question", "")),
    }
    return render(request, "labeling/agreement.html" + ("#figures" if is_partial(request) else ""), context)


@login_required
def report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What each person did."""
    project = _project(request, pk)
    found = reports.everybody(project)
    days = reports.days_of(found)[-14:]
    rows = [{"one": one, "days": [dict(one.days).get(day, 0) for day in days]} for one in found]
    held = answered.on_hold(project)
    context = {**frame(request, project), "tab": "report", "rows": rows, "days": days, "held": held}
    return render(request, "labeling/people_report.html", context)


@login_required
def report_csv(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    return csv_of(_project(request, pk))


@login_required
def own_report(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One's own work: nothing of others."""
    project = _project(request, pk, "labeling.annotate")
    context = {"project": project, "one": reports.own(project, request.user)}
    return render(request, "labeling/own_report.html", context)


@login_required
@require_POST
def lift(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = _project(request, pk, "labeling.manage")
    named = request.POST.get("annotator", "")
    held = project.holds.filter(annotator_id=int(named)).first() if named.isascii() and named.isdigit() else None
    if held is not None:
        answered.lift_hold(actor=request.user, project=project, person=held.annotator)
    return redirect("labeling:report", project.pk)
