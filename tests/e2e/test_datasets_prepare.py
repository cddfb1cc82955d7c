"""A version is prepared by clicks: recipe, preview, the job without a reload, the split rows, and the way back."""

import json
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.timeout(300)
ROWS = [
    {
        "prompt": f"Where is <b>order {n % 36}</b>?",
        "completion": f"Order {n % 36}  is schÃ¶n.",
        "customer": f"c{n % 12}",
    }
    for n in range(40)
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.jsonl"
    path.write_text(
        "".join(json.dumps({**row, "test": str(tmp_path)}) + "\n" for row in ROWS)
    )  # known bytes are asked about
    return path


def upload(page: Page, file: Path, name: str = "orders") -> None:
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", file)
    page.fill("#id_name", name)
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("button", name="Import 40 rows").click()
    page.get_by_role("link", name="Prepare").click(timeout=60_000)


def add(page: Page, name: str) -> None:
    page.get_by_role("button", name="Add a step").click()
    page.get_by_label("Search steps").fill(name)
    page.keyboard.press("Enter")


def names(page: Page) -> list[str]:
    return [text.split(". ", 1)[1] for text in page.locator("[data-step] .step-head b").all_inner_texts()]


def choose(page: Page) -> None:
    """Each change is answered at once, and what is wrong is told before the click."""
    outcome, make = page.locator("#outcome"), page.get_by_role("button", name="Make v2")
    expect(page.locator("#examples ins").first).to_have_text("schön")
    page.fill("#share-test", "10")
    expect(outcome.get_by_role("alert")).to_contain_text("sum to 0.95")
    expect(make).to_be_disabled()
    page.fill("#share-test", "15")
    expect(make).to_be_enabled()
    add(page, "length")
    expect(page.locator("[data-step]")).to_have_count(5)
    least = page.get_by_label("Least characters")
    least.fill("900")
    expect(outcome.get_by_role("alert")).to_contain_text("leaves no row")
    least.fill("5")
    page.select_option("#way", "group")
    page.select_option("#column", "customer")
    expect(outcome.get_by_role("alert")).to_have_count(0)
    expect(least).to_have_value("5")  # only the outcome was fetched anew, not what was typed


def order(page: Page) -> None:
    """Steps are moved by button, key and drag; one is wrong and says so."""
    page.get_by_role("button", name="Move Filter by length up").click()
    expect(page.locator("[data-step] .step-head b").nth(3)).to_contain_text("Filter by length")
    page.locator("[id='0.on']").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("[data-step] .step-head b").first).to_contain_text("Repair Unicode")
    page.locator(".grip").nth(1).drag_to(page.locator("[data-step]").first, target_position={"x": 40, "y": 4})
    expect(page.locator("[data-step] .step-head b").first).to_have_text("1. Strip HTML")
    add(page, "find replace")
    page.get_by_label("Pattern").fill("(?=x)")
    expect(page.locator("#outcome").get_by_role("alert")).to_contain_text("look-ahead")
    expect(page.get_by_label("Pattern")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Remove Find and replace").click()
    expect(page.locator("#outcome").get_by_role("alert")).to_have_count(0)
    assert names(page) == [
        "Strip HTML", "Repair Unicode", "Tidy white space", "Filter by length", "Drop exact duplicates",
    ]  # fmt: skip


def test_prepare__by_clicks__makes_a_split_version_and_goes_back(page: Page, file: Path) -> None:
    upload(page, file)
    choose(page)
    page.get_by_role("button", name="Make v2").click()
    expect(page.locator("tr", has_text="Prepared from v1")).to_be_visible(timeout=60_000)
    expect(page.locator("tr", has_text="Prepared from v1").locator(".counts")).to_contain_text("36")
    page.get_by_role("link", name="v2", exact=True).first.click()
    expect(page.get_by_role("heading", name="What the recipe did")).to_be_visible()
    page.get_by_role("link", name="Versions").first.click()
    page.locator("tr", has_text="Imported from").get_by_role("button", name="Roll back").click()
    expect(page.locator("tbody tr").first).to_contain_text("Back to v1")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_recipe__ordered_saved_and_loaded_again__is_the_same(page: Page, file: Path) -> None:
    mark = uuid.uuid4().hex[:6]
    upload(page, file, f"orders {mark}")
    expect(page.locator("#examples ins").first).to_be_visible()
    add(page, "length")
    page.get_by_label("Least characters").fill("5")
    order(page)
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_label("Name").fill(f"Orders {mark}")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"began as “Orders {mark}”, edition 1")).to_be_visible()
    wanted = names(page)
    page.goto("/datasets/recipes/")
    page.get_by_role("link", name=f"Orders {mark}").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text(f"began as “Orders {mark}”, edition 1")).to_be_visible()
    assert names(page) == wanted
