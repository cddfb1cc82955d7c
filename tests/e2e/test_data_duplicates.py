"""Rows that say nearly the same are found, looked at side by side, chosen and taken out; the next version is without them."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.sending import send, take_in

pytestmark = pytest.mark.timeout(300)
PLACES = ("harbour", "station", "airport", "library", "museum", "market")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Six rows that differ, and two that are nearly the first and the second."""
    rows = [
        {"prompt": f"How do I walk from the {place} to the hotel?", "completion": f"From the {place} follow {road}."}
        for place, road in zip(PLACES, ("Quay Street", "the rails", "the coast", "King's Road", "the river", "us"), strict=True)
    ]  # fmt: skip
    again = [{**row, "prompt": row["prompt"].replace("?", " ?").upper()} for row in rows[:2]]
    path = tmp_path / "ways.jsonl"
    path.write_text("".join(json.dumps({**row, "of": str(tmp_path)}) + "\n" for row in [*rows, *again]))
    return path


def test_duplicates__found_chosen_and_removed__are_not_in_the_next_version(
    page: Page, file: Path, tmp_path: Path
) -> None:
    send(page, file, f"ways {tmp_path.name}")
    take_in(page, 8)
    page.get_by_role("link", name="Quality", exact=True).click()
    page.get_by_role("link", name="Duplicates", exact=True).click()
    expect(page.get_by_text("Nobody has looked yet")).to_be_visible()
    page.get_by_label("Likeness, %").fill("many")
    page.get_by_role("button", name="Find duplicates").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Likeness, %").fill("90")
    page.get_by_role("button", name="Find duplicates").click()
    expect(page.get_by_role("heading", name="2 groups")).to_be_visible(timeout=60_000)
    page.faults.clear()  # type: ignore[attr-defined]  # Chromium tells of the 400
    choose(page)
    page.get_by_role("button", name="Remove what is not kept, in all groups").click()
    expect(page.get_by_text("v2 is without them.")).to_be_visible()
    expect(page.locator("#rows .paging")).to_contain_text("of 7")
    expect(page.locator("#rows tbody")).to_contain_text("HOW DO I WALK FROM THE STATION")
    expect(page.locator("#rows tbody")).not_to_contain_text("HOW DO I WALK FROM THE HARBOUR")


def choose(page: Page) -> None:
    """Of the first group the first row stays, as proposed; of the second both, which is kept over a reload."""
    first, second = page.get_by_label("Group 1"), page.get_by_label("Group 2")
    expect(first.get_by_label("Keep row 1")).to_be_checked()
    expect(first.get_by_label("Keep row 7")).not_to_be_checked()
    second.get_by_label("Keep row 8").check()
    page.get_by_role("button", name="Save this page").click()
    expect(second.get_by_text("chosen")).to_be_visible()
    page.reload()
    expect(second.get_by_label("Keep row 8")).to_be_checked()
    expect(second.get_by_label("Keep row 2")).to_be_checked()
