"""The visual builder's view of a labeling config: a list of items, each one tag with its attributes, options and title. Pure but for
the words.

A title is the Header before the tag. What a list of items cannot hold (`held`) stays in the XML editor: nested Views, comments,
and Headers of a size.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from xml.sax.saxutils import quoteattr

from django.utils.translation import gettext as _

from apps.labeling.schema import grammar
from apps.labeling.schema.markup import ConfigProblem, problem_at, tree_of

Attributes = dict[str, str]
_OPTION = {"Choices": "Choice", "Relations": "Relation"}  # of the others Label
_FIELDS = {"Text": "$prompt", "Paragraphs": "$messages", "Chat": "$messages", "Image": "$image", "List": "$answers"}
_NEW: Mapping[str, Attributes] = {
    "Paragraphs": {"layout": "dialogue", "nameKey": "role", "textKey": "content"},
    "Choices": {"choice": "single"},
    "Rating": {"maxRating": "5"},
    "Number": {"min": "0", "max": "5", "step": "1"},
    "TextArea": {"rows": "4"},
}
MAX_ITEMS = 40


class Form(Protocol):
    """A sent form (django.http.QueryDict)."""

    def getlist(self, key: str) -> list[str]: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, key: object) -> bool: ...


@dataclass(frozen=True)
class Item:
    tag: str
    title: str = ""
    attributes: Attributes = field(default_factory=dict)
    options: tuple[Attributes, ...] = ()

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    @property
    def is_shown(self) -> bool:
        return self.tag in grammar.OBJECTS

    @property
    def has_options(self) -> bool:
        return self.tag in grammar.WITH_OPTIONS

    @property
    def about(self) -> list[str]:
        return self.attributes.get("toName", "").split(",")


def held(xml: str) -> list[Item]:
    """The items of a config. Raises ConfigProblem when it is wrong, or has what the builder would lose."""
    root = tree_of(xml)
    if "<!--" in xml:
        line = xml[: xml.index("<!--")].count("\n") + 1
        raise ConfigProblem(_("Line %(line)d: the builder would lose this comment.") % {"line": line}, line=line)
    items: list[Item] = []
    title = None
    for tag in root:
        if tag.tag == "View":
            raise problem_at(tag, _("the builder holds no View in a View"), _("Take it out; it changes nothing here."))
        if tag.tag == "Header":
            if title is not None or "size" in tag.attrib:
                raise problem_at(tag, _("the builder holds one plain Header before each part"))
            title = tag.get("value")
        else:
            options = tuple(dict(option.attrib) for option in tag)
            items.append(Item(tag.tag, title or "", dict(tag.attrib), options))
            title = None
    if title is not None:
        raise problem_at(root[-1], _("the builder holds no Header at the end"))
    return items


def sent(form: Form) -> list[Item]:
    """The items as the builder's fields say them: q0.tag, q0.title, q0.a.name, q0.o1.value and so on."""
    items = []
    for place in range(MAX_ITEMS):
        tag = form.getlist(f"q{place}.tag")
        if not tag or tag[0] not in grammar.OBJECTS + grammar.CONTROLS:
            break
        title = "".join(form.getlist(f"q{place}.title"))
        items.append(Item(tag[0], title, _attributes(form, f"q{place}.a."), tuple(_options(form, place))))
    return items


def _attributes(form: Form, prefix: str) -> Attributes:
    names = [key.removeprefix(prefix) for key in form if key.startswith(prefix)]
    found = {name: ",".join(form.getlist(prefix + name)) for name in names if re.fullmatch("[A-Za-z]{1,30}", name)}
    return {name: value for name, value in found.items() if value.strip()}


def _options(form: Form, place: int) -> Iterator[Attributes]:
    for number in range(grammar.MAX_OPTIONS + 1):
        prefix = f"q{place}.o{number}."
        if f"{prefix}value" not in form:
            return
        yield _attributes(form, prefix)


def written(items: list[Item]) -> tuple[str, list[int]]:
    """The config, and the line on which each item begins. It is not checked."""
    lines, starts = ["<View>"], []
    for item in items:
        starts.append(len(lines) + 1)
        if item.title.strip():
            lines.append(f"  <Header value={quoteattr(item.title)}/>")
        opening = f"  <{item.tag}{_said(item.attributes)}"
        if item.has_options:
            tag = _OPTION.get(item.tag, "Label")
            lines.append(f"{opening}>")
            lines += [f"    <{tag}{_said(option)}/>" for option in item.options]
            lines.append(f"  </{item.tag}>")
        else:
            lines.append(f"{opening}/>")
    return "\n".join([*lines, "</View>"]), starts


def _said(attributes: Attributes) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())


def at_line(starts: list[int], line: int) -> int:
    """The item that a line of the written config belongs to; -1 for none."""
    return sum(start <= line for start in starts) - 1


def changed(items: list[Item], step: str, fields: Mapping[str, Any]) -> list[Item]:
    """The items after a press of a button: "add:Choices", "up:2", "down:0", "drop:1", "option:0", "unoption:0:1"."""
    verb, _is, rest = step.partition(":")
    if verb == "add" and rest in grammar.OBJECTS + grammar.CONTROLS:
        return _added(items, rest, fields)
    places = [int(part) for part in rest.split(":") if part.isascii() and part.isdigit()]
    if not places or places[0] >= len(items):
        return items
    place, items = places[0], list(items)
    item = items[place]
    if verb == "drop":
        items.pop(place)
    elif verb in ("up", "down"):
        items.insert(max(place + (1 if verb == "down" else -1), 0), items.pop(place))
    elif verb == "option":
        items[place] = replace(item, options=(*item.options, {"value": _free(item)}))
    elif verb == "unoption" and len(places) == 2:
        items[place] = replace(item, options=item.options[: places[1]] + item.options[places[1] + 1 :])
    return items


def _free(item: Item) -> str:
    used = {option.get("value") for option in item.options}
    count = len(item.options) + 1
    while (value := _("Option %(count)d") % {"count": count}) in used:
        count += 1
    return value


def _added(items: list[Item], tag: str, fields: Mapping[str, Any]) -> list[Item]:
    """One more item, with what it has to be about where that is not there yet."""
    if tag in grammar.OBJECTS:
        return [*items, _shown(items, tag, _field_for(tag, fields))]
    if tag == "Relations":
        return [*items, Item(tag, "", {}, ({"value": _("belongs to")},))]
    fit = grammar.ABOUT.get(tag, grammar.OBJECTS)
    needed = 2 if tag == "Pairwise" else 1
    about = [item.name for item in items if item.tag in fit]
    for side in ("$answer_a", "$answer_b")[len(about) : needed] if needed == 2 else [None][len(about) :]:
        items = [*items, _shown(items, fit[0], side or _field_for(fit[0], fields))]
        about.append(items[-1].name)
    base = {"name": _name(items, tag.lower()), "toName": ",".join(about[-2:] if needed == 2 else about[:1])}
    options = ({"value": _("yes")}, {"value": _("no")}) if tag == "Choices" else ({"value": _("Label 1")},)
    has_options = tag in grammar.WITH_OPTIONS
    return [*items, Item(tag, "", {**base, **_NEW.get(tag, {})}, options if has_options else ())]


def _shown(items: list[Item], tag: str, field_name: str) -> Item:
    name = _name(items, field_name.removeprefix("$"))
    return Item(tag, "", {"name": name, "value": field_name, **_NEW.get(tag, {})})


def _field_for(tag: str, fields: Mapping[str, Any]) -> str:
    usual = _FIELDS[tag]
    return usual if tag != "Text" or usual[1:] in fields or "text" not in fields else "$text"


def _name(items: list[Item], base: str) -> str:
    """A name that no item has yet."""
    names, count = {item.name for item in items}, 1
    while (name := base if count == 1 else f"{base}_{count}") in names:
        count += 1
    return name
