"""Doors to reports and rounds for programs. Those of raters are in apps.evaluation.rating_api."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for, require
from apps.core.errors import Conflict, Problem
from apps.core.idempotency import IdempotentPosts
from apps.evaluation import finding, listing, reports, services
from apps.evaluation.models import MetricReport, Round
from apps.evaluation.serializers import (
    ChangeRoundSerializer,
    CloseRoundSerializer,
    MetricReportSerializer,
    NewReportSerializer,
    NewRoundSerializer,
    NextRoundSerializer,
    RoundSerializer,
)

MANAGE = "evaluation.manage"


@extend_schema(
    parameters=[OpenApiParameter("checkpoint", OpenApiTypes.UUID), *listing.REPORTS.parameters()], methods=["GET"]
)
class MetricReports(IdempotentPosts, generics.ListAPIView[MetricReport]):
    """Reports of your workspaces, newest first; measure a checkpoint beside its base model."""

    serializer_class = MetricReportSerializer

    def get_queryset(self) -> QuerySet[MetricReport]:
        rows: QuerySet[MetricReport] = MetricReport.objects.visible_to(self.request.user).select_related("job")
        wanted = self.request.query_params.get("checkpoint", "")
        rows = rows.filter(checkpoint=finding.checkpoint(self.request.user, wanted)) if wanted else rows
        return listing.REPORTS.narrow(rows, self.request.query_params)

    @extend_schema(request=NewReportSerializer, responses={201: MetricReportSerializer})
    def post(self, request: Request) -> Response:
        values = _checked(NewReportSerializer(data=request.data))
        checkpoint = finding.checkpoint(request.user, values.pop("checkpoint"))
        require(request.user, MANAGE, checkpoint.workspace)
        if "dataset_version" in values:
            values["dataset_version"] = finding.version(request.user, values["dataset_version"])
        report = services.create_report(actor=request.user, checkpoint=checkpoint, **values)
        return Response(MetricReportSerializer(report).data, status=status.HTTP_201_CREATED)


class MetricReportDetail(APIView):
    """A report with its figures, once its job has succeeded."""

    @extend_schema(responses=MetricReportSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(MetricReportSerializer(fetch_for(request.user, "evaluation.view", MetricReport, pk)).data)


class MetricReportRows(APIView):
    """The answers of both models to every row, the worst of the checkpoint first."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: str) -> Response:
        report = fetch_for(request.user, "evaluation.view", MetricReport, pk)
        if reports.are_rows_hidden(report, request.user):
            raise Conflict(
                _("You rate answers of this checkpoint in an open round."), code="blind", hint=_("Close it first.")
            )
        return Response({"results": reports.rows_of(report, reports.MOST_SHOWN), "next": None})


@extend_schema(parameters=listing.ROUNDS.parameters(), methods=["GET"])
class Rounds(IdempotentPosts, generics.ListAPIView[Round]):
    """Rounds of your workspaces, newest first; make a draft of one."""

    serializer_class = RoundSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "user": self.request.user}

    def get_queryset(self) -> QuerySet[Round]:
        rows: QuerySet[Round] = Round.objects.visible_to(self.request.user)
        user = self.request.user
        return listing.ROUNDS.narrow(rows, self.request.query_params, listing.rounds_with(user))

    @extend_schema(request=NewRoundSerializer, responses={201: RoundSerializer})
    def post(self, request: Request) -> Response:
        values = _checked(NewRoundSerializer(data=request.data))
        chosen = finding.checkpoints(request.user, values["checkpoints"])
        if not chosen:
            raise Problem(_("A round is about one checkpoint or two different ones."), field="checkpoints")
        workspace = require(request.user, MANAGE, chosen[0].workspace)
        values.setdefault("dataset_version", chosen[0].run.dataset_version_id)
        values["rubric_given"] = values.pop("rubric", None)
        found = finding.values_of(request.user, workspace, values)
        return _shown(request, services.create_round(actor=request.user, workspace=workspace, **found), 201)


class RoundDetail(APIView):
    """A round; PATCH changes a draft."""

    @extend_schema(responses=RoundSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return _shown(request, _round(request, "", pk))

    @extend_schema(request=ChangeRoundSerializer, responses=RoundSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        round = _round(request, MANAGE, pk)
        values = finding.values_of(request.user, round.workspace, _checked(ChangeRoundSerializer(data=request.data)))
        return _shown(request, services.edit_round(actor=request.user, round=round, **values))


class OpenRound(IdempotentPosts, APIView):
    """Have the answers made; what is rated, how, and by whom is fixed from then on."""

    @extend_schema(request=None, responses=RoundSerializer)
    def post(self, request: Request, pk: str) -> Response:
        return _shown(request, services.open_round(actor=request.user, round=_round(request, MANAGE, pk)))


class CancelRound(APIView):
    """End a round without a verdict."""

    @extend_schema(request=None, responses=RoundSerializer)
    def post(self, request: Request, pk: str) -> Response:
        return _shown(request, services.cancel_round(actor=request.user, round=_round(request, MANAGE, pk)))


class CloseRound(IdempotentPosts, APIView):
    """Compute agreement and decide by the gate that was fixed before."""

    @extend_schema(request=CloseRoundSerializer, responses=RoundSerializer)
    def post(self, request: Request, pk: str) -> Response:
        round, given = _round(request, MANAGE, pk), _checked(CloseRoundSerializer(data=request.data))
        return _shown(request, services.close_round(actor=request.user, round=round, early=given["early"]))


class NextRound(IdempotentPosts, APIView):
    """A draft that follows a closed round, with its rubric, raters and gate and a fresh sample."""

    @extend_schema(request=NextRoundSerializer, responses={201: RoundSerializer})
    def post(self, request: Request, pk: str) -> Response:
        round, given = _round(request, MANAGE, pk), _checked(NextRoundSerializer(data=request.data))
        chosen = finding.checkpoints(request.user, given["checkpoints"]) if "checkpoints" in given else None
        return _shown(request, services.next_round(actor=request.user, round=round, checkpoints=chosen), 201)


def _round(request: Request, capability: str, pk: str) -> Round:
    """With a capability, or (without) for whoever may see it."""
    if capability:
        return fetch_for(request.user, capability, Round, pk)
    return fetch_for(request.user, "workspace.view", Round, pk)


def _checked(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _shown(request: Request, round: Round, code: int = 200) -> Response:
    return Response(RoundSerializer(round, context={"user": request.user}).data, status=code)
