"""Doors to the preparation of versions, and to the way back, for programs."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets import preparing, services
from apps.datasets.api import VersionSerializer, version_for
from apps.datasets.models import DatasetVersion, SavedRecipe
from apps.jobs.api import JobSerializer

_SPLIT = inline_serializer(
    "SplitPlan",
    {
        "fractions": serializers.DictField(
            child=serializers.FloatField(),
            required=False,
            help_text='Sums to 1; {"train": 0.7, "validation": 0.15, "test": 0.15} when left out. 0: no such split.',
        ),
        "seed": serializers.IntegerField(required=False, default=42),
        "group_by": serializers.CharField(required=False, help_text="A column; rows with its value stay in one split."),
        "stratify_by": serializers.CharField(required=False, help_text="A column; each value gets the same shares."),
        "time_by": serializers.CharField(required=False, help_text="A column; the newest rows are tested."),
    },
    required=False,
    allow_null=True,
)
_RECIPE = inline_serializer(
    "Preparation",
    {
        "steps": serializers.ListField(
            required=False,
            help_text='{"step", its options} in order, as /api/v1/recipe-steps/ tells them; {"off": true} for one that does not run.',
        ),
        "split": _SPLIT,
        "recipe": serializers.UUIDField(required=False, help_text="A saved recipe, instead of steps and split."),
    },
)
_TRIAL = inline_serializer(
    "PreparationPreview",
    {
        "steps": serializers.ListField(help_text="As they run, every option written out."),
        "split": serializers.DictField(allow_null=True),
        "rows": serializers.IntegerField(help_text="Rows of the version that were tried: the first."),
        "kept": serializers.IntegerField(),
        "changed": serializers.DictField(child=serializers.IntegerField(), help_text="Rows by step."),
        "dropped": serializers.DictField(
            child=serializers.IntegerField(), help_text="Rows by step; empty: no text was left."
        ),
        "counts": serializers.ListField(
            help_text="For each step {step, changed, dropped, added, reasons, facts, is_skipped}."
        ),
        "is_whole": serializers.BooleanField(help_text="Whether these are all rows, so that the counts are exact."),
        "split_counts": serializers.DictField(
            child=serializers.IntegerField(), help_text="Of the rows that were tried."
        ),
        "examples": serializers.ListField(
            help_text="{index, before, after or null, changed, dropped_by} of the first such rows."
        ),
        "columns": serializers.ListField(child=serializers.CharField(), help_text="What a split or a step may name."),
        "problem": serializers.DictField(allow_null=True, help_text="What is wrong with the outcome, as in an error."),
    },
)


def _recipe(request: Request, version: DatasetVersion) -> tuple[dict[str, Any], SavedRecipe | None]:
    """Steps and split that were sent, or those of the saved recipe that was named."""
    body = request.data
    if not isinstance(body, dict):
        raise Problem(
            _("Send an object with steps and split."), hint='{"steps": ["html", "duplicates"], "split": null}'
        )
    if not body.get("recipe"):
        return {"steps": body.get("steps", []), "split": body.get("split")}, None
    if "steps" in body or "split" in body:
        raise Problem(_("Send either a recipe, or steps and split."), field="recipe")
    saved = fetch_for(request.user, "datasets.view", SavedRecipe, body["recipe"], workspace=version.workspace)
    return {"steps": saved.steps, "split": saved.split}, saved


class PrepareVersion(IdempotentPosts, APIView):
    """Clean a version's rows and split them: a job makes the next version of them. Without `split`, rows keep the splits they have."""

    @extend_schema(request=_RECIPE, responses={201: JobSerializer})
    def post(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        recipe, saved = _recipe(request, version)
        job = services.prepare_version(actor=request.user, version=version, saved=saved, **recipe)
        return Response(JobSerializer(job).data, status=201)


class PreviewPreparation(APIView):
    """What a recipe does to the first rows of a version (at most 1,000), without doing it."""

    @extend_schema(request=_RECIPE, responses=_TRIAL)
    def post(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        recipe, _saved = _recipe(request, version)
        return Response(preparing.attempt(version, preparing.read(**recipe)).as_dict())


class RollBack(IdempotentPosts, APIView):
    """Make this version the newest again: a new version with its rows. Nothing is lost."""

    @extend_schema(request=None, responses={201: VersionSerializer})
    def post(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        return Response(VersionSerializer(services.roll_back(actor=request.user, version=version)).data, status=201)
