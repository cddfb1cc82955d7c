"""Doors to the order of jobs: pause, resume, priority, place, dependencies, drain, and what waits for what."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import current_workspace, fetch_for, require
from apps.core.errors import Problem
from apps.jobs import depending, draining, holding, ordering, quota, waiting
from apps.jobs.api import JobSerializer
from apps.jobs.models import QUEUES, Allowance, Dependency, Job, Slot


class HoldSerializer(serializers.Serializer[Any]):
    why = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class PrioritySerializer(serializers.Serializer[Any]):
    priority = serializers.IntegerField(help_text="-100 to 100; low -10, normal 0, high 10")


class JobPlaceSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=0, help_text="0 is the first of the workspace's waiting jobs")


class AfterSerializer(serializers.Serializer[Any]):
    job = serializers.UUIDField(help_text="the job to wait for")
    condition = serializers.ChoiceField(choices=Dependency.CONDITIONS, required=False, default="success")
    if_failed = serializers.ChoiceField(choices=Dependency.FALLBACKS, required=False, default="cancel")


class DrainSerializer(HoldSerializer):
    slot = serializers.CharField(max_length=200, help_text="its name, as `queue/` tells it")
    at_once = serializers.BooleanField(required=False, default=False, help_text="what runs there saves and goes back")


class AllowanceSerializer(serializers.ModelSerializer[Allowance]):
    class Meta:
        model = Allowance
        fields = ["weight", "minutes", "beyond", "ends_running"]


class SlotSerializer(serializers.ModelSerializer[Slot]):
    class Meta:
        model = Slot
        fields = ["name", "queue", "host", "device", "seen_at", "drained_at", "drained_why"]


class WaitingSerializer(serializers.Serializer[Any]):
    job = JobSerializer()
    reason = serializers.CharField()
    starts_in_s = serializers.FloatField(allow_null=True)


class MinutesSerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.FloatField()
    held = serializers.FloatField(help_text="that running jobs will still need, as far as they say so")
    renews_at = serializers.DateTimeField()


class QueueSerializer(serializers.Serializer[Any]):
    slots = SlotSerializer(many=True)
    waiting = WaitingSerializer(many=True)
    paused = serializers.BooleanField()
    minutes = MinutesSerializer()


def _given(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _job(request: Request, pk: Any) -> Job:
    return fetch_for(request.user, "jobs.cancel", Job, pk)


class PauseJob(APIView):
    """Keep a waiting job back; a running one saves and gives its slot back. Asked twice, it answers the same."""

    @extend_schema(request=HoldSerializer, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        job = _job(request, pk)
        return Response(
            JobSerializer(holding.hold(actor=request.user, job=job, **_given(HoldSerializer, request))).data
        )


class ResumeJob(APIView):
    """Let a paused job go on from its checkpoint."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        return Response(JobSerializer(holding.release(actor=request.user, job=_job(request, pk))).data)


class JobPriority(APIView):
    """Before or behind the others of its workspace."""

    @extend_schema(request=PrioritySerializer, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        job = _job(request, pk)
        return Response(
            JobSerializer(
                ordering.set_priority(actor=request.user, job=job, **_given(PrioritySerializer, request))
            ).data
        )


class MoveJob(APIView):
    """Another place among the workspace's waiting jobs."""

    @extend_schema(request=JobPlaceSerializer, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        job = _job(request, pk)
        return Response(
            JobSerializer(ordering.move_to(actor=request.user, job=job, **_given(JobPlaceSerializer, request))).data
        )


class JobAfter(APIView):
    """Let a job wait for another one; DELETE lets it wait no more."""

    @extend_schema(request=AfterSerializer, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        job, given = _job(request, pk), _given(AfterSerializer, request)
        depending.add(actor=request.user, job=job, on=_job(request, given.pop("job")), **given)
        return Response(JobSerializer(job).data)

    @extend_schema(request=AfterSerializer, responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        job = _job(request, pk)
        depending.remove(actor=request.user, job=job, on=_job(request, _given(AfterSerializer, request)["job"]))
        return Response(status=204)


class Queue(APIView):
    """What waits for what in your workspace, the slots, and the GPU-minutes of the month."""

    @extend_schema(responses=QueueSerializer)
    def get(self, request: Request) -> Response:
        workspace = require(request.user, "jobs.view", current_workspace(request))
        names = [name for name, _label in QUEUES]
        slots = [slot for name in names for slot in waiting.slots_of(name).order_by("name")]
        paused = Allowance.objects.filter(workspace=workspace).exclude(paused_at=None).exists()
        found = {
            "slots": slots,
            "waiting": waiting.lines(workspace),
            "paused": paused,
            "minutes": quota.standing(workspace),
        }
        return Response(QueueSerializer(found).data)


class PauseQueue(APIView):
    """Let no waiting job of your workspace begin; what runs goes on. DELETE lets them begin again."""

    @extend_schema(request=HoldSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        workspace = require(request.user, "jobs.manage", current_workspace(request))
        holding.pause_queue(actor=request.user, workspace=workspace, **_given(HoldSerializer, request))
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        workspace = require(request.user, "jobs.manage", current_workspace(request))
        holding.resume_queue(actor=request.user, workspace=workspace)
        return Response(status=204)


class QueueRule(APIView):
    """Weight and monthly GPU-minutes of your workspace, for who looks after the installation."""

    @extend_schema(request=AllowanceSerializer, responses=AllowanceSerializer)
    def put(self, request: Request) -> Response:
        workspace = require(request.user, "jobs.manage", current_workspace(request))
        _require_keeper(request)
        given = _given(AllowanceSerializer, request)
        return Response(AllowanceSerializer(quota.set_rule(actor=request.user, workspace=workspace, **given)).data)


class DrainSlot(APIView):
    """Let a slot take nothing new; DELETE opens it again. For who looks after the installation."""

    @extend_schema(request=DrainSerializer, responses=SlotSerializer)
    def post(self, request: Request) -> Response:
        _require_keeper(request)
        given = _given(DrainSerializer, request)
        slot = _slot(given.pop("slot"))
        return Response(SlotSerializer(draining.drain(actor=request.user, slot=slot, **given)).data)

    @extend_schema(request=DrainSerializer, responses=SlotSerializer)
    def delete(self, request: Request) -> Response:
        _require_keeper(request)
        slot = _slot(_given(DrainSerializer, request)["slot"])
        return Response(SlotSerializer(draining.undrain(actor=request.user, slot=slot)).data)


def _require_keeper(request: Request) -> None:
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied(_("Only who looks after the installation may do this."))


def _slot(name: str) -> Slot:
    found: Slot | None = Slot.objects.filter(name=name).first()
    if found is None:
        raise Problem(_("There is no slot of this name."), field="slot", hint="GET /api/v1/queue/", code="not_found")
    return found
