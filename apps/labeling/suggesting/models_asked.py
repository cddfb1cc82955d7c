"""Models that may suggest, as this stage may know them: by an opaque name, from the composition root (they belong to later stages)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.labeling.models import LabelProject
from apps.labeling.schema.label_config import Control
from apps.labeling.suggesting import prompts

MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that can be asked now: `name` is stored, `label` is shown."""

    name: str
    label: str


class Source(Protocol):
    """What the composition root hands in (`settings.SUGGESTING_MODELS`)."""

    def known(self, workspace: Workspace) -> list[tuple[str, str]]: ...
    def folders(self, workspace: Workspace, name: str) -> dict[str, Any] | None: ...


def _source() -> Source:
    source: Source = import_string(settings.SUGGESTING_MODELS)
    return source


def known(workspace: Workspace) -> list[Asked]:
    """The models of a workspace that can be asked now."""
    return [Asked(*one) for one in _source().known(workspace)]


def folders(workspace: Workspace, name: str) -> dict[str, Any]:
    """Where a model lies, for a program. Raises Problem when it is gone."""
    found = _source().folders(workspace, name)
    if found is None:
        raise Problem(_("The model is not there any more."), field="model", hint=_("Choose another one."))
    return found


def check(project: LabelProject, control: Control, options: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a model as they are kept. Raises Problem naming the field."""
    names = [one.name for one in known(project.workspace)]
    if given.get("model") not in names:
        message = _("There is no such model that can be asked.")
        raise Problem(message, field="model", hint=", ".join(names[:12]) or _("Add a base model under Train."))
    template = given.get("template") or prompts.default(control, options)
    prompts.check(project.config, control, template)
    first = _whole(given.get("first", 0), "first", 0, 10_000_000)
    most = _whole(given.get("max_tokens", 128), "max_tokens", 1, MAX_TOKENS)
    return {"model": given["model"], "template": template, "first": first, "max_tokens": most}


def _whole(value: Any, field: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        message = _("Give a whole number from %(least)d to %(most)d.")
        raise Problem(message % {"least": least, "most": most}, field=field)
    return value
