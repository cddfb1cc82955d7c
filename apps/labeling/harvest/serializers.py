"""How a harvest looks to programs, and what programs may send."""

from typing import Any

from rest_framework import serializers

from apps.labeling.harvest.shapes import FORM_CHOICES
from apps.labeling.models import HarvestPlan, Rule


class ChoiceSerializer(serializers.Serializer[Any]):
    """Whose answers count, and what becomes of them."""

    rule = serializers.ChoiceField(
        choices=Rule.choices, required=False, default=Rule.MAJORITY.value, help_text="Whose answer counts."
    )
    form = serializers.ChoiceField(
        choices=FORM_CHOICES,
        required=False,
        allow_blank=True,
        default="",
        help_text="Form of the rows; unless said, texts become classes or entities where a question asks for them.",
    )
    question = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=64, help_text="The question that makes the form."
    )


class FreezeSerializer(ChoiceSerializer):
    dataset = serializers.UUIDField(required=False, allow_null=True, default=None)
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=80)
    partial = serializers.BooleanField(required=False, default=False)  # type: ignore[assignment]


class LeftOutSerializer(serializers.Serializer[Any]):
    unanswered = serializers.IntegerField()
    undecided = serializers.IntegerField(help_text="Answered, and none of the answers counts by this rule.")
    tied = serializers.IntegerField()
    not_kept = serializers.IntegerField()
    unusable = serializers.IntegerField(help_text="Nothing could be learned from the row.")


class GivesSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    rows = serializers.IntegerField()
    left_out = LeftOutSerializer()
    says = serializers.CharField()


class ShapeSerializer(serializers.Serializer[Any]):
    form = serializers.CharField()
    question = serializers.CharField(allow_null=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """What each rule would give."""

    form = serializers.CharField()
    question = serializers.CharField(allow_null=True)
    rules = GivesSerializer(many=True)
    forms = ShapeSerializer(many=True, help_text="All that can be asked for.")


class PlanSerializer(serializers.ModelSerializer[HarvestPlan]):
    class Meta:
        model = HarvestPlan
        fields = ["is_automatic", "rule", "form", "question", "is_done", "version", "failure"]
        read_only_fields = fields


class NewPlanSerializer(ChoiceSerializer):
    is_automatic = serializers.BooleanField()
