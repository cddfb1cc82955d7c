"""Doors to feedback for programs."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.datasets.models import Dataset, DatasetVersion
from apps.feedback import finding, saying, services
from apps.feedback.models import Signal, Status, Thumbs
from apps.feedback.serializers import (
    ChosenSerializer,
    FeedbackSerializer,
    HarvestedSerializer,
    HarvestSerializer,
    MovedSerializer,
    SendSerializer,
    SentSerializer,
    SignalSerializer,
    TrainSerializer,
)
from apps.labeling.models import LabelProject
from apps.serving.models import Exchange
from apps.training.serializers import RunSerializer

NARROWING = [
    OpenApiParameter("status", enum=Status.values),
    OpenApiParameter("thumbs", enum=Thumbs.values),
    OpenApiParameter("arm", description="rollout/arm; - for answers that no rollout chose"),
    OpenApiParameter("q", description="words in the answer, the correction or the comment"),
]


@extend_schema(parameters=NARROWING, methods=["GET"])
class Feedback(IdempotentPosts, generics.ListAPIView[Signal]):
    """Feedback of the workspace, newest first; give some."""

    serializer_class = SignalSerializer

    def get_queryset(self) -> QuerySet[Signal]:
        workspace = require(self.request.user, "feedback.view", current_workspace(self.request))
        wanted = finding.Wanted.strictly(self.request.query_params)
        return wanted.narrow(finding.signals_of(self.request.user, workspace))

    @extend_schema(request=FeedbackSerializer, responses={200: SignalSerializer, 201: SignalSerializer})
    def post(self, request: Request) -> Response:
        """201 the first time, 200 when the same user's feedback on this answer changed."""
        said = _body(request)
        exchange = _exchange(request, said)
        signal, is_new = services.give_feedback(
            actor=request.user, exchange=exchange, said=said, user=said.get("user") or ""
        )
        created = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(SignalSerializer(signal).data, status=created)


def _body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise Problem(_("Send an object with exchange and thumbs, score, correction or comment."))
    return dict(request.data.items())


def _exchange(request: Request, said: dict[str, Any]) -> Exchange:
    """The exchange meant, where the caller may give feedback. Raises Problem."""
    require(request.user, "feedback.give", current_workspace(request))
    rows = Exchange.objects.visible_to(request.user, "feedback.give").filter(
        pk=saying.exchange_id(said.get("exchange"))
    )
    exchange: Exchange | None = rows.select_related("deployment").first()
    if exchange is None:
        raise saying.NoSuchExchange(_("There is no such answer in this workspace."), field="exchange")
    return exchange


class SignalDetail(APIView):
    """One piece of feedback."""

    @extend_schema(responses=SignalSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(SignalSerializer(fetch_for(request.user, "feedback.view", Signal, pk)).data)


def _checked(request: Request, form: type[Serializer[Any]]) -> dict[str, Any]:
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def chosen(user: Any, ids: Sequence[Any]) -> list[Signal]:
    """The signals, all of which the person may sort. Raises Problem for one that there is not."""
    wanted = dict.fromkeys(ids)
    rows = Signal.objects.visible_to(user, "feedback.triage").filter(pk__in=wanted)
    found = list(rows.select_related("exchange__deployment", "workspace"))
    if len(found) < len(wanted):
        raise Problem(_("One of these signals is not in your workspaces."), field="signals", code="not_found")
    return found


def _one_of(rows: Any, pk: Any, field: str) -> Any:
    """The row meant in a body. Raises Problem."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Problem(
            _("There is no such %(what)s in your workspaces.") % {"what": field}, field=field, code="not_found"
        )
    return found


class SendSignals(IdempotentPosts, APIView):
    """Send feedback to labeling: each new signal becomes a task "improve the answer", once."""

    @extend_schema(request=SendSerializer, responses={201: SentSerializer})
    def post(self, request: Request) -> Response:
        require(request.user, "feedback.triage", current_workspace(request))
        given = _checked(request, SendSerializer)
        signals, project = chosen(request.user, given["signals"]), None
        if given.get("project"):
            project = _one_of(
                LabelProject.objects.visible_to(request.user, "labeling.manage"), given["project"], "project"
            )
        new = sum(signal.status == Status.NEW for signal in signals)
        made = services.send_to_labeling(actor=request.user, signals=signals, project=project, name=given["name"])
        answer = {"project": made.pk, "url": made.get_absolute_url(), "sent": new, "skipped": len(signals) - new}
        return Response(SentSerializer(answer).data, status=status.HTTP_201_CREATED)


class DismissSignals(IdempotentPosts, APIView):
    """Put new feedback aside."""

    @extend_schema(request=ChosenSerializer, responses=MovedSerializer)
    def post(self, request: Request) -> Response:
        require(request.user, "feedback.triage", current_workspace(request))
        signals = chosen(request.user, _checked(request, ChosenSerializer)["signals"])
        return Response({"moved": services.dismiss(actor=request.user, signals=signals)})


class HarvestSignals(IdempotentPosts, APIView):
    """Praised answers become rows of a dataset's next version."""

    @extend_schema(request=HarvestSerializer, responses={201: HarvestedSerializer})
    def post(self, request: Request) -> Response:
        require(request.user, "feedback.triage", current_workspace(request))
        given = _checked(request, HarvestSerializer)
        dataset = _one_of(Dataset.objects.visible_to(request.user, "datasets.edit"), given["dataset"], "dataset")
        signals = chosen(request.user, given["signals"])
        version = services.harvest_good(actor=request.user, signals=signals, dataset=dataset)
        answer = {"dataset_version": version.pk, "name": str(version), "url": version.get_absolute_url()}
        return Response(HarvestedSerializer(answer).data, status=status.HTTP_201_CREATED)


class TrainAgain(IdempotentPosts, APIView):
    """Launch the run that served the answers again, on the version made of their feedback."""

    @extend_schema(request=TrainSerializer, responses={201: RunSerializer})
    def post(self, request: Request) -> Response:
        require(request.user, "training.launch", current_workspace(request))
        given = _checked(request, TrainSerializer)
        rows = DatasetVersion.objects.visible_to(request.user, "training.launch").select_related("dataset")
        version = _one_of(rows, given["dataset_version"], "dataset_version")
        reason = given["quality_override"]
        run = services.train_again(actor=request.user, version=version, name=given["name"], quality_override=reason)
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)
