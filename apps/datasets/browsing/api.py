"""Doors to the columns of a version and their figures, for programs. The rows are in `apps.datasets.api`."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.datasets.api import FILTER, version_for
from apps.datasets.browsing import tables
from apps.datasets.browsing.columns import column_called, columns_of
from apps.datasets.browsing.finding import read_question
from apps.datasets.browsing.statistics import statistics_of

_COLUMNS = inline_serializer(
    "RowColumns",
    {
        "results": inline_serializer(
            "RowColumn",
            {
                "id": serializers.CharField(help_text="As `filter`, `sort` and `column` take it."),
                "label": serializers.CharField(),
                "kind": serializers.ChoiceField(choices=("text", "number")),
                "operators": serializers.ListField(child=serializers.CharField()),
            },
            many=True,
        )
    },
)
_STATISTICS = inline_serializer(
    "RowColumnStatistics",
    {
        "column": serializers.CharField(),
        "kind": serializers.CharField(),
        "measures": serializers.CharField(
            help_text="What min, max, mean and histogram are of: the value, or its length."
        ),
        "count": serializers.IntegerField(),
        "missing": serializers.IntegerField(),
        "distinct": serializers.IntegerField(help_text="About, within a few percent."),
        "min": serializers.FloatField(allow_null=True),
        "max": serializers.FloatField(allow_null=True),
        "mean": serializers.FloatField(allow_null=True),
        "histogram": serializers.ListField(help_text="{from, to, rows}"),
        "top": serializers.ListField(help_text="{value, rows}, the most frequent first."),
    },
)


class VersionColumns(APIView):
    """The columns by which rows can be filtered and sorted. 409 while the version is being indexed."""

    @extend_schema(responses=_COLUMNS)
    def get(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number)
        tables.require_ready(version)
        return Response({"results": [column.as_dict() for column in columns_of(version).values()]})


class VersionStatistics(APIView):
    """Figures of one column, over all rows or those that `q`, `filter` and `split` find."""

    @extend_schema(
        parameters=[
            OpenApiParameter("column", OpenApiTypes.STR, required=True),
            OpenApiParameter("q"),
            FILTER,
            OpenApiParameter("split"),
        ],
        responses=_STATISTICS,
    )
    def get(self, request: Request, pk: str, number: int) -> Response:
        version, query = version_for(request, pk, number), request.query_params
        tables.require_ready(version)
        column = column_called(columns_of(version), query.get("column", ""), "column")
        figures: dict[str, Any] = statistics_of(version, column, read_question(version, query))
        return Response({"column": column.id, **figures})
