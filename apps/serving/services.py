"""Verbs of serving: deploy a version, stop it, start it again."""

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.registry.models import ModelVersion
from apps.serving import engines
from apps.serving.models import Deployment, Status

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


@transaction.atomic
def deploy(
    *, actor: Any, workspace: Workspace, name: str, model_version: ModelVersion, allow_unapproved: bool = False
) -> Deployment:
    """A new name for a version, from now on wanted. Raises Problem for a name that is none or a version that may not be served,
    Conflict for a name that is taken."""
    name = name.strip()
    if not NAME.fullmatch(name):
        hint = _("Small letters, digits and hyphens, at most 60: support-a. Clients send it as `model`.")
        raise Problem(_("This is no name for a deployment."), field="name", hint=hint)
    _require_servable(workspace, model_version, allow_unapproved)
    engine = engines.locked(engines.engine_for(model_version))
    values = {"model_version": model_version, "engine": engine, "created_by": actor}
    try:
        with transaction.atomic():
            deployment: Deployment = Deployment.objects.create(workspace=workspace, name=name, **values)
    except IntegrityError:
        message = _("There is already a deployment “%(name)s”.") % {"name": name}
        raise Conflict(message, field="name", code="duplicate_name", hint=_("Choose another name.")) from None
    unapproved = {} if model_version.is_servable else {"unapproved": True}
    ledger.write(row=deployment, verb="deployment.created", actor=actor, note=str(model_version), **unapproved)
    engines.bring_up(engine, deployment, actor=actor)
    return deployment


def _require_servable(workspace: Workspace, version: ModelVersion, allow_unapproved: bool) -> None:
    if version.workspace_id != workspace.pk:
        raise Problem(_("The version belongs to another workspace."), field="model_version")
    version.checkpoint.require_text("model_version")
    if version.checkpoint.run.method == "prompt":
        message = _("Learned prompt tokens cannot be served yet.")
        hint = _("Train with LoRA for that; chats and evaluations take prompt tuning as it is.")
        raise Problem(message, field="model_version", code="not_servable", hint=hint)
    if version.is_over:
        message = _("%(version)s is %(status)s.") % {"version": version, "status": version.get_status_display().lower()}
        raise Problem(message, field="model_version", code="not_servable", hint=_("Deploy another version."))
    if not version.is_servable and not allow_unapproved:
        hint = _("Have somebody approve it, or deploy it as a trial (allow_unapproved).")
        message = _("%(version)s is not approved.") % {"version": version}
        raise Problem(message, field="model_version", code="not_approved", hint=hint)


@transaction.atomic
def start_deployment(*, actor: Any, deployment: Deployment) -> Deployment:
    """Turn it on again after a stop or a failure; what was a trial stays one. Raises Conflict when it is on, Problem when its
    version was rejected or retired meanwhile."""
    engine = engines.locked(deployment.engine)
    deployment.refresh_from_db()
    _require_servable(deployment.workspace, deployment.model_version, allow_unapproved=True)
    move(deployment, Status.STARTING, actor=actor, is_wanted=True, failure_message="", failure_hint="")
    engine.failures = 0
    engine.save(update_fields=["failures"])
    engines.bring_up(engine, deployment, actor=actor)
    return deployment


def stop_deployment(*, actor: Any, deployment: Deployment) -> Deployment:
    """Turn it off: new requests are refused at once, open ones are answered to their end. Raises Conflict when it is off."""
    with transaction.atomic():
        engine = engines.locked(deployment.engine)
        deployment.refresh_from_db()
        if deployment.status == Status.FAILED:
            move(deployment, Status.STOPPED, actor=actor, is_wanted=False)
        else:
            move(deployment, Status.STOPPING, actor=actor, is_wanted=False)
            engines.take_down(engine, deployment)
    engines.leave_if_unneeded(engine, actor=actor)
    return deployment
