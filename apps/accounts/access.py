"""How a door gets a row: authorise and fetch in one step, so that the two can never be about different things."""

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404
from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey, Membership, Workspace, workspaces_where

M = TypeVar("M", bound=models.Model)


def fetch_for(user: Any, capability: str, model: type[M], pk: Any, **also: Any) -> M:
    """The row, if `user` may do `capability` with it. Http404 when unseen, PermissionDenied when seen but not allowed."""
    manager: Any = model._default_manager
    row: M = fetch_among(user, capability, manager.visible_to(user), pk, **also)
    return row


def fetch_among(user: Any, capability: str, rows: Any, pk: Any, **also: Any) -> Any:
    """`fetch_for` among rows that the user sees."""
    try:
        row = seen_by(user, capability, rows).filter(pk=pk, **also).first()
    except (ValidationError, ValueError, TypeError):
        row = None
    if row is None:
        raise Http404
    if not row.may_be_done:
        raise PermissionDenied(_("Your role in this workspace does not allow this."))
    return row


def seen_by(user: Any, capability: str, rows: Any) -> Any:
    """Rows with their workspace and `may_be_done`: whether `user` may do `capability` there. One query for both."""
    rooms = workspaces_where(user, capability).filter(pk=models.OuterRef("workspace"))
    return rows.select_related("workspace").annotate(may_be_done=models.Exists(rooms))


def require(user: Any, capability: str, workspace: Workspace) -> Workspace:
    """The workspace, if `user` may do `capability` in it. Http404 for a stranger, PermissionDenied for a member."""
    if workspaces_where(user, capability).filter(pk=workspace.pk).exists():
        return workspace
    if (
        workspaces_where(user, "workspace.view").filter(pk=workspace.pk).exists()
        or Membership.objects.filter(user_id=user.pk, workspace=workspace).exists()
    ):
        raise PermissionDenied(_("Your role in this workspace does not allow this."))
    raise Http404


def current_workspace(request: Any) -> Workspace:
    """The workspace of this request: the API key's, else the one chosen in the session, else the first. Http404 if none."""
    key: ApiKey | None = getattr(request.user, "key", None)
    if key is not None:
        return key.workspace
    rooms = workspaces_where(request.user, "workspace.view")
    chosen = request.session.get("workspace") if hasattr(request, "session") else None
    room = rooms.filter(pk=chosen).first() if chosen else None
    room = room or rooms.order_by("created_at").first()
    if room is None:
        raise Http404(_("You are not a member of any workspace."))
    return room
