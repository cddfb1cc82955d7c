"""People and workspaces: closed doors, the first account, and an owner that is always kept."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import services
from apps.accounts.models import ApiKey, Membership, User, Workspace
from apps.accounts.roles import Role
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def member(person: User) -> Membership:
    return Membership.objects.get(user=person)


def test_signup__by_anybody__makes_no_account(client: Client) -> None:
    form = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    answer = client.post("/accounts/signup/", form)
    assert answer.status_code == 200
    assert not User.objects.exists()


def test_login__with_email_in_any_case__opens_a_session(cast: Cast, client: Client) -> None:
    answer = client.post("/accounts/login/", {"login": "Olga@Example.com", "password": "a long pass phrase"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(cast.owner.pk)


def test_login__with_a_wrong_password__opens_none(cast: Cast, client: Client) -> None:
    client.post("/accounts/login/", {"login": "olga@example.com", "password": "wrong"})
    assert "_auth_user_id" not in client.session


def test_admin_login__for_anybody__is_the_one_door_with_its_rate_limit(client: Client) -> None:
    answer = client.post("/admin/login/", {"username": "a@example.com", "password": "guess"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_first_account__of_an_empty_console__owns_home() -> None:
    user = services.create_first_account(email="Ann@Example.com", password=PASSWORD)
    assert (user.email, user.is_superuser) == ("ann@example.com", True)
    membership = Membership.objects.get()
    assert (membership.workspace.slug, membership.role, membership.user) == ("home", Role.OWNER, user)
    assert user.check_password(PASSWORD)


def test_create_account__email_in_use__is_a_conflict_whatever_the_case(cast: Cast) -> None:
    with pytest.raises(Conflict) as caught:
        services.create_account(actor=cast.owner, email="OLGA@example.com", name="", password=PASSWORD)
    assert caught.value.field == "email"


@pytest.mark.parametrize("weak", ["short", "password123", "newperson@example.com"])
def test_create_account__weak_password__is_refused_with_the_reason(cast: Cast, weak: str) -> None:
    with pytest.raises(Problem) as caught:
        services.create_account(actor=cast.owner, email="newperson@example.com", name="New", password=weak)
    assert caught.value.field == "password"
    assert not User.objects.filter(email="newperson@example.com").exists()


def test_create_workspace__slug_in_use__is_a_conflict(cast: Cast) -> None:
    with pytest.raises(Conflict, match="taken"):
        services.create_workspace(actor=cast.owner, name="Other", slug="northpeak")
    assert Workspace.objects.count() == 2


def test_add_member__twice__is_a_conflict_and_keeps_the_role(cast: Cast) -> None:
    with pytest.raises(Conflict, match="already"):
        services.add_member(actor=cast.owner, workspace=cast.workspace, user=cast.viewer, role=Role.OWNER)
    assert member(cast.viewer).role == Role.VIEWER


def test_add_member__unknown_role__is_refused(cast: Cast) -> None:
    with pytest.raises(Problem, match="role"):
        services.add_member(actor=cast.owner, workspace=cast.workspace, user=cast.stranger, role="king")


def test_change_role__another_owner_left__is_written_with_its_line(cast: Cast) -> None:
    services.change_role(actor=cast.owner, membership=member(cast.engineer), role=Role.OWNER)
    services.change_role(actor=cast.owner, membership=member(cast.owner), role=Role.VIEWER)
    assert member(cast.owner).role == Role.VIEWER
    line = ledger.history(cast.workspace).first()
    assert line is not None
    assert (line.verb, line.note, line.workspace_id) == ("member.role", "Olga: owner to viewer", cast.workspace.pk)


@pytest.mark.parametrize("act", ["demote", "remove"])
def test_last_owner__demoted_or_removed__is_refused(cast: Cast, act: str) -> None:
    with pytest.raises(Conflict, match="needs an owner"):
        if act == "demote":
            services.change_role(actor=cast.owner, membership=member(cast.owner), role=Role.VIEWER)
        else:
            services.remove_member(actor=cast.owner, membership=member(cast.owner))
    assert member(cast.owner).role == Role.OWNER


def test_remove_member__with_keys__revokes_those_of_this_workspace_only(cast: Cast) -> None:
    Membership.objects.create(workspace=cast.other_workspace, user=cast.engineer, role=Role.VIEWER)
    here, _text = services.issue_api_key(actor=cast.engineer, workspace=cast.workspace, name="here")
    there, _text = services.issue_api_key(actor=cast.engineer, workspace=cast.other_workspace, name="there")
    services.remove_member(
        actor=cast.owner, membership=Membership.objects.get(user=cast.engineer, workspace=cast.workspace)
    )
    assert list(ApiKey.objects.alive()) == [there]
    assert here.pk != there.pk
    assert User.objects.filter(pk=cast.engineer.pk).exists()


def test_user__initials__are_of_name_or_email() -> None:
    assert User(name="Grace Brewster Hopper").initials == "GB"
    assert User(email="ada.lovelace@example.com").initials == "AL"
    assert User(email="").initials == "?"


def test_every_change__of_people__has_a_line(cast: Cast) -> None:
    user = services.create_account(actor=cast.owner, email="n@example.com", name="Nora", password=PASSWORD)
    membership = services.add_member(actor=cast.owner, workspace=cast.workspace, user=user, role=Role.VIEWER)
    services.remove_member(actor=cast.owner, membership=membership)
    verbs = list(LedgerEntry.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["account.created", "member.added", "member.removed"]


@pytest.mark.django_db(transaction=True)
def test_last_owner__two_owners_demote_each_other_at_once__one_stays() -> None:
    cast = make_cast()
    Membership.objects.filter(user=cast.engineer).update(role=Role.OWNER)
    outcomes = at_once(
        lambda: services.change_role(actor=cast.owner, membership=member(cast.engineer), role=Role.VIEWER),
        lambda: services.change_role(actor=cast.engineer, membership=member(cast.owner), role=Role.VIEWER),
    )
    assert sorted(outcomes) == ["conflict", "done"]
    assert Membership.objects.filter(workspace=cast.workspace, role=Role.OWNER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_create_account__twice_at_once__is_one_account_and_one_conflict() -> None:
    cast = make_cast()

    def create() -> None:
        services.create_account(actor=cast.owner, email="n@example.com", name="N", password=PASSWORD)

    assert sorted(at_once(create, create)) == ["conflict", "done"]


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Run all in threads of their own; what became of each."""
    start, outcomes = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        start.wait(10)
        try:
            act()
            outcomes.append("done")
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes
