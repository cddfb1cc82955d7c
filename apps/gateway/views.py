"""The public doors: the OpenAI API over the deployments and rollouts of a key's workspace."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from apps.core.errors import Problem
from apps.core.parsers import json_of
from apps.core.threads import in_thread
from apps.gateway import asked, callers, resolving, shapes
from apps.gateway.completing import Call

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def door(method: str) -> Callable[[View], View]:
    """A view for programs: no session, no CSRF; what is wrong is answered as OpenAI answers it."""

    def around(view: View) -> View:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        async def answer(request: HttpRequest, **given: Any) -> HttpResponseBase:
            if request.method != method:
                return refusal(NotThatWay(_("Use %(method)s here.") % {"method": method}), {"Allow": method})
            try:
                return await view(request, **given)
            except Problem as problem:
                return refusal(problem)

        return answer

    return around


class NotThatWay(Problem):
    status = 405
    code = "method_not_allowed"


def refusal(problem: Problem, headers: dict[str, str] | None = None) -> HttpResponse:
    more = dict(headers or {})
    if retry_after := getattr(problem, "retry_after", None):
        more["Retry-After"] = str(retry_after)
    if problem.status == callers.Unknown.status:
        more["WWW-Authenticate"] = 'Bearer realm="tuneloop"'
    return JsonResponse(shapes.error(problem, problem.status), status=problem.status, headers=more)


@door("GET")
async def models(request: HttpRequest) -> HttpResponse:
    """Every name that the key can ask for."""
    found, owner = await in_thread(_names)(request)
    return JsonResponse({"object": "list", "data": [shapes.model(name, at, owner) for name, at in found]})


@door("GET")
async def model(request: HttpRequest, name: str) -> HttpResponse:
    """One name."""
    found, owner = await in_thread(_names)(request)
    for known, created in found:
        if known == name:
            return JsonResponse(shapes.model(known, created, owner))
    raise resolving.NoSuchModel(_("There is no model “%(name)s”.") % {"name": name[:80]}, field="model")


def _names(request: HttpRequest) -> tuple[list[tuple[str, int]], str]:
    caller = callers.identify(request)
    return resolving.names_of(caller.workspace), caller.workspace.slug


@door("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Ask a deployment, plain or streamed."""
    call = Call(request.path)
    try:
        await in_thread(_take)(request, call)
        return await (call.streamed() if call.asked.is_stream else call.plain())
    except BaseException as exc:
        call.note_end(exc)
        raise


def _take(request: HttpRequest, call: Call) -> None:
    """Who asks what of whom; from here on it stands in the log."""
    caller = callers.identify(request)
    call.begin(caller, asked.read(json_of(request)), session=_session(request))


def _session(request: HttpRequest) -> str:
    given = request.headers.get("X-Session-Id", "").strip()
    if len(given) > asked.LONGEST_NAME or not given.isprintable():
        raise Problem(_("X-Session-Id must be at most 200 printable characters."), field="X-Session-Id")
    return given
