"""Doors of what is looked at before a launch, and of a launch as a file."""

import json
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for, require
from apps.core.idempotency import IdempotentPosts
from apps.core.parsers import NumberNamingParser
from apps.jobs.api import JobSerializer
from apps.training import api, launching, services
from apps.training.models import Run
from apps.training.planning import files, previewing, probing
from apps.training.serializers import NewRunSerializer


class TokenPreviewSerializer(serializers.Serializer[Any]):
    rows = serializers.ListField(
        child=serializers.DictField(), help_text="tokens as [text, bears loss], lengths, label"
    )
    n = serializers.IntegerField(help_text="rows looked at: the first ones to learn from")
    lengths = serializers.DictField(help_text="p50, p95, max: tokens of a row before the cut")
    cut = serializers.IntegerField(help_text="rows longer than max_length")
    untaught = serializers.IntegerField(help_text="rows without a token that bears loss")
    taught_share = serializers.FloatField(help_text="of the tokens, those that bear loss")
    labels = serializers.DictField(help_text="label -> rows")
    in_both = serializers.IntegerField(help_text="rows of the validation split that the train split has too")


class TextSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="YAML or JSON")


class LaunchSettingsSerializer(serializers.Serializer[Any]):
    recipe = serializers.DictField()


def _launch(request: Request) -> dict[str, Any]:
    """Model, version, workspace and recipe of a body; fetched and authorised as a launch is."""
    body = api._body(request)
    version = api.find_version(request, body.get("dataset_version"))
    workspace = require(request.user, "training.launch", version.workspace)
    model = api.find_base_model(workspace, str(body.get("base_model", "")))
    return {"base_model": model, "version": version, "recipe": body.get("recipe", {}), "workspace": workspace}


class Preview(APIView):
    """The first rows as tokens, with those that bear loss."""

    parser_classes = [NumberNamingParser]

    @extend_schema(request=NewRunSerializer, responses=TokenPreviewSerializer)
    def post(self, request: Request) -> Response:
        given = _launch(request)
        del given["workspace"]
        return Response(previewing.preview(**given))


class Probe(IdempotentPosts, APIView):
    """Measure a few steps on a training slot; `runs/validate/` then says memory, time and cost."""

    parser_classes = [NumberNamingParser]

    @extend_schema(request=NewRunSerializer, responses={201: JobSerializer})
    def post(self, request: Request) -> Response:
        job = probing.start_probe(actor=request.user, **_launch(request))
        return Response(JobSerializer(job).data, status=status.HTTP_201_CREATED)


class ReadRecipe(APIView):
    """Settings out of a YAML or JSON text, each checked."""

    @extend_schema(request=TextSerializer, responses=LaunchSettingsSerializer)
    def post(self, request: Request) -> Response:
        settings = files.read_yaml(api._body(request).get("text"))
        for problem in launching.read_recipe(settings)[1]:
            raise problem
        return Response({"recipe": settings})


class RunRecipe(APIView):
    """The settings of a run as YAML."""

    @extend_schema(responses={(200, "application/yaml"): OpenApiResponse(OpenApiTypes.STR)})
    def get(self, request: Request, pk: str) -> HttpResponse:
        run = fetch_for(request.user, "training.view", Run, pk)
        return _file(files.as_yaml(run.recipe), f"{run.code}.yaml", "application/yaml")


class RunSpec(APIView):
    """The spec with which `python -m workers.run` does in a terminal what this run does."""

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: str) -> HttpResponse:
        run = fetch_for(request.user, "training.launch", Run, pk)
        return _file(json.dumps(services.spec_of(run), indent=1), f"{run.code}.json", "application/json")


def _file(text: str, name: str, kind: str) -> HttpResponse:
    return HttpResponse(text, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
