"""Doors to rollouts for programs."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.idempotency import IdempotentPosts
from apps.core.parsers import NumberNamingParser
from apps.rollout import finding, listing, services
from apps.rollout.models import Rollout
from apps.rollout.serializers import (
    NewRolloutSerializer,
    RolloutDetailSerializer,
    RolloutNoteSerializer,
    RolloutSerializer,
    ShareSerializer,
    WhySerializer,
)

START_WITH = 0.1


@extend_schema(parameters=[OpenApiParameter("name"), *listing.ROLLOUTS.parameters()], methods=["GET"])
class Rollouts(IdempotentPosts, generics.ListAPIView[Rollout]):
    """Rollouts of your workspaces, newest first; make one of two deployments."""

    serializer_class = RolloutSerializer
    parser_classes = [NumberNamingParser]

    def get_queryset(self) -> QuerySet[Rollout]:
        rows: QuerySet[Rollout] = Rollout.objects.visible_to(self.request.user).prefetch_related("arms__deployment")
        name = self.request.query_params.get("name", "")
        if not name.isprintable():
            return rows.none()
        rows = rows.filter(name=name) if name else rows
        return listing.ROLLOUTS.narrow(rows, self.request.query_params)

    @extend_schema(request=NewRolloutSerializer, responses={201: RolloutDetailSerializer})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "rollout.manage", current_workspace(request))
        given = NewRolloutSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        made = services.create_rollout(
            actor=request.user,
            workspace=workspace,
            name=values["name"],
            control=finding.deployment_of(workspace, values["control"], "control"),
            candidate=finding.deployment_of(workspace, values["candidate"], "candidate"),
            share=finding.asked_share(values, START_WITH),
            seed=values["seed"],
        )
        return Response(RolloutDetailSerializer(made).data, status=status.HTTP_201_CREATED)


class RolloutDetail(APIView):
    """A rollout with the figures of its arms."""

    @extend_schema(responses=RolloutDetailSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(RolloutDetailSerializer(fetch_for(request.user, "rollout.view", Rollout, pk)).data)


class Step(IdempotentPosts, APIView):
    """On, off, or stopped at once."""

    capability = "rollout.manage"
    verb: Any = None

    @extend_schema(request=RolloutNoteSerializer, responses=RolloutDetailSerializer)
    def post(self, request: Request, pk: str) -> Response:
        rollout = fetch_for(request.user, self.capability, Rollout, pk)
        given = RolloutNoteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        done: Rollout = type(self).verb(actor=request.user, rollout=rollout, **given.validated_data)
        return Response(RolloutDetailSerializer(done).data)


class StartRollout(Step):
    """On: the share of users gets the candidate. Takes back a pause or a stop."""

    verb = staticmethod(services.start_rollout)


class PauseRollout(Step):
    """Off for now: everybody gets the control."""

    verb = staticmethod(services.pause_rollout)


class StopRollout(Step):
    """The kill switch: everybody gets the control from the next request on, on every process."""

    capability = "rollout.stop"
    verb = staticmethod(services.stop_rollout)


class Share(IdempotentPosts, APIView):
    """Change the candidate's share; nobody who is compared leaves an arm."""

    parser_classes = [NumberNamingParser]

    @extend_schema(request=ShareSerializer, responses=RolloutDetailSerializer)
    def post(self, request: Request, pk: str) -> Response:
        rollout = fetch_for(request.user, "rollout.manage", Rollout, pk)
        given = ShareSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        share = finding.asked_share(given.validated_data)
        services.set_share(actor=request.user, rollout=rollout, share=share, note=given.validated_data["note"])
        return Response(RolloutDetailSerializer(rollout).data)


class Why(APIView):
    """Which arm a user or session gets, and every step that leads there. Asking assigns nobody."""

    @extend_schema(parameters=[OpenApiParameter("unit")], responses=WhySerializer)
    def get(self, request: Request, pk: str) -> Response:
        rollout = fetch_for(request.user, "rollout.view", Rollout, pk)
        return Response(WhySerializer(services.explain(rollout, request.query_params.get("unit", ""))).data)
