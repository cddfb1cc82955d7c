from django.contrib import admin

from apps.datasets.admin import LookOnly
from apps.serving.models import Deployment, Exchange


@admin.register(Deployment)
class DeploymentAdmin(LookOnly):
    list_display = ["name", "workspace", "model_version", "status", "is_wanted", "created_at"]
    list_filter = ["status", "workspace"]
    list_select_related = ["workspace", "model_version__model"]


@admin.register(Exchange)
class ExchangeAdmin(LookOnly):
    list_display = ["id", "deployment", "status", "unit", "latency_ms", "created_at"]
    list_filter = ["status", "workspace"]
    list_select_related = ["deployment"]
