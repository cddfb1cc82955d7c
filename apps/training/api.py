"""Doors to base models, runs and checkpoints for programs. Those to chats are in apps.training.chat_api."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.core.parsers import NumberNamingParser
from apps.datasets import quality
from apps.datasets.models import DatasetVersion
from apps.training import base_models, launching, listing, services
from apps.training.models import BaseModel, Run
from apps.training.planning import probing
from apps.training.serializers import (
    BaseModelSerializer,
    CheckpointSerializer,
    NewBaseModelSerializer,
    NewRunSerializer,
    ReviewSerializer,
    RunSerializer,
    SampleSerializer,
)


class BaseModels(IdempotentPosts, APIView):
    """Base models of the workspace; add one by folder or Hub id."""

    @extend_schema(responses=BaseModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        workspace = require(request.user, "training.view", current_workspace(request))
        base_models.bundled(workspace)
        found = BaseModel.objects.visible_to(request.user).filter(workspace=workspace).select_related("job")
        return Response({"results": BaseModelSerializer(found, many=True).data, "next": None})

    @extend_schema(request=NewBaseModelSerializer, responses={201: BaseModelSerializer})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "training.add_model", current_workspace(request))
        given = NewBaseModelSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        model = _added(request.user, workspace, given.validated_data)
        return Response(BaseModelSerializer(model).data, status=status.HTTP_201_CREATED)


def _added(user: Any, workspace: Workspace, values: dict[str, Any]) -> BaseModel:
    common = {"actor": user, "workspace": workspace, "name": values["name"].strip()}
    if "path" in values:
        return base_models.add_folder(**common, path=values["path"])
    if "repository" in values:
        return base_models.add_from_hub(**common, repository=values["repository"], revision=values["revision"])
    raise Problem(_("Give a path or a repository."), field="path")


class BaseModelDetail(APIView):
    """A base model; DELETE takes it away where no run needs it."""

    @extend_schema(responses=BaseModelSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(BaseModelSerializer(fetch_for(request.user, "training.view", BaseModel, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        base_models.remove(actor=request.user, model=fetch_for(request.user, "training.add_model", BaseModel, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PrepareBaseModel(IdempotentPosts, APIView):
    """Try once more what failed."""

    @extend_schema(request=None, responses=BaseModelSerializer)
    def post(self, request: Request, pk: str) -> Response:
        model = fetch_for(request.user, "training.add_model", BaseModel, pk)
        return Response(BaseModelSerializer(base_models.prepare_again(actor=request.user, model=model)).data)


def find_version(request: Request, pk: Any) -> DatasetVersion:
    """Raises Problem naming the field."""
    rows = DatasetVersion.objects.visible_to(request.user).select_related("workspace", "dataset")
    try:
        version: DatasetVersion | None = rows.filter(pk=str(pk)).first()
    except (ValidationError, ValueError):
        version = None
    if version is None:
        message = _("There is no such dataset version in your workspaces.")
        raise Problem(message, field="dataset_version", code="not_found", hint="GET /api/v1/datasets/")
    return version


def find_base_model(workspace: Workspace, named: str) -> BaseModel:
    """By id or slug. Raises Problem naming the field."""
    base_models.bundled(workspace)
    own = BaseModel.objects.filter(workspace=workspace).select_related("job")
    try:
        found: BaseModel | None = own.filter(slug=named).first() or own.filter(pk=named).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        message = _("There is no such base model in this workspace.")
        raise Problem(message, field="base_model", code="not_found", hint="GET /api/v1/base-models/")
    return found


@extend_schema(parameters=listing.RUNS.parameters(), methods=["GET"])
class Runs(IdempotentPosts, generics.ListAPIView[Run]):
    """Runs of your workspaces, newest first; launch one."""

    serializer_class = RunSerializer
    parser_classes = [NumberNamingParser]

    def get_queryset(self) -> QuerySet[Run]:
        rows: QuerySet[Run] = Run.objects.visible_to(self.request.user)
        rows = listing.RUNS.narrow(rows, self.request.query_params, listing.runs_with)
        return rows.select_related("job", "base_model__job").prefetch_related("checkpoints")

    @extend_schema(request=NewRunSerializer, responses={201: RunSerializer})
    def post(self, request: Request) -> Response:
        body = _body(request)
        given = NewRunSerializer(data={name: value for name, value in body.items() if name != "recipe"})
        given.is_valid(raise_exception=True)
        version = find_version(request, given.validated_data["dataset_version"])
        workspace = require(request.user, "training.launch", version.workspace)
        run = services.launch_run(
            actor=request.user,
            workspace=workspace,
            name=given.validated_data["name"],
            base_model=find_base_model(workspace, given.validated_data["base_model"]),
            dataset_version=version,
            recipe=body.get("recipe", {}),
            quality_override=given.validated_data.get("quality_override", ""),
        )
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)


def _body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise Problem(_("Send an object with name, base_model, dataset_version and recipe."))
    return request.data


class ValidateRun(APIView):
    """What a launch would say, without launching: every error, every warning, and the plan."""

    parser_classes = [NumberNamingParser]

    @extend_schema(request=NewRunSerializer, responses=ReviewSerializer)
    def post(self, request: Request) -> Response:
        errors: list[Problem] = []
        data = _body(request)
        try:
            version = find_version(request, data.get("dataset_version"))
            workspace = require(request.user, "training.launch", version.workspace)
            model = find_base_model(workspace, str(data.get("base_model", "")))
        except Problem as problem:
            errors = [problem, *launching.read_recipe(data.get("recipe", {}))[1]]
            return Response(
                {"errors": [_plain(problem) for problem in errors], "warnings": [], "plan": None, "quality": []}
            )
        found = launching.review(base_model=model, version=version, recipe=data.get("recipe", {}))
        broken = quality.broken_of(version)
        found.errors += _not_good(version, data.get("quality_override", ""))
        if found.plan is not None and found.recipe is not None:
            found.plan["estimate"] = probing.estimate_of(base_model=model, version=version, recipe=found.recipe)
        return Response(
            {
                "errors": [_plain(problem) for problem in found.errors],
                "warnings": found.warnings,
                "plan": found.plan,
                "quality": [quality.told(verdict) for verdict in broken],
            }
        )


def _not_good(version: DatasetVersion, override: Any) -> list[Problem]:
    try:
        quality.require_good(version, override)
    except Problem as problem:
        return [problem]
    return []


def _plain(problem: Problem) -> dict[str, Any]:
    error: dict[str, Any] = problem.as_dict()["error"]
    return error


class RunDetail(APIView):
    """A run, with its recipe and its job."""

    @extend_schema(responses=RunSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(RunSerializer(fetch_for(request.user, "training.view", Run, pk)).data)


class RunSamples(APIView):
    """Sample answers of the run, the newest evaluation first."""

    @extend_schema(responses=SampleSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        run = fetch_for(request.user, "training.view", Run, pk)
        return Response({"results": SampleSerializer(run.samples.all()[:500], many=True).data, "next": None})


class RunCheckpoints(APIView):
    """The checkpoints of a run."""

    @extend_schema(responses=CheckpointSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        run = fetch_for(request.user, "training.view", Run, pk)
        return Response({"results": CheckpointSerializer(run.checkpoints.all(), many=True).data, "next": None})


class ResumeRun(IdempotentPosts, APIView):
    """Go on exactly where a run ended, as a new run."""

    @extend_schema(request=None, responses={201: RunSerializer})
    def post(self, request: Request, pk: str) -> Response:
        run = fetch_for(request.user, "training.launch", Run, pk)
        continued = services.resume_run(actor=request.user, run=run)
        return Response(RunSerializer(continued).data, status=status.HTTP_201_CREATED)
