"""Deployments that a caller names, and the share that a caller asks for."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.rollout.services import share_of
from apps.serving.models import Deployment


def deployment_of(workspace: Workspace, named: str, field: str) -> Deployment:
    """By name or id. Raises Problem."""
    rows, named = Deployment.objects.filter(workspace=workspace).select_related("model_version__model"), named.strip()
    found: Deployment | None = rows.filter(name=named).first() if named.isprintable() else None
    if found is None:
        with suppress(ValueError):
            found = rows.filter(pk=UUID(named)).first()
    if found is None:
        message = _("There is no deployment “%(name)s” in this workspace.") % {"name": named[:60]}
        raise Problem(message, field=field, code="not_found", hint="GET /api/v1/deployments/")
    return found


def asked_share(values: Mapping[str, Any], default: float | None = None) -> float:
    """By `share`, or by `weights` of the two arms. Raises Problem."""
    weights, share = values.get("weights"), values.get("share")
    if weights is not None and share is not None:
        raise Problem(_("Give a share or weights, not both."), field="share")
    if weights is not None:
        return share_of(weights["candidate"], weights["control"])
    share = default if share is None else share
    if share is None:
        raise Problem(_("Give the candidate's share."), field="share", code="required")
    return float(share)


def percent(text: str) -> float:
    """A share from what a person typed as per cent. Raises Problem."""
    try:
        return float(text.strip().removesuffix("%").replace(",", ".")) / 100
    except ValueError:
        raise Problem(_("Give a number of per cent."), field="share") from None
