"""Doors to files that come in pieces: tus 1.0 (core, creation, termination, checksum, expiration), and JSON beside it."""

from collections.abc import Iterable
from typing import IO, Any

from django.urls import reverse
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import TooLarge
from apps.core.parsers import SafeJSONParser
from apps.datasets.api import DatasetSerializer
from apps.datasets.models import Dataset, Reception, Upload
from apps.datasets.receiving import joining, partial, segments, services, tus
from apps.datasets.receiving.serializers import BeginSerializer, JoinSerializer, ReceptionSerializer, WishSerializer

_AFTER = OpenApiParameter("Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=[201])


class ChunkParser(BaseParser):
    """The bytes of a PATCH stay a stream."""

    media_type = tus.CHUNK

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        return stream


class TusDoor(APIView):
    """What all of them share: the version that is spoken, in question and answer."""

    parser_classes = [SafeJSONParser, ChunkParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS":
            tus.require_version(request.headers)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = tus.VERSION
        response["Tus-Version"] = tus.VERSION
        if response.status_code == partial.NoSpace.status:
            response["Retry-After"] = "60"
        return response

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers=tus.abilities())


class ReceptionList(TusDoor):
    """Your unfinished uploads, newest first; POST announces a file."""

    @extend_schema(responses=ReceptionSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = Reception.objects.of(request.user).unfinished().select_related("workspace")[: services.MOST_AT_ONCE]
        rows = ReceptionSerializer(found, many=True, context={"request": request}).data
        return Response({"results": rows, "next": None})

    @extend_schema(request=BeginSerializer, responses={201: ReceptionSerializer}, parameters=[_AFTER])
    def post(self, request: Request) -> Response:
        given = BeginSerializer(data=_announced(request))
        given.is_valid(raise_exception=True)
        wanted = {**given.validated_data, **_target(request, given.validated_data.pop("dataset", None))}
        reception = services.begin(actor=request.user, **wanted)
        headers = {
            "Location": request.build_absolute_uri(reverse("api:upload", args=[reception.pk])),
            **_state(reception),
        }
        return Response(ReceptionSerializer(reception, context={"request": request}).data, status=201, headers=headers)


def _announced(request: Request) -> Any:
    """What a program that speaks tus says in headers, or the JSON of others."""
    if "Upload-Length" not in request.headers and "Upload-Metadata" not in request.headers:
        return request.data if isinstance(request.data, dict) else {}
    said = tus.metadata(request.headers.get("Upload-Metadata", ""))
    known = {name: said[name] for name in ("dataset", "dataset_name", "fingerprint") if said.get(name)}
    name = said.get("filename") or said.get("name") or "upload"
    return {**known, "name": name, "size": tus.number(request.headers, "Upload-Length")}


def _target(request: Request, dataset: Any) -> dict[str, Any]:
    if dataset is None:
        return {"workspace": require(request.user, "datasets.upload", current_workspace(request))}
    found = fetch_for(request.user, "datasets.upload", Dataset, dataset)
    return {"workspace": found.workspace, "dataset": found}


def _state(reception: Reception) -> dict[str, str]:
    state = {"Upload-Offset": str(reception.offset), "Upload-Length": str(reception.size), "Cache-Control": "no-store"}
    return state if reception.finished_at else {**state, "Upload-Expires": http_date(reception.expires_at.timestamp())}


def reception_for(request: Request, pk: Any) -> Reception:
    """The person's own; nobody else's can be seen."""
    return fetch_for(request.user, "datasets.upload", Reception, pk, created_by=request.user)


class ReceptionDetail(TusDoor):
    """A file on its way. HEAD tells where to go on (Upload-Offset), PATCH adds bytes there, DELETE forgets it."""

    @extend_schema(responses=ReceptionSerializer)
    def get(self, request: Request, pk: str) -> Response:
        reception = reception_for(request, pk)
        data = ReceptionSerializer(reception, context={"request": request}).data
        return Response(data, headers=_state(reception))

    def head(self, request: Request, pk: str) -> Response:
        return Response(headers=_state(reception_for(request, pk)))

    @extend_schema(
        request={tus.CHUNK: OpenApiTypes.BINARY},
        responses={204: None},
        parameters=[
            OpenApiParameter("Upload-Offset", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Checksum", OpenApiTypes.STR, OpenApiParameter.HEADER, description="sha256 <Base64>"
            ),
        ],
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Add bytes. They are on the disk when this answers; 409 where they do not fit on, 503 when the disk is full."""
        reception = reception_for(request, pk)
        if (request.content_type or "").partition(";")[0].strip() != tus.CHUNK:
            raise UnsupportedMediaType(request.content_type or "")
        offset, text = tus.number(request.headers, "Upload-Offset"), request.headers.get("Upload-Checksum", "")
        checksum = tus.Checksum(text) if text else None
        services.append(reception, offset=offset, blocks=_blocks(request, checksum), checksum=checksum)
        return Response(status=204, headers=_state(reception))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        services.discard(reception_for(request, pk))
        return Response(status=204)


def _blocks(request: Request, checksum: tus.Checksum | None) -> Iterable[partial.Bytes]:
    """The bytes of this request, or those of its piece that are here (receiving.segments)."""
    segment = getattr(request._request, "scope", {}).get(segments.KEY)
    if segment is None:
        return partial.blocks_of(request)
    if checksum and not segment.is_whole:
        most = segments.SEGMENT // 2**20
        raise TooLarge(f"Bytes with a checksum come in requests of at most {most} MiB.", field="Upload-Checksum")
    return [segment.data]


class LandedSerializer(DatasetSerializer):
    """The dataset, and the page where the columns of the file are chosen."""

    url = serializers.CharField(read_only=True)

    class Meta(DatasetSerializer.Meta):
        fields = [*DatasetSerializer.Meta.fields, "url"]
        read_only_fields = fields


class FinishReception(TusDoor):
    """A file that is whole becomes an upload like any other; with `start` its import begins. Asked twice, it answers the same."""

    @extend_schema(request=WishSerializer, responses={201: LandedSerializer})
    def post(self, request: Request, pk: str) -> Response:
        reception = reception_for(request, pk)
        given = WishSerializer(data=request.data if isinstance(request.data, dict) else {})
        given.is_valid(raise_exception=True)
        return _landed(services.finish(reception, actor=request.user, wish=services.Wish(**given.validated_data)))


class JoinReceptions(TusDoor):
    """Several whole files of one layout (JSON Lines, CSV, TSV) become one upload."""

    @extend_schema(request=JoinSerializer, responses={201: LandedSerializer})
    def post(self, request: Request) -> Response:
        given = JoinSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        ids = list(dict.fromkeys(given.validated_data.pop("uploads")))
        receptions = [reception_for(request, pk) for pk in ids]
        return _landed(joining.join(receptions, actor=request.user, wish=services.Wish(**given.validated_data)))


def _landed(upload: Upload) -> Response:
    return Response({**DatasetSerializer(upload.dataset).data, "url": upload.get_absolute_url()}, status=201)
