"""A launch as a file: YAML that people keep beside their code, and the spec with which a terminal does the same. Pure."""

from collections.abc import Mapping
from typing import Any

import yaml
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from workers.recipes import Recipe

MOST_CHARACTERS = 64_000


def as_yaml(recipe: Mapping[str, Any]) -> str:
    """Every setting, in the order of the form."""
    return str(yaml.safe_dump(Recipe.from_dict(recipe).as_dict(), sort_keys=False, allow_unicode=True, width=120))


def read_yaml(text: Any) -> dict[str, Any]:
    """The settings in a YAML or JSON text, unchecked but for being settings. Raises Problem with the line."""
    if not isinstance(text, str) or not text.strip():
        raise Problem(_("Send the settings as text."), field="text", hint="method: lora")
    if len(text) > MOST_CHARACTERS or "&" in text:  # an anchor can stand for a billion values
        hint = _("Settings are a short list of names and values.")
        raise Problem(_("This text is too long, or uses anchors."), field="text", hint=hint)
    try:
        found = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = _("Line %(line)s is no YAML: %(why)s.") % {"line": line, "why": error.problem or ""}
        raise Problem(message, field="text") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Problem(_("This is no YAML."), field="text") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise Problem(_("Settings are names with values."), field="text", hint="method: lora\nlearning_rate: 2e-4")
    return {name: _number(value) for name, value in found.items()}


def _number(value: Any) -> Any:
    """YAML 1.1 reads 2e-4 as a text; everybody means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
