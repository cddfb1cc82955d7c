"""Doors to datasets for programs."""

import json
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, QueryDict
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer, inline_serializer
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.core.parsers import SafeMultiPartParser
from apps.datasets import downloads, listings, services
from apps.datasets.landing import refuse_too_large
from apps.datasets.models import Dataset, DatasetVersion, attach_newest
from apps.jobs.api import JobSerializer
from workers.formats import FORMATS
from workers.formats.chat import SPLITS


@extend_schema_serializer(component_name="DatasetVersion")
class VersionSerializer(serializers.ModelSerializer[DatasetVersion]):
    """A frozen version. `content_hash` is the sha256 over the ordered row ids and their splits: the same rows give the same hash
    everywhere. `added` and `removed` count rows against `parent`; `splits` is empty, or {seed, fractions, group_by, counts}."""

    provenance = serializers.SerializerMethodField()
    parent_number = serializers.IntegerField(source="parent.number", read_only=True, allow_null=True, default=None)
    added = serializers.IntegerField(source="added_count", read_only=True, allow_null=True)
    removed = serializers.IntegerField(source="removed_count", read_only=True, allow_null=True)
    tags: Any = serializers.SlugRelatedField("name", many=True, read_only=True)
    rows_deleted_at = serializers.DateTimeField(
        source="purged.created_at", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "number", "row_count", "quarantined_count", "content_hash", "form", "layout", "mapping", "statistics", "reasons", "notes",
            "step", "note", "parent", "parent_number", "added", "removed", "splits", "recipe", "provenance", "source_name",
            "source_format", "size", "tags", "rows_deleted_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_provenance(self, version: DatasetVersion) -> dict[str, str]:
        return {"kind": version.provenance_kind, "id": str(version.provenance_id or "")}


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """`job` is the import of the newest upload."""

    state = serializers.CharField(read_only=True)
    newest_version = VersionSerializer(source="newest", read_only=True, allow_null=True)
    job = JobSerializer(source="newest_upload.job", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Dataset
        fields = ["id", "name", "description", "state", "newest_version", "job", "created_at", "changed_at"]
        read_only_fields = fields


_UPLOAD: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "file": serializers.FileField(
        help_text="CSV, TSV, JSON, JSON Lines, Parquet, Arrow, text, or images in a zip or tar."
    ),
    "format": serializers.CharField(required=False, help_text=f"One of {', '.join(FORMATS)}; found out when left out."),
    "mapping": serializers.CharField(required=False, help_text='JSON: {"prompt": "question", "completion": "answer"}.'),
    "encoding": serializers.CharField(required=False, help_text="Such as utf-8, cp1252, gb18030."),
}
_NEW_DATASET = inline_serializer("NewDataset", {"name": serializers.CharField(), **_UPLOAD})
_NEW_VERSION = inline_serializer("NewDatasetVersion", dict(_UPLOAD))


class UploadDoor(IdempotentPosts, APIView):
    """What the two doors that take a file share. Its size is checked before the body is read, and the file is looked at
    before the transaction begins in which its answer is remembered."""

    parser_classes = [SafeMultiPartParser]
    preview: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "POST":
            refuse_too_large(request)
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            self.look(request, **kwargs)

    def look(self, request: Request, **kwargs: Any) -> None:
        self.target(request, **kwargs)
        words = {name: _word(request, name) for name in ("format", "encoding")}
        self.preview = services.look_at(request.FILES.get("file"), mapping=_mapping(request), **words)

    def target(self, request: Request, **kwargs: Any) -> dict[str, Any]:
        """Where the upload goes, as `receive_upload` takes it. Raises when the person may not."""
        raise NotImplementedError

    def receive(self, request: Request, **kwargs: Any) -> Response:
        target = self.target(request, **kwargs)
        file = request.FILES.get("file")
        upload = services.receive_upload(actor=request.user, file=file, preview=self.preview, start=True, **target)
        return Response(DatasetSerializer(upload.dataset).data, status=201)


def _word(request: Request, name: str) -> str:
    return str(request.data.get(name, "")).strip() if isinstance(request.data, QueryDict) else ""


def _mapping(request: Request) -> Any:
    text = _word(request, "mapping")
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise Problem("The mapping is not JSON.", field="mapping", hint='Such as {"prompt": "question"}.') from None


class DatasetList(UploadDoor, generics.ListAPIView[Dataset]):
    """Datasets of your workspaces; POST uploads a file and starts its import."""

    serializer_class = DatasetSerializer

    def get_queryset(self) -> QuerySet[Dataset]:
        found: QuerySet[Dataset] = Dataset.objects.visible_to(self.request.user)
        text = self.request.query_params.get("q", "").replace("\0", "")[:80]
        return found.filter(name__icontains=text) if text else found

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        attach_newest(page or [])
        return page

    @extend_schema(request={"multipart/form-data": _NEW_DATASET}, responses={201: DatasetSerializer})
    def post(self, request: Request) -> Response:
        return self.receive(request)

    def target(self, request: Request, **kwargs: Any) -> dict[str, Any]:
        workspace = require(request.user, "datasets.upload", current_workspace(request))
        return {"workspace": workspace, "name": _word(request, "name")}


class DatasetDetail(APIView):
    """A dataset with its newest version; DELETE removes it with its files."""

    @extend_schema(responses=DatasetSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(DatasetSerializer(fetch_for(request.user, "datasets.view", Dataset, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        dataset = fetch_for(request.user, "datasets.delete", Dataset, pk)
        services.delete_dataset(actor=request.user, dataset=dataset)
        return Response(status=204)


class VersionList(UploadDoor):
    """Versions of a dataset, newest first; POST uploads a file that becomes the next one."""

    @extend_schema(responses=VersionSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
        found = dataset.versions.select_related("parent", "purge").prefetch_related("tags").order_by("-number")
        rows = VersionSerializer(found[:1000], many=True).data
        return Response({"results": rows, "next": None})

    @extend_schema(request={"multipart/form-data": _NEW_VERSION}, responses={201: DatasetSerializer})
    def post(self, request: Request, pk: str) -> Response:
        return self.receive(request, pk=pk)

    def target(self, request: Request, **kwargs: Any) -> dict[str, Any]:
        dataset = fetch_for(request.user, "datasets.upload", Dataset, kwargs["pk"])
        return {"workspace": dataset.workspace, "dataset": dataset}


def version_for(request: Request, pk: str, number: int, capability: str = "datasets.view") -> DatasetVersion:
    dataset = fetch_for(request.user, capability, Dataset, pk)
    version: DatasetVersion | None = dataset.versions.filter(number=number).select_related("dataset", "parent").first()
    if version is None:
        raise Http404
    return version


class VersionDetail(APIView):
    """A frozen version and what its columns hold."""

    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request, pk: str, number: int) -> Response:
        return Response(VersionSerializer(version_for(request, pk, number)).data)


_PAGE = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next`."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {listings.MAX_LIMIT}."),
]
_SPLIT = OpenApiParameter("split", enum=SPLITS, description="Only the rows of this split.")
FILTER = OpenApiParameter(
    "filter",
    description='JSON: [column, operator, value], a list of such (all hold), {"any": [...]} or {"all": [...]}; see `columns/`.',
)
SORT = OpenApiParameter("sort", description="A column's id; with a minus before it, the greatest first.")
_COUNT = OpenApiParameter(
    "count", OpenApiTypes.BOOL, description="Tell the total whatever it takes, also without filter and sort."
)
_ROWS = inline_serializer(
    "Rows",
    {
        "results": serializers.ListField(help_text="{index, row_id, messages, source_line, extra, split}"),
        "next": serializers.URLField(allow_null=True),
        "scanned": serializers.IntegerField(help_text="Rows looked at for this page."),
        "total": serializers.IntegerField(
            required=False,
            allow_null=True,
            help_text="Rows on all pages; null where texts were read only as far as the page needs, unless `count` asks.",
        ),
    },
)
_BAD_ROWS = inline_serializer(
    "Quarantine",
    {
        "results": serializers.ListField(help_text="{line, code, reason, raw}"),
        "next": serializers.URLField(allow_null=True),
    },
)


class VersionRows(APIView):
    """Rows in their order, or that of `sort`. With `q`, those that say these words next to one another (a star after the last: and what
    begins so), with `filter` and `split`, those that fit. With `filter`, `sort` or `count` the answer has `total`. While a version is being
    indexed, a page may be short or empty and still have a `next`, and `filter` and `sort` are a 409."""

    @extend_schema(parameters=[OpenApiParameter("q"), FILTER, SORT, _COUNT, _SPLIT, *_PAGE], responses=_ROWS)
    def get(self, request: Request, pk: str, number: int) -> Response:
        query = request.query_params
        page = listings.rows(version_for(request, pk, number), query)
        results = [listings.row_as_dict(row) for row in page.rows]
        total = {"total": page.total} if any(query.get(name) for name in ("filter", "sort", "count")) else {}
        return Response({"results": results, "next": _next(request, page.next), "scanned": page.scanned, **total})


class VersionQuarantine(APIView):
    """Rows of the file that could not come in, with their line and the reason."""

    @extend_schema(parameters=_PAGE, responses=_BAD_ROWS)
    def get(self, request: Request, pk: str, number: int) -> Response:
        problems, after = listings.quarantine(version_for(request, pk, number), request.query_params)
        return Response({"results": problems, "next": _next(request, after)})


def _next(request: Request, cursor: int | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(cursor)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


class VersionDownload(APIView):
    """All rows as a file, or those of one split."""

    @extend_schema(parameters=[_SPLIT], responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: str, number: int) -> HttpResponseBase:
        version = version_for(request, pk, number)
        return downloads.rows_as_jsonl(version, listings.split_of(version, request.query_params))


class QuarantineDownload(APIView):
    """The rows that could not come in, as a file."""

    @extend_schema(responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: str, number: int) -> HttpResponseBase:
        return downloads.quarantine_as_jsonl(version_for(request, pk, number))
