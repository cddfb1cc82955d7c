"""Doors to chats for programs and for the chat page."""

import time
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Conflict, Problem
from apps.core.idempotency import IdempotentPosts
from apps.training import chat
from apps.training.api import find_base_model
from apps.training.models import Checkpoint, Turn
from apps.training.serializers import QuestionSerializer, TurnSerializer

GENERATE_WAIT = 60.0  # seconds a program waits for an answer before it is told where to look
LOOK_EVERY = 0.2


class TurnQuestionSerializer(QuestionSerializer):
    checkpoint = serializers.UUIDField(required=False)
    base_model = serializers.CharField(
        required=False, max_length=120, help_text="id or slug, to ask a base model alone"
    )


def _question(request: Request, serializer: type[QuestionSerializer] = QuestionSerializer) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _ask(request: Request, checkpoint: Checkpoint, values: dict[str, Any]) -> Turn:
    base = checkpoint.run.base_model
    return chat.ask(
        actor=request.user, workspace=checkpoint.workspace, base_model=base, checkpoint=checkpoint, **values
    )


class Generate(IdempotentPosts, APIView):
    """Ask a checkpoint. 200 with its answer; 202 with the turn to look at where it takes longer than a minute, where
    `?wait=0` says not to wait, and with an Idempotency-Key (whose answer must be known at once)."""

    @extend_schema(
        request=QuestionSerializer,
        parameters=[OpenApiParameter("wait", enum=["0"])],
        responses={200: TurnSerializer, 202: TurnSerializer},
    )
    def post(self, request: Request, pk: str) -> Response:
        checkpoint = fetch_for(request.user, "training.chat", Checkpoint, pk)
        turn = _ask(request, checkpoint, {"sides": ["tuned"], **_question(request)})
        if request.query_params.get("wait") != "0" and not connection.in_atomic_block:
            turn = wait_for(turn)
        if turn.problem:
            raise (Problem if turn.error else Conflict)(turn.problem, code="no_answer")
        code = status.HTTP_200_OK if turn.is_done else status.HTTP_202_ACCEPTED
        place = {"Location": request.build_absolute_uri(f"/api/v1/turns/{turn.pk}/")}
        return Response(TurnSerializer(turn).data, status=code, headers=place)


def wait_for(turn: Turn) -> Turn:
    """The turn once it is done, failed, or a minute old. Sleeps in this request's own thread; the event loop goes on."""
    until = time.monotonic() + GENERATE_WAIT
    while not (turn.is_done or turn.problem) and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
        turn = Turn.objects.select_related("job").get(pk=turn.pk)
    return turn


class Turns(IdempotentPosts, generics.ListAPIView[Turn]):
    """Your own turns, newest first. POST: one question to a checkpoint and its base, or to a base model alone; the answer is
    written into the turn word by word."""

    serializer_class = TurnSerializer

    def get_queryset(self) -> QuerySet[Turn]:
        rows: QuerySet[Turn] = Turn.objects.visible_to(self.request.user).filter(created_by_id=self.request.user.pk)
        if pk := self.request.query_params.get("checkpoint"):
            checkpoint = fetch_for(self.request.user, "training.view", Checkpoint, pk)
            rows = rows.filter(checkpoint=checkpoint)
        return rows.select_related("job")

    @extend_schema(request=TurnQuestionSerializer, responses={201: TurnSerializer})
    def post(self, request: Request) -> Response:
        values = _question(request, TurnQuestionSerializer)
        pk, named = values.pop("checkpoint", None), values.pop("base_model", None)
        if pk is not None:
            turn = _ask(request, fetch_for(request.user, "training.chat", Checkpoint, pk), values)
        elif named is not None:
            workspace = require(request.user, "training.chat", current_workspace(request))
            base = find_base_model(workspace, named)
            turn = chat.ask(actor=request.user, workspace=workspace, base_model=base, checkpoint=None, **values)
        else:
            raise Problem(_("Name a checkpoint, or a base model."), field="checkpoint")
        return Response(TurnSerializer(turn).data, status=status.HTTP_201_CREATED)


class TurnDetail(APIView):
    """A question and its answers so far."""

    @extend_schema(responses=TurnSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(TurnSerializer(fetch_for(request.user, "training.view", Turn, pk)).data)


class StopTurn(APIView):
    """End an answer where it stands."""

    @extend_schema(request=None, responses=TurnSerializer)
    def post(self, request: Request, pk: str) -> Response:
        turn = fetch_for(request.user, "training.chat", Turn, pk)
        chat.stop_answer(turn=turn)
        return Response(TurnSerializer(turn).data)
