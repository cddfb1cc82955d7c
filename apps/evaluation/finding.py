"""What a request names, looked up among what the person may see. Raises Problem naming the field."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.evaluation import services
from apps.training.models import Checkpoint


def checkpoint(user: Any, pk: Any, *, field: str = "checkpoint") -> Checkpoint:
    rows = Checkpoint.objects.visible_to(user).select_related("workspace", "run__dataset_version__dataset", "run__job")
    found: Checkpoint | None = _one(rows, pk)
    if found is None:
        raise Problem(_("There is no such checkpoint in your workspaces."), field=field, code="not_found")
    return found


def checkpoints(user: Any, pks: Iterable[Any]) -> list[Checkpoint]:
    return [checkpoint(user, pk, field="checkpoints") for pk in pks]


def version(user: Any, pk: Any) -> DatasetVersion:
    rows = DatasetVersion.objects.visible_to(user).select_related("workspace", "dataset")
    found: DatasetVersion | None = _one(rows, pk)
    if found is None:
        message = _("There is no such dataset version in your workspaces.")
        raise Problem(message, field="dataset_version", code="not_found", hint="GET /api/v1/datasets/")
    return found


def raters(workspace: Workspace, emails: Iterable[str]) -> list[User]:
    known = {user.email: user for user in services.may_rate(workspace)}
    found = []
    for email in dict.fromkeys(email.lower() for email in emails):
        if email not in known:
            raise Problem(_("%(email)s cannot rate in this workspace.") % {"email": email}, field="raters")
        found.append(known[email])
    return found


def values_of(user: Any, workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    """What was sent about a round, with ids and e-mails turned into rows."""
    values = dict(given)
    if "checkpoints" in values:
        values["checkpoints"] = checkpoints(user, values["checkpoints"])
    if "dataset_version" in values:
        values["dataset_version"] = version(user, values["dataset_version"])
    if "raters" in values:
        values["raters"] = raters(workspace, values["raters"])
    return values


def _one(rows: Any, pk: Any) -> Any:
    try:
        return rows.filter(pk=str(pk)).first()
    except (ValidationError, ValueError):
        return None
