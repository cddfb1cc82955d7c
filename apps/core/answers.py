"""How an error leaves the console: one shape for the API, a page for people."""

import logging
import sys
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from apps.core.errors import Busy, Problem, TooLarge

log = logging.getLogger(__name__)


def answer(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: every error leaves as {"error": {code, message, field?, hint?}}."""
    response = exception_handler(exc, context)
    problem = _as_problem(exc)
    if problem is None:
        return response
    if response is None:
        set_rollback()
        return Response(problem.as_dict(), status=problem.status, headers=_headers(problem))
    response.data = problem.as_dict()  # the framework's status and headers (Allow, WWW-Authenticate) stay
    return response


def _headers(problem: Problem) -> dict[str, str]:
    return {"Retry-After": str(problem.retry_after)} if isinstance(problem, Busy) else {}


def _as_problem(exc: Exception) -> Problem | None:
    """What a caller may know of an exception; None for a fault of ours."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, OperationalError):  # no connection became free, the database is away, somebody else's lock
        log.error("the database does not answer: %s", exc)
        return Busy(_("The database does not answer now."), hint=_("Nothing was kept; try again in a few seconds."))
    if isinstance(exc, exceptions.ValidationError):
        field, message, code = _first(exc.get_full_details())
        return Problem(message, field=field, code=code)
    if isinstance(exc, exceptions.APIException):
        codes = exc.get_codes()
        return Problem(str(exc.detail), code=codes if isinstance(codes, str) else str(exc.default_code))
    if isinstance(exc, Http404):
        return Problem(_("There is no such object."), code="not_found")
    if isinstance(exc, PermissionDenied):
        return Problem(str(exc) or _("Your role does not allow this."), code="permission_denied")
    if isinstance(exc, ModelError):
        field = next(iter(exc.message_dict)) if hasattr(exc, "error_dict") else ""
        return Problem(exc.messages[0], field="" if field == "__all__" else field)
    if isinstance(exc, RequestDataTooBig):
        return TooLarge(_("The request is too large."), hint=_("Send large data as a file."))
    return Problem(_("The request cannot be read.")) if isinstance(exc, SuspiciousOperation) else None


def _first(details: Any, path: str = "") -> tuple[str, str, str]:
    """The first error in DRF's nested details, with its dotted path."""
    if isinstance(details, dict) and isinstance(details.get("message"), str):
        return path, str(details["message"]), str(details["code"])
    if isinstance(details, dict):
        name, inner = next(iter(details.items()))
        return _first(inner, path if name == "non_field_errors" else f"{path}.{name}".strip("."))
    for inner in details:
        if inner:
            return _first(inner, path)
    return path, _("The input is not valid."), "invalid"


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", "")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: what Django refuses before any view, such as an unknown Host."""
    if not wants_json(request):
        return defaults.bad_request(request, exception)
    return JsonResponse(Problem(_("The request cannot be read.")).as_dict(), status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404: an address that no view has."""
    if not wants_json(request):
        return defaults.page_not_found(request, exception)
    return JsonResponse(Problem(_("There is no such address."), code="not_found").as_dict(), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a fault of ours, or a database that does not answer. What it was is in the log, not in the answer."""
    fault = sys.exc_info()[1]
    busy = _as_problem(fault) if isinstance(fault, OperationalError) else None
    if busy and wants_json(request):
        return JsonResponse(busy.as_dict(), status=busy.status, headers=_headers(busy))
    if busy:  # a page of the frame would ask the database again
        text = f"{busy} {busy.as_dict()['error']['hint']}\n"
        return HttpResponse(text, "text/plain; charset=utf-8", status=busy.status, headers=_headers(busy))
    if not wants_json(request):
        return defaults.server_error(request)
    return JsonResponse(Problem(_("This is a fault of the console."), code="server_error").as_dict(), status=500)
