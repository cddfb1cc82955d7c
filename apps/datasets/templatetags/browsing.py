"""Addresses and bars as the pages of rows show them."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse

from apps.datasets.browsing import address
from apps.datasets.browsing.media import is_media_name
from apps.datasets.models import DatasetVersion

register = template.Library()
_HEIGHT = 60


@register.simple_tag
def browse_link(query: Mapping[str, str], **changes: Any) -> str:
    return address.link(query, **changes)


@register.simple_tag
def bar_x(number: int) -> str:
    return f"{10 * number:.1f}"


@register.simple_tag
def bar_y(share: float) -> str:
    return f"{_HEIGHT - _HEIGHT * share / 100:.1f}"


@register.simple_tag
def bar_height(share: float) -> str:
    return f"{_HEIGHT * share / 100:.1f}"


@register.filter
def media_url(name: Any, version: DatasetVersion) -> str:
    """The address of an image that a cell of a version of images names; "" for any other cell."""
    is_image = version.form == "image" and isinstance(name, str) and is_media_name(name)
    return reverse("datasets:media", args=[version.dataset_id, name]) if is_image else ""
