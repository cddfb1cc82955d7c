"""Doors for programs to the question of a project."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.labeling.models import LabelProject
from apps.labeling.questions.changing import change_config
from apps.labeling.serializers import ConfigSerializer, ProjectSerializer


class ProjectConfig(APIView):
    """The question of a project as the screen draws it; PATCH changes that of a draft."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: str) -> Response:
        config = fetch_for(request.user, "labeling.view", LabelProject, pk).config
        return Response({"label_config": config.xml, "fields": config.fields, "parts": config.as_page()})

    @extend_schema(request=ConfigSerializer, responses=ProjectSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        read = ConfigSerializer(data=request.data)
        read.is_valid(raise_exception=True)
        text = read.validated_data["label_config"]
        return Response(ProjectSerializer(change_config(actor=request.user, project=project, label_config=text)).data)
