"""Problems raised in pages become pages; those raised under /api/ outside of a DRF view keep their JSON shape."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.core.answers import wants_json
from apps.core.errors import Problem
from apps.core.parsers import has_nul


class ProblemPages:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL has no NUL; no name, search or filter means one.
        if "%00" in request.META.get("QUERY_STRING", ""):
            return _tell(request, Problem(_("The address contains a NUL character.")))
        if "\0" in request.path:
            raise Http404
        if any("\0" in value for value in request.COOKIES.values()):  # quoted, as octal; the answer looks up no session
            request.COOKIES, request.session = {}, type(request.session)()
            return _tell(request, Problem(_("A cookie contains a NUL character.")))
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """The texts of a page's form. The check of its token has read them already: no upload is read twice or sooner."""
        if request.method != "POST" or getattr(view, "csrf_exempt", False) or not has_nul(request.POST):
            return None
        return _tell(request, Problem(_("The form contains a NUL character.")))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _tell(request, exception) if isinstance(exception, Problem) else None


def _tell(request: HttpRequest, problem: Problem) -> HttpResponse:
    if wants_json(request):
        return JsonResponse(problem.as_dict(), status=problem.status)
    return render(request, "problem.html", {"problem": problem}, status=problem.status)
