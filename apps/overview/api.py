"""The lineage for programs."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.overview import lineage
from apps.overview.links import KINDS


class PlaceSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=list(KINDS))
    id = serializers.UUIDField()


class NodeSerializer(PlaceSerializer):
    name = serializers.CharField()
    note = serializers.CharField()
    url = serializers.CharField(help_text="its page")
    by = serializers.CharField(source="who", help_text="who made it")
    at = serializers.DateTimeField()
    side = serializers.ChoiceField(
        choices=["focus", "up", "down"], help_text="up: the focus came from it; down: it came from the focus"
    )


class MoreSerializer(serializers.Serializer[Any]):
    of = PlaceSerializer(help_text="the node beside which they stand")
    kind = serializers.ChoiceField(choices=list(KINDS))
    count = serializers.IntegerField()
    way = serializers.ChoiceField(choices=["up", "down"])


class LineageSerializer(serializers.Serializer[Any]):
    focus = PlaceSerializer()
    nodes = NodeSerializer(many=True)
    edges = serializers.SerializerMethodField()
    more = MoreSerializer(many=True)
    is_cut = serializers.BooleanField(help_text="there was more than one answer holds")

    def get_edges(self, found: lineage.Lineage) -> list[dict[str, dict[str, str]]]:
        return [{"from": _place(source), "to": _place(target)} for source, target in found.edges]


def _place(key: tuple[str, str]) -> dict[str, str]:
    return {"kind": key[0], "id": key[1]}


class LineageOf(APIView):
    """What an object was made from and what was made from it, as far as you may see it."""

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", enum=list(KINDS), location="path"),
            OpenApiParameter("way", enum=list(lineage.WAYS)),
            OpenApiParameter("wide", bool, description="up to 40 siblings of a kind instead of 4"),
        ],
        responses=LineageSerializer,
    )
    def get(self, request: Request, kind: str, pk: str) -> Response:
        fan = lineage.FAN_WIDE if request.query_params.get("wide") in ("1", "true") else lineage.FAN
        way = request.query_params.get("way", "both")
        return Response(LineageSerializer(lineage.lineage_of(request.user, kind, pk, way=way, fan=fan)).data)
