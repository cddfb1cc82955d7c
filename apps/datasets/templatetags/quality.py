"""The mark of a version that breaks its limits."""

from typing import Any

from django import template

from apps.datasets.models import DatasetVersion
from apps.datasets.quality import attach_broken

register = template.Library()


@register.inclusion_tag("datasets/quality_badge.html")
def quality_badge(version: DatasetVersion | None) -> dict[str, Any]:
    """Looks the limits up, unless `attach_broken` brought them."""
    if version is not None and not hasattr(version, "broken_limits"):
        attach_broken([version])
    return {"version": version, "broken": getattr(version, "broken_limits", None)}
