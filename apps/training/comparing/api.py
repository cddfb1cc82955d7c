"""Doors to comparisons and saved views for programs."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.idempotency import IdempotentPosts
from apps.training.comparing import choosing, pages, services
from apps.training.comparing.serializers import ComparisonSerializer, RunViewSerializer
from apps.training.models import Run, RunView


class Compare(APIView):
    """Outcomes, settings and data of two to eight runs side by side."""

    @extend_schema(
        parameters=[OpenApiParameter("runs", required=True, description="ids of the runs, with commas")],
        responses=ComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        runs = choosing.chosen(Run.objects.visible_to(request.user), request.query_params.getlist("runs"))
        return Response(ComparisonSerializer(pages.comparison(runs)).data)


class RunViews(IdempotentPosts, generics.ListAPIView[RunView]):
    """Saved views of your workspaces; save one."""

    serializer_class = RunViewSerializer

    def get_queryset(self) -> QuerySet[RunView]:
        rows: QuerySet[RunView] = RunView.objects.visible_to(self.request.user)
        return rows.order_by("-created_at")

    @extend_schema(request=RunViewSerializer, responses={201: RunViewSerializer})
    def post(self, request: Request) -> Response:
        given = RunViewSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        workspace = require(request.user, "training.view", current_workspace(request))
        view = services.save_view(actor=request.user, workspace=workspace, values=given.validated_data)
        return Response(RunViewSerializer(view).data, status=status.HTTP_201_CREATED)


class RunViewDetail(APIView):
    """One saved view; who saved it may delete it."""

    @extend_schema(responses=RunViewSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(RunViewSerializer(fetch_for(request.user, "training.view", RunView, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        services.delete_view(actor=request.user, view=fetch_for(request.user, "training.view", RunView, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)
