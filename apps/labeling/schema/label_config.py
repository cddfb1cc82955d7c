"""The one door to Label Studio's labeling config: text in, a checked `Config` out. No other stage imports label-studio-sdk.

Our own allow-list (grammar.py, markup.py) comes first, as the SDK is no sanitizer; then the text that lxml writes anew is
given to the SDK, which finds double and dangling names only in double quotes. Both are imported at the first use (0.7 s).
"""

from functools import lru_cache
from importlib import import_module
from typing import Any

from django.utils.translation import gettext as _

from apps.labeling.schema import grammar
from apps.labeling.schema.markup import ConfigProblem, problem_at, tree_of, written
from apps.labeling.schema.parts import RELATIONS, Config, Control, Option, Shown

__all__ = ["Config", "ConfigProblem", "Control", "Option", "Shown", "parse_config", "sdk_takes"]


@lru_cache(maxsize=128)
def parse_config(xml: str) -> Config:
    """The config, checked. Raises ConfigProblem that names the tag and its line."""
    root = tree_of(xml)
    parts: list[Shown | Control] = []
    _collect(root, parts)
    config = Config("", tuple(parts))
    _check_names(root, config)
    _check_whole(config)
    config = Config(written(root), config.parts)
    _ask_sdk(config)
    return config


def _collect(tag: Any, parts: list[Shown | Control]) -> None:
    for child in tag:
        if child.tag == "Header":
            value = child.get("value")
            field = value[1:] if value.startswith("$") else ""
            parts.append(Shown("Header", "", field, "" if field else value))
        elif child.tag in grammar.OBJECTS:
            grain, title = child.get("granularity", "symbol"), child.get("title", "")
            parts.append(Shown(child.tag, child.get("name"), child.get("value")[1:], title, grain))
        elif child.tag in grammar.CONTROLS:
            parts.append(_control(child))
        else:
            _collect(child, parts)


def _control(tag: Any) -> Control:
    objects = tuple((tag.get("toName") or "").split(","))
    low, high = _decimal(tag, "min"), _decimal(tag, "max")
    if low is not None and high is not None and low >= high:
        raise problem_at(tag, _("min is not less than max"))
    rating = int(tag.get("maxRating", "5")) if tag.tag == "Rating" else 0
    if tag.tag == "Rating" and not 1 <= rating <= grammar.MAX_RATING:
        raise problem_at(tag, _("maxRating is from 1 to %(most)d") % {"most": grammar.MAX_RATING})
    return Control(
        kind=tag.tag,
        name=tag.get("name", RELATIONS),
        to=objects[0],
        required=tag.get("required") == "true",
        multiple=tag.get("choice") == "multiple",
        options=_options(tag),
        objects=objects if tag.tag == "Pairwise" else (),
        max_rating=rating,
        min=low,
        max=high,
        step=_decimal(tag, "step"),
        placeholder=tag.get("placeholder", ""),
        prefill=tag.get("value", "")[1:],
        rows=min(max(int(tag.get("rows", "4")), 1), 30),
        hint=tag.get("hint", "") or tag.get("requiredMessage", ""),
    )


def _decimal(tag: Any, name: str) -> float | None:
    """A number of an attribute, whole where it is."""
    text = tag.get(name)
    if text is None:
        return None
    number = float(text)
    return int(number) if number.is_integer() else number


def _options(tag: Any) -> tuple[Option, ...]:
    names = ("hotkey", "hint", "background")
    options = tuple(
        Option(o.get("value"), o.get("alias") or o.get("value"), *(o.get(name, "") for name in names)) for o in tag
    )
    for place, option in enumerate(options):
        if option.stored in {other.stored for other in options[:place]}:
            raise problem_at(tag[place], _("the option “%(value)s” is there twice") % {"value": option.stored[:40]})
    return options


def _check_names(root: Any, config: Config) -> None:
    """Every name once, every toName an object that can carry the question, every hotkey once."""
    objects = {shown.name: shown.kind for shown in config.shown}
    names: set[str] = set()
    keys: set[str] = set(grammar.RESERVED_KEYS)
    for tag in root.iter():
        name = RELATIONS if tag.tag == "Relations" else tag.get("name")
        if name in names:
            raise problem_at(tag, _("the name “%(name)s” is used twice") % {"name": name})
        names |= {name} if name else set()
        if tag.get("toName"):
            _check_about(tag, objects)
        key = tag.get("hotkey")
        if key in keys:
            hint = _("Leave hotkey out: digits work everywhere.")
            raise problem_at(tag, _("the key “%(key)s” is taken") % {"key": key}, hint)
        keys |= {key} if key else set()


def _check_about(tag: Any, objects: dict[str, str]) -> None:
    fit = grammar.ABOUT.get(tag.tag, grammar.OBJECTS)
    for to in tag.get("toName").split(","):
        words = {"to": to, "kinds": ", ".join(fit), "tag": tag.tag}
        if to not in objects:
            known = _("There is: %(known)s.") % {"known": ", ".join(objects) or "-"}
            raise problem_at(tag, _("toName=“%(to)s” names nothing that is shown") % words, known)
        if objects[to] not in fit:
            hint = _("It must name one of: %(kinds)s.") % words
            wrong = _("toName=“%(to)s” is a %(kind)s, which %(tag)s cannot be about") % {**words, "kind": objects[to]}
            raise problem_at(tag, wrong, hint)


def _check_whole(config: Config) -> None:
    if not config.shown:
        raise ConfigProblem(_("The labeling config shows nothing."), _('Add <Text name="text" value="$prompt"/>.'))
    asked = [control for control in config.controls if control.kind != "Relations"]
    if not asked:
        raise ConfigProblem(_("The labeling config asks nothing."), _("Add Choices, Labels, TextArea or Rating."))
    if len(config.controls) > grammar.MAX_CONTROLS:
        most = {"most": grammar.MAX_CONTROLS}
        raise ConfigProblem(_("The labeling config asks more than %(most)d questions.") % most)
    if len(asked) < len(config.controls) and not any(control.marks for control in asked):
        hint = _("Add Labels, ParagraphLabels or RectangleLabels.")
        raise ConfigProblem(_("Relations connect marked places, and nothing can be marked."), hint)


def _interface(xml: str) -> Any:
    return import_module("label_studio_sdk.label_interface").LabelInterface(xml)


def _ask_sdk(config: Config) -> None:
    """A second opinion: Label Studio itself must take what we took."""
    try:
        interface = _interface(config.xml)
        interface.validate()
        names = {control.name for control in interface.controls} | {shown.name for shown in interface.objects}
    except Exception as exc:  # the SDK raises whatever its parts raise; each means that it does not take the config
        why = {"why": str(exc)[:200]}
        raise ConfigProblem(_("Label Studio does not take this config: %(why)s") % why) from None
    ours = {shown.name for shown in config.shown} | {c.name for c in config.controls if c.kind != "Relations"}
    if names != ours:
        raise ConfigProblem(_("Label Studio reads this config differently."))


@lru_cache(maxsize=32)
def _checker(xml: str) -> Any:
    return _interface(xml)


def sdk_takes(config: Config, result: list[dict[str, Any]]) -> bool:
    """Label Studio's own opinion of a result that passed ours."""
    return not _checker(config.xml)._validate_object({"result": result}, True)
