"""Gold stays hidden: on the annotator's screen, in what the API answers and in live messages, nothing tells it from the rest."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, WebSocket, expect

from tests.e2e.console import Console
from tests.e2e.people import PASSWORD, admit, client

CONFIG = """<View><Text name="t" value="$text"/>
<Choices name="quality" toName="t" required="true"><Choice value="good"/><Choice value="bad"/></Choices></View>"""
EVERY, PLAIN, GOLDS = 3, 8, 4
GOOD = [{"from_name": "quality", "to_name": "t", "type": "choices", "value": {"choices": ["good"]}}]
OWN = ("id", "task", "text", "created_at", "draft_at", "lead_time")  # what differs between any two tasks


@pytest.fixture(scope="module")
def people(console: Console) -> dict[str, str]:
    return admit(console, {"gilda": "annotator"})


@pytest.fixture
def project(console: Console) -> str:
    """Eight tasks, and four gold ones added later, one in three; one person a task."""
    with console.client() as boss:
        order = {"name": f"Mixed {uuid4().hex[:8]}", "label_config": CONFIG}
        key = str(boss.post("/api/v1/label-projects/", json=order).raise_for_status().json()["id"])
        base = f"/api/v1/label-projects/{key}/"
        tasks: list[dict[str, Any]] = [{"data": {"text": f"Plain {n}."}} for n in range(PLAIN)]
        tasks += [{"data": {"text": f"Known {n}."}, "gold": GOOD, "gold_explanation": "Short."} for n in range(GOLDS)]
        boss.post(f"{base}tasks/", json=tasks).raise_for_status()
        plan = {"gold_every": EVERY, "gold_floor": 50, "gold_least": 100}
        boss.patch(f"{base}review-plan/", json=plan).raise_for_status()
        boss.post(f"{base}status/", json={"status": "open"}).raise_for_status()
    return key


@pytest.fixture
def gildas_page(console: Console, people: dict[str, str], chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(base_url=console.base, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "gilda@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
    yield page
    context.close()


def shape(value: Any) -> Any:
    """An answer without what differs between any two tasks; numbers and counts are looked at apart."""
    if isinstance(value, dict):
        numbers = ("number", "done", "left")
        return {name: shape(one) for name, one in sorted(value.items()) if name not in (*OWN, *numbers)}
    return [shape(one) for one in value] if isinstance(value, list) else value


class Heard:
    """What the browser of a person hears: answers of the API by task, and live messages."""

    def __init__(self, page: Page) -> None:
        self.frames: list[str] = []
        self.answers: list[tuple[str, int, list[str], Any]] = []
        page.on("websocket", self._socket)
        page.on("response", self._response)

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))

    def _response(self, answer: Response) -> None:
        if "/api/v1/label" in answer.url and answer.request.method in ("POST", "PUT"):
            body = answer.json() if answer.status not in (204,) else None
            heads = sorted(name for name in answer.headers if name != "content-length")
            self.answers.append((answer.url.rsplit("/", 2)[-2], answer.status, heads, body))

    def told(self, door: str, is_it: Callable[[Any], bool]) -> set[str]:
        """How the answers of a door look for the tasks that `is_it` names."""
        found = [
            (status, heads, shape(body)) for name, status, heads, body in self.answers if name == door and is_it(body)
        ]
        return {json.dumps(one) for one in found}


def count_of(page: Page) -> int:
    """How many tasks the screen says are there for this person; the last gold one may come when no other is left, and is not dealt."""
    expect(page.locator("#count")).to_have_text(re.compile(r"of \d+"))
    return int(page.locator("#count").inner_text().split()[-1])


MARKUP = """() => [...document.querySelectorAll("main *, header *, footer *")].map((one) => one.tagName + [...one.attributes]
  .filter(({ name }) => !["value", "max", "style"].includes(name)).map(({ name, value }) => ` ${name}=${value}`).join("")).join("\\n")"""


def test_gold__among_others__is_told_by_no_page_answer_message_or_count(
    gildas_page: Page, console: Console, people: dict[str, str], project: str
) -> None:
    page, heard = gildas_page, Heard(gildas_page)
    markup: dict[bool, set[str]] = {True: set(), False: set()}
    page.goto(f"/label/{project}/work/")
    whole, seen = count_of(page), list[str]()
    assert PLAIN + 2 < whole <= PLAIN + GOLDS
    for number in range(1, whole + 1):
        expect(page.locator("#task .task-line")).to_have_text(f"Task {number}")  # manyth for her, gold or not
        expect(page.locator("#count")).to_have_text(f"{number - 1} of {whole}")
        expect(page.locator("#mine-left")).to_have_text(str(whole - number + 1))
        expect(page.locator("#saved")).not_to_have_text(re.compile("Saving"))
        text = page.locator("#task .document").inner_text()
        seen.append(text)
        if 1 < number < whole - 2:  # the first comes without an answer before it, to the last ones fewer are ahead
            markup["Known" in text].add(page.evaluate(MARKUP))
        page.keyboard.press("2")
        expect(page.locator("[data-question=quality] input").nth(1)).to_be_checked()
        with page.expect_response(lambda answer: "/annotations/" in answer.url) as sent:
            page.keyboard.press("Enter")
        assert sent.value.status == 201
        expect(page.get_by_text("Submitted", exact=True).first).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    is_gold = [text.startswith("Known") for text in seen]
    assert [sum(is_gold[start : start + EVERY]) for start in range(0, whole - EVERY + 1, EVERY)] == [1] * (
        whole // EVERY
    )
    assert markup[True] and markup[True] == markup[False]

    golden = {answer["id"] for _door, _status, _heads, body in heard.answers if (answer := (body or {}).get("assignment"))
              and answer["data"]["text"].startswith("Known")}  # fmt: skip
    plain = {answer["id"] for _door, _status, _heads, body in heard.answers if (answer := (body or {}).get("assignment"))
             and answer["data"]["text"].startswith("Plain")}  # fmt: skip
    assert len(golden) == whole - PLAIN and len(plain) == PLAIN
    given = [heard.told("next", _about_assignments(ids)) for ids in (golden, plain)]
    assert len(given[0]) == 1 and given[0] == given[1]
    mine = {row["task"]: row for row in _all(console, people["gilda"], f"label-projects/{project}/annotations/")}
    golden_tasks = _golden(console, project)
    submitted = [heard.told("annotations", _about_tasks(golden_tasks, wanted)) for wanted in (True, False)]
    assert len(submitted[0]) == 1 and submitted[0] == submitted[1]
    listed = [
        {json.dumps(shape(row)) for key, row in mine.items() if (key in golden_tasks) is wanted}
        for wanted in (True, False)
    ]
    assert listed[0] == listed[1]
    assert sorted(row["number"] for row in mine.values()) == list(range(1, whole + 1))

    live = [json.loads(frame) for frame in heard.frames if '"changed"' in frame]
    assert live and all(set(one) <= {"topic", "type"} for one in live), live


def _about_assignments(ids: set[str]) -> Callable[[Any], bool]:
    return lambda body: bool(body["assignment"]) and body["assignment"]["id"] in ids


def _about_tasks(golden: set[str], wanted: bool) -> Callable[[Any], bool]:
    return lambda body: (body["task"] in golden) is wanted


def _all(console: Console, key: str, path: str) -> list[dict[str, Any]]:
    with client(console, key) as me:
        found: dict[str, Any] = me.get(path).raise_for_status().json()
    assert found["next"] is None
    rows: list[dict[str, Any]] = found["results"]
    return rows


def _golden(console: Console, project: str) -> set[str]:
    with console.client() as boss:
        numbers = {row["number"] for row in _rows(boss, f"/api/v1/label-projects/{project}/gold/")}
        return {
            str(row["id"])
            for row in _rows(boss, f"/api/v1/label-projects/{project}/tasks/")
            if row["number"] in numbers
        }


def _rows(boss: httpx.Client, path: str) -> list[dict[str, Any]]:
    told = boss.get(path).raise_for_status().json()
    rows: list[dict[str, Any]] = told if isinstance(told, list) else told["results"]
    return rows


def test_gold__left_with_it_in_hand__comes_back_like_every_other_task(gildas_page: Page, project: str) -> None:
    """Whatever was on the screen when she left is there when she comes again."""
    page, whole = gildas_page, 0
    for number in range(1, EVERY + 1):
        page.goto(f"/label/{project}/work/")
        expect(page.locator("#task .task-line")).to_have_text(f"Task {number}")
        text, whole = page.locator("#task .document").inner_text(), whole or count_of(page)
        page.get_by_role("link", name="Leave labeling").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Label")
        page.goto(f"/label/{project}/work/")
        expect(page.locator("#task .task-line")).to_have_text(f"Task {number}")
        expect(page.locator("#task .document")).to_have_text(text)
        expect(page.locator("#count")).to_have_text(f"{number - 1} of {whole}")
        page.keyboard.press("1")
        with page.expect_response(lambda answer: "/annotations/" in answer.url):
            page.keyboard.press("Enter")
        expect(page.locator("#task .task-line")).to_have_text(f"Task {number + 1}")


def test_pages_of_who_labels__say_nothing_of_gold(gildas_page: Page, project: str) -> None:
    for path in (f"/label/{project}/work/", f"/label/{project}/report/mine/", "/label/", "/"):
        answer = gildas_page.goto(path)
        assert answer and answer.ok
        assert not re.search(r"\bgold", answer.text(), re.IGNORECASE), path
    for path in ("", "tasks/", "review/", "agreement/", "report/", "settings/", "people/"):
        answer = gildas_page.goto(f"/label/{project}/{path}")
        assert answer and answer.status in (403, 404), path
