"""A console and a browser for the stories in this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import find_browser
from tests.e2e.both import ON_BOTH
from tests.e2e.console import EMAIL, PASSWORD, Console, running_console

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


expect.set_options(timeout=30_000)  # a machine that trains meanwhile is slow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.fspath):
            item.add_marker("browser")
            if item.path.name in ON_BOTH:
                item.add_marker("both")


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with running_console(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_browser()
    assert path, "Chromium is needed; set CHROMIUM to its path"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(console: Console, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of a person who signed in through the page."""
    kept = tmp_path_factory.mktemp("browser") / "state.json"
    page = chromium.new_page()
    page.goto(f"{console.base}/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url(f"{console.base}/**")
    page.context.storage_state(path=kept)
    page.close()
    return kept


@pytest.fixture
def context(console: Console, chromium: Browser, signed_in: Path) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        base_url=console.base, storage_state=signed_in, viewport={"width": 1440, "height": 900}
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test when it writes an error to its console, breaks the CSP or asks for what is not there."""
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda answer: faults.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
    page.faults = faults  # type: ignore[attr-defined]
    yield page
    assert not faults, faults
