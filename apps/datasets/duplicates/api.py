"""Doors to duplicates for programs."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets.api import VersionSerializer, version_for
from apps.datasets.duplicates import pages, reviewing
from apps.jobs.api import JobSerializer
from workers.cleaning.duplicates import KEEP, OF, UNIT
from workers.duplicates import METHODS

_SEARCH = inline_serializer(
    "DuplicateSearch",
    {
        "step": serializers.ChoiceField(choices=METHODS),
        "of": serializers.ChoiceField(choices=OF.choices, required=False),
        "threshold": serializers.FloatField(
            required=False, help_text="near: Jaccard index, 0.8; semantic: cosine, 0.95"
        ),
        "unit": serializers.ChoiceField(choices=UNIT.choices, required=False, help_text="near: what shingles are of"),
        "keep": serializers.ChoiceField(
            choices=KEEP.choices, required=False, help_text="near and semantic: which row stays"
        ),
    },
)
_GROUP = inline_serializer(
    "DuplicateGroup",
    {
        "number": serializers.IntegerField(help_text="from 0"),
        "rows": serializers.ListField(child=serializers.IntegerField(), help_text="places of its rows, from 0"),
        "stays": serializers.ListField(child=serializers.IntegerField(), help_text="those that are to stay"),
        "is_chosen": serializers.BooleanField(help_text="whether a person said so"),
    },
    many=True,
)
_GROUPS = inline_serializer(
    "DuplicateGroups", {"results": _GROUP, "next": serializers.IntegerField(allow_null=True, help_text="`cursor`")}
)
_CHOICES = inline_serializer(
    "DuplicateChoices",
    {"choices": serializers.DictField(child=serializers.ListField(child=serializers.IntegerField()))},
)
_LIMIT = 100


class VersionDuplicates(IdempotentPosts, APIView):
    """The searches for duplicates in a version, newest first; POST starts one. It finds groups and removes nothing."""

    @extend_schema(
        operation_id="v1_datasets_versions_duplicates_list",
        responses=inline_serializer("DuplicateSearches", {"results": JobSerializer(many=True)}),
    )
    def get(self, request: Request, pk: str, number: int) -> Response:
        searches = reviewing.searches_of(version_for(request, pk, number))[:50]
        return Response({"results": JobSerializer(searches, many=True).data})

    @extend_schema(request=_SEARCH, responses={201: JobSerializer})
    def post(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        job = reviewing.start_search(actor=request.user, version=version, options=request.data)
        return Response(JobSerializer(job).data, status=201)


class DuplicateGroups(APIView):
    """The groups that a search found, and which rows of each stay; PATCH chooses others."""

    @extend_schema(parameters=[OpenApiParameter("cursor", OpenApiTypes.INT)], responses=_GROUPS)
    def get(self, request: Request, pk: str, number: int, job: UUID) -> Response:
        search, cursor = pages.search_of(version_for(request, pk, number), job), request.query_params.get("cursor", "0")
        if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 12:
            raise Problem("The cursor is that of `next`.", field="cursor")
        found = [
            _told(group)
            for group, _n in zip(reviewing.groups_from(search, int(cursor)), range(_LIMIT + 1), strict=False)
        ]
        after = int(cursor) + _LIMIT if len(found) > _LIMIT else None
        return Response({"results": found[:_LIMIT], "next": after})

    @extend_schema(request=_CHOICES, responses={200: _GROUPS})
    def patch(self, request: Request, pk: str, number: int, job: UUID) -> Response:
        search = pages.search_of(version_for(request, pk, number, "datasets.edit"), job)
        choices = request.data.get("choices") if isinstance(request.data, dict) else None
        reviewing.choose(job=search, choices=choices)
        return self.get(request, pk, number, job)


class RemoveDuplicates(IdempotentPosts, APIView):
    """Make the next version without the rows that are not to stay."""

    @extend_schema(request=None, responses={201: VersionSerializer})
    def post(self, request: Request, pk: str, number: int, job: UUID) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        made = reviewing.remove(actor=request.user, version=version, job=pages.search_of(version, job))
        return Response(VersionSerializer(made).data, status=201)


def _told(group: reviewing.Group) -> dict[str, Any]:
    return {"number": group.number, "rows": group.places, "stays": group.stays, "is_chosen": group.chosen}
