"""`Authorization: Bearer tl_...` for programs."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiKey, User


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != "bearer":
            return None
        key = ApiKey.find(words[1]) if len(words) == 2 else None
        if key is None or not key.user.is_active:
            raise AuthenticationFailed(_("This API key is not valid, or it was revoked."))
        key.touch()
        user = key.user
        user._key = key  # type: ignore[attr-defined]
        return user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="tuneloop"'


class BrowserSession(SessionAuthentication):
    """Session + CSRF; says 401, not 403, to somebody who is not signed in."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "tl_<prefix>_<secret>"}


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.BrowserSession"
    name = "Session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
