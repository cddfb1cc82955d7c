"""Doors for programs: a project's connection to Label Studio, its runs and conflicts, and the server's own door."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.accounts.models import ApiKey
from apps.core.idempotency import IdempotentPosts
from apps.labeling.models import Connection, HeldAnswer, LabelProject, SyncConflict
from apps.labeling.syncing import choosing, pages, polling, services
from apps.labeling.syncing.serializers import (
    ChangedConnectionSerializer,
    ChooseSerializer,
    HeldAnswerSerializer,
    NewConnectionSerializer,
    StudioConnectionSerializer,
    StudioHintSerializer,
    StudioHookSerializer,
    StudioRunSerializer,
    StudioSyncSerializer,
    SyncConflictSerializer,
)

SECRET = "X-Tuneloop-Secret"  # noqa: S105 - the name of a header


def project_of(request: Request, pk: str) -> LabelProject:
    found: LabelProject = fetch_for(request.user, "labeling.manage", LabelProject, pk)
    return found


def given(serializer: Any, request: Request) -> dict[str, Any]:
    """The body, checked."""
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    values: dict[str, Any] = read.validated_data
    return values


class ConnectionDoor(APIView):
    """The Label Studio server of a project."""

    @extend_schema(responses=StudioConnectionSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return _told(services.require(project_of(request, pk)))

    @extend_schema(request=NewConnectionSerializer, responses={201: StudioConnectionSerializer})
    def post(self, request: Request, pk: str) -> Response:
        """Try the address and the token, keep them sealed, and begin. 400 names what is wrong: `url` or `token`."""
        project = project_of(request, pk)
        values = given(NewConnectionSerializer, request)
        services.connect(actor=request.user, project=project, **values)
        return _told(services.require(project), status.HTTP_201_CREATED)

    @extend_schema(request=ChangedConnectionSerializer, responses=StudioConnectionSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        project = project_of(request, pk)
        values = given(ChangedConnectionSerializer, request)
        return _told(services.change(actor=request.user, project=project, **values))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Disconnect: the token and the links are forgotten, answers stay on both sides."""
        services.disconnect(actor=request.user, project=project_of(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _told(connection: Connection, code: int = status.HTTP_200_OK) -> Response:
    return Response(StudioConnectionSerializer(connection).data, status=code)


class SyncDoor(IdempotentPosts, APIView):
    """Send and fetch now."""

    @extend_schema(request=StudioSyncSerializer, responses={201: StudioRunSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = project_of(request, pk)
        job = services.sync_now(actor=request.user, project=project, **given(StudioSyncSerializer, request))
        return Response({"job": job.pk}, status=status.HTTP_201_CREATED)


class WebhookDoor(APIView):
    """Let the server tell of new answers, so that they are fetched within seconds."""

    @extend_schema(request=StudioHookSerializer, responses={200: StudioConnectionSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = project_of(request, pk)
        url = given(StudioHookSerializer, request)["url"]
        made = services.add_webhook(
            actor=request.user, project=project, address=lambda row: url or pages.hook_url(request, row)
        )
        return _told(made)


class HeldAnswers(generics.ListAPIView[HeldAnswer]):
    """Answers of the server that could not be taken, with the reason."""

    serializer_class = HeldAnswerSerializer
    queryset = HeldAnswer.objects.none()

    def get_queryset(self) -> Any:
        project = project_of(self.request, self.kwargs["pk"])
        return HeldAnswer.objects.filter(connection__project=project).select_related("task")


@extend_schema(parameters=[OpenApiParameter("resolved", bool, description="Those that were decided, too.")])
class Conflicts(generics.ListAPIView[SyncConflict]):
    """Answers that differ on both sides."""

    serializer_class = SyncConflictSerializer
    queryset = SyncConflict.objects.none()

    def get_queryset(self) -> Any:
        project = project_of(self.request, self.kwargs["pk"])
        rows = SyncConflict.objects.filter(connection__project=project).select_related("task", "annotation")
        return rows if self.request.query_params.get("resolved") in ("1", "true") else rows.filter(resolved_at=None)


class ConflictDoor(APIView):
    """One conflict; POST decides it."""

    @extend_schema(responses=SyncConflictSerializer)
    def get(self, request: Request, pk: str, conflict: str) -> Response:
        return Response(SyncConflictSerializer(_conflict(request, pk, conflict)).data)

    @extend_schema(request=ChooseSerializer, responses={200: SyncConflictSerializer})
    def post(self, request: Request, pk: str, conflict: str) -> Response:
        """`ours` goes to the server with the next run; `theirs` replaces our answer at once."""
        found = _conflict(request, pk, conflict)
        choice = given(ChooseSerializer, request)["choice"]
        return Response(SyncConflictSerializer(choosing.choose(actor=request.user, conflict=found, choice=choice)).data)


def _conflict(request: Request, pk: str, conflict: str) -> SyncConflict:
    project = project_of(request, pk)
    found: SyncConflict = fetch_for(
        request.user, "labeling.manage", SyncConflict, conflict, connection__project=project.pk
    )
    return found


class Hook(APIView):
    """Where a Label Studio server tells of changes. The header X-Tuneloop-Secret opens it; the body is not read: it is a hint to look.
    However often it is called, a run begins at most once in ten seconds."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=None, auth=[{"StudioWebhook": []}], responses={200: StudioHintSerializer})  # type: ignore[list-item]
    def post(self, request: Request, pk: str) -> Response:
        told = ApiKey.digest_of(request.headers.get(SECRET, ""))
        found = _hooked(pk)
        if found is None or not secrets.compare_digest(told, found.secret_digest):
            raise Http404
        polling.hint(found)
        return Response({"taken": True})


def _hooked(pk: str) -> Connection | None:
    """A connection that has a webhook."""
    rows = Connection.objects.exclude(secret_digest="").select_related("job", "project", "created_by")
    try:
        found: Connection | None = rows.filter(pk=pk).first()
    except (ValidationError, ValueError):
        return None
    return found
