"""Review by keys: a disagreement is decided, an answer goes back to its author and comes again; strange words stay words."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.console import Console
from tests.e2e.people import PASSWORD, admit, client

EVIL = "<img src=x onerror=alert(1)>"
CONFIG = """<View>
  <Labels name="marks" toName="prompt"><Label value="Product"/><Label value="{evil}"/></Labels>
  <Text name="prompt" value="$prompt"/>
  <Choices name="quality" toName="prompt" required="true"><Choice value="good"/><Choice value="bad"/></Choices>
  <TextArea name="words" toName="prompt"/>
</View>""".replace("{evil}", EVIL.replace("<", "&lt;").replace(">", "&gt;"))


def said(quality: str, end: int, label: str = "Product", words: str = "") -> list[dict[str, Any]]:
    about = {"to_name": "prompt"}
    found = [
        {**about, "from_name": "quality", "type": "choices", "value": {"choices": [quality]}},
        {**about, "from_name": "marks", "type": "labels", "value": {"start": 0, "end": end, "labels": [label]}},
    ]
    return found + ([{**about, "from_name": "words", "type": "textarea", "value": {"text": [words]}}] if words else [])


@pytest.fixture(scope="module")
def people(console: Console) -> dict[str, str]:
    return admit(console, {"rita": "annotator", "sven": "annotator"})


@pytest.fixture
def project(console: Console, people: dict[str, str]) -> dict[str, Any]:
    """Three tasks; Rita and Sven differ about 1 and 2 and say the same of 3."""
    name = f"Reviewed {uuid4().hex[:8]}"
    with console.client() as boss:
        order = {"name": name, "label_config": CONFIG, "overlap": 2}
        made: dict[str, Any] = boss.post("/api/v1/label-projects/", json=order).raise_for_status().json()
        base = f"/api/v1/label-projects/{made['id']}/"
        tasks = [{"data": {"prompt": f"{n} boots of {name} {EVIL}"}} for n in (1, 2, 3)]
        boss.post(f"{base}tasks/", json=tasks).raise_for_status()
        boss.post(f"{base}status/", json={"status": "open"}).raise_for_status()
    given = {
        "rita": [said("good", 7), said("good", 7), said("good", 7)],
        "sven": [said("bad", 7, EVIL, EVIL), said("bad", 1), said("good", 7)],
    }
    for person, results in given.items():
        with client(console, people[person]) as me:
            for result in results:
                own = (
                    me.post(f"label-projects/{made['id']}/tasks/next/", json={}).raise_for_status().json()["assignment"]
                )
                sent = {"assignment": own["id"], "result": result, "lead_time": 0.1}
                me.post(f"label-projects/{made['id']}/annotations/", json=sent).raise_for_status()
    return made


def ask(console: Console, project: dict[str, Any], what: str) -> Any:
    with console.client() as boss:
        return boss.get(f"/api/v1/label-projects/{project['id']}/{what}").raise_for_status().json()


@pytest.fixture
def svens_page(console: Console, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(base_url=console.base, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "sven@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
    yield page
    context.close()


def test_review__by_keys__accepts_sends_back_and_gets_it_again(
    page: Page, console: Console, project: dict[str, Any], svens_page: Page
) -> None:
    page.goto(f"/label/{project['id']}/review/")
    expect(page.get_by_role("heading", name="Task 1")).to_be_visible()
    expect(page.get_by_role("article", name="Answer of Sven").locator("[data-differs]").first).to_be_visible()
    page.keyboard.press("1")  # Rita's answer decides
    expect(page.get_by_role("heading", name="Task 2")).to_be_visible()
    expect(page.get_by_text("Task 1 is done.")).to_be_visible()
    page.keyboard.press("r")
    page.get_by_label("Whose").select_option(label="Sven")
    page.get_by_label("What should be different").fill(f"Mark the whole name. {EVIL}")
    page.get_by_role("dialog").get_by_role("button", name="Send back").click()
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()
    first = ask(console, project, "review/1/")
    assert [one["verdict"] for one in first["annotations"]] == ["accepted", "overruled"]

    svens_page.goto(f"/label/{project['id']}/work/")
    expect(svens_page.get_by_text("Mark the whole name.")).to_contain_text(EVIL)
    expect(svens_page.locator("#task")).to_contain_text("2 boots of")
    svens_page.get_by_text("good", exact=True).click()
    svens_page.get_by_role("button", name="Submit and next").click()
    expect(svens_page.get_by_text("Nothing left for you")).to_be_visible()

    page.goto(f"/label/{project['id']}/review/")
    expect(page.get_by_role("heading", name="Task 2")).to_be_visible()  # the marks still differ
    page.keyboard.press("e")
    own = page.locator("#own")
    expect(own).to_be_visible()
    own.locator("[data-question=quality] label", has_text="good").click()
    own.get_by_role("button", name="Accept this answer").click()
    expect(page.get_by_text("Task 2 is done.")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("decided with an own answer")).to_be_visible()
    assert ask(console, project, "review/2/")["accepted"] is not None


def test_review__strange_words__are_shown_as_words(page: Page, console: Console, project: dict[str, Any]) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(f"/label/{project['id']}/review/?task=1")
    page.keyboard.press("c")
    page.get_by_label("New comment").fill(f"See {EVIL}")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".thread")).to_contain_text(EVIL)
    expect(page.get_by_role("article", name="Answer of Sven")).to_contain_text(EVIL)
    page.get_by_role("button", name="Settle").click()
    expect(page.locator(".thread[data-settled]")).to_be_visible()
    for path in ("review/?task=1&edit=2", "agreement/", "report/"):
        page.goto(f"/label/{project['id']}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.locator("img[src=x]").count() == 0
        serious = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
        assert not serious, json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in serious])


def test_review__two_at_once__the_second_is_told(page: Page, console: Console, project: dict[str, Any]) -> None:
    page.goto(f"/label/{project['id']}/review/?task=1")
    [rita, _sven] = ask(console, project, "review/1/")["annotations"]
    with console.client() as boss:
        door = f"/api/v1/label-projects/{project['id']}/review/1/decide/"
        boss.post(door, json={"annotation": rita["annotation"]}).raise_for_status()
    page.keyboard.press("2")
    expect(page.get_by_role("alert")).to_contain_text("was faster: task 1 changed meanwhile")
    page.faults.clear()  # type: ignore[attr-defined]  # the browser tells the 409 of the page, as it should
    assert ask(console, project, "review/1/")["accepted"] == rita["annotation"]


def test_review__on_a_phone__fits(page: Page, project: dict[str, Any]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("review/", "agreement/", "report/"):
        page.goto(f"/label/{project['id']}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), path


def test_training__after_a_gold_answer__shows_the_right_one_and_why(
    console: Console, project: dict[str, Any], svens_page: Page
) -> None:
    base = f"/api/v1/label-projects/{project['id']}/"
    with console.client() as boss:
        boss.post(
            f"{base}tasks/", json=[{"data": {"prompt": f"Train {n} of {EVIL}"}} for n in range(3)]
        ).raise_for_status()
        gold = {"number": 4, "result": said("good", 5), "explanation": f"Read it twice. {EVIL}"}
        boss.post(f"{base}gold/", json=gold).raise_for_status()
        boss.patch(f"{base}review-plan/", json={"gold_every": 2, "gold_training": 4}).raise_for_status()
    svens_page.goto(f"/label/{project['id']}/work/")
    expect(svens_page.locator("#task")).to_contain_text("Train 0 of")
    svens_page.get_by_text("bad", exact=True).click()
    svens_page.get_by_role("button", name="Submit and next").click()
    lesson = svens_page.get_by_role("dialog", name="this would be right")
    expect(lesson).to_contain_text(f"Read it twice. {EVIL}")
    expect(lesson).to_contain_text("good")
    assert svens_page.locator("img[src=x]").count() == 0
    lesson.get_by_role("button", name="Go on").click()
    expect(svens_page.locator("#task")).to_contain_text("Train 1 of")
