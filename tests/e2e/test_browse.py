"""Rows are filtered, walked through by keys, edited in a draft, and frozen: by clicks, without a word of the API."""

import json
import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.timeout(300)
ROWS = [
    {"prompt": f"Where is order {n}?", "completion": "On its way.", "price": n, "topic": f"t{n % 3}"} for n in range(40)
]


@pytest.fixture
def version(page: Page, tmp_path: Path) -> str:
    path = tmp_path / "browsed.jsonl"
    own = uuid.uuid4().hex[:8]  # a file that no earlier try has sent
    path.write_text("".join(json.dumps({**row, "own": own}) + "\n" for row in ROWS))
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", path)
    page.fill("#id_name", f"browsed-{own}")
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("button", name="Import 40 rows").click()
    expect(page.get_by_text("1 to 25 of 40")).to_be_visible(timeout=60_000)
    return page.url


def test_rows__filtered_edited_and_frozen__become_the_next_version(page: Page, version: str) -> None:
    page.keyboard.press("f")
    page.get_by_label("Column").select_option(label="price")
    page.get_by_label("Condition").select_option(label="is more than")
    page.get_by_label("Value").fill("34")
    page.get_by_role("button", name="Add the filter").click()
    expect(page.get_by_text("1 to 5 of 5")).to_be_visible()
    page.get_by_role("link", name="price", exact=True).click()
    page.get_by_role("link", name="price", exact=True).click()
    expect(page.locator("#row h3")).to_have_text("Row 40")
    page.keyboard.press("j")
    expect(page.locator("#row h3")).to_have_text("Row 39")
    expect(page).to_have_url(re.compile("row=38"))
    page.reload()
    expect(page.locator("#row h3")).to_have_text("Row 39")
    page.keyboard.press("e")
    page.get_by_label("Assistant").fill("It is here.")
    page.get_by_role("button", name="Put into the draft").click()
    expect(page.get_by_text("Your draft changes this version: 1 change.")).to_be_visible()
    page.get_by_role("link", name="Open the draft").click()
    expect(page.locator(".edits ins").first).to_be_visible()
    page.get_by_role("button", name="Freeze as v2").click()
    page.get_by_role("link", name="It became v2.").click(timeout=60_000)
    expect(page.get_by_role("heading", name="browsed")).to_contain_text("v2")
