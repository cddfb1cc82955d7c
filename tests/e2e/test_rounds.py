"""Rating by keys in a real browser: auto-advance, undo, a connection that goes away, a phone."""

import json
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.console import EMAIL, ROOT, Console


@pytest.fixture(scope="module")
def round_id(console: Console) -> str:
    command = [sys.executable, "-m", "tests.e2e.seed_round", EMAIL]
    done = subprocess.run(command, cwd=ROOT, env=console.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seeded: str = json.loads(done.stdout.splitlines()[-1])["round"]
    return seeded


def ratings(page: Page, round_id: str) -> list[dict[str, Any]]:
    """What the server has of this rater."""
    found: list[dict[str, Any]] = page.request.get(f"/api/v1/rounds/{round_id}/ratings/").json()["results"]
    return [row for row in found if row["scores"] or row["cannot_judge"]]


def settled(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved")


def test_rating__by_keys_alone__scores_advance_undo_and_survive_a_lost_connection(
    page: Page, context: BrowserContext, round_id: str
) -> None:
    page.goto(f"/evaluate/rounds/{round_id}/rate/")
    expect(page.locator("#place")).to_have_text("Answer 1 of 6")
    assert "hush-hush" not in page.content()
    expect(page.locator("#answer")).to_contain_text("<b>Bold</b> is text.")
    page.keyboard.press("4")
    expect(page.locator("[data-criterion=fluency]")).to_have_attribute("data-active", "")
    page.keyboard.type("53")
    expect(page.locator("#place")).to_have_text("Answer 2 of 6")
    expect(page.locator("#count")).to_have_text("1 of 6")
    settled(page)
    assert [row["scores"] for row in ratings(page, round_id)] == [{"relevance": 4, "fluency": 5, "accuracy": 3}]

    page.keyboard.press("u")  # the last score of the answer before
    expect(page.locator("#place")).to_have_text("Answer 1 of 6")
    expect(page.locator("[data-criterion=accuracy]")).to_have_attribute("data-active", "")
    page.keyboard.press("2")
    expect(page.locator("#place")).to_have_text("Answer 2 of 6")
    settled(page)
    assert ratings(page, round_id)[0]["scores"]["accuracy"] == 2

    context.set_offline(True)
    page.keyboard.type("012")
    expect(page.locator("#saved")).to_contain_text("not sent yet")
    expect(page.locator("#place")).to_have_text("Answer 3 of 6")
    page.keyboard.press("x")
    expect(page.locator("#place")).to_have_text("Answer 4 of 6")
    page.keyboard.press("9")  # no score
    page.keyboard.press("k")
    expect(page.locator("[data-criterion=accuracy]")).to_have_attribute("data-active", "")
    context.set_offline(False)
    settled(page)
    assert len(ratings(page, round_id)) == 3
    assert sum(row["cannot_judge"] for row in ratings(page, round_id)) == 1
    page.faults.clear()  # type: ignore[attr-defined]  # the requests that found no network

    page.reload()
    expect(page.locator("#place")).to_have_text("Answer 4 of 6")
    expect(page.locator("#count")).to_have_text("3 of 6")


def test_rating__on_a_phone__fits_and_takes_touches(page: Page, round_id: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/evaluate/rounds/{round_id}/rate/")
    expect(page.locator("#place")).to_contain_text("of 6")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    before = page.locator("#place").text_content()
    for criterion in ("relevance", "fluency", "accuracy"):
        page.locator(f"[data-criterion={criterion}] .scale label").nth(3).click()
    expect(page.locator("#place")).not_to_have_text(before or "")
    settled(page)


def test_round__open__tells_its_page_counts_and_no_model(page: Page, round_id: str) -> None:
    page.goto(f"/evaluate/rounds/{round_id}/")
    expect(page.get_by_text("hidden from raters")).to_be_visible()
    expect(page.locator(".raters li")).to_have_count(2)
    assert "hush-hush" not in page.content()
    page.goto("/evaluate/")
    expect(page.get_by_role("link", name="Rate answers")).to_be_visible()
