"""A question is made by clicks or as XML: templates, builder, errors by line, a row in the picture; and no attribute is ever markup."""

import json
import re
import time
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.console import Console

EVIL = "<img src=x onerror=alert(1)>"
QUOTED = "&lt;img src=x onerror=alert(1)&gt;"


@pytest.fixture
def version(console: Console) -> dict[str, Any]:
    """Three rows of a dataset of this test's own."""
    name = f"questions {uuid4().hex[:8]}"
    rows = [{"prompt": f"{name}: boots {n}?", "response": f"Size {n}."} for n in range(3)]
    content = "\n".join(json.dumps(row) for row in rows).encode()
    with console.client() as client:
        made = client.post("/api/v1/datasets/", data={"name": name}, files={"file": ("rows.jsonl", content)})
        dataset = made.raise_for_status().json()
        deadline = time.monotonic() + 60
        while not (newest := client.get(f"/api/v1/datasets/{dataset['id']}/").json()["newest_version"]):
            assert time.monotonic() < deadline, "the rows were not imported"
            time.sleep(0.2)
    return {"id": newest["id"], "name": name}


def config_of(console: Console, name: str) -> dict[str, Any]:
    with console.client() as client:
        rows = client.get("/api/v1/label-projects/", params={"q": name}).json()["results"]
        [found] = [row for row in rows if row["name"] == name]
        told: dict[str, Any] = client.get(f"/api/v1/label-projects/{found['id']}/config/").raise_for_status().json()
    return {**told, "id": found["id"]}


def code(page: Page) -> Any:
    return page.get_by_role("textbox", name="Labeling config")


def test_question__by_the_builder__is_the_config_of_the_project(
    page: Page, console: Console, version: dict[str, Any]
) -> None:
    name = f"Built {uuid4().hex[:8]}"
    page.goto("/label/new/")
    page.get_by_label("Name", exact=True).first.fill(name)
    page.get_by_label("Rows to label").select_option(version["id"])
    page.get_by_label("Find a question").fill("customer want")
    expect(page.locator(".pick:visible")).to_have_count(1)
    page.get_by_text("What does the customer want?").first.click()
    expect(page.locator("#preview")).to_contain_text(f"{version['name']}: boots 0?")
    page.locator("#id_row").fill("3")
    page.locator("#id_row").press("Tab")
    expect(page.locator("#preview")).to_contain_text("boots 2?")
    page.locator('.built-item[data-place="0"]').get_by_label("Name", exact=True).fill(
        "said"
    )  # what is about it goes along
    page.get_by_label("Ask", exact=True).select_option("Number")
    page.get_by_role("button", name="Add question").click()
    number = page.locator('.built-item[data-place="2"]')
    number.get_by_label("Title", exact=True).fill("How sure are you?")
    number.get_by_label("Name", exact=True).fill("sure")
    number.get_by_label("Needs an answer", exact=True).check()
    expect(page.locator("#preview")).to_contain_text("How sure are you?")
    page.get_by_role("button", name="Move sure up").click()
    expect(page.locator('.built-item[data-place="1"]').get_by_label("Name", exact=True)).to_have_value("sure")
    choices = page.locator('.built-item[data-place="2"]')
    choices.get_by_label("Key of answer 1", exact=True).fill("q")
    choices.get_by_label("Answer 5", exact=True).press("Enter")  # one more answer, and no project yet
    choices.get_by_label("Answer 6", exact=True).fill("thanks")
    choices.get_by_role("button", name="Remove answer 2").click()
    expect(choices.get_by_label("Answer 5", exact=True)).to_have_value("thanks")
    page.get_by_role("button", name="Make the project").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    parts = config_of(console, name)["parts"]
    assert [part["kind"] for part in parts] == ["Text", "Header", "Number", "Header", "Choices"]
    assert {part["to"] for part in parts if "to" in part} == {"said"}
    assert parts[2]["name"] == "sure" and parts[2]["required"] and parts[1]["text"] == "How sure are you?"
    assert [option["value"] for option in parts[4]["options"]] == [
        "refund", "repair", "information", "something else", "thanks",
    ]  # fmt: skip
    assert parts[4]["options"][0]["hotkey"] == "q"


def test_question__wrong_xml__is_told_with_its_line_and_goes_on_in_the_builder(page: Page) -> None:
    page.goto("/label/new/?template=entities")
    page.get_by_role("button", name="XML", exact=True).click()
    good = code(page).input_value()
    code(page).fill(good.replace("  <Text ", "  <Txet "))
    expect(page.locator("#wrong").get_by_role("alert")).to_contain_text("<Txet")
    bad = page.locator(".gutter li[data-bad]")
    expect(bad).to_have_count(1)
    line = int(re.findall(r"Line (\d+)", page.locator("#wrong").inner_text())[0])
    assert code(page).input_value().split("\n")[line - 1].strip().startswith("<Txet")
    page.get_by_role("button", name=f"Go to line {line}").click()
    expect(code(page)).to_be_focused()
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(page.locator("#in-builder")).to_contain_text("Mend the XML first")
    page.get_by_role("button", name="Edit the XML").click()
    code(page).fill(good.replace("<Labels", "<!-- why --><Labels"))
    expect(page.locator(".gutter li[data-bad]")).to_have_count(0)
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(page.locator("#in-builder")).to_contain_text("The builder cannot hold this config")
    page.get_by_role("button", name="Edit the XML").click()
    code(page).fill(good)
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(page.locator(".built-item")).to_have_count(2)


def test_question__of_a_draft__is_changed_until_it_opens(page: Page, console: Console) -> None:
    name = f"Draft {uuid4().hex[:8]}"
    config = '<View><Text name="t" value="$text"/><Rating name="stars" toName="t"/></View>'
    with console.client() as client:
        order = {"name": name, "label_config": config}
        made = client.post("/api/v1/label-projects/", json=order).raise_for_status().json()
    page.goto(f"/label/{made['id']}/config/")
    page.locator('.built-item[data-place="1"]').get_by_label("Stars", exact=True).fill("99")
    expect(page.locator('.built-item[data-place="1"]')).to_have_attribute("data-wrong", "")
    expect(page.locator("#builder-wrong")).to_contain_text("maxRating is from 1 to 10")
    page.locator('.built-item[data-place="1"]').get_by_label("Stars", exact=True).fill("7")
    expect(page.locator("#builder-wrong")).to_be_empty()
    page.get_by_role("button", name="Save the question").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert config_of(console, name)["parts"][1]["max_rating"] == 7
    with console.client() as client:
        client.post(f"/api/v1/label-projects/{made['id']}/status/", json={"status": "open"}).raise_for_status()
    page.goto(f"/label/{made['id']}/config/")
    expect(page.get_by_role("button", name="Save the question")).to_have_count(0)


def test_question__markup_in_every_attribute__is_shown_as_text(page: Page) -> None:
    config = (
        f'<View><Header value="{QUOTED}"/><Text name="t" value="$prompt"/><List name="l" value="$answers" title="{QUOTED}"/>'
        f'<Choices name="c" toName="t" requiredMessage="{QUOTED}"><Choice value="{QUOTED}" alias="a{QUOTED}" hint="{QUOTED}"/></Choices>'
        f'<Labels name="w" toName="t"><Label value="{QUOTED}" hint="{QUOTED}"/></Labels>'
        f'<Relations><Relation value="{QUOTED}"/></Relations><TextArea name="a" toName="t" placeholder="{QUOTED}"/></View>'
    )
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.goto("/label/new/")
    page.get_by_role("button", name="XML", exact=True).click()
    code(page).fill(config)
    expect(page.locator("#preview .choice").first).to_contain_text(EVIL)
    expect(page.locator("#preview h3").first).to_have_text(EVIL)
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(page.locator('.built-item[data-place="0"]').get_by_label("Title", exact=True)).to_have_value(EVIL)
    page.get_by_role("button", name="Move t down").click()
    expect(page.locator('.built-item[data-place="1"]').get_by_label("Title", exact=True)).to_have_value(EVIL)
    page.get_by_role("button", name="XML", exact=True).click()
    code(page).fill(f'<View>\n<Text name="t" value="{QUOTED}"/></View>')
    expect(page.locator("#wrong")).to_contain_text(EVIL)
    assert page.locator("img[src=x]").count() == 0 and asked == []


def test_question__on_a_phone__fits_and_has_nothing_in_the_way_of_anybody(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/label/new/?template=rubric")
    expect(page.locator(".built-item").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    for view in ("XML", "Builder"):
        page.get_by_role("button", name=view, exact=True).click()
        expect(page.get_by_role("button", name=view, exact=True)).to_have_attribute("aria-pressed", "true")
        grave = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        assert grave == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in grave]
