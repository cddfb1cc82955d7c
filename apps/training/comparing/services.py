"""Verbs of comparing: keep a way of looking at runs under a name, and let go of it."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.training import listing
from apps.training.comparing import choosing, outcomes
from apps.training.models import Run, RunView

AXES = ("step", "tokens", "time")


def save_view(*, actor: Any, workspace: Workspace, values: Mapping[str, Any]) -> RunView:
    """Keep it. Raises Problem naming the field, Conflict for a name that is taken."""
    _check(workspace, actor, values)
    try:
        with transaction.atomic():
            view: RunView = RunView.objects.create(workspace=workspace, created_by=actor, **values)
            ledger.write(row=view, verb="runview.saved", actor=actor)
    except IntegrityError as error:
        hint = _("Choose another name, or delete that view first.")
        raise Conflict(_("There is a view of this name."), field="name", hint=hint) from error
    return view


def _check(workspace: Workspace, actor: Any, values: Mapping[str, Any]) -> None:
    runs, filters = values.get("runs") or [], values.get("filter") or {}
    if bool(runs) == bool(filters):
        hint = _("Runs keeps these very runs; filter finds the newest anew each time.")
        raise Problem(_("Give either runs or a filter."), field="runs", hint=hint)
    if runs:
        seen = Run.objects.visible_to(actor).filter(workspace=workspace, pk__in=choosing.ids_of(runs))
        if seen.count() != len(set(runs)):
            raise Problem(_("One of these runs is not in this workspace."), field="runs", code="not_found")
    if unknown := set(filters) - {"q", "status"}:
        raise Problem(
            _("There is no filter %(name)s.") % {"name": sorted(unknown)[0][:40]}, field="filter", hint="q, status"
        )
    listing.RUNS.narrow(Run.objects.none(), filters, listing.runs_with)
    if unknown := set(values.get("columns") or []) - set(outcomes.NAMES):
        message = _("There is no column %(name)s.") % {"name": sorted(unknown)[0][:40]}
        raise Problem(message, field="columns", hint=", ".join(outcomes.NAMES))


def delete_view(*, actor: Any, view: RunView) -> None:
    """By who made it. Raises Conflict for others."""
    if view.created_by_id != actor.pk:
        raise Conflict(_("Only who saved a view may delete it."), hint=_("Save one of your own under another name."))
    with transaction.atomic():
        ledger.write(row=view, verb="runview.deleted", actor=actor)
        view.delete()
