"""How rows of labeling look to programs, and what programs may send."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.labeling import assisting
from apps.labeling.golden import answered, gold
from apps.labeling.models import Annotation, Assignment, LabelProject, ProjectStatus, SuggesterKind, Task
from apps.labeling.models.reviews import returned_note
from apps.labeling.schema.fields import for_screen


class ProjectSerializer(serializers.ModelSerializer[LabelProject]):
    class Meta:
        model = LabelProject
        fields = [
            "id", "name", "status", "label_config", "guidelines", "overlap", "keep", "dataset_version", "task_count", "is_filled",
            "wanted_tasks", "filling", "order", "deadline", "needs_skip_reason", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class NewProjectSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    label_config = serializers.CharField(trim_whitespace=False, help_text="Label Studio's labeling config.")
    dataset_version = serializers.UUIDField(required=False, allow_null=True, default=None)
    overlap = serializers.IntegerField(required=False, default=1, help_text="People a task.")
    guidelines = serializers.CharField(required=False, allow_blank=True, default="")
    keep = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        default=dict,
        help_text='{"quality": ["good"]}: when frozen, only rows with one of these answers stay.',
    )
    limit = serializers.IntegerField(required=False, default=0, help_text="Only the first rows; 0 for all.")
    selection = serializers.DictField(
        required=False,
        default=dict,
        help_text='Which rows: {"split": "train", "words": "parcel", "sample": 500, "seed": 1, "first": 100, "fresh": true}; '
        "fresh: only rows that nobody answered in another project of the dataset.",
    )
    own_label = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Suggest what each row says of itself: its class, answer, marks or boxes.",
    )


class TaskSerializer(serializers.ModelSerializer[Task]):
    provenance = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = ["id", "number", "key", "data", "split", "provenance", "submitted", "open_slots", "accepted"]
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_provenance(self, task: Task) -> dict[str, str]:
        return {"kind": task.provenance_kind, "id": str(task.provenance_id or "")}


class SuggestionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    source = serializers.CharField(help_text="The suggester's name.")  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=SuggesterKind.choices)
    score = serializers.FloatField(allow_null=True, help_text="From 0 to 1; what it means depends on the kind.")
    result = serializers.JSONField(help_text="Label Studio's list of regions.")


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    """One's own task: what the config shows of it, and the draft. Nothing of other people is in it."""

    number = serializers.SerializerMethodField()
    returned_note = serializers.SerializerMethodField()
    data = serializers.SerializerMethodField()  # type: ignore[assignment]
    suggestion = serializers.SerializerMethodField()

    class Meta:
        model = Assignment
        fields = [
            "id",
            "number",
            "status",
            "data",
            "draft",
            "draft_at",
            "reason",
            "flagged",
            "flag_note",
            "returned_note",
            "suggestion",
        ]
        read_only_fields = fields

    def get_number(self, assignment: Assignment) -> int:
        told: dict[Any, int] = self.context.get("numbers") or {}
        return told[assignment.pk] if assignment.pk in told else gold.number_for(assignment)

    def get_returned_note(self, assignment: Assignment) -> str:
        """The reviewer's words when the answer was sent back, else empty."""
        return returned_note(assignment)

    @extend_schema_field(SuggestionSerializer(allow_null=True))
    def get_suggestion(self, assignment: Assignment) -> dict[str, Any] | None:
        """What a machine suggests, null for nothing. It knows no other person's answer."""
        return assisting.held(assignment)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_data(self, assignment: Assignment) -> dict[str, Any]:
        project = assignment.project
        return for_screen(project.config, assignment.task.data, f"{project.get_absolute_url()}pictures/")


class NextSerializer(serializers.Serializer[Any]):
    """`assignment` is null when nothing is left for you."""

    assignment = AssignmentSerializer(allow_null=True)
    done = serializers.IntegerField(help_text="Tasks you submitted.")
    left = serializers.IntegerField(help_text="Tasks that may still come to you, with those you hold.")
    lease_seconds = serializers.IntegerField(help_text="A task goes back after this long without a sign of life.")
    deadline = serializers.DateTimeField(allow_null=True, help_text="No new tasks from then on.")
    quota_left = serializers.IntegerField(
        allow_null=True, help_text="Tasks you may still submit; null without a quota."
    )
    suggestions_shown = serializers.IntegerField(help_text="Your answers that had a suggestion beside them.")
    suggestions_taken = serializers.IntegerField(help_text="Of these, taken and submitted unchanged.")
    why = serializers.CharField(help_text="not_open, not_named, deadline, paused, quota_total, quota_day, or empty.")
    why_words = serializers.CharField(help_text="The same in words.")


class BesidesSerializer(serializers.Serializer[Any]):
    besides = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=10, help_text="Held already: another."
    )


class AnnotationSerializer(serializers.ModelSerializer[Annotation]):
    """`numbers` of the context are those that the annotator's screen tells."""

    number = serializers.SerializerMethodField()
    annotator = serializers.CharField(source="assignment.person", read_only=True)

    class Meta:
        model = Annotation
        fields = ["id", "task", "number", "annotator", "result", "lead_time", "is_imported", "created_at"]
        read_only_fields = fields

    def get_number(self, annotation: Annotation) -> int:
        told: dict[Any, int] | None = self.context.get("numbers")
        return annotation.task.number if told is None else told[annotation.assignment_id]


class LessonSerializer(serializers.Serializer[Any]):
    is_right = serializers.BooleanField()
    result = serializers.JSONField(help_text="The right answer.")
    explanation = serializers.CharField(allow_blank=True)


class SubmittedSerializer(AnnotationSerializer):
    """`lesson` tells the right answer of a task to train on; it is null for all others."""

    lesson = serializers.SerializerMethodField()

    class Meta(AnnotationSerializer.Meta):
        fields = [*AnnotationSerializer.Meta.fields, "lesson"]
        read_only_fields = fields

    @extend_schema_field(LessonSerializer(allow_null=True))
    def get_lesson(self, annotation: Annotation) -> dict[str, Any] | None:
        if not getattr(annotation.assignment, "has_gold", True):
            return None
        lesson = answered.lesson_of(annotation)
        return dict(LessonSerializer(lesson).data) if lesson else None


class SubmitSerializer(serializers.Serializer[Any]):
    assignment = serializers.UUIDField()
    result = serializers.JSONField(help_text="Label Studio's list of regions.")
    lead_time = serializers.FloatField(required=False, default=0, help_text="Seconds.")
    suggestion = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="The suggestion that was shown beside the task."
    )
    is_taken = serializers.BooleanField(required=False, default=False, help_text="Whether it was taken by its key.")


class DraftSerializer(serializers.Serializer[Any]):
    result = serializers.JSONField()


class SkipSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=ProjectStatus.choices)


class ConfigSerializer(serializers.Serializer[Any]):
    label_config = serializers.CharField(trim_whitespace=False)


class CoefficientSerializer(serializers.Serializer[Any]):
    """A figure of agreement (docs/agreement.md). Without one, value, se, low and high are null and `undefined` says why."""

    value = serializers.FloatField(allow_null=True)
    se = serializers.FloatField(allow_null=True, help_text="Standard error.")
    low = serializers.FloatField(allow_null=True, help_text="Of the 95 % interval.")
    high = serializers.FloatField(allow_null=True)
    n_items = serializers.IntegerField(help_text="With two ratings or more.")
    n_raters = serializers.IntegerField()
    undefined = serializers.CharField(allow_null=True)


class AgreementSerializer(CoefficientSerializer):
    control = serializers.CharField(help_text="The question.")
    kind = serializers.CharField()
    measure = serializers.CharField(help_text="What the figure is, as Krippendorff's alpha or F1 of spans.")


class AgreementOfSerializer(serializers.Serializer[Any]):
    tasks = serializers.IntegerField(help_text="Tasks with two answers or more that the figures are from.")
    is_sample = serializers.BooleanField(help_text="Whether the project has more: then it is a sample drawn by chance.")
