"""Doors to drafts for programs."""

import json
from typing import Any, TypedDict

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_serializer, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets.drafts import services
from apps.datasets.models import Dataset, DatasetVersion, Draft, DraftEdit
from apps.jobs.api import JobSerializer


class EditSerializer(serializers.ModelSerializer[DraftEdit]):
    """`index` is the row's place in the base version; an operation on many rows has none, but `row_count`."""

    index = serializers.IntegerField(source="place", read_only=True, allow_null=True)

    class Meta:
        model = DraftEdit
        fields = ["id", "number", "kind", "index", "row", "operation", "asked", "row_count", "created_at"]
        read_only_fields = fields


@extend_schema_serializer(component_name="DatasetDraft")
class DraftSerializer(serializers.ModelSerializer[Draft]):
    """`version` is what it became. `is_freezing`: its job runs, and nothing can be changed meanwhile."""

    base_number = serializers.IntegerField(source="base.number", read_only=True)
    version_number = serializers.IntegerField(source="version.number", read_only=True, allow_null=True, default=None)
    edit_count = serializers.IntegerField(source="edits.count", read_only=True)
    is_freezing = serializers.BooleanField(read_only=True)
    person = serializers.CharField(source="created_by", read_only=True, allow_null=True)

    class Meta:
        model = Draft
        fields = [
            "id",
            "base_number",
            "state",
            "is_freezing",
            "note",
            "edit_count",
            "person",
            "job",
            "version_number",
            "created_at",
            "changed_at",
        ]
        read_only_fields = fields


_PAGE = {"next": serializers.CharField(allow_null=True)}
_DRAFTS = inline_serializer("Drafts", {"results": DraftSerializer(many=True), **_PAGE})
_EDITS = inline_serializer("DraftEdits", {"results": EditSerializer(many=True), **_PAGE})
_NEW = inline_serializer(
    "NewDraft", {"version": serializers.IntegerField(help_text="The number of the version to be edited.")}
)
_NOTE = inline_serializer("DraftNote", {"note": serializers.CharField(max_length=200, allow_blank=True)})
_NEW_EDIT = inline_serializer(
    "NewDraftEdit",
    {
        "kind": serializers.ChoiceField(choices=DraftEdit.Kind.choices),
        "index": serializers.IntegerField(required=False, help_text="row, delete: the place of the row, from 0."),
        "row": serializers.DictField(
            required=False, help_text="row: {messages, content, extra, split}; what is left out stays."
        ),
        "operation": serializers.DictField(
            required=False,
            help_text="bulk: {op: delete}, {op: label, value}, {op: split, value}, {op: replace, find, with, is_pattern},"
            " {op: column, name, value}.",
        ),
        "q": serializers.CharField(required=False, help_text="bulk: of the rows that are found, as for rows."),
        "filter": serializers.JSONField(required=False, help_text="bulk: as for rows."),
        "split": serializers.CharField(required=False, help_text="bulk: as for rows."),
    },
)
_FREEZE = inline_serializer(
    "FreezeDraft",
    {
        "as_child": serializers.BooleanField(
            required=False, default=False, help_text="Also when its base is no longer the newest version."
        )
    },
)


def _body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise Problem(_("Send an object."), code="not_an_object")
    return dict(request.data.items())


def draft_for(request: Request, pk: str, draft: str, capability: str = "datasets.view") -> Draft:
    dataset = fetch_for(request.user, capability, Dataset, pk)
    return fetch_for(request.user, capability, Draft, draft, dataset=dataset)


class DraftList(IdempotentPosts, APIView):
    """Drafts of a dataset, the last changed first. POST opens yours of a version, or answers with it when it is open."""

    @extend_schema(operation_id="v1_datasets_drafts_list", responses=_DRAFTS)
    def get(self, request: Request, pk: str) -> Response:
        dataset = fetch_for(request.user, "datasets.view", Dataset, pk)
        found = dataset.drafts.select_related("base", "version", "created_by", "job")[:500]
        return Response({"results": DraftSerializer(found, many=True).data, "next": None})

    @extend_schema(request=_NEW, responses={201: DraftSerializer})
    def post(self, request: Request, pk: str) -> Response:
        dataset = fetch_for(request.user, "datasets.edit", Dataset, pk)
        number = _body(request).get("version")
        base = None
        if type(number) is int and 0 < number < 2**31:
            base = (
                DatasetVersion.objects.filter(dataset=dataset, number=number)
                .select_related("dataset", "workspace")
                .first()
            )
        if base is None:
            raise Problem(_("Say the number of a version of this dataset."), field="version")
        return Response(DraftSerializer(services.open_draft(actor=request.user, base=base)).data, status=201)


class DraftDetail(APIView):
    """A draft; PATCH writes its note, DELETE discards it (it can be taken up again)."""

    @extend_schema(responses=DraftSerializer)
    def get(self, request: Request, pk: str, draft: str) -> Response:
        return Response(DraftSerializer(draft_for(request, pk, draft)).data)

    @extend_schema(request=_NOTE, responses=DraftSerializer)
    def patch(self, request: Request, pk: str, draft: str) -> Response:
        found, note = draft_for(request, pk, draft, "datasets.edit"), _body(request).get("note")
        if not isinstance(note, str):
            raise Problem(_("A note has at most 200 characters."), field="note")
        return Response(DraftSerializer(services.set_note(actor=request.user, draft=found, note=note)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, draft: str) -> Response:
        services.discard(actor=request.user, draft=draft_for(request, pk, draft, "datasets.edit"))
        return Response(status=204)


class DraftEdits(IdempotentPosts, APIView):
    """What a draft changes, in the order in which it is applied. POST adds a change."""

    @extend_schema(responses=_EDITS)
    def get(self, request: Request, pk: str, draft: str) -> Response:
        found = draft_for(request, pk, draft).edits.order_by("number")[: services.MOST_EDITS]
        return Response({"results": EditSerializer(found, many=True).data, "next": None})

    @extend_schema(request=_NEW_EDIT, responses={201: EditSerializer})
    def post(self, request: Request, pk: str, draft: str) -> Response:
        edit = _add(request, draft_for(request, pk, draft, "datasets.edit"), _body(request))
        return Response(EditSerializer(edit).data, status=201)


class _Who(TypedDict):
    actor: Any
    draft: Draft


def _add(request: Request, draft: Draft, body: dict[str, Any]) -> DraftEdit:
    kind, who = body.get("kind"), _Who(actor=request.user, draft=draft)
    if kind == "bulk":
        query = {name: body[name] for name in ("q", "split") if isinstance(body.get(name), str)}
        if "filter" in body:
            query["filter"] = _as_text(body["filter"])
        return services.edit_many(**who, operation=body.get("operation"), query=query)
    if kind not in ("row", "delete"):
        raise Problem(_("A change is one of: row, delete, bulk."), field="kind")
    place = body.get("index")
    if type(place) is not int or abs(place) > 2**53:
        raise Problem(_("Say the place of the row, from 0."), field="index")
    if kind == "delete":
        return services.delete_row(**who, place=place)
    return services.edit_row(**who, place=place, row=body.get("row"))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class DraftEditDetail(APIView):
    """One change; DELETE takes it out of the draft, the others stay."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, draft: str, edit: str) -> Response:
        found = draft_for(request, pk, draft, "datasets.edit")
        row = fetch_for(request.user, "datasets.edit", DraftEdit, edit, draft=found)
        services.undo_edit(actor=request.user, draft=found, edit=row.pk)
        return Response(status=204)


class FreezeDraft(IdempotentPosts, APIView):
    """Make the next version of a draft: a job. 409 with the code base_moved when the newest version is no longer its base."""

    @extend_schema(request=_FREEZE, responses={201: JobSerializer})
    def post(self, request: Request, pk: str, draft: str) -> Response:
        found, as_child = draft_for(request, pk, draft, "datasets.edit"), _body(request).get("as_child", False)
        if not isinstance(as_child, bool):
            raise Problem(_("as_child is true or false."), field="as_child")
        return Response(
            JobSerializer(services.freeze_draft(actor=request.user, draft=found, as_child=as_child)).data, status=201
        )


class TakeUpDraft(IdempotentPosts, APIView):
    """Open a discarded draft again."""

    @extend_schema(request=None, responses=DraftSerializer)
    def post(self, request: Request, pk: str, draft: str) -> Response:
        found = draft_for(request, pk, draft, "datasets.edit")
        return Response(DraftSerializer(services.take_up(actor=request.user, draft=found)).data)
