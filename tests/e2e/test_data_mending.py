"""Bad rows are mended on their page, tried again and come in; the rest waits on. Then what changed is seen, and taken back by a click."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.sending import send, take_in

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten good rows; one whose JSON ends too early, one without an answer."""
    rows = [json.dumps({"prompt": f"Where is {tmp_path.name} {n}?", "completion": f"Shelf {n}."}) for n in range(10)]
    bad = [
        '{"prompt": "Where is the key?", "completion": "Shelf',
        json.dumps({"prompt": "And the door?", "completion": ""}),
    ]
    path = tmp_path / "shelves.jsonl"
    path.write_text("\n".join([*rows, *bad]) + "\n")
    return path  # fmt: skip


def test_quarantine__mended_on_the_page__comes_in_and_can_be_taken_back(page: Page, file: Path, tmp_path: Path) -> None:
    send(page, file, f"shelves {tmp_path.name}")
    take_in(page, 10)
    page.get_by_role("link", name="Quarantine 2").click()
    mend_one_of_two(page)
    mend_by_file(page, tmp_path)
    compare_and_take_back(page)


def mend_one_of_two(page: Page) -> None:
    """The first is mended; the second is tried with another mistake and stays with what was typed."""
    page.locator(".badrows summary").nth(0).click()
    page.get_by_label("Text of line 11").fill('{"prompt": "Where is the key?", "completion": "Shelf 11."}')
    page.locator(".badrows summary").nth(1).click()
    page.get_by_label("Text of line 12").fill('{"prompt": "And the door?"}')
    page.get_by_role("button", name="Try the changed rows again").click()
    expect(page.get_by_text("1 mended row is in v2.")).to_be_visible()
    expect(page.locator(".badrows li")).to_have_count(1)
    expect(page.get_by_label("Text of line 12")).to_have_value('{"prompt": "And the door?"}')


def mend_by_file(page: Page, folder: Path) -> None:
    """The quarantine is downloaded, mended by a program, and sent back."""
    with page.expect_download() as download:
        page.locator("main").get_by_role("link", name="Download").last.click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [row["line"] for row in rows][-1] == 12
    rows[-1]["raw"] = '{"prompt": "And the door?", "completion": "Downstairs."}'
    mended = folder / "mended.jsonl"
    mended.write_text("".join(json.dumps(row) + "\n" for row in rows[-1:]))
    page.get_by_label("The mended quarantine").set_input_files(mended)
    page.get_by_role("button", name="Try the file").click()
    expect(page.get_by_text("1 mended row is in v3.")).to_be_visible()


def compare_and_take_back(page: Page) -> None:
    page.get_by_role("link", name="Versions").click()
    page.get_by_label("Compare v1").check()
    page.get_by_label("Compare v3").check()
    page.get_by_role("button", name="Compare two").click()
    expect(page.locator("[data-kind=added] b")).to_have_text("2")
    expect(page.locator("#rows")).to_contain_text("Downstairs.")
    page.get_by_role("link", name="All versions").click()
    page.locator("tr", has_text="Imported from").get_by_role("button", name="Roll back").click()
    expect(page.locator("tbody tr").first).to_contain_text("Back to v1")
    expect(page.locator("tbody tr")).to_have_count(4)
