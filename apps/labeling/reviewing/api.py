"""Doors to review for programs. All but one's own report ask for labeling.review: an annotator learns nothing here."""

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.labeling.golden import answered, gold
from apps.labeling.models import Annotation, Comment, Gold, LabelProject, Task
from apps.labeling.models.reviews import plan_of
from apps.labeling.reviewing import comments, deciding, disputes, figures, planning, reports, showing
from apps.labeling.reviewing.serializers import (
    CommentSerializer,
    DecideSerializer,
    FiguresSerializer,
    GoldSerializer,
    LiftSerializer,
    ListSerializer,
    NewGoldSerializer,
    ReportSerializer,
    ReturnSerializer,
    ReviewPlanSerializer,
    ReviewTaskSerializer,
    SayingSerializer,
    SettleSerializer,
)
from apps.labeling.serializers import AnnotationSerializer

REVIEW = "labeling.review"
_WISHES = [
    OpenApiParameter("show", enum=list(disputes.SHOWS)),
    OpenApiParameter("question"),
    OpenApiParameter("annotator", OpenApiTypes.INT),
    OpenApiParameter("below", OpenApiTypes.FLOAT),
    OpenApiParameter("after", OpenApiTypes.INT, description="Behind the task of this number."),
]


def given(serializer: Any, request: Request) -> dict[str, Any]:
    read = serializer(data=request.data)
    read.is_valid(raise_exception=True)
    values: dict[str, Any] = read.validated_data
    return values


def project_of(request: Request, pk: str) -> LabelProject:
    return fetch_for(request.user, REVIEW, LabelProject, pk)


def task_of(request: Request, pk: str, number: int) -> Task:
    """A task of the project by its number; 404 when there is none."""
    project = project_of(request, pk)
    found: Task = showing.task_or_404(project, number)
    return found


class ReviewPlanDoor(APIView):
    """What is reviewed, and how gold tasks are mixed in."""

    @extend_schema(responses=ReviewPlanSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(ReviewPlanSerializer(plan_of(project_of(request, pk))).data)

    @extend_schema(request=ReviewPlanSerializer(partial=True), responses=ReviewPlanSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        read = ReviewPlanSerializer(data=request.data, partial=True)
        read.is_valid(raise_exception=True)
        plan = planning.change_plan(actor=request.user, project=project, **read.validated_data)
        return Response(ReviewPlanSerializer(plan).data)


class Reviews(APIView):
    """Tasks to review, from number `after` on: by the plan, or by `show`, `question`, `annotator`, `below`."""

    @extend_schema(parameters=_WISHES, responses=ListSerializer, operation_id="v1_label_projects_review_list")
    def get(self, request: Request, pk: str) -> Response:
        project = project_of(request, pk)
        wish = disputes.Wish.read(request.query_params, project)
        found = disputes.find(project, wish, after=number_of(request.query_params.get("after", "0")))
        rows = [showing.dispute_as_dict(one) for one in found.disputes]
        return Response({"results": rows, "next": found.following, "looked": found.looked})


def number_of(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Problem(_("after must be a whole number, 0 or more."), field="after")
    return int(text)


class ReviewTask(APIView):
    """One task beside all its answers."""

    @extend_schema(responses=ReviewTaskSerializer)
    def get(self, request: Request, pk: str, number: int) -> Response:
        return Response(showing.task_as_dict(task_of(request, pk, number)))


class Decide(IdempotentPosts, APIView):
    """Decide a task by one of its answers or by one of your own; DELETE lets the majority count again."""

    @extend_schema(request=DecideSerializer, responses=ReviewTaskSerializer)
    def post(self, request: Request, pk: str, number: int) -> Response:
        task, values = task_of(request, pk, number), given(DecideSerializer, request)
        if (values["annotation"] is None) is (values["result"] is None):
            raise Problem(_("Send either an annotation or a result."), field="annotation")
        if values["annotation"] is not None:
            annotation = fetch_for(request.user, REVIEW, Annotation, values["annotation"], task=task.pk)
            deciding.accept(actor=request.user, annotation=annotation, state=values["state"])
        else:
            deciding.adjudicate(actor=request.user, task=task, result=values["result"], state=values["state"])
        return Response(showing.task_as_dict(task_of(request, pk, number)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, number: int) -> Response:
        deciding.withdraw(actor=request.user, task=task_of(request, pk, number))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Accept(APIView):
    """Decide a task by one of its answers; DELETE lets the majority count again."""

    @extend_schema(request=None, responses=AnnotationSerializer)
    def post(self, request: Request, pk: str) -> Response:
        annotation = fetch_for(request.user, REVIEW, Annotation, pk)
        deciding.accept(actor=request.user, annotation=annotation)
        return Response(AnnotationSerializer(annotation).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        annotation = fetch_for(request.user, REVIEW, Annotation, pk)
        deciding.withdraw(actor=request.user, task=annotation.task)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SendBack(IdempotentPosts, APIView):
    """Give an answer back to its author, with words."""

    @extend_schema(request=ReturnSerializer, responses={204: None})
    def post(self, request: Request, pk: str, number: int) -> Response:
        task, values = task_of(request, pk, number), given(ReturnSerializer, request)
        annotation = fetch_for(request.user, REVIEW, Annotation, values.pop("annotation"), task=task.pk)
        deciding.send_back(actor=request.user, annotation=annotation, **values)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Comments(IdempotentPosts, APIView):
    """Remarks about a task, among those who review."""

    @extend_schema(responses=CommentSerializer(many=True))
    def get(self, request: Request, pk: str, number: int) -> Response:
        rows = task_of(request, pk, number).comments.select_related("created_by")
        return Response(CommentSerializer(rows, many=True).data)

    @extend_schema(request=SayingSerializer, responses={201: CommentSerializer})
    def post(self, request: Request, pk: str, number: int) -> Response:
        task, values = task_of(request, pk, number), given(SayingSerializer, request)
        thread = fetch_for(request.user, REVIEW, Comment, values["thread"], task=task.pk) if values["thread"] else None
        said = comments.say(actor=request.user, task=task, text=values["text"], thread=thread)
        return Response(CommentSerializer(said).data, status=status.HTTP_201_CREATED)


class Settle(APIView):
    """Settle a thread, or open it again."""

    @extend_schema(request=SettleSerializer, responses=CommentSerializer)
    def post(self, request: Request, pk: str) -> Response:
        thread = fetch_for(request.user, REVIEW, Comment, pk)
        comments.settle(actor=request.user, thread=thread, is_settled=given(SettleSerializer, request)["settled"])
        thread.refresh_from_db()
        return Response(CommentSerializer(thread).data)


class Golds(IdempotentPosts, APIView):
    """Gold tasks; POST makes a task gold, by its accepted answer or by the `result` that you send."""

    @extend_schema(responses=GoldSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        rows = Gold.objects.filter(project=project_of(request, pk)).select_related("task").order_by("task__number")
        return Response(GoldSerializer(rows, many=True).data)

    @extend_schema(request=NewGoldSerializer, responses={201: GoldSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        values = given(NewGoldSerializer, request)
        task = showing.task_or_404(project, values["number"])
        made = deciding.make_gold(
            actor=request.user, task=task, result=values["result"], explanation=values["explanation"]
        )
        return Response(GoldSerializer(made).data, status=status.HTTP_201_CREATED)


class GoldDetail(APIView):
    """Take the gold mark from a task."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str, number: int) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        gold.unmark(actor=request.user, task=showing.task_or_404(project, number))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AgreementDoor(APIView):
    """How well people agree: each question with its interval and what is mixed up, each person, each pair."""

    @extend_schema(responses=FiguresSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(showing.figures_as_dict(figures.figures(project_of(request, pk))))


class People(APIView):
    """What each person did."""

    @extend_schema(parameters=[OpenApiParameter("as", enum=["json", "csv"])], responses=ReportSerializer(many=True))
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        project = project_of(request, pk)
        if request.query_params.get("as") == "csv":
            return csv_of(project)
        return Response([one.as_dict() for one in reports.everybody(project)])


def csv_of(project: LabelProject) -> StreamingHttpResponse:
    name = {"Content-Disposition": 'attachment; filename="people.csv"'}
    return StreamingHttpResponse(list(reports.as_csv(project)), content_type="text/csv; charset=utf-8", headers=name)


class OwnReport(APIView):
    """Your own report. It tells nothing of others; how you compare with them only once the project is closed."""

    @extend_schema(responses=ReportSerializer)
    def get(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.annotate", LabelProject, pk)
        return Response(reports.own(project, request.user).as_dict())


class LiftHold(APIView):
    """Let a person label again whom gold stopped."""

    @extend_schema(request=LiftSerializer, responses={204: None})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        held = project.holds.filter(annotator=given(LiftSerializer, request)["annotator"]).first()
        if held is None:
            raise Problem(_("This person is not on hold."), field="annotator")
        answered.lift_hold(actor=request.user, project=project, person=held.annotator)
        return Response(status=status.HTTP_204_NO_CONTENT)
