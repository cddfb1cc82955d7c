"""Pages of serving, and the door of the box in which a deployment is tried out."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import Workspace, workspaces_where
from apps.core.errors import Problem
from apps.core.parsers import json_of
from apps.core.threads import in_thread
from apps.registry.models import ModelVersion
from apps.serving import asking, exchanges, pages, services, trying
from apps.serving.engine import Delta, require_ready
from apps.serving.models import Deployment, Exchange

VERBS = {"deploy": "serving.deploy", "infer": "serving.infer", "keys": "keys.manage"}

PARTS = {"head": "serving/deployment_detail.html#head", "log": "serving/exchange_rows.html"}


def may(request: Any, workspace: Workspace) -> dict[str, bool]:
    """Which of the verbs of this stage the person may use here."""
    held = {verb: workspaces_where(request.user, capability) for verb, capability in VERBS.items()}
    return {verb: rooms.filter(pk=workspace.pk).exists() for verb, rooms in held.items()}


@login_required
def deployments(request: HttpRequest, problem: Problem | None = None) -> HttpResponse:
    workspace = require(request.user, "serving.view", current_workspace(request))
    context = {
        **pages.list_page(request.user, workspace, request.GET),
        "may": may(request, workspace),
        "problem": problem,
        "values": request.POST or request.GET,
    }
    part = "#rows" if request.headers.get("HX-Request") else ""
    status = problem.status if problem else 200
    return render(request, f"serving/deployment_list.html{part}", context, status=status)


@login_required
@require_POST
def deploy(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "serving.deploy", current_workspace(request))
    try:
        return redirect(_deployed(request, workspace))
    except Problem as problem:
        return deployments(request, problem)


def _deployed(request: HttpRequest, workspace: Workspace) -> Deployment:
    given = request.POST
    if not given.get("model_version"):
        raise Problem(_("Choose a version."), field="model_version", code="required")
    return services.deploy(
        actor=request.user,
        workspace=workspace,
        name=given.get("name", ""),
        model_version=fetch_for(request.user, "registry.view", ModelVersion, given["model_version"]),
        allow_unapproved=bool(given.get("allow_unapproved")),
    )


@login_required
def deployment(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "serving.view", Deployment, pk)
    part = request.GET.get("part", "") if request.headers.get("HX-Request") else ""
    context = pages.detail(request.user, found, request.GET, f"{request.scheme}://{request.get_host()}/v1")
    context["may"] = may(request, found.workspace)
    return render(request, PARTS.get(part, "serving/deployment_detail.html"), context)


@login_required
@require_POST
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "serving.deploy", Deployment, pk)
    services.stop_deployment(actor=request.user, deployment=found)
    messages.success(request, _("%(name)s takes no new requests.") % {"name": found})
    return redirect(found)


@login_required
@require_POST
def start(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = fetch_for(request.user, "serving.deploy", Deployment, pk)
    services.start_deployment(actor=request.user, deployment=found)
    return redirect(found)


@login_required
def exchange(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One question and its answer, whole."""
    found = fetch_for(request.user, "serving.view", Exchange, pk)
    tone = pages.EXCHANGE_TONES[found.status]
    return render(request, "serving/exchange_detail.html", {"exchange": found, "tone": tone})


@login_required
@require_POST
async def try_it(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Words as they come, one JSON object a line. What fails before the first of them is answered as the API does."""
    try:
        begun = await in_thread(_begin)(request, pk)
        deltas = asking.answers(begun)
        first = await anext(deltas)
    except Problem as problem:
        return JsonResponse(problem.as_dict(), status=problem.status)
    return StreamingHttpResponse(_lines(begun, first, deltas), content_type="application/x-ndjson")


def _begin(request: HttpRequest, pk: UUID) -> Exchange:
    seen = fetch_for(request.user, "serving.infer", Deployment, pk)
    found = pages.deployments(request.user).get(pk=seen.pk)  # with all that is read while it answers
    asked = trying.read(json_of(request))
    require_ready(found)
    unit = f"user:{request.user.pk}"
    return exchanges.begin(
        deployment=found, request=asked, unit=unit, asked_as=found.name, is_stream=True, actor=request.user
    )


async def _lines(begun: Exchange, first: Delta, rest: AsyncIterator[Delta]) -> AsyncIterator[bytes]:
    def line(**values: Any) -> bytes:
        return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    try:
        yield line(text=first.text)
        async with aclosing(rest) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                yield line(text=delta.text)
        yield line(done=True, tokens=begun.completion_tokens, seconds=(begun.latency_ms or 0) / 1000)
    except Problem as problem:
        yield line(done=True, error=problem.message)
