"""The two bars of tabs above the pages of a version."""

from typing import Any

from django import template

from apps.datasets.tabs import groups_of

register = template.Library()


@register.inclusion_tag("datasets/tabs.html", takes_context=True)
def version_tabs(context: template.Context) -> dict[str, Any]:
    """Reads `version`, `tab` and `may_edit` of the page."""
    tab = str(context.get("tab") or "")
    groups = groups_of(context["version"], tab, may_edit=bool(context.get("may_edit")))
    return {"groups": groups, "tab": tab, "shown": next((group for group in groups if group.holds(tab)), None)}
