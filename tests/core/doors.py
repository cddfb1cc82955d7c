"""Doors that only the tests of core have: one raises what it is told to, one starts work."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem, TooLarge
from apps.core.idempotency import IdempotentPosts

ERRORS: dict[str, Exception] = {
    "problem": Problem("It is too short.", field="name", hint="Use 3 letters.", code="short"),
    "conflict": Conflict("Somebody was first."),
    "too-large": TooLarge("Too large."),
    "parse": exceptions.ParseError("broken"),
    "authentication": exceptions.AuthenticationFailed(),
    "not-authenticated": exceptions.NotAuthenticated(),
    "permission": exceptions.PermissionDenied("not you", code="not_you"),
    "not-found": exceptions.NotFound(),
    "method": exceptions.MethodNotAllowed("PUT"),
    "not-acceptable": exceptions.NotAcceptable(),
    "media-type": exceptions.UnsupportedMediaType("text/x"),
    "throttled": exceptions.Throttled(wait=7),
    "invalid-text": exceptions.ValidationError("all wrong"),
    "invalid-field": exceptions.ValidationError({"name": ["too short", "and odd"], "age": ["too old"]}),
    "invalid-deep": exceptions.ValidationError({"recipe": {"lora": {"r": ["must be positive"]}}}),
    "invalid-list": exceptions.ValidationError([{}, {"name": ["too short"]}]),
    "invalid-whole": exceptions.ValidationError({"non_field_errors": ["do not fit together"]}),
    "invalid-names": exceptions.ValidationError({"message": ["is empty"], "code": ["is odd"]}),
    "http-404": Http404("with a secret"),
    "http-403": PermissionDenied(),
    "http-403-told": PermissionDenied("Only owners."),
    "model-field": ValidationError({"slug": ["Enter a valid slug."]}),
    "model-text": ValidationError("No valid date."),
    "suspicious": SuspiciousOperation("odd"),
    "bug": RuntimeError("secret words"),
}


class Thing(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=5)


class Raise(APIView):
    def get(self, request: Request, what: str) -> Response:
        with transaction.atomic():
            raise ERRORS[what]

    def post(self, request: Request, what: str) -> Response:
        thing = Thing(data=request.data)
        thing.is_valid(raise_exception=True)
        return Response(thing.validated_data)


class Start(IdempotentPosts, APIView):
    """Makes a workspace, as the work that must not be done twice."""

    def post(self, request: Request) -> Response:
        workspace = Workspace.objects.create(name="made", slug=f"made-{Workspace.objects.count()}")
        body: Any = request.data
        if body.get("then") == "refuse":
            raise Problem("refused after all")
        if body.get("then") == "say 400":
            return Response({"error": {}}, status=400)
        return Response({"id": workspace.pk, "at": workspace.created_at}, status=201)

    def get(self, request: Request) -> Response:
        return Response({"fine": True})


def page(request: HttpRequest, what: str) -> HttpResponse:
    raise ERRORS[what]


api: list[Any] = [path("raise/<str:what>/", Raise.as_view()), path("start/", Start.as_view())]
urlpatterns: list[Any] = [
    path("api/v1/", include(api)),
    path("api/page/<str:what>/", page),
    path("page/<str:what>/", page),
    path("", include("console.urls")),
]
handler400 = "apps.core.answers.bad_request"
handler404 = "apps.core.answers.not_found"
handler500 = "apps.core.answers.server_error"
