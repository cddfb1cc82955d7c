"""Base models as this stage may know them: by name and folder, from the composition root (they belong to a later stage)."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem


@dataclass(frozen=True)
class KnownModel:
    """A base model that can be used now."""

    slug: str
    name: str
    folder: Path


def known_models(workspace: Workspace) -> list[KnownModel]:
    """The base models of a workspace that can be used now."""
    return [KnownModel(*found) for found in import_string(settings.BASE_MODELS)(workspace)]


def folder_of(workspace: Workspace, slug: str, *, field: str) -> Path:
    """The folder of a base model. Raises Problem for one that is not there or not ready."""
    models = known_models(workspace)
    for model in models:
        if model.slug == slug:
            return model.folder
    hint = _("There are: %(names)s.") % {"names": ", ".join(model.slug for model in models)} if models else ""
    raise Problem(_("There is no base model “%(name)s” that is ready.") % {"name": slug[:80]}, field=field, hint=hint)
