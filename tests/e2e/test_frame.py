"""The frame around every page: palette, keys, theme, menus, settings, in a real browser under the enforced policy."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import EMAIL

PAGES = ["/", "/datasets/", "/datasets/new/", "/datasets/recipes/", "/label/", "/label/new/",
         "/train/", "/train/new/", "/train/chat/", "/train/models/",
         "/evaluate/", "/evaluate/reports/", "/evaluate/new/", "/evaluate/rounds/new/", "/models/", "/serve/", "/rollout/", "/feedback/",
         "/settings/members/", "/settings/keys/", "/settings/profile/", "/accounts/password/change/", "/styleguide/"]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("width", [1440, 390])
def test_page__at_any_width__breaks_no_rule_and_does_not_scroll_sideways(page: Page, address: str, width: int) -> None:
    """The fixture fails on script errors and on violations of the policy, which Chromium writes to its console."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address)
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")


def test_palette__opened_by_key__finds_and_opens(page: Page) -> None:
    page.goto("/datasets/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or run a command")).to_be_focused()
    page.keyboard.type("members")
    expect(page.locator("#palette").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/settings/members/"))


def test_palette__arrows__walk_through_the_options(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Control+k")
    options = page.locator("#palette").get_by_role("option")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_palette__an_action_of_the_page__is_done_in_place(page: Page) -> None:
    page.goto("/")
    was = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    expect(page.locator("#palette").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != was
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_keys__pairs_and_help__work_outside_of_fields_only(page: Page) -> None:
    page.goto("/settings/members/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of this page")).to_contain_text("Search members")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search members")
    expect(search).to_be_focused()
    page.keyboard.type("gd")
    expect(search).to_have_value("gd")
    expect(page.get_by_text("Nobody fits")).to_be_visible()
    page.get_by_role("link", name="Show everybody").click()
    expect(page.get_by_role("link", name="Show everybody")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("/datasets/$"))


def test_api_key__made_and_revoked__is_shown_once(page: Page) -> None:
    page.goto("/settings/keys/")
    page.get_by_label("What is it for?").fill("nightly")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#fresh-key")).to_contain_text("tl_")
    page.goto("/settings/keys/")
    expect(page.locator("#fresh-key")).to_have_count(0)
    page.get_by_role("button", name="Revoke nightly").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("no longer works")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke nightly")).to_have_count(0)


def test_member__added_and_removed__is_told(page: Page) -> None:
    page.goto("/settings/members/")
    page.get_by_role("button", name="Add a person").click()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("E-mail").fill("nora@example.com")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("set a first password")).to_be_visible()
    page.faults.clear()  # type: ignore[attr-defined]  # Chromium tells of the 400
    page.get_by_label("First password").fill("blue wooden chair 7")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("nora@example.com is a member now.")).to_be_visible()
    page.get_by_label("Role of nora@example.com").select_option("viewer")
    expect(page.get_by_text("has another role now")).to_be_visible()
    page.get_by_role("button", name="Remove nora@example.com").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("left the workspace")).to_be_visible()
    expect(page.get_by_label(f"Role of {EMAIL}")).to_be_disabled()


def test_own_name__changed__is_seen_in_the_bar(page: Page) -> None:
    page.goto("/settings/profile/")
    page.get_by_label("Name").fill("Mara Lind")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Account: Mara Lind")).to_have_text("ML")
