"""The whole ring, clicked: from the demo's file to the lineage of an answer, with five people and a real model."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from openai import OpenAI
from playwright.sync_api import Browser, Page, expect

from tests.e2e import people, ring
from tests.e2e.console import Console
from tests.e2e.models import base_model_ready
from tests.e2e.test_access import grave_violations

pytestmark = [pytest.mark.model, pytest.mark.timeout(1500)]
TRAINED = 300_000  # milliseconds that a run, a round's answers or an engine may take on a busy machine
PEOPLE = {"petra": "approver", "anton": "annotator", "berta": "annotator", "cesar": "annotator"}
SignIn = Callable[[str], Page]


@pytest.fixture
def as_person(console: Console, chromium: Browser) -> Iterator[SignIn]:
    """A page of somebody else's browser."""
    people.admit(console, PEOPLE)
    with ExitStack() as stack:

        def sign_in(name: str) -> Page:
            context = chromium.new_context(base_url=console.base, viewport={"width": 1280, "height": 900})
            stack.callback(context.close)
            context.set_default_timeout(20_000)
            page = context.new_page()
            page.goto("/accounts/login/")
            page.fill("input[name=login]", f"{name}@example.com")
            page.fill("input[name=password]", people.PASSWORD)
            page.click("form button[type=submit]")
            page.wait_for_url(f"{console.base}/**")
            return page

        yield sign_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "desk.jsonl"
    path.write_bytes(b"".join(ring.DEMO.read_bytes().splitlines(keepends=True)[:120]))
    return path


def upload_and_prepare(page: Page, file: Path) -> None:
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", file)
    page.fill("#id_name", "desk")
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("button", name=re.compile("^Import 120 rows")).click()
    page.get_by_role("link", name="Prepare").click(timeout=60_000)
    page.get_by_role("button", name="Make v2").click()
    expect(page.locator("tr", has_text="Prepared from v1")).to_be_visible(timeout=60_000)


def label(page: Page, as_person: SignIn) -> None:
    """A project of 24 rows from the gallery, answered by keys, frozen to version 3."""
    page.goto("/label/new/")
    page.fill("#id_name", "Good enough")
    page.select_option("#id_version", label=option(page, "#id_version", "desk v2"))
    page.select_option("#id_which", "first")
    page.fill("#id_limit", "24")
    page.locator("[name=template][value=quality]").check(force=True)
    page.get_by_role("button", name="Make the project").click()
    page.get_by_role("button", name="Open for labeling").click()
    anton = as_person("anton")
    anton.goto(page.url.rstrip("/") + "/work/")
    for number in range(24):
        expect(anton.locator("#mine-done")).to_have_text(str(number))
        expect(anton.locator("#task")).not_to_have_attribute("aria-busy", "true")
        anton.keyboard.press("2" if number % 6 == 5 else "1")
        anton.get_by_role("button", name="Submit and next").click()
    expect(anton.get_by_text("Nothing left for you")).to_be_visible()
    page.reload()
    page.get_by_role("link", name="Freeze the labels").click()
    page.get_by_role("button", name="Freeze the labels").click()
    expect(page.locator("h1")).to_contain_text("desk")


def option(page: Page, select: str, start: str) -> str:
    """The words of the option that begins so."""
    found = [
        text.strip() for text in page.locator(f"{select} option").all_text_contents() if text.strip().startswith(start)
    ]
    assert found, f"{select} has no option {start!r}"
    return found[0]


def train(page: Page, name: str) -> str:
    """Launch from the page that is open; the address of the run."""
    page.fill("#name", name)
    page.get_by_text("Quick look (CPU)").click()
    page.fill("#s-max_steps", "4")
    page.fill("#s-learning_rate", "0.002")
    page.get_by_text("more settings").click()
    page.fill("#s-eval_every", "2")
    page.fill("#s-save_every", "2")
    page.get_by_role("button", name="Launch run").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("link", name="Chat with it")).to_be_visible(timeout=TRAINED)
    return page.url


def measure(page: Page, run: str) -> None:
    page.goto(run)
    page.get_by_role("link", name="Evaluate", exact=True).last.click()
    page.select_option("#id_dataset_version", label=option(page, "#id_dataset_version", "desk v2"))
    page.fill("#id_max_rows", "6")
    page.fill("#id_max_tokens", "8")
    page.get_by_role("button", name="Measure").click()
    expect(page.locator("h1")).to_contain_text("Succeeded", timeout=TRAINED)
    expect(page.get_by_text("Perplexity").first).to_be_visible()


def judge(page: Page, as_person: SignIn) -> None:
    """From the report to a verdict: twelve answers, three blind raters, a gate that was fixed before."""
    page.get_by_role("link", name="Have people rate it").click()
    page.fill("#id_name", "Autumn")
    page.select_option("#id_dataset_version", label=option(page, "#id_dataset_version", "desk v2"))
    page.fill("#id_sample_size", "12")
    page.fill("#id_max_tokens", "12")
    for name in ("anton", "berta", "cesar"):
        page.get_by_label(re.compile(name, re.IGNORECASE)).check()
    page.get_by_role("button", name="Make the draft").click()
    page.get_by_role("button", name="Fix all this and open the round").click()
    expect(page.get_by_role("button", name="Close and compute")).to_be_visible(timeout=TRAINED)
    for name in ("anton", "berta", "cesar"):
        rate(as_person(name), page.url)
    page.reload()
    page.get_by_role("button", name="Close and compute").click()
    page.locator("dialog[open]").get_by_role("button", name="Close").last.click()
    expect(page.locator("h1")).to_contain_text("Passed")


def rate(rater: Page, round_url: str) -> None:
    """By keys; the score follows from the answer, so that the three agree."""
    rater.goto(round_url.rstrip("/") + "/rate/")
    for number in range(1, 13):
        expect(rater.locator("#place")).to_have_text(f"Answer {number} of 12")
        score = len(rater.locator("#answer").inner_text()) % 6
        assert "SmolLM" not in rater.content() and "run-" not in rater.locator("main").inner_text()
        rater.keyboard.type(f"{score}{score}{score}", delay=30)
    expect(rater.locator("#saved")).to_have_text("Saved")
    expect(rater.locator("#count")).to_have_text("12 of 12")


def register(page: Page, run: str, as_person: SignIn, model: str = "") -> None:
    """A draft of the run's last checkpoint; somebody else approves it."""
    page.goto(run)
    page.get_by_role("link", name="Register", exact=True).last.click()
    if model:
        page.fill("#name", model)
    page.get_by_role("button", name="Register as a draft").click()
    page.get_by_role("button", name="Ask for approval").click()
    page.locator("dialog[open] form button[type=submit]").last.click()
    expect(page.get_by_text("Nobody approves their own version")).to_be_visible()
    petra = as_person("petra")
    petra.goto(page.url)
    petra.get_by_role("button", name="Approve").first.click()
    petra.locator("dialog[open] textarea").fill("The round reads well.")
    petra.locator("dialog[open] form button[type=submit]").last.click()
    expect(petra.locator("#chosen ~ .aside")).to_have_text("Approved")


def deploy(page: Page, name: str, version: str) -> None:
    page.goto("/serve/")
    page.get_by_role("button", name="Deploy a version").first.click()
    page.select_option("#model_version", label=option(page, "#model_version", version))
    page.fill("#name", name)
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator("h1 .status")).to_have_text("Ready", timeout=TRAINED)


def roll_out(page: Page) -> None:
    page.goto("/rollout/new/")
    page.fill("#name", "desk-live")
    page.select_option("#control", label=option(page, "#control", "desk-a"))
    page.select_option("#candidate", label=option(page, "#candidate", "desk-b"))
    page.fill("#percent", "50")
    page.get_by_role("button", name="Make the rollout").click()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("h1")).to_contain_text("At 50 %")


def ask(console: Console) -> str:
    """Eight customers with the stock client; each says what they think. The id of the last answer."""
    key = console.api_key()
    client = OpenAI(base_url=f"{console.base}/v1", api_key=key, max_retries=0, timeout=120)
    with httpx.Client(base_url=console.base, headers={"Authorization": f"Bearer {key}"}, timeout=60) as api:
        for number in range(8):
            user = f"customer-{number}"
            question = f"Does coat number {number} keep the rain out?"
            answer = client.chat.completions.create(
                model="desk-live", messages=[{"role": "user", "content": question}], max_tokens=8, user=user
            )
            said = {"exchange": answer.id, "thumbs": "down", "comment": "Does not answer.", "user": user}
            assert api.post("/api/v1/feedback/", json=said).status_code == 201
    return answer.id.removeprefix("chatcmpl-")


def learn(page: Page, as_person: SignIn) -> None:
    """Chosen feedback is corrected by a person, frozen, and trained on with one click."""
    page.goto("/feedback/?q=coat")
    page.locator("[data-choose-all]").check()
    page.get_by_role("button", name="Send to labeling").first.click()
    page.fill("#send-name", "Coats")
    page.locator("dialog[open]").get_by_role("button", name="Send to labeling").click()
    page.goto("/label/")
    page.get_by_role("link", name="Coats").first.click()
    project, anton = page.url, as_person("anton")
    anton.goto(project.rstrip("/") + "/work/")
    for number in range(8):
        text = f"Yes, it does, whatever the weather, number {number}. - Pine Desk"
        anton.get_by_role("textbox", name="answer").fill(text)
        anton.get_by_role("button", name="Submit and next").click()
        if number < 7:
            expect(anton.get_by_role("textbox", name="answer")).not_to_have_value(text)
    expect(anton.get_by_text("Nothing left for you")).to_be_visible()
    page.goto(project)
    page.get_by_role("link", name="Freeze the labels").click()
    page.get_by_role("button", name="Freeze the labels").click()
    expect(page.locator("h1")).to_contain_text("Coats")
    page.goto("/feedback/returns/")
    page.get_by_role("button", name="Train again").first.click()
    expect(page.get_by_role("link", name="Chat with it")).to_be_visible(timeout=TRAINED)


def read_lineage(page: Page, exchange: str) -> None:
    page.goto(f"/serve/exchanges/{exchange}/")
    page.get_by_role("link", name="Lineage").click()
    picture = page.locator("main")
    for words in ("desk.jsonl", "desk v2", "desk v3", "desk-live", "Does coat number 7"):
        expect(picture).to_contain_text(words)
    expect(picture).to_contain_text(re.compile(r"desk 1\.[01]\.0"))  # of the arm that this customer is in
    assert grave_violations(page) == []


def test_ring__clicked__ends_on_the_lineage_of_an_answer(
    console: Console, page: Page, file: Path, as_person: SignIn
) -> None:
    base_model_ready(console)
    upload_and_prepare(page, file)
    label(page, as_person)
    page.get_by_role("link", name="Fine-tune").first.click()
    first = train(page, "desk-first")
    page.get_by_role("link", name="Clone").click()
    second = train(page, "desk-second")
    measure(page, first)
    judge(page, as_person)
    register(page, first, as_person, "desk")
    register(page, second, as_person)
    deploy(page, "desk-a", "desk 1.0.0")
    deploy(page, "desk-b", "desk 1.1.0")
    roll_out(page)
    exchange = ask(console)
    learn(page, as_person)
    read_lineage(page, exchange)
