"""Settings: people, keys, and which workspace the pages show."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.access import current_workspace, require
from apps.accounts.forms import KeyForm, MemberForm, ProfileForm
from apps.accounts.models import ApiKey, Membership, User, Workspace, workspaces_where
from apps.accounts.roles import CAPABILITIES, SAYS, Role
from apps.core.errors import Problem


@login_required
@require_POST
def switch(request: HttpRequest, pk: str) -> HttpResponse:
    """Show another workspace from now on."""
    room = require(request.user, "workspace.view", _workspace(pk))
    request.session["workspace"] = str(room.pk)
    return redirect("overview:home")


@login_required
def members(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "workspace.view", current_workspace(request))
    return _members_page(request, workspace, MemberForm())


@login_required
@require_POST
def add_member(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "members.manage", current_workspace(request))
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _members_page(request, workspace, form)
    try:
        services.admit(actor=request.user, workspace=workspace, **form.cleaned_data)
    except Problem as problem:
        form.add_error(problem.field if problem.field in form.fields else None, problem.message)
        return _members_page(request, workspace, form)
    messages.success(request, _("%(email)s is a member now.") % {"email": form.cleaned_data["email"]})
    return redirect("accounts:members")


@login_required
@require_POST
def change_role(request: HttpRequest, pk: str) -> HttpResponse:
    membership = _membership(request, pk)
    services.change_role(actor=request.user, membership=membership, role=request.POST.get("role", ""))
    messages.success(request, _("%(person)s has another role now.") % {"person": membership.user})
    return redirect("accounts:members")


@login_required
@require_POST
def remove_member(request: HttpRequest, pk: str) -> HttpResponse:
    membership = _membership(request, pk)
    services.remove_member(actor=request.user, membership=membership)
    messages.success(request, _("%(person)s left the workspace.") % {"person": membership.user})
    return redirect("accounts:members")


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Who one is, for the others."""
    assert isinstance(request.user, User)
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form}, status=400 if form.errors else 200)


@login_required
def keys(request: HttpRequest) -> HttpResponse:
    workspace = require(request.user, "workspace.view", current_workspace(request))
    return _keys_page(request, workspace, KeyForm())


@login_required
@require_POST
def issue_key(request: HttpRequest) -> HttpResponse:
    """The one answer that shows the key."""
    workspace = require(request.user, "keys.manage", current_workspace(request))
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _keys_page(request, workspace, form)
    _key, text = services.issue_api_key(actor=request.user, workspace=workspace, name=form.cleaned_data["name"])
    return _keys_page(request, workspace, KeyForm(), fresh=text)


@login_required
@require_POST
def revoke_key(request: HttpRequest, pk: str) -> HttpResponse:
    workspace = require(request.user, "keys.manage", current_workspace(request))
    key = ApiKey.objects.filter(workspace=workspace, user=cast(User, request.user), pk=pk).first()
    if key is None:
        raise Http404
    services.revoke_api_key(actor=request.user, key=key)
    messages.success(request, _("The key %(name)s no longer works.") % {"name": key.name})
    return redirect("accounts:keys")


def _workspace(pk: str) -> Workspace:
    try:
        return Workspace.objects.get(pk=pk)
    except (Workspace.DoesNotExist, ValidationError):
        raise Http404 from None


def _membership(request: HttpRequest, pk: str) -> Membership:
    """A membership of the current workspace, for somebody who manages its members."""
    workspace = require(request.user, "members.manage", current_workspace(request))
    found = Membership.objects.select_related("user", "workspace").filter(workspace=workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found


def _members_page(request: HttpRequest, workspace: Workspace, form: MemberForm) -> HttpResponse:
    text, role = request.GET.get("q", "").strip()[:100], request.GET.get("role", "")
    everybody = workspace.memberships.select_related("user").order_by("user__name", "user__email")
    found = everybody.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text))
    context = {
        "form": form,
        "members": found.filter(role=role) if role in Role.values else found,
        "total": everybody.count(),
        "owners": everybody.filter(role=Role.OWNER).count(),
        "q": text,
        "role": role,
        "roles": Role.choices,
        "table": _role_table(),
        "may_manage": workspaces_where(request.user, "members.manage").filter(pk=workspace.pk).exists(),
    }
    template = "accounts/members.html" + ("#people" if getattr(request, "htmx", False) else "")
    return render(request, template, context, status=400 if form.errors else 200)


def _role_table() -> list[dict[str, Any]]:
    """Every capability, what it lets one do, and for each role whether it holds it."""
    return [
        {"name": name, "says": says, "held": [name in CAPABILITIES[role] for role in Role.values]}
        for name, says in SAYS.items()
    ]


def _keys_page(request: HttpRequest, workspace: Workspace, form: KeyForm, fresh: str = "") -> HttpResponse:
    assert isinstance(request.user, User)
    context = {
        "form": form,
        "fresh": fresh,
        "address": request.build_absolute_uri("/api/v1/datasets/"),
        "keys": ApiKey.objects.alive().filter(workspace=workspace, user=request.user).order_by("-created_at"),
        "may_manage": workspaces_where(request.user, "keys.manage").filter(pk=workspace.pk).exists(),
    }
    return render(request, "accounts/keys.html", context, status=400 if form.errors else 200)
