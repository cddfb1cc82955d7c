"""People, workspaces, and what a person may do in which."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import CAPABILITIES, Role, roles_with
from apps.core.models import Row


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractUser):
    """A person, known by e-mail (lower case, unique)."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = UserManager()  # type: ignore[misc,assignment]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        words = (self.name or self.email.split("@")[0].replace(".", " ")).split()
        return "".join(word[0] for word in words[:2]).upper() or "?"

    @property
    def key(self) -> "ApiKey | None":
        """The API key this request came in with, if any: it narrows what the person may do."""
        return getattr(self, "_key", None)


class Workspace(Row):
    """A team's room: every dataset, run and model belongs to exactly one."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(unique=True, max_length=60)
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    def __str__(self) -> str:
        return self.name

    @property
    def workspace_id(self) -> UUID:
        """Its own: what happens to a workspace stands in its ledger, as what happens in it does."""
        return self.pk


class Membership(Row):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_per_workspace")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.workspace}"

    def can(self, capability: str) -> bool:
        return capability in CAPABILITIES.get(self.role, ())


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def alive(self) -> Self:
        return self.filter(revoked_at=None)


class ApiKey(Row):
    """A program's key: `tl_<prefix>_<secret>`. Shown once; only the SHA-256 of the whole is kept (the secret has 256 bits)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    capabilities = models.JSONField(default=list, blank=True, help_text=_("Empty: all that the person may do."))
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} (tl_{self.prefix}...)"

    @classmethod
    def issue(cls, **fields: Any) -> tuple["ApiKey", str]:
        """A new key and, this one time, its text."""
        prefix = secrets.token_hex(4)
        text = f"tl_{prefix}_{secrets.token_urlsafe(32)}"
        return cls.objects.create(prefix=prefix, digest=cls.digest_of(text), **fields), text

    @staticmethod
    def digest_of(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def find(cls, text: str) -> "ApiKey | None":
        parts = text.split("_", 2)
        if len(parts) != 3 or parts[0] != "tl":
            return None
        key = cls.objects.alive().select_related("user", "workspace").filter(prefix=parts[1]).first()
        return key if key and secrets.compare_digest(key.digest, cls.digest_of(text)) else None

    def touch(self) -> None:
        """Note the use, at most once a minute: an UPDATE that changes nothing still takes SQLite's write lock."""
        now = timezone.now()
        if self.last_used_at is None or self.last_used_at < now - timedelta(minutes=1):
            ApiKey.objects.filter(pk=self.pk).update(last_used_at=now)

    def allows(self, capability: str) -> bool:
        return not self.capabilities or capability in self.capabilities


class ScopedQuerySet(models.QuerySet[Any]):
    """Rows of workspaces: every read by a person goes through `visible_to`."""

    SEE = "workspace.view"

    def visible_to(self, user: Any, capability: str = "") -> Self:
        """Rows of the workspaces where `user` holds `capability` (by default the right to see this kind)."""
        return self.filter(workspace__in=workspaces_where(user, capability or self.SEE))


def workspaces_where(user: Any, capability: str) -> models.QuerySet[Workspace]:
    """Workspaces in which the person holds the capability, narrowed by the API key of the request."""
    if not user.is_authenticated:
        return Workspace.objects.none()
    allowed = Workspace.objects.filter(
        memberships__in=Membership.objects.filter(user_id=user.pk, role__in=roles_with(capability))
    )
    key: ApiKey | None = user.key
    if key is None:
        return allowed
    return allowed.filter(pk=key.workspace_id) if key.allows(capability) else Workspace.objects.none()


class WorkspaceRow(Row):
    """A row that belongs to a workspace. Each has `objects` of its own: a ScopedQuerySet with its SEE."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True
