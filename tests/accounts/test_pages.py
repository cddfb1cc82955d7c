"""Settings pages: members, keys, one's own account."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import ApiKey, Membership, User
from apps.accounts.roles import ALL, SAYS, Role
from tests.cast import Cast

Browser = Callable[[User], Client]


def test_says__every_capability__has_words() -> None:
    assert set(SAYS) == ALL


@pytest.mark.parametrize(("query", "found"), [("q=clar", {"Clara"}), ("role=viewer", {"Viktor"}), ("q=nobody", set())])
def test_members__searched__shows_who_fits(cast: Cast, browser_of: Browser, query: str, found: set[str]) -> None:
    page = browser_of(cast.viewer).get(f"/settings/members/?{query}", headers={"HX-Request": "true"}).content.decode()
    people = {
        name
        for name in ("Olga", "Emil", "Clara", "Anton", "Ada", "Viktor")
        if f"{name} <" in page or f">{name}<" in page
    }
    assert people == found
    assert "<html" not in page


def test_members__by_a_viewer__can_be_seen_and_not_changed(cast: Cast, browser_of: Browser) -> None:
    client, other = browser_of(cast.viewer), Membership.objects.get(user=cast.engineer)
    assert "Add a person" not in client.get("/settings/members/").content.decode()
    assert client.post("/settings/members/add/", {"email": "new@example.com", "role": "owner"}).status_code == 403
    assert client.post(f"/settings/members/{other.pk}/role/", {"role": "owner"}).status_code == 403
    assert client.post(f"/settings/members/{other.pk}/remove/").status_code == 403


def test_members__of_another_workspace__are_not_there(cast: Cast, browser_of: Browser) -> None:
    theirs = Membership.objects.get(user=cast.engineer)
    assert browser_of(cast.stranger).post(f"/settings/members/{theirs.pk}/remove/").status_code == 404


def test_add_member__weak_password__is_told_at_its_field_in_the_open_dialog(cast: Cast, browser_of: Browser) -> None:
    form = {"email": "new@example.com", "role": Role.VIEWER, "name": "New", "password": "short"}
    answer = browser_of(cast.owner).post("/settings/members/add/", form)
    page = answer.content.decode()
    assert answer.status_code == 400 and "data-open" in page and 'id="id_password_error"' in page


def test_add_member__with_a_first_password__can_sign_in(cast: Cast, browser_of: Browser, client: Client) -> None:
    form = {"email": "New@Example.com", "role": Role.VIEWER, "name": "New", "password": "blue wooden chair 7"}
    assert browser_of(cast.owner).post("/settings/members/add/", form).status_code == 302
    client.post("/accounts/login/", {"login": "new@example.com", "password": "blue wooden chair 7"})
    assert client.get("/").status_code == 200


def test_last_owner__on_the_page__cannot_be_changed(cast: Cast, browser_of: Browser) -> None:
    page = browser_of(cast.owner).get("/settings/members/?q=olga").content.decode()
    assert "A workspace keeps at least one owner" in page


def test_key__made_on_the_page__is_shown_once(cast: Cast, browser_of: Browser) -> None:
    client = browser_of(cast.engineer)
    page = client.post("/settings/keys/issue/", {"name": "nightly"}).content.decode()
    prefix = ApiKey.objects.get().prefix
    assert page.count(f"tl_{prefix}_") >= 2
    assert f"tl_{prefix}_..." in client.get("/settings/keys/").content.decode()
    assert client.get("/settings/keys/").content.decode().count(f"tl_{prefix}_") == 1


def test_key__of_somebody_else__is_neither_shown_nor_revoked(cast: Cast, browser_of: Browser) -> None:
    key, _text = ApiKey.issue(user=cast.engineer, workspace=cast.workspace, name="theirs")
    client = browser_of(cast.owner)
    assert "theirs" not in client.get("/settings/keys/").content.decode()
    client.post(f"/settings/keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at is None


def test_profile__a_new_name__is_kept(cast: Cast, browser_of: Browser) -> None:
    client = browser_of(cast.viewer)
    assert client.post("/settings/profile/", {"name": "Viktor Hahn", "email": "evil@example.com"}).status_code == 302
    cast.viewer.refresh_from_db()
    assert (cast.viewer.name, cast.viewer.email) == ("Viktor Hahn", "viktor@example.com")


@pytest.mark.parametrize(
    "address", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/inactive/"]
)
def test_door__every_page_of_it__has_the_look_and_no_inline_script(client: Client, db: None, address: str) -> None:
    page = client.get(address).content.decode()
    assert 'class="door"' in page and "<style" not in page and "<script>" not in page


@pytest.mark.parametrize(
    "address", ["/accounts/password/change/", "/accounts/logout/", "/accounts/email/", "/accounts/reauthenticate/"]
)
def test_account_page__for_a_member__has_the_look(cast: Cast, browser_of: Browser, address: str) -> None:
    page = browser_of(cast.viewer).get(address, follow=True).content.decode()
    assert "tokens.css" in page and "<style" not in page


def test_forgotten_password__with_mail__is_chosen_anew_by_the_link(cast: Cast, client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.locmem.EmailBackend", "mail.example.com"
    assert "Forgot it?" in client.get("/accounts/login/").content.decode()
    assert client.post("/accounts/password/reset/", {"email": "olga@example.com"}, follow=True).status_code == 200
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link
    page = client.get(link[1], follow=True)
    address = page.redirect_chain[-1][0]
    assert "Choose a new password" in page.content.decode()
    new = {"password1": "green paper lamp 9", "password2": "green paper lamp 9"}
    assert "The password is changed" in client.post(address, new, follow=True).content.decode()
    assert client.login(email="olga@example.com", password="green paper lamp 9")
    assert "works no more" in client.get(link[1], follow=True).content.decode()


def test_forgotten_password__without_mail__says_what_to_do(client: Client, db: None) -> None:
    page = client.get("/accounts/password/reset/").content.decode()
    assert "changepassword" in page and "<form" not in page
