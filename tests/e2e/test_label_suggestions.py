"""Suggestions end to end: rules written on a page, run by a worker, shown dashed beside a task, taken by one key, and counted."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console
from tests.e2e.label_work import Work, keys, start, submit

CONFIG = """<Text name="t" value="$text"/>
<Choices name="wish" toName="t" required="true"><Choice value="refund"/><Choice value="swap"/></Choices>
<Labels name="what" toName="t"><Label value="Item"/></Labels>"""
TEXTS = ["Please send my money back for the 😀 boots.", "I would rather swap the coat."]


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as client:
        yield client


def write(page: Page, work: Work, name: str, question: str, **lines: str) -> None:
    """A suggester of patterns by its form, run and shown to annotators."""
    page.goto(f"/label/{work.id}/suggestions/new/?kind=rules&question={question}")
    page.get_by_label("Name", exact=True).fill(name)
    for option, text in lines.items():
        page.get_by_role("textbox", name=option, exact=True).fill(text)
    page.get_by_role("button", name="Try on 10 tasks").click()
    expect(page.get_by_text("2 of 2 get a suggestion")).to_be_visible()
    page.get_by_role("button", name="Keep and run").click()
    page.get_by_role("button", name="Show to annotators").click(timeout=60_000)
    expect(page.get_by_role("button", name="Hide from annotators")).to_be_visible()


def test_choices__suggested_by_patterns__are_taken_by_one_key_or_changed(page: Page, client: httpx.Client) -> None:
    work = Work(client, CONFIG, [{"text": text} for text in TEXTS])
    write(page, work, "By words for wishes", "wish", refund="money back", swap="swap")
    start(page, work)
    expect(page.locator("#task")).to_contain_text("Suggested by By words for wishes")
    expect(page.locator(".choice[data-suggested]")).to_have_text(re.compile("refund"))
    keys(page, "y")
    expect(page.get_by_role("radio", name="refund")).to_be_checked()
    expect(page.locator("#task")).to_contain_text("Change what is wrong")
    keys(page, "Enter")
    expect(page.locator("#task")).to_contain_text(TEXTS[1])
    keys(page, "y")
    expect(page.get_by_role("radio", name="swap")).to_be_checked()
    page.get_by_role("radio", name="refund").check(force=True)
    page.locator("#saved").filter(has_text="Draft saved").wait_for()
    page.reload()  # what was taken stays known
    expect(page.get_by_role("radio", name="refund")).to_be_checked()
    submit(page)
    assert work.answer(1)["wish"] == work.answer(2)["wish"] == {"choices": ["refund"]}
    [told] = client.get(f"/api/v1/label-projects/{work.id}/suggesters/taken/").json()["results"]
    assert (told["shown"], told["unchanged"], told["changed"]) == (2, 1, 1)
    expect(page.locator("#taken-share")).to_have_text("50 % (1 of 2)")
    page.goto(f"/label/{work.id}/suggestions/")
    expect(page.get_by_role("region", name="How people take them").last).to_contain_text("1 of 2")


def test_spans__suggested_beyond_emoji__become_marks_at_their_places(page: Page, client: httpx.Client) -> None:
    work = Work(client, CONFIG, [{"text": text} for text in TEXTS])
    write(page, work, "By words for things", "what", Item="boots|coat")
    start(page, work)
    drawn = page.evaluate("() => [...CSS.highlights.get('suggested')].map(String)")
    assert drawn == ["boots"]
    keys(page, "y")
    expect(page.locator("#task mark.span")).to_have_text("boots")
    keys(page, "1", "Enter")
    expect(page.locator("#task")).to_contain_text(TEXTS[1])
    keys(page, "2")
    submit(page)
    assert work.answer(1)["what"][0]["text"] == "boots" and "what" not in work.answer(2)
    [told] = client.get(f"/api/v1/label-projects/{work.id}/suggesters/taken/").json()["results"]
    assert (told["unchanged"], told["otherwise"]) == (1, 1)


def form(page: Page, work: Work, kind: str, question: str) -> None:
    page.goto(f"/label/{work.id}/suggestions/")
    card = page.get_by_role("article").filter(has=page.get_by_role("heading", name=kind, exact=True))
    card.get_by_role("link").click()
    page.get_by_label("Question").select_option(question)
    page.get_by_role("button", name="Show").click()


def test_functions__written_on_the_form__are_tried_run_and_measured(page: Page, client: httpx.Client) -> None:
    config = CONFIG + '<Rating name="stars" toName="t" maxRating="3"/>'
    work = Work(client, config, [{"text": text} for text in TEXTS])
    form(page, work, "Labeling functions", "wish")
    page.get_by_label("Name", exact=True).fill("Votes")
    page.get_by_role("textbox", name="refund", exact=True).fill("words: money, refund\nback")
    page.get_by_role("button", name="Try on 10 tasks").click()
    expect(page.get_by_role("alert")).to_contain_text("needs 3 functions or more")
    page.faults.clear()  # type: ignore[attr-defined]  # Chromium tells of the 400
    page.get_by_role("textbox", name="swap", exact=True).fill("swap|exchange")
    page.get_by_role("button", name="Try on 10 tasks").click()
    expect(page.get_by_role("region", name="On the first tasks").last).to_contain_text("“money”")
    page.get_by_role("button", name="Keep and run").click()
    table = page.get_by_role("region", name="Functions").last
    expect(table.get_by_role("row")).to_have_count(4, timeout=60_000)
    expect(table).to_contain_text("words: money, refund")


def test_model__on_its_form__starts_from_a_ready_prompt_and_says_what_is_wrong(
    page: Page, client: httpx.Client
) -> None:
    work = Work(client, CONFIG + '<TextArea name="summary" toName="t"/>', [{"text": text} for text in TEXTS])
    form(page, work, "A model", "summary")
    prompt = page.get_by_role("textbox", name="Prompt")
    expect(prompt).to_have_value(re.compile("Sum up this text"))
    page.get_by_role("link", name="Translation", exact=True).click()
    expect(prompt).to_have_value(re.compile("Translate this text"))
    page.get_by_label("Name", exact=True).fill("Small one")
    prompt.fill("Say something.")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(prompt).to_have_value("Say something.")
    page.faults.clear()  # type: ignore[attr-defined]  # Chromium tells of the 400
