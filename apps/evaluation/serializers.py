"""How rows of evaluation look to programs, and what programs may send. What is blind for the caller is not in the answer."""

from typing import Any

from rest_framework import serializers

from apps.evaluation import sheets
from apps.evaluation.models import MetricReport, Rating, Round, RoundStatus, Rule, Split, Statistic
from apps.labeling.serializers import CoefficientSerializer


class MetricReportSerializer(serializers.ModelSerializer[MetricReport]):
    status = serializers.CharField(source="job.status", read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="its page")

    class Meta:
        model = MetricReport
        fields = [
            "id",
            "checkpoint",
            "dataset_version",
            "split",
            "seed",
            "status",
            "job",
            "metrics",
            "url",
            "created_at",
        ]


class NewReportSerializer(serializers.Serializer[Any]):
    checkpoint = serializers.UUIDField()
    dataset_version = serializers.UUIDField(required=False, help_text="by default the one of the run")
    split = serializers.ChoiceField(choices=Split.choices, required=False, help_text="by default the best there is")
    max_rows = serializers.IntegerField(required=False, default=200)
    max_tokens = serializers.IntegerField(required=False, default=128)
    seed = serializers.IntegerField(required=False, default=0)


class RoundSerializer(serializers.ModelSerializer[Round]):
    """Needs the caller as `context["user"]`: a rater of an open round gets no checkpoints, nobody gets figures before the end."""

    checkpoints = serializers.SerializerMethodField()
    raters = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    is_blind = serializers.SerializerMethodField(
        help_text="you rate this round, so you do not see whose answers these are"
    )
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="its page")

    class Meta:
        model = Round
        fields = [
            "id", "number", "name", "status", "outcome", "checkpoints", "dataset_version", "split", "sample_size", "seed",
            "max_tokens", "rubric", "statistic", "threshold", "rule", "raters", "previous", "progress", "is_blind", "frozen_hash",
            "result", "job", "url", "created_at", "opened_at", "closed_at",
        ]  # fmt: skip

    def to_representation(self, instance: Round) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        if shown["is_blind"]:
            shown["seed"] = shown["frozen_hash"] = (
                None  # the sample could be drawn again, or guesses be tried against the hash
            )
        return shown

    def get_checkpoints(self, row: Round) -> list[str] | None:
        if row.is_blind_for(self.context["user"]):
            return None
        return [str(pk) for pk in row.entrants.values_list("checkpoint_id", flat=True)]

    def get_raters(self, row: Round) -> list[str]:
        return [rater.user.email for rater in row.raters.select_related("user")]

    def get_progress(self, row: Round) -> dict[str, int]:
        done, wanted = sheets.progress(row)
        return {"done": done, "wanted": wanted}

    def get_result(self, row: Round) -> dict[str, Any] | None:
        return row.result if row.status == RoundStatus.CLOSED else None

    def get_is_blind(self, row: Round) -> bool:
        return row.is_blind_for(self.context["user"])


class ChangeRoundSerializer(serializers.Serializer[Any]):
    """Every field may be left out. The rubric is checked in apps.evaluation.rubric."""

    name = serializers.CharField(required=False, max_length=80)
    checkpoints = serializers.ListField(child=serializers.UUIDField(), required=False, help_text="one or two")
    dataset_version = serializers.UUIDField(required=False)
    raters = serializers.ListField(child=serializers.EmailField(), required=False, help_text="e-mails of members")
    split = serializers.ChoiceField(choices=Split.choices, required=False)
    sample_size = serializers.IntegerField(required=False)
    seed = serializers.IntegerField(required=False)
    max_tokens = serializers.IntegerField(required=False)
    rubric = serializers.JSONField(required=False)
    statistic = serializers.ChoiceField(choices=Statistic.choices, required=False)
    threshold = serializers.FloatField(required=False)
    rule = serializers.ChoiceField(choices=Rule.choices, required=False)


class NewRoundSerializer(ChangeRoundSerializer):
    name = serializers.CharField(max_length=80)
    checkpoints = serializers.ListField(child=serializers.UUIDField(), help_text="one or two")
    raters = serializers.ListField(child=serializers.EmailField(), help_text="e-mails of members")


class CloseRoundSerializer(serializers.Serializer[Any]):
    early = serializers.BooleanField(required=False, default=False, help_text="also while ratings are missing")


class NextRoundSerializer(serializers.Serializer[Any]):
    checkpoints = serializers.ListField(child=serializers.UUIDField(), required=False, help_text="by default the same")


class NewRatingSerializer(serializers.Serializer[Any]):
    """Scores are checked in apps.evaluation.rating, which knows the rubric."""

    item = serializers.CharField(max_length=40)
    scores = serializers.DictField(required=False, help_text="criterion: 0 to 5, or null to take a score back")
    note = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    cannot_judge = serializers.BooleanField(required=False)


class RatingSerializer(serializers.ModelSerializer[Rating]):
    class Meta:
        model = Rating
        fields = ["item", "scores", "note", "cannot_judge", "is_complete", "changed_at"]


class StatisticsSerializer(serializers.Serializer[Any]):
    weighted_quadratic = CoefficientSerializer()
    weighted_linear = CoefficientSerializer()
    fleiss = CoefficientSerializer()
    krippendorff_ordinal = CoefficientSerializer()


class PairFigureSerializer(CoefficientSerializer):
    far_apart = serializers.IntegerField(help_text="Answers on which the two differ by two points or more.")


class PairSerializer(serializers.Serializer[Any]):
    raters = serializers.ListField(child=serializers.IntegerField(), help_text="Two places in the list of raters.")
    criteria = serializers.DictField(child=PairFigureSerializer())


class ClosedSerializer(serializers.Serializer[Any]):
    """What came out of a closed round, by criterion."""

    outcome = serializers.CharField()
    agreement = serializers.DictField(child=StatisticsSerializer(), help_text="By criterion.")
    pairs = PairSerializer(many=True, help_text="Cohen's Kappa of every two raters.")
    raters = serializers.ListField(child=serializers.CharField())
    decision = serializers.DictField(help_text="{outcome, value, why, criterion}")
    items = serializers.IntegerField()
    ratings = serializers.IntegerField()
    wanted = serializers.IntegerField()
    worst = serializers.ListField(
        child=serializers.UUIDField(), help_text="Answers on which raters are furthest apart."
    )
    means = serializers.DictField(help_text="{checkpoint's place: {criterion: {mean, low, high, items}}}")
    difference = serializers.DictField(
        help_text="{criterion: {mean, low, high, items}}; {} unless there are two checkpoints."
    )
