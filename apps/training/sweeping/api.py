"""Doors to sweeps for programs."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for, require
from apps.core.idempotency import IdempotentPosts
from apps.core.parsers import NumberNamingParser
from apps.training.api import find_base_model, find_version
from apps.training.models import Sweep
from apps.training.sweeping import services
from apps.training.sweeping.serializers import NewSweepSerializer, SweepSerializer, TrialSerializer


class Sweeps(IdempotentPosts, generics.ListAPIView[Sweep]):
    """Sweeps of your workspaces, newest first; begin one."""

    serializer_class = SweepSerializer
    parser_classes = [NumberNamingParser]

    def get_queryset(self) -> QuerySet[Sweep]:
        rows: QuerySet[Sweep] = Sweep.objects.visible_to(self.request.user)
        return rows

    @extend_schema(request=NewSweepSerializer, responses={201: SweepSerializer})
    def post(self, request: Request) -> Response:
        given = NewSweepSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        version = find_version(request, values.pop("dataset_version"))
        workspace = require(request.user, "training.launch", version.workspace)
        model = find_base_model(workspace, values.pop("base_model"))
        common: dict[str, Any] = {"actor": request.user, "workspace": workspace, "base_model": model}
        sweep = services.begin(**common, dataset_version=version, values=values)
        return Response(SweepSerializer(sweep).data, status=status.HTTP_201_CREATED)


class SweepDetail(APIView):
    """One sweep."""

    @extend_schema(responses=SweepSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(SweepSerializer(fetch_for(request.user, "training.view", Sweep, pk)).data)


class SweepTrials(APIView):
    """Its trials, by number."""

    @extend_schema(responses=TrialSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        sweep = fetch_for(request.user, "training.view", Sweep, pk)
        return Response({"results": TrialSerializer(sweep.trials.all(), many=True).data, "next": None})


def _answer(request: Request, pk: str, capability: str, verb: Callable[..., Sweep]) -> Response:
    sweep = fetch_for(request.user, capability, Sweep, pk)
    return Response(SweepSerializer(verb(actor=request.user, sweep=sweep)).data)


class PauseSweep(APIView):
    """Launch no new trial until it is resumed."""

    @extend_schema(request=None, responses=SweepSerializer)
    def post(self, request: Request, pk: str) -> Response:
        return _answer(request, pk, "training.stop", services.pause)


class ResumeSweep(IdempotentPosts, APIView):
    """Go on with a paused sweep."""

    @extend_schema(request=None, responses=SweepSerializer)
    def post(self, request: Request, pk: str) -> Response:
        return _answer(request, pk, "training.launch", services.resume)


class CancelSweep(APIView):
    """End a sweep and its running trials."""

    @extend_schema(request=None, responses=SweepSerializer)
    def post(self, request: Request, pk: str) -> Response:
        return _answer(request, pk, "training.stop", services.cancel)
