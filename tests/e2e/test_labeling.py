"""Labelling by keys only: choices, stars, spans, a text, a skip, an undo, a draft that outlives a reload."""

import json
import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console

CONFIG = """<View>
  <Labels name="marks" toName="prompt"><Label value="Product"/><Label value="Date"/></Labels>
  <Text name="prompt" value="$prompt" granularity="word"/>
  <Choices name="quality" toName="prompt" required="true"><Choice value="good"/><Choice value="bad"/></Choices>
  <Rating name="stars" toName="prompt" maxRating="5"/>
  <TextArea name="answer" toName="prompt" value="$answer"/>
</View>"""


@pytest.fixture
def project(console: Console) -> dict[str, Any]:
    """Open, with three tasks."""
    with console.client() as client:
        order = {
            "name": f"By keys {uuid.uuid4().hex[:8]}",
            "label_config": CONFIG,
            "guidelines": "Mark the smallest words.",
        }
        made: dict[str, Any] = client.post("/api/v1/label-projects/", json=order).raise_for_status().json()
        tasks = [
            {"data": {"prompt": f"🚚 Boots number {n} came on Monday.", "answer": f"Thanks {n}."}} for n in range(3)
        ]
        client.post(f"/api/v1/label-projects/{made['id']}/tasks/", json=tasks).raise_for_status()
        client.post(f"/api/v1/label-projects/{made['id']}/status/", json={"status": "open"}).raise_for_status()
    return made


def answers(console: Console, project: dict[str, Any]) -> list[dict[str, Any]]:
    with console.client() as client:
        rows = client.get(f"/api/v1/label-projects/{project['id']}/annotations/").json()["results"]
    return sorted(rows, key=lambda row: int(row["number"]))


def test_labeling__by_keys_only__submits_skips_undoes_and_keeps_drafts(
    page: Page, console: Console, project: dict[str, Any]
) -> None:
    page.goto(f"/label/{project['id']}/work/")
    expect(page.get_by_text("Boots number 0")).to_be_visible()
    page.keyboard.press("ArrowRight")  # the first word
    page.keyboard.press("1")  # Product
    expect(page.locator("mark.span")).to_have_text("Boots")
    page.keyboard.press("j")
    page.keyboard.press("Enter")  # nothing chosen yet: told, not sent
    expect(page.get_by_text("needs an answer")).to_be_visible()
    page.keyboard.press("1")  # good; goes on to the stars
    page.keyboard.press("4")  # goes on to the text
    page.keyboard.press("1")
    page.keyboard.press("End")
    page.keyboard.type(" Indeed.")
    expect(page.locator("#saved")).to_contain_text("Draft saved")
    page.reload()
    expect(page.get_by_role("textbox", name="answer")).to_have_value("Thanks 0. Indeed.")
    expect(page.locator("mark.span")).to_have_text("Boots")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Boots number 1")).to_be_visible()
    page.keyboard.press("s")
    page.keyboard.type("unclear")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Boots number 2")).to_be_visible()
    page.keyboard.press("u")  # the skipped one again
    expect(page.get_by_text("Boots number 1")).to_be_visible()
    for number in (1, 2):
        expect(page.get_by_text(f"Boots number {number}")).to_be_visible()
        page.keyboard.press("j")
        page.keyboard.press("2")
        page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing left for you")).to_be_visible()
    first, second, third = answers(console, project)
    kept = {region["from_name"]: region["value"] for region in first["result"]}
    assert kept["marks"] == {"start": 2, "end": 7, "text": "Boots", "labels": ["Product"]}
    assert kept["quality"] == {"choices": ["good"]} and kept["stars"] == {"rating": 4}
    assert kept["answer"] == {"text": ["Thanks 0. Indeed."]} and first["lead_time"] >= 0.5  # of before the reload too
    assert all('"bad"' in json.dumps(row["result"]) for row in (second, third))


def test_labeling__on_a_phone__fits_and_works_by_touch(page: Page, project: dict[str, Any]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/label/{project['id']}/work/")
    page.locator("label.choice", has_text="good").click()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_text("Boots number 1")).to_be_visible()
    page.get_by_role("link", name="Leave labeling").click()
    expect(page).to_have_url(re.compile("/label/$"))
