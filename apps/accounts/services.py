"""Verbs about people and workspaces."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey, Membership, User, Workspace
from apps.accounts.roles import ALL, Role
from apps.core import ledger
from apps.core.errors import Conflict, Problem


@transaction.atomic
def create_workspace(*, actor: Any, name: str, slug: str) -> Workspace:
    """A new workspace, owned by `actor`."""
    workspace, is_new = Workspace.objects.get_or_create(slug=slug, defaults={"name": name})
    if not is_new:
        raise Conflict(_("This short name is taken."), field="slug", hint=_("Choose another one."))
    Membership.objects.create(workspace=workspace, user=actor, role=Role.OWNER)
    ledger.write(row=workspace, verb="workspace.created", actor=actor)
    return workspace


@transaction.atomic
def create_first_account(*, email: str, password: str) -> User:
    """The first account of an empty console: owner of the workspace `home`, and site administrator."""
    user = User.objects.create_superuser(email, password)
    create_workspace(actor=user, name="Home", slug="home")
    return user


@transaction.atomic
def create_account(*, actor: Any, email: str, name: str, password: str) -> User:
    """A new person. Raises Conflict for an e-mail in use, Problem for a weak password."""
    taken = Conflict(_("There is already an account with this e-mail."), field="email")
    if User.objects.filter(email=email.lower()).exists():
        raise taken
    user = User(email=email.lower(), name=name)
    try:
        validate_password(password, user)
    except ValidationError as exc:
        raise Problem(" ".join(exc.messages), field="password") from exc
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # somebody was first between the look and the write
        raise taken from None
    ledger.write(row=user, verb="account.created", actor=actor)
    return user


@transaction.atomic
def add_member(*, actor: Any, workspace: Workspace, user: User, role: str) -> Membership:
    _check_role(role)
    membership, is_new = Membership.objects.get_or_create(workspace=workspace, user=user, defaults={"role": role})
    if not is_new:
        raise Conflict(_("This person is already a member."), field="email")
    ledger.write(row=workspace, verb="member.added", actor=actor, note=f"{user}: {role}")
    return membership


@transaction.atomic
def admit(*, actor: Any, workspace: Workspace, email: str, role: str, name: str = "", password: str = "") -> Membership:
    """Make a person a member, with a new account when there is none. Raises Problem."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        user = create_account(actor=actor, email=email, name=name, password=password)
    return add_member(actor=actor, workspace=workspace, user=user, role=role)


@transaction.atomic
def change_role(*, actor: Any, membership: Membership, role: str) -> None:
    _check_role(role)
    _keep_an_owner(membership, unless=role == Role.OWNER)
    was, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    ledger.write(row=membership.workspace, verb="member.role", actor=actor, note=f"{membership.user}: {was} to {role}")


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise Problem(_("There is no such role."), field="role", hint=", ".join(Role.values))


@transaction.atomic
def remove_member(*, actor: Any, membership: Membership) -> None:
    """The person leaves the workspace; what they did stays, their keys here are revoked."""
    _keep_an_owner(membership, unless=False)
    ApiKey.objects.alive().filter(workspace=membership.workspace, user=membership.user).update(
        revoked_at=timezone.now()
    )
    ledger.write(row=membership.workspace, verb="member.removed", actor=actor, note=str(membership.user))
    membership.delete()


def _keep_an_owner(membership: Membership, *, unless: bool) -> None:
    """Refuse to take away the last owner. The rows are locked: two owners may not remove each other at once."""
    rows = Membership.objects.select_for_update().order_by("pk").filter(workspace=membership.workspace, role=Role.OWNER)
    owners = {row.pk for row in rows}  # read, not counted: PostgreSQL locks no rows for a COUNT
    if not unless and owners == {membership.pk}:
        raise Conflict(_("A workspace needs an owner."), hint=_("Make somebody else an owner first."))


@transaction.atomic
def issue_api_key(
    *, actor: Any, workspace: Workspace, name: str, user: User | None = None, capabilities: Iterable[str] = ()
) -> tuple[ApiKey, str]:
    """A key for `user` (by default the actor) in one workspace, and its text, which cannot be shown again."""
    holder, wanted = user or actor, sorted(set(capabilities))
    if unknown := set(wanted) - ALL:
        message = _("Unknown capability: %(names)s.") % {"names": ", ".join(sorted(unknown))}
        raise Problem(message, field="capabilities")
    if not Membership.objects.filter(workspace=workspace, user=holder).exists():
        raise Problem(_("Keys are for members of the workspace."), field="user")
    key, text = ApiKey.issue(workspace=workspace, user=holder, name=name, capabilities=wanted)
    ledger.write(row=key, verb="key.issued", actor=actor)
    return key, text


@transaction.atomic
def revoke_api_key(*, actor: Any, key: ApiKey) -> None:
    """End a key, at once. One that was revoked before stays as it is."""
    key.revoked_at = timezone.now()
    if ApiKey.objects.alive().filter(pk=key.pk).update(revoked_at=key.revoked_at):
        ledger.write(row=key, verb="key.revoked", actor=actor)
