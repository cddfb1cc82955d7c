"""How rollouts look to programs, and what programs may send."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from apps.rollout import switch
from apps.rollout.models import Rollout
from apps.rollout.standing import ArmStanding, Standing, standing


class RolloutSerializer(serializers.ModelSerializer[Rollout]):
    control = serializers.CharField(source="control.deployment.name", read_only=True)
    candidate = serializers.CharField(source="candidate.deployment.name", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="the page of the rollout")

    class Meta:
        model = Rollout
        fields = ["id", "name", "status", "share", "control", "candidate", "seed", "started_at", "url", "created_at"]


class RolloutDetailSerializer(RolloutSerializer):
    is_stopped_by_file = serializers.SerializerMethodField()
    standing = serializers.SerializerMethodField(help_text="arms, their difference, and the sample ratio")

    class Meta(RolloutSerializer.Meta):
        fields = [*RolloutSerializer.Meta.fields, "highest_share", "is_stopped_by_file", "standing"]

    def get_is_stopped_by_file(self, rollout: Rollout) -> bool:
        return switch.is_down(rollout.pk)

    def get_standing(self, rollout: Rollout) -> dict[str, Any]:
        return standing_as_dict(standing(rollout))


def standing_as_dict(found: Standing) -> dict[str, Any]:
    ratio = found.ratio
    return {
        "arms": [_arm(row) for row in found.arms],
        "difference": asdict(found.difference) if found.difference else None,
        "verdict": found.verdict or None,
        "sample_ratio": {"p": ratio.p, "is_off": ratio.is_off, "observed": list(ratio.observed)} if ratio else None,
    }


def _arm(row: ArmStanding) -> dict[str, Any]:
    return {
        "id": str(row.arm.pk),
        "key": row.arm.key,
        "is_control": row.arm.is_control,
        "is_compared": row.is_compared,
        "weight": round(row.weight, 4),
        "deployment": row.arm.deployment.name,
        "version": str(row.arm.deployment.model_version),
        "users": row.users,
        "requests": row.requests,
        "failed": row.failed,
        "latency_ms": row.latency_ms,
        "feedback": asdict(row.feedback),
    }


class WeightsSerializer(serializers.Serializer[Any]):
    candidate = serializers.FloatField()
    control = serializers.FloatField()


class ShareSerializer(serializers.Serializer[Any]):
    share = serializers.FloatField(required=False, help_text="of the candidate, 0 to 1")
    weights = WeightsSerializer(required=False, help_text="instead of share")
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class NewRolloutSerializer(ShareSerializer):
    name = serializers.CharField(max_length=200)
    control = serializers.CharField(max_length=60, help_text="the deployment that serves now: its name or id")
    candidate = serializers.CharField(max_length=60, help_text="the deployment that is tried: its name or id")
    seed = serializers.CharField(required=False, allow_blank=True, default="")


class RolloutNoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class FirstSerializer(serializers.Serializer[Any]):
    arm = serializers.CharField()
    at = serializers.DateTimeField()
    share = serializers.FloatField()
    bucket = serializers.FloatField()


class WhySerializer(serializers.Serializer[Any]):
    unit = serializers.CharField()
    status = serializers.CharField()
    is_stopped_by_file = serializers.BooleanField()
    bucket = serializers.FloatField(allow_null=True)
    share = serializers.FloatField()
    candidate_range = serializers.ListField(child=serializers.FloatField())
    control_range = serializers.ListField(child=serializers.FloatField())
    arm = serializers.CharField(allow_null=True)
    deployment = serializers.CharField(allow_null=True)
    version = serializers.CharField(allow_null=True)
    first = FirstSerializer(allow_null=True)
    why = serializers.CharField()
