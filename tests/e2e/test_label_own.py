"""The own decision of a reviewer, with the labeling screen's widgets: marks are drawn, those of people kept or left out."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.console import Console
from tests.e2e.label_work import keys
from tests.e2e.test_label_boxes import BOXES, TASK, drag, near, picture

SPANS = """<Text name="t" value="$text"/><Labels name="marks" toName="t"><Label value="Thing"/><Label value="Fault"/></Labels>
<Relations><Relation value="has"/></Relations>
<Choices name="wish" toName="t" required="true"><Choice value="refund"/><Choice value="swap"/></Choices>
<Rating name="stars" toName="t"/><Number name="score" toName="t" min="0" max="5"/>
<List name="l" value="$answers"/><Ranker name="rank" toName="l"/><TextArea name="note" toName="t"/>"""
TEXT = "My boots came loose."


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as client:
        yield client


def project(client: httpx.Client, config: str, data: dict[str, Any], *answers: list[dict[str, Any]]) -> str:
    """An open project with one task that so many people answered."""
    order = {"name": f"Own {uuid4().hex[:10]}", "label_config": f"<View>{config}</View>", "overlap": len(answers)}
    key = str(client.post("/api/v1/label-projects/", json=order).raise_for_status().json()["id"])
    given = [
        {"result": result, "completed_by": f"{name}@elsewhere"} for name, result in zip("ab", answers, strict=False)
    ]
    sent = client.post(f"/api/v1/label-projects/{key}/tasks/", json=[{"data": data, "annotations": given}])
    assert sent.is_success, sent.text
    client.post(f"/api/v1/label-projects/{key}/status/", json={"status": "open"}).raise_for_status()
    return key


def decided(client: httpx.Client, key: str) -> list[dict[str, Any]]:
    path = f"/api/v1/label-projects/{key}/"
    accepted = client.get(f"{path}review/1/").raise_for_status().json()["accepted"]
    [row] = [
        row for row in client.get(f"{path}annotations/").raise_for_status().json()["results"] if row["id"] == accepted
    ]
    found: list[dict[str, Any]] = row["result"]
    return found


def span(key: str, start: int, end: int, label: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": [label]}
    return {"id": key, "from_name": "marks", "to_name": "t", "type": "labels", "value": value}


def about(name: str, kind: str, to: str = "t", **value: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": to, "type": kind, "value": value}


def test_own_answer__of_every_kind__is_changed_and_drawn_by_keys(page: Page, client: httpx.Client) -> None:
    tie = {"type": "relation", "from_id": "m", "to_id": "n", "direction": "right", "labels": ["has"]}
    first = [span("m", 3, 8, "Thing"), about("wish", "choices", choices=["refund"]), about("stars", "rating", rating=2)]
    second = [span("m", 3, 8, "Thing"), span("n", 9, 19, "Fault"), tie, about("wish", "choices", choices=["swap"])]
    data = {"text": TEXT, "answers": [{"id": "x", "title": "One"}, {"id": "y", "title": "Two"}]}
    key = project(client, SPANS, data, first, second)
    page.goto(f"/label/{key}/review/?task=1&edit=1#own")
    own = page.locator("#own")
    expect(own.locator("#spans li")).to_have_count(1)
    expect(own.locator("#offers button[aria-pressed=true]")).to_have_count(1)  # of its author and of the other one
    own.locator("#offers button", has_text="has").click()  # a relation brings the mark it needs
    expect(own.locator("#spans li")).to_have_count(2)
    expect(own.locator("#links li")).to_have_count(1)
    own.locator("#offers button", has_text="Fault").last.click()  # left out, and the relation with it
    expect(own.locator("#links li")).to_have_count(0)
    page.keyboard.press("Escape")
    keys(page, "ArrowRight", "1")  # "My": nobody marked it
    expect(own.locator("#spans li")).to_have_count(2)
    own.locator("#spans .pick-row").nth(0).click()
    page.keyboard.press("Escape")
    keys(page, "n", "r", "n", "1")
    expect(own.locator("#links li")).to_have_count(1)
    own.locator("[data-question=wish] label", has_text="swap").click()
    own.locator("[data-question=stars] label").nth(4).click()
    own.locator("[data-question=score] label").nth(3).click()
    own.get_by_role("button", name="Move Two up").click()
    own.get_by_role("textbox", name="note").fill("Checked.")
    serious = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert not serious, json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in serious])
    own.get_by_role("button", name="Accept this answer").click()
    expect(page.get_by_text("Task 1 is done.")).to_be_visible()
    found = decided(client, key)
    values = {row["from_name"]: row["value"] for row in found if "value" in row and row["type"] != "labels"}
    assert values == {
        "wish": {"choices": ["swap"]}, "stars": {"rating": 5}, "score": {"number": 3},
        "rank": {"ranker": {"rank": ["y", "x"]}}, "note": {"text": ["Checked."]},
    }  # fmt: skip
    marks = sorted((row["value"]["start"], row["value"]["end"]) for row in found if row["type"] == "labels")
    assert marks == [(0, 2), (3, 8)] and [row["labels"] for row in found if row["type"] == "relation"] == [["has"]]


def test_own_answer__boxes__are_drawn_by_mouse_and_others_kept(page: Page, client: httpx.Client) -> None:
    page.route("**/pictures/**", picture)
    box = {"x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["Boot"]}
    size = {"id": "b", "original_width": 600, "original_height": 400}
    boxes = [{**about("boxes", "rectanglelabels", to="i", **box), **size}]
    key = project(client, BOXES, TASK, boxes, [about("usable", "choices", to="i", choices=["yes"])])
    page.goto(f"/label/{key}/review/?task=1&edit=2#own")
    own = page.locator("#own")
    expect(own.locator(".picture > img")).to_have_js_property("naturalWidth", 600)
    own.locator("#offers button").click()
    expect(own.locator(".box")).to_have_count(1)
    own.locator(".picture").scroll_into_view_if_needed()
    drag(page, (50, 40), (70, 60), "#own .picture")
    expect(own.locator(".box")).to_have_count(2)
    own.get_by_role("button", name="Accept this answer").click()
    expect(page.get_by_text("Task 1 is done.")).to_be_visible()
    drawn = [row["value"] for row in decided(client, key) if row["type"] == "rectanglelabels"]
    assert near(drawn[0], 10, 10, 20, 20) and near(drawn[1], 50, 40, 20, 20)


def test_own_answer__without_what_is_required_or_on_a_phone__says_so_and_fits(page: Page, client: httpx.Client) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    data = {"text": TEXT, "answers": [{"id": "x", "title": "One"}, {"id": "y", "title": "Two"}]}
    key = project(client, SPANS, data, [about("wish", "choices", choices=["swap"])])
    page.goto(f"/label/{key}/review/?task=1&edit=#own")
    own = page.locator("#own")
    expect(own.locator("[data-question=wish] input").nth(1)).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    page.set_viewport_size({"width": 1440, "height": 900})
    keys(page, "Escape", "Enter")
    expect(page.get_by_text("Task 1 is done.")).to_be_visible()
    assert [row["value"] for row in decided(client, key)] == [{"choices": ["swap"]}]
