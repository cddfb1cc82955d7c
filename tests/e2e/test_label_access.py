"""All questions on one page: without serious barriers in both themes, and on a phone by touch alone."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.console import Console
from tests.e2e.label_work import Work, keys, start
from tests.e2e.test_access import grave_violations


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as client:
        yield client


EVERYTHING = """<Header value="Words"/><Labels name="marks" toName="t"><Label value="Product"/><Label value="Defect"/></Labels>
<Relations><Relation value="has"/></Relations><Text name="t" value="$text"/>
<Paragraphs name="c" value="$messages" layout="dialogue" nameKey="role" textKey="content"/>
<ParagraphLabels name="acts" toName="c"><Label value="Complaint"/></ParagraphLabels>
<Choices name="wish" toName="t"><Choice value="refund" hint="money back"/><Choice value="swap" hint="another size"/></Choices>
<Choices name="faults" toName="t" choice="multiple"><Choice value="rude"/><Choice value="late"/></Choices>
<Rating name="stars" toName="t"/><Number name="score" toName="t" min="0" max="5"/><Number name="minutes" toName="t"/>
<Text name="a" value="$a"/><Text name="b" value="$b"/><Pairwise name="better" toName="a,b"/>
<List name="l" value="$answers"/><Ranker name="rank" toName="l"/><TextArea name="note" toName="t"/>"""


def everything(client: httpx.Client) -> Work:
    answers = [{"id": name, "title": f"Answer {name}", "body": "Words."} for name in "abc"]
    messages = [{"role": "user", "content": "My boots came loose."}, {"role": "system", "content": "Be kind."}]
    task = {"text": "The sole came loose.", "messages": messages, "a": "Yes.", "b": "No.", "answers": answers}
    return Work(client, EVERYTHING, [task], guidelines="Be kind.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_question__in_both_themes_and_on_a_phone__fits_and_has_no_serious_barrier(
    page: Page, client: httpx.Client, theme: Literal["light", "dark"], width: int
) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 844})
    work = everything(client)
    start(page, work)
    keys(page, "ArrowRight", "ArrowRight", "1", "ArrowRight", "2", "r", "n", "1")
    expect(page.locator("#links li")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")
    assert grave_violations(page) == []


@pytest.fixture
def phone(console: Console, chromium: Browser, signed_in: Any) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=console.base, storage_state=signed_in, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )  # fmt: skip
    yield context.new_page()
    context.close()


def test_phone__everything_by_touch__is_large_enough_and_is_sent(phone: Page, client: httpx.Client) -> None:
    work = everything(client)
    start(phone, work)
    for name in ("refund", "rude"):
        phone.locator("label.choice", has_text=name).click()
    phone.locator("[data-question=stars] label.choice").nth(3).click()
    phone.locator("[data-question=score] label.choice").nth(5).click()
    phone.locator(".side", has_text="Yes.").click()
    phone.get_by_role("button", name="Move Answer c up").click()
    small = phone.evaluate(
        """() => [...document.querySelectorAll("#task .choice, #task .icon-btn, .work-foot .btn, .tools .icon-btn")]
        .filter((one) => one.checkVisibility()).map((one) => [one.textContent, Math.round(one.getBoundingClientRect().height)])
        .filter(([, height]) => height < 40)"""
    )
    assert small == []
    phone.get_by_role("button", name="Guidelines", exact=True).click()
    expect(phone.get_by_role("region", name="Guidelines")).to_be_in_viewport()
    phone.get_by_role("button", name="Close the guidelines").click()
    phone.get_by_role("button", name="Submit and next").click()
    expect(phone.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    told: Callable[[str], Any] = work.answer().__getitem__
    assert [told(name) for name in ("wish", "faults", "stars", "score", "better")] == [
        {"choices": ["refund"]}, {"choices": ["rude"]}, {"rating": 4}, {"number": 5}, {"selected": "left"},
    ]  # fmt: skip
    assert told("rank")["ranker"]["rank"] == ["a", "c", "b"]
