"""Doors for programs: what a harvest would give, the harvest, and the one that comes by itself."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.idempotency import IdempotentPosts
from apps.datasets.api import VersionSerializer
from apps.datasets.models import Dataset
from apps.labeling.harvest import automatic, pages
from apps.labeling.harvest.serializers import (
    FreezeSerializer,
    NewPlanSerializer,
    PlanSerializer,
    PreviewSerializer,
)
from apps.labeling.harvest.services import freeze_labels
from apps.labeling.harvest.shapes import FORMS
from apps.labeling.models import LabelProject


class Freeze(IdempotentPosts, APIView):
    """Make a dataset version from the labels: in `dataset`, else in a new one called `name`, else where the rows came from (for rows
    of another form: in a new one)."""

    @extend_schema(
        parameters=[OpenApiParameter("form", enum=list(FORMS)), OpenApiParameter("question")],
        responses={200: PreviewSerializer},
    )
    def get(self, request: Request, pk: str) -> Response:
        """What each rule would give now, and what it would leave out and why."""
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        wanted = {name: request.query_params.get(name, "") for name in ("form", "question")}
        return Response(pages.preview(project, **wanted))

    @extend_schema(request=FreezeSerializer, responses={201: VersionSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        values = given(FreezeSerializer, request)
        if values["dataset"]:
            values["dataset"] = fetch_for(request.user, "datasets.edit", Dataset, values["dataset"])
        version = freeze_labels(actor=request.user, project=project, **values)
        return Response(VersionSerializer(version).data, status=status.HTTP_201_CREATED)


class Automatic(APIView):
    """Freeze the labels once, by itself, when the last task is finished."""

    @extend_schema(responses=PlanSerializer)
    def get(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        return Response(PlanSerializer(automatic.plan_of(project)).data)

    @extend_schema(request=NewPlanSerializer, responses=PlanSerializer)
    def put(self, request: Request, pk: str) -> Response:
        """Switch it on or off. 409 once it was done."""
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        plan = automatic.plan_harvest(actor=request.user, project=project, **given(NewPlanSerializer, request))
        return Response(PlanSerializer(plan).data)


def given(serializer: Any, request: Request) -> dict[str, Any]:
    """The body, checked."""
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    values: dict[str, Any] = read.validated_data
    return values
