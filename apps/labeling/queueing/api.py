"""Doors to the queue for programs: settings of a project, parts of people, priorities, flags, the making of tasks."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.accounts.models import User
from apps.core.errors import Problem
from apps.core.idempotency import IdempotentPosts
from apps.labeling.models import Assignment, LabelProject, Share, TaskOrder
from apps.labeling.queueing import answering, filling, settings
from apps.labeling.serializers import ProjectSerializer


class SettingsSerializer(serializers.ModelSerializer[LabelProject]):
    order = serializers.ChoiceField(choices=TaskOrder.choices)

    class Meta:
        model = LabelProject
        fields = [*settings.CHECKS]


class PartSerializer(serializers.ModelSerializer[Share]):
    person = serializers.EmailField(source="annotator.email", read_only=True)
    name = serializers.CharField(source="annotator.name", read_only=True)

    class Meta:
        model = Share
        fields = ["person", "name", "submitted", "skipped", *settings.PART_CHECKS]
        read_only_fields = ["submitted", "skipped"]


class FlagSerializer(serializers.Serializer[Any]):
    flagged = serializers.BooleanField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class PrioritiesSerializer(serializers.Serializer[Any]):
    priorities = serializers.DictField(
        child=serializers.FloatField(), help_text='{"12": 0.9}: number of a task, priority.'
    )


def _read(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


class Settings(APIView):
    """How a project hands out its tasks: order, people a task, quotas, deadline, who may label. PATCH changes what it names."""

    @extend_schema(responses=SettingsSerializer)
    def get(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.view", LabelProject, pk)
        return Response(SettingsSerializer(project).data)

    @extend_schema(request=SettingsSerializer, responses=SettingsSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        values = _read(SettingsSerializer(data=request.data, partial=True))
        changed = settings.change_settings(actor=request.user, project=project, **values)
        return Response(SettingsSerializer(changed).data)


class Members(APIView):
    """People of a project: quotas, pauses and ranges of tasks kept for them."""

    @extend_schema(operation_id="label_members_list", responses=PartSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        parts = [share or Share(project=project, annotator=person) for person, share in settings.labellers(project)]
        return Response({"results": PartSerializer(parts, many=True).data, "next": None})


class Member(APIView):
    """One person's part, by e-mail address."""

    @extend_schema(request=PartSerializer, responses=PartSerializer)
    def patch(self, request: Request, pk: str, person: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        values = _read(PartSerializer(data=request.data, partial=True))
        found = next((one for one, _share in settings.labellers(project) if one.email == person.lower()), None)
        if found is None:
            raise Problem("Nobody with this address labels in this workspace.", field="person", code="not_found")
        share = settings.change_part(actor=request.user, project=project, person=found, **values)
        return Response(PartSerializer(share).data)


class Priorities(IdempotentPosts, APIView):
    """Which tasks come first, where the project's order is by priority: uncertain ones, or those of feedback."""

    @extend_schema(request=PrioritiesSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        given = _read(PrioritiesSerializer(data=request.data))["priorities"]
        if not all(name.isascii() and name.isdigit() and len(name) < 9 for name in given) or len(given) > 10_000:
            raise Problem("Name at most 10,000 tasks by their numbers.", field="priorities")
        numbers = {int(name): value for name, value in given.items()}
        return Response({"count": settings.set_priorities(actor=request.user, project=project, priorities=numbers)})


class Flag(APIView):
    """Mark a task of yours for who runs the project, with a note; or take the mark away."""

    @extend_schema(request=FlagSerializer, responses={204: None})
    def post(self, request: Request, pk: str) -> Response:
        person: User = request.user  # type: ignore[assignment]
        assignment = fetch_for(person, "labeling.annotate", Assignment, pk, annotator=person.pk)
        answering.flag(assignment=assignment, **_read(FlagSerializer(data=request.data)))
        return Response(status=204)


class Filling(IdempotentPosts, APIView):
    """After the making of tasks failed or was cancelled: go on with it, or (DELETE) take what is there as all."""

    @extend_schema(request=None, responses={202: ProjectSerializer})
    def post(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        filling.go_on(actor=request.user, project=project)
        return Response(ProjectSerializer(project).data, status=202)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        project = fetch_for(request.user, "labeling.manage", LabelProject, pk)
        filling.stop_here(actor=request.user, project=project)
        return Response(status=204)
