"""How rows of training look to programs, and what programs may send."""

from typing import Any

from rest_framework import serializers

from apps.jobs.api import JobSerializer
from apps.training.models import BaseModel, Checkpoint, Run, Sample, Turn


class BaseModelSerializer(serializers.ModelSerializer[BaseModel]):
    state = serializers.CharField(read_only=True)
    is_ready = serializers.BooleanField(read_only=True)

    class Meta:
        model = BaseModel
        fields = [
            "id",
            "name",
            "slug",
            "source",
            "repository",
            "revision",
            "state",
            "is_ready",
            "facts",
            "job",
            "created_at",
        ]


class NewBaseModelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, allow_blank=True, max_length=120, default="")
    path = serializers.CharField(required=False, max_length=500, help_text="a folder of this machine")
    repository = serializers.CharField(required=False, max_length=200, help_text="a Hugging Face id, owner/name")
    revision = serializers.CharField(required=False, default="main", max_length=80)


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    class Meta:
        model = Checkpoint
        fields = ["id", "run", "step", "metrics", "size", "is_best", "is_final", "is_removed", "created_at"]


class SampleSerializer(serializers.ModelSerializer[Sample]):
    class Meta:
        model = Sample
        fields = ["step", "index", "prompt", "answer", "base_answer"]


class RunSerializer(serializers.ModelSerializer[Run]):
    job = JobSerializer(read_only=True)
    base_model = BaseModelSerializer(read_only=True)
    checkpoints = CheckpointSerializer(many=True, read_only=True)
    status = serializers.CharField(source="job.status", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="the page of the run")

    class Meta:
        model = Run
        fields = [
            "id", "number", "name", "status", "base_model", "dataset_version", "recipe", "resumed_from", "job", "checkpoints",
            "url", "created_at",
        ]  # fmt: skip


class NewRunSerializer(serializers.Serializer[Any]):
    """The recipe is checked setting by setting in apps.training.launching, which can say which one is wrong."""

    name = serializers.CharField(max_length=80)
    base_model = serializers.CharField(max_length=120, help_text="id or slug")
    dataset_version = serializers.UUIDField()
    recipe = serializers.DictField(required=False, help_text="settings that differ from their defaults")
    quality_override = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        help_text="why to train on a version that breaks the quality limits of its dataset; kept in the ledger",
    )


class ProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)
    hint = serializers.CharField(required=False)


class ReviewSerializer(serializers.Serializer[Any]):
    errors = ProblemSerializer(many=True)  # type: ignore[assignment]  # the name is that of the answer
    warnings = ProblemSerializer(many=True)
    plan = serializers.DictField(allow_null=True)
    quality = serializers.ListField(
        child=serializers.CharField(), help_text="the quality limits that the version breaks, in words"
    )


class QuestionSerializer(serializers.Serializer[Any]):
    prompt = serializers.CharField(required=False, trim_whitespace=False)
    messages = serializers.ListField(child=serializers.DictField(), required=False)
    max_tokens = serializers.IntegerField(required=False, default=200)
    temperature = serializers.FloatField(required=False, default=0.0)
    sides = serializers.ListField(child=serializers.ChoiceField(choices=["base", "tuned"]), required=False)


class TurnSerializer(serializers.ModelSerializer[Turn]):
    text = serializers.SerializerMethodField()
    is_done = serializers.BooleanField(read_only=True)
    problem = serializers.CharField(read_only=True)

    class Meta:
        model = Turn
        fields = [
            "id", "checkpoint", "base_model", "messages", "max_tokens", "temperature", "sides", "answers", "finished", "text",
            "is_done", "problem", "job", "last_seq", "created_at",
        ]  # fmt: skip

    def get_text(self, turn: Turn) -> str:
        """The tuned model's answer, or the base model's where only that was asked."""
        return str(turn.answers.get("tuned", turn.answers.get("base", "")))
