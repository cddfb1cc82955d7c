from django.contrib import admin

from apps.datasets.admin import LookOnly
from apps.rollout.models import Rollout


@admin.register(Rollout)
class RolloutAdmin(LookOnly):
    list_display = ["name", "workspace", "status", "share", "created_by", "created_at"]
    list_filter = ["workspace", "status"]
