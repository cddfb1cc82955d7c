from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.datasets.models import Dataset, DatasetVersion, Upload


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are made and removed by the verbs of services, which also care for the files; here they are only seen."""

    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(LookOnly):
    list_display = ["name", "workspace", "created_by", "changed_at"]
    list_filter = ["workspace"]
    search_fields = ["name"]


@admin.register(Upload)
class UploadAdmin(LookOnly):
    list_display = ["name", "dataset", "format", "size", "created_at"]
    search_fields = ["name", "dataset__name"]


@admin.register(DatasetVersion)
class VersionAdmin(LookOnly):
    list_display = ["dataset", "number", "row_count", "quarantined_count", "content_hash", "created_at"]
    list_filter = ["layout"]
    search_fields = ["dataset__name", "content_hash"]
