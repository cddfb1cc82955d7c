"""Doors to mended rows of a quarantine, for programs."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.parsers import SafeJSONParser, SafeMultiPartParser
from apps.datasets import mending
from apps.datasets.api import VersionSerializer, version_for
from apps.datasets.landing import checked_file, on_disk, refuse_too_large

_ROW = inline_serializer(
    "MendedRow",
    {
        "line": serializers.IntegerField(help_text="As in the quarantine."),
        "raw": serializers.CharField(help_text="The row as it should stand in the file."),
    },
    many=True,
)
_MENDED = inline_serializer("MendedRows", {"rows": _ROW})
_MENDED_FILE = inline_serializer(
    "MendedFile", {"file": serializers.FileField(help_text="The downloaded quarantine, with raw mended.")}
)
_OUTCOME = inline_serializer(
    "MendingOutcome",
    {
        "version": VersionSerializer(help_text="The version that the accepted rows are in."),
        "accepted": serializers.ListField(child=serializers.IntegerField(), help_text="Lines."),
        "refused": serializers.ListField(help_text="{line, code, reason, raw}"),
    },
)


class MendQuarantine(APIView):
    """Try mended rows of a quarantine again. Those that can be used become the next version; a line comes in once, however often it is
    sent. 400 when none can be used."""

    parser_classes: list[type[BaseParser]] = [SafeJSONParser, SafeMultiPartParser]

    @extend_schema(
        request={"application/json": _MENDED, "multipart/form-data": _MENDED_FILE}, responses={201: _OUTCOME}
    )
    def post(self, request: Request, pk: str, number: int) -> Response:
        version = version_for(request, pk, number, "datasets.edit")
        outcome = _tried(request, version)
        if outcome.problem:
            raise outcome.problem
        made = VersionSerializer(outcome.version).data if outcome.version else None
        return Response({"version": made, "accepted": outcome.accepted, "refused": outcome.refused}, status=201)


def _tried(request: Request, version: Any) -> mending.Outcome:
    if "file" in request.FILES:
        refuse_too_large(request)
        with on_disk(checked_file(request.FILES.get("file"))) as path:
            return mending.mend_file(actor=request.user, version=version, path=path)
    rows = request.data.get("rows") if hasattr(request.data, "get") else None
    return mending.mend_rows(actor=request.user, version=version, rows=rows)
