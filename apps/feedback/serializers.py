"""How feedback looks to programs."""

from typing import Any

from rest_framework import serializers

from apps.feedback.models import BEST, Signal, Thumbs


class SignalSerializer(serializers.ModelSerializer[Signal]):
    user = serializers.CharField(source="end_user", read_only=True)
    arm = serializers.CharField(source="exchange.arm", read_only=True)
    deployment = serializers.CharField(source="exchange.deployment.name", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="its page")

    class Meta:
        model = Signal
        fields = [
            "id", "exchange", "arm", "deployment", "user", "thumbs", "score", "correction", "comment", "status", "project",
            "version", "url", "created_at", "changed_at",
        ]  # fmt: skip


class FeedbackSerializer(serializers.Serializer[Any]):
    """What may be sent. Values are checked in apps.feedback.saying, which says what is wrong with them."""

    exchange = serializers.CharField(help_text="id of the answer: uuid or chatcmpl-<uuid>")
    thumbs = serializers.ChoiceField(choices=Thumbs.choices, required=False, allow_blank=True)
    score = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=BEST)
    correction = serializers.CharField(required=False, allow_blank=True, help_text="the answer as it should have been")
    comment = serializers.CharField(required=False, allow_blank=True)
    user = serializers.CharField(
        required=False, help_text="whom the answer was for; the same user's later feedback replaces it"
    )


class ChosenSerializer(serializers.Serializer[Any]):
    signals = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=1000)


class SendSerializer(ChosenSerializer):
    project = serializers.UUIDField(
        required=False, allow_null=True, help_text="an open label project; else a new one is made"
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=80, default="")


class HarvestSerializer(ChosenSerializer):
    dataset = serializers.UUIDField()


class HarvestedSerializer(serializers.Serializer[Any]):
    dataset_version = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()


class TrainSerializer(serializers.Serializer[Any]):
    dataset_version = serializers.UUIDField(help_text="a version made of feedback")
    name = serializers.CharField(required=False, allow_blank=True, max_length=80, default="")
    quality_override = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        default="",
        help_text="why to train on a version that breaks its quality limits",
    )


class SentSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    url = serializers.CharField()
    sent = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="not new any more")


class MovedSerializer(serializers.Serializer[Any]):
    moved = serializers.IntegerField()
