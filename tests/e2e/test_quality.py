"""A version is measured by clicks, breaks a limit, and is trained on only with a reason."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.timeout(300)
ROWS = [
    {"prompt": f"Where is order {n % 30}?", "completion": f"Order {n % 30} is on its way to you."} for n in range(40)
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "repeated.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def measured(page: Page, file: Path) -> None:
    """Upload, then measure without a model; the page shows the figures by itself."""
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", file)
    page.fill("#id_name", "repeated orders")
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("button", name="Import 40 rows").click()
    page.get_by_role("link", name="Quality", exact=True).click(timeout=60_000)
    expect(page.get_by_role("heading", name="Not measured yet")).to_be_visible()
    page.fill("#perplexity_rows", "0")
    page.get_by_label("Embed a sample").uncheck()
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.get_by_text("breaks 1 quality limit")).to_be_visible(timeout=90_000)


def test_quality__broken_limit__stops_a_launch_until_a_reason_is_given(page: Page, file: Path) -> None:
    measured(page, file)
    expect(page.locator("#length-characters svg").first).to_be_visible()
    page.locator(".as-table summary").first.click()
    expect(page.locator(".as-table table").first).to_be_visible()
    page.get_by_role("link", name=re.compile("Fine-tune on v1")).click()
    reason = page.get_by_label("Why train on it all the same?")
    expect(reason).to_be_visible()
    launch = page.get_by_role("button", name="Launch run")
    expect(launch).to_be_disabled()
    reason.fill("a trial of the pipeline")
    expect(page.locator("#quality .error")).to_have_count(0)
    page.go_back()
    page.get_by_role("link", name="1 limit broken").click()
    page.locator("#b-duplicates").fill("40")
    page.get_by_role("button", name="Keep these limits").click()
    expect(page.get_by_text("keeps all")).to_be_visible()
    expect(page.locator("#trend-duplicates svg").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
