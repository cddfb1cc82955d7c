"""Rows that a caller names in a body or an address. What a person may not see does not exist for them."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.access import fetch_for
from apps.core.errors import Problem
from apps.registry.models import Model, ModelVersion
from apps.training.models import Checkpoint


def model_version(user: Any, capability: str, pk: Any, version: str) -> ModelVersion:
    """A version of a model by its text or id, for a door. Http404, PermissionDenied."""
    model = fetch_for(user, capability, Model, pk)
    if is_uuid(version):
        return fetch_for(user, capability, ModelVersion, version, model_id=model.pk)
    if not version.isprintable():
        raise Http404
    return fetch_for(user, capability, ModelVersion, _by_text(model, version), model_id=model.pk)


def _by_text(model: Model, version: str) -> Any:
    return model.versions.filter(version=version).values_list("pk", flat=True).first()


def version_of(model: Model, named: str) -> ModelVersion:
    """The version that a body names. Raises Problem."""
    rows, named = model.versions.select_related("workspace"), named.strip()
    by = "pk" if is_uuid(named) else "version"
    found: ModelVersion | None = rows.filter(**{by: named}).first() if named.isprintable() else None
    if found is None:
        words = {"model": model, "version": named[:60]}
        message = _("%(model)s has no version %(version)s.") % words
        raise Problem(message, field="version", code="not_found")
    return found


def checkpoint_of(user: Any, model: Model, pk: Any) -> Checkpoint:
    """The checkpoint that a body names. Raises Problem."""
    rows = Checkpoint.objects.visible_to(user).filter(workspace=model.workspace_id)
    rows = rows.select_related("run__job", "run__base_model", "workspace")
    found: Checkpoint | None = rows.filter(pk=pk).first() if is_uuid(pk) else None
    if found is None:
        raise Problem(_("There is no such checkpoint in this workspace."), field="checkpoint", code="not_found")
    return found


def is_uuid(text: Any) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True
