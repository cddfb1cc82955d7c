from django.contrib import admin

from apps.datasets.admin import LookOnly
from apps.registry.models import AliasMove, Model, ModelVersion


@admin.register(Model)
class ModelAdmin(LookOnly):
    list_display = ["name", "workspace", "created_by", "created_at"]
    list_filter = ["workspace"]
    search_fields = ["name"]


@admin.register(ModelVersion)
class ModelVersionAdmin(LookOnly):
    list_display = ["__str__", "workspace", "status", "change", "created_by", "created_at"]
    list_filter = ["workspace", "status"]
    list_select_related = ["model", "workspace", "created_by"]


@admin.register(AliasMove)
class AliasMoveAdmin(LookOnly):
    list_display = ["__str__", "workspace", "at", "created_by"]
    list_filter = ["workspace"]
    list_select_related = ["model", "version", "workspace", "created_by"]
