"""Doors to deployments and exchanges for programs. Those that answer questions are in apps.gateway."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.registry.models import ModelVersion
from apps.serving import listing, pages, services
from apps.serving.models import Deployment, Exchange, ExchangeStatus


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    model = serializers.CharField(source="model_version.model.name", read_only=True)
    version = serializers.CharField(source="model_version.version", read_only=True)
    job = serializers.UUIDField(source="engine.job_id", read_only=True, allow_null=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="the page of the deployment")

    class Meta:
        model = Deployment
        fields = [
            "id", "name", "model_version", "model", "version", "status", "is_wanted", "ready_at", "failure_message",
            "failure_hint", "job", "url", "created_at",
        ]  # fmt: skip


class NewDeploymentSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    model_version = serializers.CharField(max_length=170, help_text="id, or name:version such as support:1.2.0")
    allow_unapproved = serializers.BooleanField(required=False, default=False)


class ExchangeSerializer(serializers.ModelSerializer[Exchange]):
    public_id = serializers.CharField(read_only=True, help_text="the id that the client was given")

    class Meta:
        model = Exchange
        fields = [
            "id", "public_id", "deployment", "rollout_id", "arm_id", "arm", "unit", "asked_as", "request", "answer", "status",
            "finish", "error", "is_stream", "ttft_ms", "latency_ms", "prompt_tokens", "completion_tokens", "created_at",
        ]  # fmt: skip


@extend_schema(parameters=listing.DEPLOYMENTS.parameters(), methods=["GET"])
class Deployments(IdempotentPosts, generics.ListAPIView[Deployment]):
    """Deployments of your workspaces, newest first; deploy a version."""

    serializer_class = DeploymentSerializer

    def get_queryset(self) -> QuerySet[Deployment]:
        return listing.DEPLOYMENTS.narrow(pages.deployments(self.request.user), self.request.query_params)

    @extend_schema(request=NewDeploymentSerializer, responses={201: DeploymentSerializer})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "serving.deploy", current_workspace(request))
        given = NewDeploymentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        values["model_version"] = find_version(request, workspace, values["model_version"])
        deployment = services.deploy(actor=request.user, workspace=workspace, **values)
        return Response(DeploymentSerializer(deployment).data, status=status.HTTP_201_CREATED)


def find_version(request: Request, workspace: Workspace, named: str) -> ModelVersion:
    """By id, or by name and version. Raises Problem naming the field."""
    rows = (
        ModelVersion.objects.visible_to(request.user).filter(workspace=workspace).select_related("workspace", "model")
    )
    name, _colon, version = named.partition(":")
    try:
        found: ModelVersion | None = (
            rows.filter(model__name=name, version=version).first() if version else rows.filter(pk=named).first()
        )
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Problem(_("There is no such version in this workspace."), field="model_version", code="not_found")
    return found


class DeploymentDetail(APIView):
    """One deployment and how it stands."""

    @extend_schema(responses=DeploymentSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(DeploymentSerializer(fetch_for(request.user, "serving.view", Deployment, pk)).data)


class StopDeployment(IdempotentPosts, APIView):
    """Take no new requests, answer the open ones to their end."""

    @extend_schema(request=None, responses=DeploymentSerializer)
    def post(self, request: Request, pk: str) -> Response:
        deployment = fetch_for(request.user, "serving.deploy", Deployment, pk)
        services.stop_deployment(actor=request.user, deployment=deployment)
        return Response(DeploymentSerializer(deployment).data)


class StartDeployment(IdempotentPosts, APIView):
    """Turn it on again."""

    @extend_schema(request=None, responses=DeploymentSerializer)
    def post(self, request: Request, pk: str) -> Response:
        deployment = fetch_for(request.user, "serving.deploy", Deployment, pk)
        services.start_deployment(actor=request.user, deployment=deployment)
        return Response(DeploymentSerializer(deployment).data)


@extend_schema(
    parameters=[
        OpenApiParameter("deployment", description="id"),
        OpenApiParameter("status", enum=ExchangeStatus.values),
        OpenApiParameter("unit", description="the user or session it was for"),
    ]
)
class Exchanges(generics.ListAPIView[Exchange]):
    """What was asked and answered, newest first."""

    serializer_class = ExchangeSerializer

    def get_queryset(self) -> QuerySet[Exchange]:
        query = self.request.query_params
        rows: QuerySet[Exchange] = Exchange.objects.visible_to(self.request.user)
        if pk := query.get("deployment"):
            rows = rows.filter(deployment=fetch_for(self.request.user, "serving.view", Deployment, pk))
        if (wanted := query.get("status")) and wanted not in ExchangeStatus.values:
            raise Problem(_("There is no such status."), field="status", hint=", ".join(ExchangeStatus.values))
        rows = rows.filter(status=wanted) if wanted else rows
        return rows.filter(unit=query["unit"]) if query.get("unit") else rows


class ExchangeDetail(APIView):
    """One question and its answer. The id of an answer, `chatcmpl-<id>`, may be given as it is."""

    @extend_schema(responses=ExchangeSerializer)
    def get(self, request: Request, pk: str) -> Response:
        exchange = fetch_for(request.user, "serving.view", Exchange, pk.removeprefix("chatcmpl-"))
        return Response(ExchangeSerializer(exchange).data)
