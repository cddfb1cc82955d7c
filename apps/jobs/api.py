"""Doors to jobs for programs and for the live page."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.jobs import curves, services
from apps.jobs.models import Attempt, Job, LogLine, Status


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = ["epoch", "worker", "slot", "created_at", "ended_at", "outcome"]


class JobSerializer(serializers.ModelSerializer[Job]):
    percent = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Job
        fields = [
            "id", "kind", "title", "queue", "status", "desired", "priority", "held_at", "held_why",
            "progress", "percent", "facts", "result",
            "failure_class", "failure_message", "failure_hint", "last_seq", "last_step", "epoch", "slot", "losses", "crashes",
            "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class JobDetailSerializer(JobSerializer):
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "attempts"]


def whole_number(request: Request, name: str, default: int) -> int:
    """A query parameter as a non-negative integer. Raises Problem naming it."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Problem(_("%(name)s must be a whole number, 0 or more.") % {"name": name}, field=name)
    return int(text)


@extend_schema(parameters=[OpenApiParameter("status", enum=Status.values)])
class JobList(generics.ListAPIView[Job]):
    """Jobs of your workspaces, newest first."""

    serializer_class = JobSerializer

    def get_queryset(self) -> QuerySet[Job]:
        jobs: QuerySet[Job] = Job.objects.visible_to(self.request.user)
        status = self.request.query_params.get("status", "")
        if status and status not in Status.values:
            raise Problem(_("There is no such status."), field="status", hint=", ".join(Status.values))
        return jobs.filter(status=status) if status else jobs


class JobDetail(APIView):
    """One job with its attempts."""

    @extend_schema(responses=JobDetailSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(JobDetailSerializer(fetch_for(request.user, "jobs.view", Job, pk)).data)


class CancelJob(APIView):
    """End a job without its result. Asked twice, it answers the same."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        job = fetch_for(request.user, "jobs.cancel", Job, pk)
        return Response(JobSerializer(services.cancel(actor=request.user, job=job)).data)


class StopJob(APIView):
    """Ask a job to end now and keep what it has."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request: Request, pk: str) -> Response:
        job = fetch_for(request.user, "jobs.cancel", Job, pk)
        return Response(JobSerializer(services.stop_and_save(actor=request.user, job=job)).data)


_POINTS = inline_serializer(
    "Curves",
    {
        "points": serializers.ListField(help_text="[seq, step, name, value or null]"),
        "to_seq": serializers.IntegerField(),
        "last_seq": serializers.IntegerField(),
        "more": serializers.BooleanField(),
        "thinned": serializers.BooleanField(required=False),
    },
)


class JobMetrics(APIView):
    """Points after a seq, page by page; or with `thin` the whole curve in at most that many buckets a metric."""

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int),
            OpenApiParameter("limit", int),
            OpenApiParameter("thin", int),
            OpenApiParameter("name"),
        ],
        responses=_POINTS,
    )
    def get(self, request: Request, pk: str) -> Response:
        job = fetch_for(request.user, "jobs.view", Job, pk)
        if "thin" in request.query_params:
            name = request.query_params.get("name", "")[:40]
            return Response(curves.thinned(job, buckets=whole_number(request, "thin", 1000), name=name))
        after, limit = whole_number(request, "after", 0), whole_number(request, "limit", curves.MAX_PAGE)
        return Response(curves.page(job, after=after, limit=limit))


_LINES = inline_serializer(
    "Log",
    {
        "lines": serializers.ListField(help_text="[seq, time, level, text]"),
        "to_seq": serializers.IntegerField(),
        "more": serializers.BooleanField(),
    },
)


class JobLogs(APIView):
    """Log lines after a seq, or the last `tail` lines."""

    @extend_schema(parameters=[OpenApiParameter("after", int), OpenApiParameter("tail", int)], responses=_LINES)
    def get(self, request: Request, pk: str) -> Response:
        job = fetch_for(request.user, "jobs.view", Job, pk)
        lines = LogLine.objects.filter(job=job)
        if "tail" in request.query_params:
            newest = lines.order_by("-seq")[: min(whole_number(request, "tail", 200), 1000)]
            return self._answer(list(newest)[::-1], after=0, more=False)
        after = whole_number(request, "after", 0)
        found = list(lines.filter(seq__gt=after)[:1001])
        return self._answer(found[:1000], after=after, more=len(found) > 1000)

    def _answer(self, lines: list[LogLine], *, after: int, more: bool) -> Response:
        rows: list[Any] = [[line.seq, line.at.isoformat(), line.level, line.text] for line in lines]
        return Response({"lines": rows, "to_seq": lines[-1].seq if lines else after, "more": more})
