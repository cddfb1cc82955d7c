"""Doors to suggesters for programs: make, look, change, run, show, order by them, delete; and how suggestions are taken."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.idempotency import IdempotentPosts
from apps.core.pagination import NewestFirst
from apps.labeling import assisting
from apps.labeling.models import LabelProject, Suggester, SuggesterKind, Suggestion
from apps.labeling.suggesting import ordering, previewing, suggesters

_SPEC = (
    'rules, words, functions: {"question", "lines": {option: [line, ..]}, "ignores_case"}; '
    'model: {"question", "model", "template", "first", "max_tokens"}.'
)


class SuggesterSerializer(serializers.ModelSerializer[Suggester]):
    """`status` is that of its last job, empty before the first; `report` has the table of the functions."""

    status = serializers.SerializerMethodField()
    new_tasks = serializers.SerializerMethodField()

    class Meta:
        model = Suggester
        fields = [
            "id", "name", "kind", "spec", "is_shown", "version", "looked_at", "suggested", "new_tasks", "report", "job", "status",
            "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.STR)
    def get_status(self, suggester: Suggester) -> str:
        return suggester.job.status if suggester.job else ""

    def get_new_tasks(self, suggester: Suggester) -> int:
        """Tasks that came since its last run."""
        return suggesters.new_tasks(suggester)


class NewSuggesterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=SuggesterKind.choices)
    spec = serializers.JSONField(help_text=_SPEC)


class ChangeSuggesterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    spec = serializers.JSONField(required=False, help_text=_SPEC)
    is_shown = serializers.BooleanField(required=False, help_text="Beside the tasks of annotators; one at a time.")


class TrySerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=SuggesterKind.choices)
    spec = serializers.JSONField(help_text=_SPEC)


class SuggesterRunSerializer(serializers.Serializer[Any]):
    only_new = serializers.BooleanField(required=False, default=False, help_text="Only tasks that came since.")


class LineSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    text = serializers.CharField()
    said = serializers.ListField(child=serializers.CharField(), help_text="What would be suggested, in words.")
    matched = serializers.ListField(child=serializers.CharField(), help_text="Lines that found something.")
    is_slow = serializers.BooleanField(help_text="The time for a preview was over before.")


class TakingSerializer(serializers.Serializer[Any]):
    person = serializers.CharField()
    shown = serializers.IntegerField(help_text="Answers that had a suggestion beside them.")
    unchanged = serializers.IntegerField(help_text="Taken by its key and submitted as it was.")
    changed = serializers.IntegerField(help_text="Taken, then changed.")
    same = serializers.IntegerField(help_text="Not taken, but answered the same.")
    otherwise = serializers.IntegerField(help_text="Not taken, and answered otherwise.")
    rate = serializers.FloatField(allow_null=True, help_text="unchanged / shown")


class SuggestedSerializer(serializers.ModelSerializer[Suggestion]):
    number = serializers.IntegerField(source="task.number")

    class Meta:
        model = Suggestion
        fields = ["number", "result", "score", "uncertainty"]
        read_only_fields = fields


_TRIED = inline_serializer("SuggestionsTried", {"results": LineSerializer(many=True)})
_TAKEN = inline_serializer("SuggestionsTaken", {"results": TakingSerializer(many=True)})
_ORDERED = inline_serializer("SuggestionsOrdered", {"count": serializers.IntegerField()})


def _given(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _project(request: Request, pk: str) -> LabelProject:
    return fetch_for(request.user, "labeling.manage", LabelProject, pk)


def _one(request: Request, pk: str) -> Suggester:
    found = fetch_for(request.user, "labeling.manage", Suggester, pk)
    rows = Suggester.objects.select_related("project__workspace", "job")
    one: Suggester = get_object_or_404(rows, pk=found.pk)
    return one


class Suggesters(IdempotentPosts, generics.ListAPIView[Suggester]):
    """Suggesters of a project, newest first; POST makes one, which has still to be run."""

    serializer_class = SuggesterSerializer

    def get_queryset(self) -> Any:
        return _project(self.request, self.kwargs["pk"]).suggesters.select_related("job", "project")

    @extend_schema(request=NewSuggesterSerializer, responses={201: SuggesterSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = _project(request, pk)
        made = suggesters.make_suggester(
            actor=request.user, project=project, **_given(NewSuggesterSerializer(data=request.data))
        )
        return Response(SuggesterSerializer(made).data, status=201)


class Try(APIView):
    """What rules, words or functions would say of the first 10 tasks; nothing is stored."""

    @extend_schema(request=TrySerializer, responses=_TRIED)
    def post(self, request: Request, pk: str) -> Response:
        project, values = _project(request, pk), _given(TrySerializer(data=request.data))
        lines = previewing.preview(project, values["kind"], values["spec"])
        return Response({"results": [line.as_dict() for line in lines]})


class Taken(APIView):
    """How each person takes what is suggested."""

    @extend_schema(responses=_TAKEN)
    def get(self, request: Request, pk: str) -> Response:
        return Response({"results": [one.as_dict() for one in assisting.by_person(_project(request, pk))]})


class SuggesterDetail(APIView):
    """One suggester."""

    @extend_schema(responses=SuggesterSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(SuggesterSerializer(_one(request, pk)).data)

    @extend_schema(request=ChangeSuggesterSerializer, responses=SuggesterSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change what is named. 409 while it is at work."""
        suggester, values = _one(request, pk), _given(ChangeSuggesterSerializer(data=request.data))
        is_shown = values.pop("is_shown", None)
        if values:
            suggester = suggesters.change_suggester(actor=request.user, suggester=suggester, **values)
        if is_shown is not None:
            suggester = suggesters.show(actor=request.user, suggester=suggester, is_shown=is_shown)
        return Response(SuggesterSerializer(suggester).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """With all that it suggested."""
        suggesters.delete_suggester(actor=request.user, suggester=_one(request, pk))
        return Response(status=204)


class Run(IdempotentPosts, APIView):
    """Suggest for every task, or for those that came since, by a job (cancel it at /api/v1/jobs/<id>/cancel/)."""

    @extend_schema(request=SuggesterRunSerializer, responses={202: SuggesterSerializer})
    def post(self, request: Request, pk: str) -> Response:
        told = _given(SuggesterRunSerializer(data=request.data))
        suggester = suggesters.run_suggester(actor=request.user, suggester=_one(request, pk), **told)
        return Response(SuggesterSerializer(suggester).data, status=202)


class Order(APIView):
    """Uncertainty ordering: the tasks that it is least sure of come first."""

    @extend_schema(request=None, responses=_ORDERED)
    def post(self, request: Request, pk: str) -> Response:
        count = ordering.order_by_uncertainty(actor=request.user, suggester=_one(request, pk))
        return Response({"count": count})


class ById(NewestFirst):
    ordering = ("id",)  # type: ignore[assignment]


class Suggested(generics.ListAPIView[Suggestion]):
    """What it suggests, a task each."""

    serializer_class = SuggestedSerializer
    pagination_class = ById

    def get_queryset(self) -> Any:
        one = _one(self.request, self.kwargs["pk"])
        return one.suggestions.filter(version=one.version).select_related("task")
