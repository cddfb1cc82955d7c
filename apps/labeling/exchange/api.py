"""Doors to imports of labels, for programs."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.idempotency import IdempotentPosts
from apps.core.parsers import SafeMultiPartParser
from apps.datasets.landing import refuse_too_large
from apps.labeling.exchange import receiving
from apps.labeling.models import LabelImport, LabelProject

_SAYS = {
    "records": "Records that were read.",
    "tasks": "Tasks that are new (JSON and JSON Lines only).",
    "known": "Records of tasks that were there.",
    "added": "Answers that are new.",
    "blank": "Of these, answers in which nothing is marked or said.",
    "repeated": "Answers that were there already.",
    "changed": "Answers that differ from what the person said here; what is here stays.",
    "held": "Answers of people who have the task in hand or skipped it; left out.",
    "surplus": "Answers beyond the number of people a task; left out.",
    "refused": "Records and answers that cannot be used.",
    "skipped": "Skips that are new: the person is not asked for the task again.",
    "accepted": "Answers that are accepted from now on.",
    "gold": "Tasks that are gold from now on.",
    "suggested": "Predictions that are suggestions from now on.",
    "unfit": "Predictions that the questions do not take; left out.",
    "later": "Records that only the job will look for, in a project of many tasks.",
}


def _report(name: str) -> Any:
    counts = {one: serializers.IntegerField(help_text=says) for one, says in _SAYS.items()}
    people = serializers.DictField(child=serializers.IntegerField(), help_text="New answers by person.")
    place = serializers.DictField(child=serializers.CharField())
    told = serializers.ListField(child=place, help_text="The first 50 places with what is wrong: {place, why}.")
    return inline_serializer(name, {**counts, "people": people, "told": told}, required=False, allow_null=True)


_PREVIEW = inline_serializer(
    "LabelImportPreview",
    {
        "is_whole": serializers.BooleanField(help_text="Whether all of the file was looked at; else a job takes it."),
        "report": _report("LabelImportForeseen"),
    },
)
_FILE = inline_serializer(
    "NewLabelImport",
    {
        "file": serializers.FileField(
            help_text="Label Studio's JSON or JSON_MIN, JSON Lines, CSV, TSV, Parquet, CoNLL-2003, COCO, or YOLO and Pascal VOC as "
            "a zip, up to 1 GiB. The format is found out."
        ),
        "person": serializers.CharField(
            required=False, help_text="Whose answers they are where the file does not say: an address or a name."
        ),
        "start": serializers.BooleanField(
            required=False, help_text="false: look at it only; POST .../start/ takes it. Default true."
        ),
    },
)


class LabelImportSerializer(serializers.ModelSerializer[LabelImport]):
    state = serializers.ChoiceField(choices=["looked_at", "running", "stopped", "finished"], read_only=True)
    preview = serializers.SerializerMethodField(help_text="What the first 2,000 records would do.")
    report = serializers.SerializerMethodField(help_text="What was done so far; null before.")

    class Meta:
        model = LabelImport
        fields = [
            *("id", "project", "name", "format", "size", "person", "state", "preview", "report"),
            *("taken", "total", "job", "created_at", "finished_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(_PREVIEW)
    def get_preview(self, row: LabelImport) -> dict[str, Any]:
        return dict(row.preview)

    @extend_schema_field(_report("LabelImportReport"))
    def get_report(self, row: LabelImport) -> dict[str, Any] | None:
        return dict(row.report) or None


class Imports(IdempotentPosts, APIView):
    """Bring labels in, from a file of any format that labels go out in. What is there already is not doubled; what cannot be used is
    refused with its place, and the rest is taken: at once up to 2,000 records, else by a job."""

    parser_classes = [SafeMultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "POST":
            refuse_too_large(request)
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=LabelImportSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """The last 20 imports."""
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        rows = project.imports.select_related("job")[:20]
        return Response(LabelImportSerializer(rows, many=True).data)

    @extend_schema(request={"multipart/form-data": _FILE}, responses={201: LabelImportSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        file, person = request.FILES.get("file"), request.POST.get("person", "")
        row = receiving.receive(actor=request.user, project=project, file=file, person=person)
        if request.POST.get("start", "true").lower() not in ("false", "0", "no"):
            row = receiving.start(actor=request.user, row=row)
        return Response(LabelImportSerializer(row).data, status=status.HTTP_201_CREATED)


class OneImport(APIView):
    """An import: what it would do, how far it is, or what it did."""

    @extend_schema(responses=LabelImportSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(LabelImportSerializer(fetch_for(request.user, "labeling.manage", LabelImport, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Forget a file that was looked at and not taken."""
        receiving.drop(row=fetch_for(request.user, "labeling.manage", LabelImport, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class StartImport(IdempotentPosts, APIView):
    """Take a file that was looked at, or go on where its job stopped."""

    @extend_schema(request=None, responses=LabelImportSerializer)
    def post(self, request: Request, pk: str) -> Response:
        row = fetch_for(request.user, "labeling.manage", LabelImport, pk)
        return Response(LabelImportSerializer(receiving.start(actor=request.user, row=row)).data)
