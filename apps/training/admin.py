from django.contrib import admin

from apps.datasets.admin import LookOnly
from apps.training.models import BaseModel, Checkpoint, Run, Turn


@admin.register(BaseModel)
class BaseModelAdmin(LookOnly):
    list_display = ["name", "workspace", "source", "revision", "created_at"]
    list_filter = ["workspace", "source"]
    search_fields = ["name", "slug", "repository"]


@admin.register(Run)
class RunAdmin(LookOnly):
    list_display = ["code", "name", "workspace", "base_model", "dataset_version", "created_by", "created_at"]
    list_filter = ["workspace"]
    search_fields = ["name"]
    list_select_related = ["workspace", "base_model", "dataset_version__dataset", "created_by"]


@admin.register(Checkpoint)
class CheckpointAdmin(LookOnly):
    list_display = ["run", "step", "size", "is_best", "is_final", "is_removed", "created_at"]
    list_filter = ["is_best", "is_final", "is_removed"]


@admin.register(Turn)
class TurnAdmin(LookOnly):
    """What people asked is theirs: seen here by time and person, not by content."""

    list_display = ["id", "workspace", "created_by", "checkpoint", "created_at"]
    exclude = ["messages", "answers"]
