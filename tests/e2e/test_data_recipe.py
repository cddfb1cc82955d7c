"""What a recipe will do is seen before it runs: marked changes and rows that go; what it then does is the same."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.sending import send, take_in

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten rows; three with HTML in the question, two whose answer is a single word."""
    rows = [
        {
            "prompt": f"{'<p>' if n < 3 else ''}Where can I find shelf number {n} of {tmp_path.name}?",
            "completion": "Here." if n > 7 else f"Shelf number {n} stands at the end of aisle {n}, on the left.",
        }
        for n in range(10)
    ]
    path = tmp_path / "aisles.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_recipe__seen_before_it_runs__does_what_was_shown(page: Page, file: Path, tmp_path: Path) -> None:
    send(page, file, f"aisles {tmp_path.name}")
    take_in(page, 10)
    page.get_by_role("link", name="Prepare").click()
    examples = page.locator("#examples")
    expect(examples.locator("del").first).to_contain_text("<p>")
    page.get_by_role("button", name="Add a step").click()
    page.get_by_label("Search steps").fill("length")
    page.keyboard.press("Enter")
    page.get_by_label("Least characters").fill("30")
    expect(examples.get_by_text("Goes: Filter by length")).to_have_count(2)
    told = page.locator("#outcome .facts > div")
    expect(told.filter(has_text="Rows left").locator("dd")).to_have_text("8")
    cut = told.filter(has_text="Filter by length").locator("dd").inner_text()
    page.get_by_role("button", name="Make v2").click()
    expect(page.locator("tr", has_text="Prepared from v1")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="v2", exact=True).first.click()
    report = page.get_by_role("region", name="What the recipe did").locator(".facts > div")
    expect(report.filter(has_text="Rows after").locator("dd")).to_have_text("8")
    expect(report.filter(has_text="Filter by length").locator("dd")).to_have_text(cut)
    expect(page.locator("#rows tbody")).not_to_contain_text("<p>")
