"""Doors to models, versions and aliases for programs."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.registry import aliases, finding, listing, services
from apps.registry.models import Model, ModelVersion
from apps.registry.serializers import (
    AliasDetailSerializer,
    AliasSerializer,
    ModelSerializer,
    MoveSerializer,
    NewModelSerializer,
    NewVersionSerializer,
    NoteSerializer,
    VersionDetailSerializer,
    VersionSerializer,
)


@extend_schema(parameters=[OpenApiParameter("name"), *listing.MODELS.parameters()], methods=["GET"])
class Models(IdempotentPosts, generics.ListAPIView[Model]):
    """Models of your workspaces, newest first; name a new one."""

    serializer_class = ModelSerializer

    def get_queryset(self) -> QuerySet[Model]:
        rows: QuerySet[Model] = Model.objects.visible_to(self.request.user)
        name = self.request.query_params.get("name", "")
        if not name.isprintable():
            return rows.none()
        rows = listing.with_newest(rows.filter(name=name) if name else rows)
        return listing.MODELS.narrow(rows, self.request.query_params)

    @extend_schema(request=NewModelSerializer, responses={201: ModelSerializer})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "registry.register", current_workspace(request))
        given = NewModelSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        model = services.create_model(actor=request.user, workspace=workspace, **given.validated_data)
        return Response(ModelSerializer(model).data, status=status.HTTP_201_CREATED)


class ModelDetail(APIView):
    """A model with its aliases and newest version."""

    @extend_schema(responses=ModelSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(ModelSerializer(fetch_for(request.user, "registry.view", Model, pk)).data)


class Versions(IdempotentPosts, APIView):
    """Versions of a model, newest first; register one."""

    @extend_schema(responses=VersionSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        model = fetch_for(request.user, "registry.view", Model, pk)
        rows = model.versions.select_related("model", "created_by", "asked_by", "decided_by")[:500]
        return Response({"results": VersionSerializer(rows, many=True).data, "next": None})

    @extend_schema(request=NewVersionSerializer, responses={201: VersionDetailSerializer})
    def post(self, request: Request, pk: str) -> Response:
        model = fetch_for(request.user, "registry.register", Model, pk)
        given = NewVersionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        values["checkpoint"] = finding.checkpoint_of(request.user, model, values["checkpoint"])
        made = services.register_version(actor=request.user, model=model, **values)
        return Response(VersionDetailSerializer(made).data, status=status.HTTP_201_CREATED)


class VersionDetail(APIView):
    """A version, by its text or id, with its gates."""

    @extend_schema(responses=VersionDetailSerializer)
    def get(self, request: Request, pk: str, version: str) -> Response:
        found = finding.model_version(request.user, "registry.view", pk, version)
        return Response(VersionDetailSerializer(found).data)


class Decision(IdempotentPosts, APIView):
    """One step of a version's life; the note goes to the ledger."""

    capability = "registry.approve"
    verb: Any = None

    @extend_schema(request=NoteSerializer, responses=VersionDetailSerializer)
    def post(self, request: Request, pk: str, version: str) -> Response:
        found = finding.model_version(request.user, self.capability, pk, version)
        given = NoteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        done: ModelVersion = type(self).verb(actor=request.user, version=found, **given.validated_data)
        return Response(VersionDetailSerializer(done).data)


class RequestApproval(Decision):
    """Ask for approval."""

    capability = "registry.register"
    verb = staticmethod(services.request_approval)


class Approve(Decision):
    """Approve a version of somebody else. A failed gate needs a note."""

    verb = staticmethod(services.approve_version)


class Reject(Decision):
    """Reject a version, with a note that says why."""

    verb = staticmethod(services.reject_version)


class Retire(Decision):
    """Take an approved version out of use."""

    verb = staticmethod(services.retire_version)


class Aliases(APIView):
    """The aliases of a model that point to a version now."""

    @extend_schema(responses=AliasSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        held = aliases.aliases_of(fetch_for(request.user, "registry.view", Model, pk))
        return Response({"results": AliasSerializer(held.values(), many=True).data, "next": None})


class Alias(IdempotentPosts, APIView):
    """An alias with its whole history; move it, or clear it. `?at=` asks what it meant at a moment."""

    @extend_schema(parameters=[OpenApiParameter("at", datetime)], responses=AliasDetailSerializer)
    def get(self, request: Request, pk: str, name: str) -> Response:
        model = fetch_for(request.user, "registry.view", Model, pk)
        return Response(_told(model, name, _moment(request.query_params.get("at", ""))))

    @extend_schema(request=MoveSerializer, responses=AliasDetailSerializer)
    def post(self, request: Request, pk: str, name: str) -> Response:
        model = fetch_for(request.user, aliases.capability_for(name), Model, pk)
        given = MoveSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        version = finding.version_of(model, given.validated_data["version"])
        note = given.validated_data["note"]
        services.set_alias(actor=request.user, model=model, name=name, version=version, note=note)
        return Response(_told(model, name, None))

    @extend_schema(operation_id="models_aliases_put", request=MoveSerializer, responses=AliasDetailSerializer)
    def put(self, request: Request, pk: str, name: str) -> Response:
        answer: Response = self.post(request, pk, name)
        return answer

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, name: str) -> Response:
        model = fetch_for(request.user, aliases.capability_for(name), Model, pk)
        services.clear_alias(actor=request.user, model=model, name=name)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _moment(text: str) -> datetime | None:
    """A moment in ISO 8601; without a zone it is the console's. Raises Problem."""
    if not text:
        return None
    try:
        moment = parse_datetime(text.strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None:
        raise Problem(_("This is no moment."), field="at", hint="2026-10-28T14:03:00Z")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _told(model: Model, name: str, moment: datetime | None) -> dict[str, Any]:
    moves = aliases.history(model, name) if name.isprintable() else []
    if not moves:
        raise Http404
    meant = aliases.alias_at(model, name, moment or timezone.now())
    now = next((move for move in moves if moment is None or move.at <= moment), None)
    history = AliasSerializer(moves, many=True).data
    at = now.at if now else None
    by = str(now.created_by) if now and now.created_by else None
    version = meant.version if meant else None
    return {"alias": name, "version": version, "at": at, "by": by, "note": now.note if now else "", "history": history}
