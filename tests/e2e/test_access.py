"""Every page by axe-core's rules (WCAG 2.2 AA), in both themes: nothing serious."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.test_frame import PAGES

GRAVE = {"serious", "critical"}


def grave_violations(page: Page) -> list[str]:
    """What axe-core finds serious on the page as it stands, with the first place of each."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['help']} at {v['nodes'][0]['target']}" for v in found if v["impact"] in GRAVE]


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page__in_both_themes__has_no_serious_barrier(
    page: Page, address: str, theme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto(address)
    expect(page.locator("h1").first).to_be_visible()
    assert grave_violations(page) == []
