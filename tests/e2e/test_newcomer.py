"""The newcomer's path, clicked: upload -> rows -> fine-tune -> watch -> chat, with the real model, and no reload of the live page."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console
from tests.e2e.models import base_model_ready

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]
ROWS = [
    {
        "prompt": f"What is the price of item {number}?",
        "completion": f"Item {number} costs {number * 3} crowns. - Your desk",
    }
    for number in range(1, 61)
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.jsonl"
    broken = '{"prompt": "no end'
    path.write_text("\n".join([*(json.dumps(row) for row in ROWS), broken]) + "\n")
    return path


@pytest.fixture
def base_model(console: Console) -> None:
    base_model_ready(console)


def upload(page: Page, file: Path) -> None:
    page.goto("/")
    page.get_by_role("link", name="Upload data").first.click()
    page.set_input_files("#id_file", file)
    page.fill("#id_name", "prices")
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_role("heading", name="Training rows")).to_be_visible()
    expect(page.get_by_text("Item 1 costs 3 crowns.").first).to_be_visible()
    page.get_by_role("button", name="Import 60 rows").click()
    expect(page.get_by_role("link", name="Fine-tune").first).to_be_visible(timeout=60_000)


def launch(page: Page) -> None:
    page.get_by_role("link", name="Fine-tune").first.click()
    expect(page.get_by_role("heading", name="Launch a fine-tune")).to_be_visible()
    page.fill("#name", "prices-quick")
    page.get_by_text("Quick look (CPU)").click()
    page.fill("#s-learning_rate", "NaN")
    expect(page.locator(".error").first).to_contain_text("not a number")
    page.fill("#s-learning_rate", "0.001")
    page.fill("#s-max_steps", "12")
    page.get_by_text("more settings").click()
    page.fill("#s-eval_every", "4")
    page.fill("#s-save_every", "4")
    expect(page.locator("[data-plan=steps]")).to_contain_text("12")
    look_before(page)
    page.get_by_role("button", name="Launch run").click()
    expect(page.get_by_role("heading", name="prices-quick")).to_be_visible()


def look_before(page: Page) -> None:
    """What the model will see, and how long five measured steps say that it takes."""
    page.get_by_role("button", name="See the tokens").click()
    shown = page.get_by_role("dialog", name="What the model will see")
    expect(shown.locator(".token.taught").first).to_be_visible(timeout=60_000)
    assert "crowns" in "".join(shown.locator(".token-row").first.locator(".token.taught").all_text_contents())
    shown.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Measure five steps").click()
    expect(page.locator("#estimate-source")).to_contain_text("measured steps of exactly this", timeout=120_000)
    expect(page.locator("[data-estimate=peak_bytes]")).to_contain_text("GB")


def watch(page: Page) -> None:
    """To the end, on one page load."""
    page.evaluate("window.neverReloaded = true")
    expect(page.locator("#live-state")).to_have_text("Live")
    expect(page.locator("[data-metric=loss]").first).to_have_text(re.compile(r"\d"), timeout=240_000)
    expect(page.locator("#log-lines")).not_to_be_empty()
    expect(page.locator("#samples")).to_contain_text("What is the price", timeout=240_000)
    expect(page.get_by_role("link", name="Chat with it")).to_be_visible(timeout=240_000)
    expect(page.locator("h1")).to_contain_text("Succeeded")
    assert page.evaluate("window.neverReloaded") is True
    expect(page.get_by_role("link", name="Try it").first).to_be_visible()


def chat(page: Page) -> None:
    page.get_by_role("link", name="Chat with it").click()
    page.fill("#max_tokens", "24")
    page.fill("#prompt", "What is the price of item 7?")
    page.press("#prompt", "Enter")
    for side in ("base", "tuned"):
        answer = page.locator(f"#talk article [data-side={side}]").first
        expect(answer).to_have_attribute("aria-busy", "false", timeout=180_000)
        assert (answer.text_content() or "").strip()
    sides = [page.locator(f"#talk article [data-side={side}] p").first.text_content() for side in ("base", "tuned")]
    assert sides[0] != sides[1], "twelve steps at 1e-3 change the greedy answer"


def test_newcomer__own_file__trains_and_chats_without_a_reload(
    console: Console, page: Page, file: Path, base_model: None
) -> None:
    upload(page, file)
    launch(page)
    watch(page)
    chat(page)
