"""How comparisons and saved views look to programs."""

from typing import Any

from rest_framework import serializers

from apps.training.comparing import outcomes
from apps.training.comparing.services import AXES
from apps.training.models import RunView


class RunViewSerializer(serializers.ModelSerializer[RunView]):
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="the page of the comparison")
    runs = serializers.ListField(child=serializers.UUIDField(), max_length=8, required=False)
    filter = serializers.DictField(
        child=serializers.CharField(max_length=100), required=False, help_text="q and status, as of GET /api/v1/runs/"
    )
    columns = serializers.ListField(child=serializers.CharField(max_length=40), max_length=40, required=False)
    axis = serializers.ChoiceField(choices=AXES, default="step")
    metric = serializers.RegexField(r"^[a-z0-9_]{1,40}$", default="loss")
    smoothing = serializers.FloatField(min_value=0, max_value=0.99, default=0)

    class Meta:
        model = RunView
        fields = [
            "id",
            "name",
            "runs",
            "filter",
            "columns",
            "metric",
            "axis",
            "smoothing",
            "created_by",
            "created_at",
            "url",
        ]
        read_only_fields = ["created_by"]
        validators: list[Any] = []

    def validate_runs(self, value: list[Any]) -> list[str]:
        return [str(pk) for pk in value]


class SettingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    values = serializers.ListField(help_text="in the order of the runs")
    differs = serializers.BooleanField()


class DataSerializer(serializers.Serializer[Any]):
    run = serializers.UUIDField()
    version = serializers.UUIDField()
    name = serializers.CharField()
    rows = serializers.IntegerField()
    changes = serializers.CharField(allow_null=True, help_text="the page of what differs from the first run's version")


class ComparisonSerializer(serializers.Serializer[Any]):
    outcomes = serializers.ListField(child=serializers.DictField(), help_text=", ".join(outcomes.NAMES))
    settings = SettingSerializer(many=True)
    data = DataSerializer(many=True)  # type: ignore[assignment]  # the name is that of the answer
