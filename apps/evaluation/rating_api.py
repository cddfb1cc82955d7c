"""Doors of raters, and to what came out once a round is closed. Before that nobody gets another person's scores here."""

import json
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Conflict, Problem
from apps.evaluation import exports, rating
from apps.evaluation.models import Rating, Round, RoundStatus
from apps.evaluation.serializers import ClosedSerializer, NewRatingSerializer, RatingSerializer


class RoundItems(APIView):
    """What you are to rate, in your own order, with your own scores."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: str) -> Response:
        round = fetch_for(request.user, "evaluation.rate", Round, pk)
        rater = rating.rater_of(round, request.user)
        if round.status != RoundStatus.RATING:
            raise Conflict(_("This round is not open for rating."), code="round_not_open")
        return Response({"results": rating.seen_by(round, rater), "next": None})


class Ratings(APIView):
    """Your ratings of an open round; of a closed one everybody's. POST keeps what you say of one item; sent twice it changes nothing."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: str) -> Response:
        round = fetch_for(request.user, "workspace.view", Round, pk)
        rows = Rating.objects.filter(item__round=round).select_related("rater__user")
        if round.status != RoundStatus.CLOSED:
            rows = rows.filter(rater=rating.rater_of(round, request.user))
        return Response({"results": [exports.rating_as_dict(row) for row in rows.order_by("created_at")], "next": None})

    @extend_schema(request=NewRatingSerializer, responses={200: RatingSerializer})
    def post(self, request: Request, pk: str) -> Response:
        round = fetch_for(request.user, "evaluation.rate", Round, pk)
        given = NewRatingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = rating.record_rating(actor=request.user, round=round, **given.validated_data)
        return Response(RatingSerializer(row).data, status=status.HTTP_200_OK)


class Agreement(APIView):
    """Agreement, means and verdict of a closed round."""

    @extend_schema(responses={200: ClosedSerializer})
    def get(self, request: Request, pk: str) -> Response:
        round = closed(fetch_for(request.user, "workspace.view", Round, pk))
        return Response({"outcome": round.outcome, **round.result})


@extend_schema(parameters=[OpenApiParameter("as", enum=["json", "csv"])], responses={200: OpenApiTypes.BINARY})
class ExportRound(APIView):
    """The evidence of a closed round: everything as JSON, or a row for each rating as CSV."""

    def get(self, request: Request, pk: str) -> Any:
        round = closed(fetch_for(request.user, "workspace.view", Round, pk))
        kind = request.query_params.get("as", "json")
        if kind not in ("json", "csv"):
            raise Problem(_("There is no such format."), field="as", hint="json, csv")
        return export(round, kind)


def closed(round: Round) -> Round:
    """Raises Conflict while a round is not closed: nobody sees figures before the end."""
    if round.status != RoundStatus.CLOSED:
        raise Conflict(_("This round is not closed; nobody sees its scores before."), code="round_not_closed")
    return round


def export(round: Round, kind: str) -> Any:
    """A download of a closed round."""
    name = {"Content-Disposition": f'attachment; filename="round-{round.number}.{kind}"'}
    if kind == "csv":
        return StreamingHttpResponse(exports.as_csv(round), content_type="text/csv; charset=utf-8", headers=name)
    content = json.dumps(exports.as_dict(round), ensure_ascii=False, indent=1)
    return HttpResponse(content, content_type="application/json", headers=name)
