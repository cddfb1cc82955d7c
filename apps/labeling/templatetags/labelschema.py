"""What the builder's template needs of an item: the attributes that have no field of their own, so that none is lost."""

from django import template

from apps.labeling.schema.builder import Item

register = template.Library()

_OPTION_FIELDS = {"value", "hotkey", "hint"}
_ITEM_FIELDS = {"name", "toName", "required"}
_FIELDS_OF = {
    "Text": {"granularity"},
    "Choices": {"choice"},
    "Rating": {"maxRating"},
    "Number": {"min", "max", "step"},
    "TextArea": {"value"},
}


@register.filter
def kept_attributes(given: Item | dict[str, str]) -> list[tuple[str, str]]:
    """Attributes of an item or of an option that go along unseen."""
    if isinstance(given, dict):
        return [(name, value) for name, value in given.items() if name not in _OPTION_FIELDS]
    seen = _ITEM_FIELDS | _FIELDS_OF.get(given.tag, set()) | ({"value"} if given.is_shown else set())
    return [(name, value) for name, value in given.attributes.items() if name not in seen]


@register.filter
def abouts(item: Item) -> list[str]:
    """The objects that an item is about: two of a Pairwise, none of what is shown or of Relations."""
    if item.is_shown or item.tag == "Relations":
        return []
    return [*item.about, ""][:2] if item.tag == "Pairwise" else item.about[:1]
