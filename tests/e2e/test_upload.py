"""Files are dropped, the connection breaks in the middle, the page is closed: everything that was sent stays sent."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.console import EMAIL, PASSWORD, Console

pytestmark = pytest.mark.timeout(300)
DOOR = re.compile(r"/api/v1/uploads/[0-9a-f-]{36}/$")
PIECE = 8 * 2**20
WIDE = {"padding": "x" * 9000}
DROP = """([selector, files]) => {
  const data = new DataTransfer(), place = document.querySelector(selector);
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
    data.items.add(new File([bytes], name, { lastModified: 1 }));
  }
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  for (const type of ["dragenter", "dragover", "drop"]) place.dispatchEvent(new DragEvent(type, options));
}"""


def rows(count: int, word: str, **more: Any) -> bytes:
    lines = [{"question": f"{word} {n}?", "reply": f"Answer {n}.", **more} for n in range(count)]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def drop(page: Page, **files: bytes) -> None:
    named = [{"name": name, "content": base64.b64encode(content).decode()} for name, content in files.items()]
    page.evaluate(DROP, ["[data-drop]", named])


class Line:
    """The connection of a page: counts the pieces that pass, and is cut where a test says."""

    def __init__(self, page: Page) -> None:
        self.pieces, self.cut_from, self.cuts = list[int](), 10**9, 0
        page.route(DOOR, self.pass_on)

    def pass_on(self, route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
        elif len(self.pieces) >= self.cut_from:
            self.cuts += 1
            route.abort("connectionreset")
        else:
            self.pieces.append(int(route.request.headers["upload-offset"]))
            route.continue_()


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """Chromium tells of every connection that a test cuts; that is no fault of the page."""
    yield page
    faults: list[str] = page.faults  # type: ignore[attr-defined]
    faults[:] = [fault for fault in faults if not re.search(r"net::ERR_|409 \(Conflict\)", fault)]


def press(page: Page) -> None:
    page.get_by_role("button", name="Upload and look at it").click()


def test_drop__connection_breaks_in_the_middle__goes_on_and_the_rows_are_there(page: Page) -> None:
    content = rows(2000, "Where is order", **WIDE)
    assert len(content) > 2 * PIECE
    page.goto("/datasets/new/")
    line = Line(page)
    line.cut_from = 1
    drop(page, **{"streamed.jsonl": content})
    row = page.locator("[data-rows] li")
    expect(row).to_contain_text("Ready to be sent")
    expect(page.get_by_label("Name", exact=True)).to_have_value("streamed")
    press(page)
    expect(row).to_contain_text("The connection broke at 8.4")
    line.cut_from = 10**9  # it is tried again by itself
    page.wait_for_url("**/import/**")
    assert line.cuts >= 1 and line.pieces == [0, PIECE, 2 * PIECE]
    correct_and_import(page)
    expect(page.locator("tbody tr").first).to_contain_text("Where is order 0?", timeout=90_000)
    expect(page.get_by_text(re.compile("2[\\s\u202f,]?000")).first).to_be_visible()


def correct_and_import(page: Page) -> None:
    """Somebody chooses that the columns are the other way round, sees it, and puts it right again."""
    samples = page.locator(".samples")
    expect(samples).to_contain_text("Where is order 0?")
    assign(page, prompt="reply", completion="question")
    expect(samples.locator("li").first).to_contain_text(re.compile(r"Answer 0\..*Where is order 0\?", re.DOTALL))
    assign(page, prompt="question", completion="reply")
    expect(samples.locator("li").first).to_contain_text(re.compile(r"Where is order 0\?.*Answer 0\.", re.DOTALL))
    page.get_by_role("button", name=re.compile("^Import ")).click()


def assign(page: Page, **columns: str) -> None:
    """Each choice shows the rows anew; a second one before that would cut the first short."""
    for role, column in columns.items():
        with page.expect_response(re.compile("/import/")):
            page.locator(f"#role-{role}").select_option(column)


def test_offline__network_returns__goes_on_by_itself(page: Page, context: BrowserContext) -> None:
    page.goto("/datasets/new/")
    drop(page, **{"away.jsonl": rows(3, "Away")})
    context.set_offline(True)
    press(page)
    expect(page.locator("[data-rows] li")).to_contain_text("Trying again in")
    context.set_offline(False)
    page.wait_for_url("**/import/**")


def test_tab_closed__same_file_chosen_again__goes_on_where_it_stopped(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "closed.jsonl"
    file.write_bytes(rows(1000, "Closed", **WIDE))
    page.goto("/datasets/new/")
    line = Line(page)
    line.cut_from = 1
    page.set_input_files("#id_file", file)
    press(page)
    expect(page.locator("[data-rows] li")).to_contain_text("The connection broke")
    page.goto("/datasets/")
    page.goto("/datasets/new/")
    unfinished = page.locator("[data-unfinished]")
    expect(unfinished).to_contain_text("closed.jsonl")
    line.cut_from = 10**9
    page.set_input_files("#id_file", file)
    expect(page.locator("[data-rows] li")).to_contain_text("Goes on where it stopped")
    expect(unfinished).to_be_hidden()
    press(page)
    page.wait_for_url("**/import/**")
    assert line.pieces == [0, PIECE]
    expect(page.locator(".samples")).to_contain_text("Closed 0?")


def test_pause__while_sending__waits_until_told(page: Page) -> None:
    page.goto("/datasets/new/")
    gate: list[Route] = []
    page.route(DOOR, lambda route: gate.append(route) if route.request.method == "PATCH" else route.continue_())
    drop(page, **{"paused.jsonl": rows(3, "Paused")})
    press(page)
    row = page.locator("[data-rows] li")
    row.get_by_role("button", name="Pause", exact=True).click()
    expect(row).to_contain_text("Paused at 0")
    page.unroute(DOOR)
    row.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/import/**")


def test_same_file_twice__is_recognised_and_may_be_opened(page: Page) -> None:
    content = rows(4, "Twice")
    for name in ("first.jsonl", "second.jsonl"):
        page.goto("/datasets/new/")
        drop(page, **{name: content})
        press(page)
        if name == "first.jsonl":
            page.wait_for_url("**/import/**")
    row = page.locator("[data-rows] li")
    expect(row).to_contain_text("has this very file already: first")
    expect(row.get_by_role("link", name="Open first")).to_be_visible()
    row.get_by_role("button", name="Import it once more").click()
    page.wait_for_url("**/import/**")
    expect(page.locator("h1")).to_contain_text("second.jsonl")


def test_several_files__each_a_dataset__then_joined(page: Page) -> None:
    page.goto("/datasets/new/")
    drop(page, **{"north.jsonl": rows(3, "North"), "south.jsonl": rows(4, "South")})
    lines = page.locator("[data-rows] li")
    expect(page.get_by_label("Name", exact=True)).to_be_hidden()
    lines.nth(1).get_by_label("Name of the dataset").fill("deep south")
    press(page)
    expect(lines.get_by_role("link", name="Choose columns")).to_have_count(2)
    lines.nth(1).get_by_role("link", name="Choose columns").click()
    expect(page.get_by_role("link", name="deep south")).to_be_visible()
    page.goto("/datasets/new/")
    drop(page, **{"east.jsonl": rows(3, "East"), "west.jsonl": rows(4, "West"), "west.csv": b"a,b\n1,2\n"})
    expect(page.get_by_role("checkbox", name=re.compile("Join them"))).to_be_disabled()
    page.get_by_role("button", name="Remove west.csv").click()
    page.get_by_role("checkbox", name=re.compile("Join them")).check()
    page.get_by_label("Name", exact=True).fill("east and west")
    press(page)
    page.get_by_role("button", name="Import 7 rows").click()
    expect(page.locator("tbody tr")).to_have_count(7, timeout=90_000)


def test_unfinished__discarded__is_gone(page: Page, console: Console) -> None:
    with console_session(page, console) as client:
        client.post("/api/v1/uploads/", json={"name": "half.jsonl", "size": 10})
    page.goto("/datasets/new/")
    line = page.locator("[data-unfinished] li", has_text="half.jsonl")
    line.get_by_role("button", name="Discard").click()
    expect(line).to_have_count(0)
    page.reload()
    expect(page.get_by_text("half.jsonl")).to_have_count(0)


def console_session(page: Page, console: Console) -> httpx.Client:
    """The same person as in the browser, as a program."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    headers = {"X-CSRFToken": cookies["csrftoken"], "Referer": console.base}
    return httpx.Client(base_url=console.base, cookies=cookies, headers=headers)


def test_without_script__plain_form__still_takes_one_file(console: Console, chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    file.write_bytes(rows(5, "Plain"))
    context = chromium.new_context(base_url=console.base, java_script_enabled=False)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", file)
    page.fill("#id_name", "plain")
    press(page)
    expect(page.get_by_role("button", name="Import 5 rows")).to_be_visible()
    context.close()
