"""Doors to labeling for programs. What an annotator gets holds nothing of others: rows are looked up among one's own."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import generics, serializers, status
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_among, fetch_for, require
from apps.accounts.models import workspaces_where
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.core.pagination import NewestFirst
from apps.datasets.models import DatasetVersion
from apps.labeling import assisting, exchange, listing, progress, queue, services
from apps.labeling.golden import gold
from apps.labeling.harvest import saying
from apps.labeling.models import Annotation, Assignment, Gold, LabelProject, ProjectStatus, ReviewPlan, Task
from apps.labeling.models.reviews import words_of_return
from apps.labeling.queueing import allowance, counting
from apps.labeling.queueing.api import SettingsSerializer
from apps.labeling.queueing.settings import change_settings
from apps.labeling.schema import gallery
from apps.labeling.schema.label_config import parse_config
from apps.labeling.serializers import (
    AgreementOfSerializer,
    AgreementSerializer,
    AnnotationSerializer,
    AssignmentSerializer,
    BesidesSerializer,
    ConfigSerializer,
    DraftSerializer,
    NewProjectSerializer,
    NextSerializer,
    ProjectSerializer,
    SkipSerializer,
    StatusSerializer,
    SubmitSerializer,
    SubmittedSerializer,
    TaskSerializer,
)

_COUNTS = inline_serializer("Imported", {name: serializers.IntegerField() for name in vars(exchange.Imported())})
_FIGURES = inline_serializer(
    "LabelProgress",
    {
        "counts": serializers.DictField(child=serializers.IntegerField()),
        "people": serializers.ListField(),
        "agreement": AgreementSerializer(many=True),
        "agreement_of": AgreementOfSerializer(),
    },
)


def given(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body, checked."""
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    values: dict[str, Any] = read.validated_data
    return values


@extend_schema(parameters=listing.BY_NAME.parameters(), methods=["GET"])
class Projects(IdempotentPosts, generics.ListAPIView[LabelProject]):
    """Label projects that you see, newest first; POST makes a draft, with a task for each row of a dataset version."""

    serializer_class = ProjectSerializer

    def get_queryset(self) -> QuerySet[LabelProject]:
        rows: QuerySet[LabelProject] = LabelProject.objects.visible_to(self.request.user)
        return listing.BY_NAME.narrow(rows, self.request.query_params)

    @extend_schema(request=NewProjectSerializer, responses={201: ProjectSerializer})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "labeling.manage", current_workspace(request))
        values = given(NewProjectSerializer, request)
        values["dataset_version"] = _version(request, values["dataset_version"])
        project = services.create_project(actor=request.user, workspace=workspace, **values)
        return Response(ProjectSerializer(project).data, status=status.HTTP_201_CREATED)


def _version(request: Request, pk: Any) -> DatasetVersion | None:
    if pk is None:
        return None
    rows = DatasetVersion.objects.visible_to(request.user).select_related("dataset")
    found: DatasetVersion | None = rows.filter(pk=pk).first()
    if found is None:
        message = _("There is no such dataset version in your workspaces.")
        raise Problem(message, field="dataset_version", code="not_found", hint="GET /api/v1/datasets/")
    return found


class CheckConfig(APIView):
    """What a labeling config shows and asks, or what is wrong with it; and the ready ones to start from."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        require(request.user, "labeling.manage", current_workspace(request))
        ready = [{"name": t.slug, "label": str(t.label), "label_config": t.xml} for t in gallery.GALLERY]
        return Response({"results": ready, "next": None})

    @extend_schema(request=ConfigSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        require(request.user, "labeling.manage", current_workspace(request))
        config = parse_config(given(ConfigSerializer, request)["label_config"])
        said = {"label_config": config.xml, "fields": config.fields, "parts": config.as_page()}
        return Response({**said, "rules": saying.rules(config, {})})


class ProjectDetail(APIView):
    """A label project."""

    @extend_schema(responses=ProjectSerializer)
    def get(self, request: Request, pk: str) -> Response:
        project = _seen(request, pk)
        return Response(ProjectSerializer(project).data)

    @extend_schema(request=SettingsSerializer, responses=ProjectSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change the settings that are named (also .../settings/)."""
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        read = SettingsSerializer(data=request.data, partial=True)
        read.is_valid(raise_exception=True)
        changed = change_settings(actor=request.user, project=project, **read.validated_data)
        return Response(ProjectSerializer(changed).data)


def _seen(request: Request, pk: str) -> LabelProject:
    """A project for who runs it, watches it or labels in it."""
    labels = LabelProject.objects.visible_to(request.user, "labeling.annotate").filter(pk=pk) if _is_id(pk) else None
    capability = "labeling.annotate" if labels is not None and labels.exists() else "labeling.view"
    return fetch_for(request.user, capability, LabelProject, pk)


def _is_id(pk: str) -> bool:
    try:
        serializers.UUIDField().to_internal_value(pk)
    except serializers.ValidationError:
        return False
    return True


class ProjectStatusDoor(IdempotentPosts, APIView):
    """Open, pause or close."""

    @extend_schema(request=StatusSerializer, responses=ProjectSerializer)
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        services.move_project(actor=request.user, project=project, to=given(StatusSerializer, request)["status"])
        return Response(ProjectSerializer(project).data)


class ByNumber(NewestFirst):
    ordering = ("number", "id")


class Tasks(IdempotentPosts, generics.ListAPIView[Task]):
    """Tasks, by number; POST adds tasks (with annotations) as a list in Label Studio's JSON. The same again adds nothing."""

    serializer_class = TaskSerializer
    pagination_class = ByNumber

    def get_queryset(self) -> QuerySet[Task]:
        project = fetch_for(self.request.user, "labeling.manage", LabelProject, self.kwargs["pk"])
        rows: QuerySet[Task] = project.tasks.all()
        return rows

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: _COUNTS})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        done = exchange.import_tasks(actor=request.user, project=project, items=request.data)
        return Response(vars(done), status=status.HTTP_201_CREATED)


class NextTask(APIView):
    """Take the next task: the one you hold, unless it is in `besides`, else a new one that nobody else may take from you."""

    @extend_schema(request=BesidesSerializer, responses=NextSerializer)
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.annotate", LabelProject, pk)
        besides = [str(one) for one in given(BesidesSerializer, request)["besides"]]
        turn = queue.next_turn(actor=request.user, project=project, besides=besides)
        return Response(next_as_dict(project, request.user, turn))


def next_as_dict(project: LabelProject, person: Any, turn: queue.Turn) -> dict[str, Any]:
    """The task and how far the person is, from what the queue found on its way."""
    found, share = turn.assignment, turn.share
    told = {} if turn.seen.is_gold_mixed_in or not found else {"numbers": {found.pk: found.task.number}}
    bar = None if found else allowance.bar_of(project, share)
    left = 0 if bar else counting.left_for(project, person, share, turn.in_hand, turn.seen)
    taking = assisting.own(project, person)
    return {
        "assignment": AssignmentSerializer(found, context=told).data if found else None,
        "done": share.submitted,
        "left": left,
        "lease_seconds": queue.LEASE,
        "deadline": project.deadline,
        "quota_left": allowance.quota_left(share),
        "suggestions_shown": taking.shown,
        "suggestions_taken": taking.unchanged,
        "why": bar.code if bar else "",
        "why_words": bar.words if bar else "",
    }


def _own(request: Request, pk: Any, **also: Any) -> Assignment:
    """An assignment of the person who asks; anybody else's does not exist. One query, with what its verbs and answers need to know."""
    person: Any = request.user
    project = OuterRef("project")
    rows = Assignment.objects.visible_to(person).annotate(
        returned_words=words_of_return(),
        has_gold=Exists(Gold.objects.filter(project=project)),
        is_gold_mixed_in=Exists(ReviewPlan.objects.filter(project=project, gold_every__gt=0)),
    )
    rows = rows.select_related("task", "project").filter(annotator=person.pk, **also)
    own: Assignment = fetch_among(person, "labeling.annotate", rows, pk)
    own.task.project, own.annotator = own.project, person
    return own


def _numbers(own: Assignment) -> dict[str, Any]:
    return {} if own.is_gold_mixed_in else {"numbers": {own.pk: own.task.number}}  # type: ignore[attr-defined]


class Annotations(IdempotentPosts, generics.ListAPIView[Annotation]):
    """Your annotations in a project; all of them for who runs it (`mine=1` for your own). POST submits an answer."""

    serializer_class = AnnotationSerializer

    def get_queryset(self) -> QuerySet[Annotation]:
        project, person = _seen(self.request, self.kwargs["pk"]), self.request.user
        runs_it = workspaces_where(person, "labeling.manage").filter(pk=project.workspace_id).exists()
        rows = project.annotations.select_related("task", "assignment__annotator")
        return rows if runs_it and self.request.query_params.get("mine") != "1" else rows.filter(annotator=person.pk)

    def get_serializer_context(self) -> dict[str, Any]:
        context, person = dict(super().get_serializer_context()), self.request.user
        if self.request.method == "GET":
            project = _seen(self.request, self.kwargs["pk"])
            runs_it = workspaces_where(person, "labeling.manage").filter(pk=project.workspace_id).exists()
            context["numbers"] = None if runs_it else gold.numbers_for(project, person)
        return context

    @extend_schema(request=SubmitSerializer, responses={201: SubmittedSerializer})
    def post(self, request: Request, pk: str) -> Response:
        try:
            values = given(SubmitSerializer, request)
            own = _held_in(request, pk, values.pop("assignment"))
        except (serializers.ValidationError, Http404, PermissionDenied):
            fetch_for(request.user, "labeling.annotate", LabelProject, pk)  # says it of the project where it is so
            raise
        annotation = queue.submit(actor=request.user, assignment=own, **values)
        told = _numbers(own) or {"numbers": {own.pk: gold.number_for(own)}}
        return Response(SubmittedSerializer(annotation, context=told).data, status=status.HTTP_201_CREATED)


def _held_in(request: Request, project: str, pk: Any) -> Assignment:
    """An own assignment of a project that the person sees."""
    own = _own(request, pk, project=project)
    if own.project.only_named or own.project.status == ProjectStatus.DRAFT:
        fetch_for(request.user, "labeling.annotate", LabelProject, project)
    return own


class Draft(APIView):
    """Keep an unfinished answer; also a sign of life."""

    @extend_schema(request=DraftSerializer, responses=AssignmentSerializer)
    def put(self, request: Request, pk: str) -> Response:
        own = _own(request, pk)
        assignment = queue.save_draft(assignment=own, result=given(DraftSerializer, request)["result"])
        return Response(AssignmentSerializer(assignment, context=_numbers(own)).data)


class Heartbeat(APIView):
    """A sign of life: the task stays yours."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: str) -> Response:
        queue.keep(assignment=_own(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Skip(APIView):
    """Leave a task to others. It does not come back to you."""

    @extend_schema(request=SkipSerializer, responses={204: None})
    def post(self, request: Request, pk: str) -> Response:
        assignment = _own(request, pk)
        queue.skip(actor=request.user, assignment=assignment, reason=given(SkipSerializer, request)["reason"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class Undo(APIView):
    """Your last submitted or skipped task once more, with its answer as the draft."""

    @extend_schema(request=None, responses=AssignmentSerializer)
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.annotate", LabelProject, pk)
        return Response(AssignmentSerializer(queue.undo_last(actor=request.user, project=project)).data)


class Release(APIView):
    """Leave: what you hold goes back at once; drafts stay."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.annotate", LabelProject, pk)
        queue.release_all(actor=request.user, project=project)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Progress(APIView):
    """Counts, what each person did, and how well people agree (with 95 % intervals over tasks)."""

    @extend_schema(responses=_FIGURES)
    def get(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.view", LabelProject, pk)
        agreement = [one.as_dict() for one in progress.agreements(project)]
        told = {"agreement": agreement, "agreement_of": progress.agreement_sample(project)}
        return Response({"counts": progress.counts(project), "people": progress.people(project), **told})


class OneRenderer(DefaultContentNegotiation):
    """`format` is the export's own parameter here, not the framework's."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class Export(APIView):
    """All tasks with their annotations. While people label: 409, unless `partial=1`."""

    content_negotiation_class = OneRenderer

    @extend_schema(
        parameters=[OpenApiParameter("format", enum=list(exchange.FORMATS)), OpenApiParameter("partial", enum=["1"])],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        wanted, partial = request.query_params.get("format", "json").lower(), request.query_params.get("partial") == "1"
        return exchange.export(project, wanted, partial=partial)
