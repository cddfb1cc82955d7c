"""Who calls: an API key that may `serving.infer`. Nothing else opens these doors, also not a browser's session."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.access import require
from apps.accounts.models import ApiKey, User, Workspace
from apps.core.errors import Problem

INFER = "serving.infer"


class Unknown(Problem):
    status = 401
    code = "invalid_api_key"


class NotAllowed(Problem):
    status = 403
    code = "insufficient_permissions"


@dataclass(frozen=True)
class Caller:
    """The key of a request, and whose it is."""

    key: ApiKey
    user: User
    workspace: Workspace


def identify(request: HttpRequest) -> Caller:
    """The caller by `Authorization: Bearer tl_...`. Raises Unknown without a good key, NotAllowed when it may not infer."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unknown(_("Send an API key: Authorization: Bearer tl_..."))
    key = ApiKey.find(text.strip())
    if key is None or not key.user.is_active:
        raise Unknown(_("This API key is not valid, or it was revoked."))
    key.touch()
    user: Any = key.user
    user._key = key
    try:
        require(user, INFER, key.workspace)
    except (PermissionDenied, Http404) as exc:
        raise NotAllowed(_("This key may not ask deployed models (%(name)s).") % {"name": INFER}) from exc
    return Caller(key, user, key.workspace)
