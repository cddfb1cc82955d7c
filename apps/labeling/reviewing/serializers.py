"""How review looks to programs, and what they may send."""

from typing import Any

from rest_framework import serializers

from apps.labeling.models import Comment, Gold, ReviewPlan
from apps.labeling.serializers import CoefficientSerializer


class ReviewPlanSerializer(serializers.ModelSerializer[ReviewPlan]):
    class Meta:
        model = ReviewPlan
        fields = ["mode", "share", "gold_every", "gold_training", "gold_least", "gold_floor", "gold_counts"]


class GivenSerializer(serializers.Serializer[Any]):
    annotation = serializers.UUIDField()
    annotator = serializers.CharField()
    result = serializers.JSONField()
    verdict = serializers.CharField(help_text="accepted, overruled or nothing yet.", allow_blank=True)


class DisputeSerializer(serializers.Serializer[Any]):
    """`state` names what you saw: sent with a decision, it is refused (409) when somebody changed the task meanwhile."""

    task = serializers.UUIDField()
    number = serializers.IntegerField()
    questions = serializers.ListField(child=serializers.CharField(), help_text="Where people differ.")
    agreement = serializers.FloatField(allow_null=True, help_text="Mean over questions and pairs of people, 0 to 1.")
    accepted = serializers.UUIDField(allow_null=True)


class ReviewTaskSerializer(DisputeSerializer):
    state = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    annotations = GivenSerializer(many=True)
    is_gold = serializers.BooleanField()


class ListSerializer(serializers.Serializer[Any]):
    """`next` is where to go on (`?after=`), null at the end; `looked` how many tasks were looked through for these."""

    results = DisputeSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)
    looked = serializers.IntegerField()


class DecideSerializer(serializers.Serializer[Any]):
    """An answer that is there (`annotation`), or one of your own (`result`)."""

    annotation = serializers.UUIDField(required=False, allow_null=True, default=None)
    result = serializers.JSONField(required=False, allow_null=True, default=None, help_text="Label Studio's regions.")
    state = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)


class ReturnSerializer(serializers.Serializer[Any]):
    annotation = serializers.UUIDField()
    note = serializers.CharField(max_length=2000, help_text="What should be different; its author reads it.")
    state = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)


class CommentSerializer(serializers.ModelSerializer[Comment]):
    author = serializers.CharField(read_only=True)
    thread = serializers.UUIDField(source="parent_id", read_only=True, allow_null=True)

    class Meta:
        model = Comment
        fields = ["id", "thread", "author", "text", "created_at", "resolved_at"]
        read_only_fields = fields


class SayingSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=4000)
    thread = serializers.UUIDField(required=False, allow_null=True, default=None)


class SettleSerializer(serializers.Serializer[Any]):
    settled = serializers.BooleanField(default=True)


class GoldSerializer(serializers.ModelSerializer[Gold]):
    number = serializers.IntegerField(source="task.number", read_only=True)

    class Meta:
        model = Gold
        fields = ["id", "task", "number", "explanation", "created_at"]
        read_only_fields = fields


class NewGoldSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="The task's number.")
    explanation = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    result = serializers.JSONField(
        required=False, allow_null=True, default=None, help_text="The right answer; else the accepted one."
    )


class MeanSerializer(serializers.Serializer[Any]):
    person = serializers.CharField()
    with_rest = serializers.FloatField(allow_null=True)
    n_rest = serializers.IntegerField()
    with_decided = serializers.FloatField(allow_null=True)
    n_decided = serializers.IntegerField()


class QuestionFigureSerializer(CoefficientSerializer):
    control = serializers.CharField()
    kind = serializers.CharField()
    measure = serializers.CharField()
    confusion = serializers.ListField(help_text="[[one said, another said, times]]: counted from both sides.")
    overlapping = serializers.FloatField(
        allow_null=True, help_text="Of spans: F1 where those that overlap are the same."
    )


class PeoplePairSerializer(serializers.Serializer[Any]):
    people = serializers.ListField(child=serializers.CharField())
    question = serializers.CharField(allow_blank=True, help_text='"" for all questions together.')
    value = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class FiguresSerializer(serializers.Serializer[Any]):
    looked = serializers.IntegerField(help_text="Tasks that the figures were taken from.")
    questions = QuestionFigureSerializer(many=True)
    people = MeanSerializer(many=True)
    pairs = PeoplePairSerializer(many=True)


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    submitted = serializers.IntegerField()


class ReportSerializer(serializers.Serializer[Any]):
    """Shares are from 0 to 1, null where there is nothing to take one of, or where it is not told (yet)."""

    person = serializers.CharField()
    key = serializers.CharField()
    submitted = serializers.IntegerField()
    skipped = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True, help_text="Median without idle time.")
    with_others = serializers.FloatField(allow_null=True)
    with_others_n = serializers.IntegerField()
    with_decided = serializers.FloatField(allow_null=True)
    with_decided_n = serializers.IntegerField()
    gold_right = serializers.IntegerField(allow_null=True)
    gold_judged = serializers.IntegerField(allow_null=True)
    accepted = serializers.IntegerField()
    overruled = serializers.IntegerField()
    returned = serializers.IntegerField()
    skip_share = serializers.FloatField(allow_null=True)
    accepted_share = serializers.FloatField(allow_null=True)
    returned_share = serializers.FloatField(allow_null=True)
    gold_share = serializers.FloatField(allow_null=True)
    days = DaySerializer(many=True)


class LiftSerializer(serializers.Serializer[Any]):
    annotator = serializers.IntegerField(help_text="The person's key in the report.")
