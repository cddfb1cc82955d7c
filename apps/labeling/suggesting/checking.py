"""Whether the settings of a suggester make sense (`Suggester.spec`):

rules, words, functions   {"question", "lines": {option: [line, ..]}, "ignores_case"}
model                     {"question", "model", "template", "first", "max_tokens"}
own                       {"question", "field"}
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.models import LabelProject, SuggesterKind
from apps.labeling.schema.label_config import Control
from apps.labeling.suggesting import asking, models_asked, own
from workers import suggesting
from workers.failures import UserError

LEAST_FUNCTIONS = 3  # fewer cannot be told apart by how they agree


def check_spec(project: LabelProject, kind: str, given: Any) -> dict[str, Any]:
    """The settings as they are kept. Raises Problem naming the field, the option and the line."""
    if not isinstance(given, Mapping):
        raise Problem(_("The settings are an object."), field="spec")
    control = asking.question_of(project.config, kind, given.get("question"))
    if kind == SuggesterKind.OWN:
        return {"question": control.name, **own.check(project, control, given)}
    if kind == SuggesterKind.MODEL:
        return {"question": control.name, **models_asked.check(project, control, asking.options_of(control), given)}
    lines = _lines(given.get("lines"))
    ignores_case = given.get("ignores_case", True)
    if not isinstance(ignores_case, bool):
        raise Problem(_("Say true or false."), field="ignores_case")
    spec = {"question": control.name, "lines": lines, "ignores_case": ignores_case}
    found = rules_of(control, kind, spec)
    if kind == SuggesterKind.FUNCTIONS and len(found) < LEAST_FUNCTIONS:
        message = _("A label model needs %(least)d functions or more; there are %(count)d.")
        words = {"least": LEAST_FUNCTIONS, "count": len(found)}
        raise Problem(message % words, field="lines", hint=_("Write a line for each, or use patterns."))
    return spec


def _lines(given: Any) -> dict[str, list[str]]:
    is_right = isinstance(given, Mapping) and all(
        isinstance(told, list) and all(isinstance(line, str) and "\0" not in line for line in told)
        for told in given.values()
    )
    if not is_right:
        raise Problem(_("Lines are lists of texts by option."), field="lines", hint='{"good": ["^thank(s| you)"]}')
    told = {str(option): [line.strip() for line in lines if line.strip()] for option, lines in given.items()}
    return {option: lines for option, lines in told.items() if lines}


def rules_of(control: Control, kind: str, spec: Mapping[str, Any]) -> list[suggesting.Rule]:
    """The lines, ready to look. Raises Problem."""
    try:
        return suggesting.read_rules(kind, spec["lines"], asking.options_of(control), ignores_case=spec["ignores_case"])
    except UserError as error:
        raise Problem(error.message, hint=error.hint, field=error.field or "lines") from None
