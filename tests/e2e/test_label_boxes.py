"""Boxes on a picture: drawn, moved and resized by mouse, by touch and by keys; places are percent of the picture."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.console import Console
from tests.e2e.label_work import Work, keys, start, submit

BOXES = """<Image name="i" value="$image"/>
<RectangleLabels name="boxes" toName="i"><Label value="Boot"/><Label value="Logo"/></RectangleLabels>
<Relations><Relation value="on"/></Relations>
<Choices name="usable" toName="i"><Choice value="yes"/><Choice value="blurred"/></Choices>"""
TASK = {"image": "ab" * 32 + ".png"}


def picture(route: Route) -> None:
    kept = io.BytesIO()
    Image.new("RGB", (600, 400), (96, 140, 120)).save(kept, "PNG")
    route.fulfill(body=kept.getvalue(), content_type="image/png")


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as client:
        yield client


def opened(page: Page, client: httpx.Client) -> Work:
    page.route("**/pictures/**", picture)
    work = Work(client, BOXES, [TASK])
    start(page, work)
    expect(page.locator(".picture > img")).to_have_js_property("naturalWidth", 600)
    return work


def place(page: Page, x: float, y: float, where: str = ".picture") -> tuple[float, float]:
    """Percent of the picture as a place on the screen."""
    frame = page.locator(where).bounding_box()
    assert frame
    return frame["x"] + frame["width"] * x / 100, frame["y"] + frame["height"] * y / 100


def near(box: dict[str, Any], x: float, y: float, width: float, height: float) -> bool:
    told = (box["x"], box["y"], box["width"], box["height"])
    return all(abs(one - other) < 1 for one, other in zip(told, (x, y, width, height), strict=True))


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float], where: str = ".picture") -> None:
    page.mouse.move(*place(page, *begin, where))
    page.mouse.down()
    page.mouse.move(*place(page, (begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2, where))
    page.mouse.move(*place(page, *end, where))
    page.mouse.up()


def test_boxes__by_keys__are_made_moved_sized_labelled_and_related(page: Page, client: httpx.Client) -> None:
    work = opened(page, client)
    keys(page, "b", *["ArrowLeft"] * 5, "ArrowDown", *["Shift+ArrowRight"] * 4, "Shift+ArrowUp")
    keys(page, "Escape", "2", "b", *["ArrowRight"] * 90)  # the edge of the picture holds it
    expect(page.locator(".box")).to_have_count(2)
    keys(page, "r", "n", "1", "b", "Delete", "j", "j", "1")
    submit(page)
    told = work.answer()
    first, second = told["boxes"]
    assert near(first, 30, 36, 34, 29) and first["rectanglelabels"] == ["Boot"]
    assert near(second, 70, 35, 30, 30) and second["rectanglelabels"] == ["Logo"]
    assert told["relations"][0]["labels"] == ["on"] and told["usable"] == {"choices": ["yes"]}
    [row] = work.annotations()
    assert [row["result"][0][name] for name in ("original_width", "original_height")] == [600, 400]


def test_boxes__by_mouse__are_drawn_moved_sized_and_removed(page: Page, client: httpx.Client) -> None:
    work = opened(page, client)
    drag(page, (10, 10), (30, 40))
    expect(page.locator(".box[aria-current]")).to_contain_text("Boot")
    page.locator("button.choice", has_text="Logo").click()
    expect(page.locator(".box[aria-current]")).to_contain_text("Logo")
    drag(page, (20, 25), (40, 45))  # moved by 20, 20
    drag(page, (50, 60), (70, 80))  # its corner
    drag(page, (5, 5), (9, 9))
    expect(page.locator(".box")).to_have_count(2)
    page.locator("#spans li", has_text="Box 2").get_by_role("button", name="Remove Box 2").click()
    expect(page.locator(".box")).to_have_count(1)
    submit(page)
    [box] = work.answer()["boxes"]
    assert near(box, 30, 30, 40, 50) and box["rectanglelabels"] == ["Logo"]


@pytest.fixture
def phone(console: Console, chromium: Browser, signed_in: Any) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=console.base,
        storage_state=signed_in,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    yield context.new_page()
    context.close()


def test_boxes__by_touch__are_drawn_and_moved(phone: Page, client: httpx.Client) -> None:
    work = opened(phone, client)
    fingers = phone.context.new_cdp_session(phone)

    def touch(*points: tuple[float, float]) -> None:
        for kind, point in [("touchStart", points[0]), *(("touchMove", point) for point in points[1:])]:
            x, y = place(phone, *point)
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    touch((20, 20), (40, 40), (60, 70))
    expect(phone.locator(".box")).to_have_count(1)
    touch((40, 45), (45, 45), (50, 45))
    expect(phone.locator("#saved")).to_have_text("Draft saved")
    phone.get_by_role("button", name="Submit and next").click()  # a tap that a busy machine draws out is none
    expect(phone.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    [box] = work.answer()["boxes"]
    assert near(box, 30, 20, 40, 50)


def test_picture__that_cannot_be_shown__is_told(page: Page, client: httpx.Client) -> None:
    page.route("**/pictures/**", lambda route: route.fulfill(body="", content_type="image/png"))
    work = Work(client, BOXES, [TASK])
    start(page, work)
    expect(page.locator("#task")).to_contain_text("The image cannot be shown")
