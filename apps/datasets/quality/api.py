"""Doors to profiles and quality limits for programs."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets.api import version_for
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.quality import board, profiles
from apps.datasets.quality.thresholds import bounds_with
from apps.jobs.api import JobSerializer

_OPTIONS = inline_serializer(
    "ProfileOptions",
    {
        "base_model": serializers.CharField(
            required=False, allow_blank=True, help_text="slug; the first that is ready when left out"
        ),
        "perplexity_rows": serializers.IntegerField(
            required=False, help_text="rows that the base model is asked about; 0 leaves perplexity out"
        ),
        "topics": serializers.BooleanField(
            required=False, help_text="whether rows are embedded, for topics and label errors"
        ),
        "seed": serializers.IntegerField(required=False, help_text="of the samples"),
    },
)
_VERDICT = inline_serializer(
    "QualityVerdict",
    {
        "name": serializers.CharField(),
        "value": serializers.FloatField(allow_null=True, help_text="null: not measured"),
        "n": serializers.IntegerField(allow_null=True, help_text="of how many the value is"),
        "bound": serializers.FloatField(allow_null=True, help_text="null: no limit"),
        "way": serializers.CharField(help_text="below, above or at_most"),
        "unit": serializers.CharField(help_text="share (0 to 1), rows or nothing"),
        "state": serializers.CharField(help_text="broken, kept, off or unknown"),
    },
    many=True,
)
_PROFILE = inline_serializer(
    "Profile",
    {
        "figures": serializers.DictField(allow_null=True, help_text="docs/quality.md; null without a profile"),
        "created_at": serializers.DateTimeField(allow_null=True),
        "job": JobSerializer(
            allow_null=True, help_text="the newest job that finds them; its facts have the figures so far"
        ),
        "quality": _VERDICT,
    },
)
_BOUNDS = inline_serializer(
    "QualityLimits",
    {
        name: serializers.FloatField(required=False, allow_null=True, help_text="null: no limit")
        for name in bounds_with({})
    },
)
_BOARD = inline_serializer(
    "QualityBoard",
    {
        "limits": serializers.DictField(child=serializers.FloatField(allow_null=True)),
        "version": serializers.IntegerField(allow_null=True, help_text="the newest"),
        "quality": _VERDICT,
    },
)


class VersionProfile(IdempotentPosts, APIView):
    """The figures of a version; POST has them found by a job."""

    @extend_schema(responses=_PROFILE)
    def get(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number)
        profile, job = profiles.newest(version), profiles.jobs_of(version.dataset, version).first()
        return Response(
            {
                "figures": profile.figures if profile else None,
                "created_at": profile.created_at if profile else None,
                "job": JobSerializer(job).data if job else None,
                "quality": _verdicts(version),
            }
        )

    @extend_schema(request=_OPTIONS, responses={201: JobSerializer})
    def post(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        job = profiles.start_profile(actor=request.user, version=version, options=_object(request))
        return Response(JobSerializer(job).data, status=201)


class DatasetQuality(APIView):
    """The quality limits of a dataset, and its newest version against them; PATCH changes those that are named."""

    @extend_schema(responses=_BOARD)
    def get(self, request: Request, pk: str) -> Response:
        return Response(_board(fetch_for(request.user, "datasets.view", Dataset, pk)))

    @extend_schema(request=_BOUNDS, responses=_BOARD)
    def patch(self, request: Request, pk: str) -> Response:
        dataset = fetch_for(request.user, "datasets.edit", Dataset, pk)
        board.change_bounds(actor=request.user, dataset=dataset, bounds=_object(request))
        return Response(_board(dataset))


def _board(dataset: Dataset) -> dict[str, Any]:
    version = dataset.newest
    limits = bounds_with(board.own_bounds(dataset))
    return {"limits": limits, "version": version.number if version else None, "quality": _verdicts(version)}


def _verdicts(version: DatasetVersion | None) -> list[dict[str, Any]]:
    return [verdict.as_dict() for verdict in board.verdicts_of(version)] if version else []


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise Problem("Send an object.", hint='{"duplicates": 0.02}')
    return request.data
