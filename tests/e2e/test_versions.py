"""Versions by clicks: two are ticked and compared word by word, one is tagged, one comes back, and the rows of one are deleted."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console

pytestmark = pytest.mark.timeout(300)


def rows(*, late: str) -> str:
    made = [
        {"prompt": f"Where is order {n}?", "completion": f"Order {n} comes on {late if n == 7 else 'Monday'}.", "id": n}
        for n in range(30)
    ]
    return "".join(json.dumps(row) + "\n" for row in made)


@pytest.fixture
def dataset(console: Console, tmp_path: Path) -> str:
    """Two versions, imported one after the other by API; in the second the answer of order 7 is another."""
    mapping = {"mapping": json.dumps({"prompt": "prompt", "completion": "completion"})}
    with console.client() as client:

        def send(url: str, late: str, **data: Any) -> Any:
            answer = client.post(url, data={**mapping, **data}, files={"file": ("rows.jsonl", rows(late=late))})
            assert answer.status_code == 201, answer.text
            return answer.json()

        pk = send("/api/v1/datasets/", "Monday", name=f"orders {tmp_path.name}")["id"]
        wait_for(client, pk, 1)
        send(f"/api/v1/datasets/{pk}/versions/", "Friday")
        wait_for(client, pk, 2)
    return str(pk)


def wait_for(client: Any, pk: str, number: int) -> None:
    import time

    for _ in range(300):
        newest = client.get(f"/api/v1/datasets/{pk}/").json()["newest_version"]
        if newest and newest["number"] == number:
            return
        time.sleep(0.2)
    raise AssertionError(f"version {number} did not come")


def test_versions__by_clicks__are_compared_tagged_brought_back_and_deleted(page: Page, dataset: str) -> None:
    page.goto(f"/datasets/{dataset}/versions/")
    compare(page)
    tag(page, dataset)
    page.goto(f"/datasets/{dataset}/versions/")
    page.locator("tr", has_text="v1").get_by_role("button", name="Roll back").click()
    expect(page.locator("tbody tr").first).to_contain_text("Back to v1")
    expect(page.locator("tr", has_text="gold")).to_contain_text("v2")
    delete(page, dataset)


def compare(page: Page) -> None:
    for number in (1, 2):
        page.get_by_label(f"Compare v{number}").check()
    page.get_by_role("button", name="Compare two").click()
    expect(page.locator("[data-kind=added] b")).to_have_text("1")
    page.get_by_label("Rows paired by").select_option("id")
    expect(page.locator("[data-kind=changed] b")).to_have_text("1")
    expect(page.locator("#rows ins")).to_have_text("Friday")
    expect(page.locator("#rows del")).to_have_text("Monday")
    page.get_by_role("link", name="0 added").click()
    expect(page.get_by_text("No row differs in this way")).to_be_visible()


def tag(page: Page, dataset: str) -> None:
    page.goto(f"/datasets/{dataset}/v2/about/")
    page.get_by_label("Name of the tag").fill("gold")
    page.get_by_role("button", name="Tag it").click()
    expect(page.locator("h1")).to_contain_text("gold")


def delete(page: Page, dataset: str) -> None:
    page.goto(f"/datasets/{dataset}/v2/delete/")
    expect(page.get_by_role("alert")).to_contain_text("the tag gold")
    page.goto(f"/datasets/{dataset}/v2/about/")
    page.get_by_role("button", name="Remove the tag gold").click()
    page.get_by_role("link", name="Delete its rows").click()
    name = page.locator("h1").inner_text().removeprefix("Delete the rows of ").removesuffix("?")
    page.get_by_label("Type").fill("something else")
    page.get_by_role("button", name="Delete the rows").click()
    expect(page.get_by_role("alert")).to_contain_text("not the name of the version")
    page.get_by_label("Type").fill(name)
    page.get_by_role("button", name="Delete the rows").click()
    expect(page.locator("tr.purged")).to_contain_text("v2")
    expect(page.get_by_label("Compare v2")).to_have_count(0)
    page.faults.clear()  # type: ignore[attr-defined]
    page.goto(f"/datasets/{dataset}/v2/")
    expect(page.locator("h1")).to_contain_text("were deleted")
    page.faults.clear()  # type: ignore[attr-defined]  # Chromium tells of the 410


@pytest.mark.parametrize("width", [1440, 390])
def test_pages_of_versions__at_any_width__do_not_scroll_sideways(page: Page, dataset: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for part in ("versions", "v2/changes", "v2/about", "v1/delete"):
        page.goto(f"/datasets/{dataset}/{part}/")
        expect(page.locator("h1").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), part
