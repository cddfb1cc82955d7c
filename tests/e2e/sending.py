"""Sending a file by the page and choosing its columns, as a person does."""

from pathlib import Path

from playwright.sync_api import Page, expect


def send(page: Page, path: Path, name: str) -> None:
    """Upload a file for a new dataset; the page of its columns comes."""
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", path)
    page.fill("#id_name", name)
    page.get_by_role("button", name="Upload and look at it").click()
    page.wait_for_url("**/import/**")


def choose(page: Page, **fields: str) -> None:
    """Choose layout, encoding or the column of a role, one after the other: each shows the rows anew."""
    for name, value in fields.items():
        field = page.locator(f"#{name}" if name in ("layout", "encoding", "format") else f"#role-{name}")
        shown = page.locator("#choices").element_handle()
        field.select_option(value)
        shown.wait_for_element_state("hidden")  # another part came in its place
        expect(field).to_have_value(value)


def take_in(page: Page, count: int) -> None:
    """Import that many rows, and wait for them."""
    page.get_by_role("button", name=f"Import {count} rows").click()
    expect(page.locator("#rows .paging")).to_contain_text(f"of {count}", timeout=60_000)
