"""Doors to differences, tags and the deletion of rows, for programs."""

from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Conflict, Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets.api import version_for
from apps.datasets.listings import row_as_dict
from apps.datasets.models import Dataset, DatasetVersion, VersionTag
from apps.datasets.versions import diffing, finding, purging, showing, tagging, tiers
from apps.jobs.api import JobSerializer
from workers.formats.chat import SPLITS
from workers.version_diff import KINDS

_AGAINST = OpenApiParameter("against", description="A number or @tag of the dataset; the parent when left out.")
_BY = OpenApiParameter("by", description="A column beside the rows that names them, where files were imported anew.")
_COUNTS = serializers.DictField(child=serializers.IntegerField(), help_text="changed, moved, added, removed.")
_DIFF = inline_serializer(
    "VersionDiff",
    {
        "before": serializers.IntegerField(help_text="Number of the version compared with."),
        "after": serializers.IntegerField(),
        "counts": _COUNTS,
        "results": serializers.ListField(help_text="{kind, before: row or null, after: row or null, fields: names}"),
        "next": serializers.URLField(allow_null=True),
    },
)
_COMPARED = inline_serializer(
    "VersionComparison",
    {"counts": serializers.DictField(allow_null=True), "job": JobSerializer(allow_null=True)},
)
_TAG = inline_serializer(
    "VersionTag", {"name": serializers.CharField(), "version": serializers.IntegerField(help_text="Its number.")}
)
_TAGS = inline_serializer("VersionTags", {"results": serializers.ListField(help_text="{name, version}")})
_TIERS = inline_serializer(
    "VersionTiers",
    {"results": serializers.ListField(help_text="{name, files, bytes, own_bytes or null, is_rebuildable, note}")},
)


class VersionDiffDoor(IdempotentPosts, APIView):
    """What differs between a version and another: rows changed, moved to another split, added and removed."""

    @extend_schema(
        operation_id="dataset_diff",
        parameters=[
            _AGAINST,
            _BY,
            OpenApiParameter("kind", enum=KINDS),
            OpenApiParameter("split", enum=SPLITS, description="Rows in this split, in either version."),
            OpenApiParameter("q", description="Rows with this text on either side."),
            OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next`."),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {showing.MAX_LIMIT}."),
        ],
        responses=_DIFF,
    )
    def get(self, request: Request, pk: str, number: int) -> Response:
        after = version_for(request, pk, number)
        seen = diffing.look(_before(after, request.query_params), after, request.query_params.get("by", "").strip())
        if seen.found is None:
            hint = _("POST to this address; the job it answers with finds out.")
            raise Conflict(
                _("These versions are large and have not been compared yet."), hint=hint, code="not_compared"
            )
        page = showing.page(seen, request.query_params)
        results = [_entry(entry) for entry in page.entries]
        sides = {"before": seen.before.number, "after": after.number, "counts": seen.found.counts}
        return Response({**sides, "results": results, "next": _next(request, page.next)})

    @extend_schema(
        operation_id="dataset_diff_start",
        request=inline_serializer(
            "VersionComparisonStart",
            {"against": serializers.CharField(required=False), "by": serializers.CharField(required=False)},
        ),
        responses={200: _COMPARED},
    )
    def post(self, request: Request, pk: str, number: int) -> Response:
        """Compare two large versions. `counts` when they are known or quickly found, else the `job` that finds them."""
        after, said = version_for(request, pk, number, "datasets.edit"), _said(request, "against", "by")
        seen = diffing.start(_before(after, said), after, said["by"], actor=request.user)
        job = JobSerializer(seen.job).data if seen.job else None
        return Response({"counts": seen.found.counts if seen.found else None, "job": job})


def _before(after: DatasetVersion, said: Any) -> DatasetVersion:
    found = finding.other_side(after, said)
    if found is None:
        raise Problem(_("This version has no parent; say what it is compared with."), field="against", code="required")
    return found


def _said(request: Request, *names: str) -> dict[str, str]:
    """Words of a JSON object. Raises Problem."""
    body = request.data
    if not isinstance(body, dict) or not all(isinstance(body.get(name, ""), str | int) for name in names):
        raise Problem(_("Send an object with %(names)s.") % {"names": ", ".join(names)})
    return {name: str(body.get(name, "")).replace("\0", "").strip() for name in names}


def _entry(entry: showing.Entry) -> dict[str, Any]:
    sides = {"before": entry.before, "after": entry.after}
    rows = {name: {**row_as_dict(row), "key": row.key} if row else None for name, row in sides.items()}
    return {"kind": entry.kind, **rows, "fields": [field.name for field in entry.fields]}


def _next(request: Request, cursor: int | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(cursor)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


class TagList(APIView):
    """The tags of a dataset and the numbers of the versions they point to."""

    @extend_schema(operation_id="dataset_tags", responses=_TAGS)
    def get(self, request: Request, pk: str) -> Response:
        dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
        return Response({"results": [_tag(tag) for tag in dataset.tags.select_related("version")]})


class TagDoor(APIView):
    """A name that points to one version; `/versions/@name/` and all below it find that version."""

    @extend_schema(
        request=inline_serializer("VersionTagSet", {"version": serializers.IntegerField()}), responses={200: _TAG}
    )
    def put(self, request: Request, pk: str, tag: str) -> Response:
        """Set the tag, or move it from the version that has it."""
        dataset = fetch_for(request.user, "datasets.edit", Dataset, pk)
        version = finding.named(dataset, _said(request, "version")["version"], field="version")
        return Response(_tag(tagging.set_tag(actor=request.user, version=version, name=tag)))

    @extend_schema(responses=_TAG)
    def get(self, request: Request, pk: str, tag: str) -> Response:
        return Response(_tag(_find(fetch_for(request.user, "datasets.view", Dataset, pk), tag)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, tag: str) -> Response:
        """Take the tag away; the version stays."""
        tagging.remove_tag(actor=request.user, tag=_find(fetch_for(request.user, "datasets.edit", Dataset, pk), tag))
        return Response(status=204)


def _tag(tag: VersionTag) -> dict[str, Any]:
    return {"name": tag.name, "version": tag.version.number}


def _find(dataset: Dataset, name: str) -> VersionTag:
    found: VersionTag | None = dataset.tags.filter(name=name).select_related("version", "dataset").first()
    if found is None:
        raise Http404
    return found


class VersionStorage(APIView):
    """What a version keeps on the disk by tier, and what could be made again; DELETE deletes its rows."""

    @extend_schema(responses=_TIERS)
    def get(self, request: Request, pk: str, number: int) -> Response:
        found = tiers.tiers_of(version_for(request, pk, number))
        names = ("name", "files", "bytes", "own_bytes", "is_rebuildable", "note")
        return Response({"results": [{name: getattr(tier, name) for name in names} for tier in found]})

    @extend_schema(parameters=[OpenApiParameter("reason")], responses={204: None})
    def delete(self, request: Request, pk: str, number: int) -> Response:
        """Delete the rows for good. The version stays as a tombstone with its number and fingerprint; what needs it is a conflict."""
        version = version_for(request, pk, number, "datasets.delete")
        reason = request.query_params.get("reason", "").replace("\0", "")
        purging.purge_version(actor=request.user, version=version, reason=reason)
        return Response(status=204)


class VersionByTag(APIView):
    """The address of a version with a tag for its number is that of the version. The door behind it decides who may enter."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        number = finding.number_of(kwargs["pk"], kwargs["tag"])
        address = f"/api/v1/datasets/{kwargs['pk']}/versions/{number}/{kwargs.get('rest', '')}"
        door = resolve(address)
        request.path = request.path_info = address  # links to more pages name the number: a tag may move meanwhile
        answer: HttpResponseBase = door.func(request, *door.args, **door.kwargs)
        return answer
