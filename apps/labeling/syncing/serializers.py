"""How a connection looks to programs, and what programs may send. The token goes in and never comes out."""

from typing import Any

from rest_framework import serializers

from apps.labeling.models import Choice, Connection, HeldAnswer, SyncConflict
from apps.labeling.syncing import pages

CHOICES = [(choice.value, choice.label) for choice in (Choice.OURS, Choice.THEIRS)]


class NewConnectionSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=500, help_text="The address of the server's start page.")
    token = serializers.CharField(
        max_length=2000,
        write_only=True,
        help_text="A personal access token, or a legacy token where these are allowed.",
    )
    poll_minutes = serializers.ChoiceField(choices=Connection.POLLS, required=False, default=15)


class ChangedConnectionSerializer(serializers.Serializer[Any]):
    is_paused = serializers.BooleanField(required=False)
    poll_minutes = serializers.ChoiceField(choices=Connection.POLLS, required=False)


class StudioCountsSerializer(serializers.Serializer[Any]):
    tasks = serializers.IntegerField(help_text="Tasks of the project.")
    sent = serializers.IntegerField(help_text="Of these the ones that the server has.")
    gone = serializers.IntegerField(help_text="Sent, and deleted there since.")
    answers = serializers.IntegerField(help_text="Answers that stand on both sides.")
    held = serializers.IntegerField(help_text="Answers that could not be taken.")
    conflicts = serializers.IntegerField(help_text="Conflicts that wait for a decision.")


class StudioConnectionSerializer(serializers.ModelSerializer[Connection]):
    is_running = serializers.BooleanField(read_only=True)
    has_webhook = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Connection
        fields = (
            "id", "url", "version", "edition", "person", "remote_project", "poll_minutes", "is_paused", "is_running",
            "has_webhook", "synced_at", "compared_at", "error", "error_hint", "job", "counts",
        )  # fmt: skip
        read_only_fields = fields

    def get_has_webhook(self, row: Connection) -> bool:
        return row.webhook is not None

    def get_counts(self, row: Connection) -> StudioCountsSerializer:
        return StudioCountsSerializer(pages.counts(row)).data  # type: ignore[return-value]


class StudioSyncSerializer(serializers.Serializer[Any]):
    full = serializers.BooleanField(
        required=False, default=False, help_text="Look at everything, not only at what changed."
    )


class StudioRunSerializer(serializers.Serializer[Any]):
    job = serializers.UUIDField()


class StudioHookSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=500,
        help_text="Where the server reaches this console; unless said, the address of this request.",
    )  # fmt: skip


class StudioHintSerializer(serializers.Serializer[Any]):
    taken = serializers.BooleanField()


class HeldAnswerSerializer(serializers.ModelSerializer[HeldAnswer]):
    number = serializers.IntegerField(source="task.number", help_text="The task's number in the project.")

    class Meta:
        model = HeldAnswer
        fields = ("id", "remote_id", "number", "person", "reason", "place", "given", "created_at")
        read_only_fields = fields


class SyncConflictSerializer(serializers.ModelSerializer[SyncConflict]):
    number = serializers.IntegerField(source="task.number", help_text="The task's number in the project.")
    ours = serializers.SerializerMethodField()

    class Meta:
        model = SyncConflict
        fields = ("id", "kind", "number", "remote_id", "ours", "theirs", "choice", "resolved_at", "created_at")
        read_only_fields = fields

    def get_ours(self, row: SyncConflict) -> list[dict[str, Any]] | None:
        return row.annotation.result if row.annotation else None


class ChooseSerializer(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(choices=CHOICES)
