from django.contrib import admin

from apps.datasets.admin import LookOnly
from apps.feedback.models import Signal


@admin.register(Signal)
class SignalAdmin(LookOnly):
    list_display = ["__str__", "workspace", "thumbs", "score", "status", "created_by", "created_at"]
    list_filter = ["workspace", "status", "thumbs"]
    list_select_related = ["exchange__deployment", "workspace", "created_by"]
