"""The labeling screen under trouble: networks cut, answers lost on their way, reloads, two tabs, refusals, hostile text, phones."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.console import Console
from tests.e2e.label_work import Work, keys, refusal, start, submit

CHOICES = """<Text name="t" value="$text"/>
<Choices name="wish" toName="t" required="true"><Choice value="refund"/><Choice value="swap"/></Choices>"""
ANNOTATIONS = re.compile(r"/annotations/$")
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as client:
        yield client


@pytest.fixture
def shaky(context: BrowserContext) -> Iterator[Page]:
    """A page that may write network errors to its console, but breaks on no script."""
    page, faults = context.new_page(), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert not faults, faults


def texts(count: int) -> list[dict[str, str]]:
    """Task n says what is right for it, so that an answer to another task would be seen."""
    return [{"text": f"Number {n}: {'refund' if n % 3 else 'swap'}, please."} for n in range(1, count + 1)]


def shown(page: Page) -> str:
    return page.locator("#task .document p").inner_text()


def label(page: Page) -> None:
    """Answer the task on the screen as it asks, by two keys, and wait until it is gone."""
    said = shown(page)
    keys(page, "1" if "refund" in said else "2", "Enter")
    expect(page.locator("#task")).not_to_contain_text(said)


HELD = (
    """async () => (await navigator.locks.query()).held.filter(({ name }) => name.startsWith("tuneloop-task")).length"""
)


def wait_for_two_ahead(page: Page) -> None:
    """Until the page holds the task on the screen and the two after it."""
    while page.evaluate(HELD) < 3:
        page.wait_for_timeout(50)


def expect_each_once(work: Work, count: int) -> None:
    rows = work.annotations()
    assert [row["number"] for row in rows] == list(range(1, count + 1))
    wished = [row["result"][0]["value"]["choices"] for row in rows]
    assert wished == [["refund" if n % 3 else "swap"] for n in range(1, count + 1)]


def test_fifty_tasks__by_keys_with_the_network_cut_in_the_middle__each_is_there_once(
    shaky: Page, context: BrowserContext, client: httpx.Client
) -> None:
    work = Work(client, CHOICES, texts(50))
    start(shaky, work)
    for _task in range(20):
        label(shaky)
    expect(shaky.locator("#saved")).to_contain_text("Submitted")
    wait_for_two_ahead(shaky)
    context.set_offline(True)
    label(shaky)  # the next ones are there already
    expect(shaky.locator("#saved")).to_contain_text("kept on this device")
    label(shaky)
    label(shaky)
    expect(shaky.get_by_role("heading", name="The console does not answer")).to_be_visible()
    context.set_offline(False)
    expect(shaky.locator("#task .document p")).to_be_visible()  # it goes on by itself
    for _task in range(26):
        label(shaky)
    keys(shaky, "1" if "refund" in shown(shaky) else "2")
    submit(shaky)
    expect(shaky.locator("#count")).to_have_text("50 of 50")
    expect_each_once(work, 50)


def test_answers__lost_on_their_way_back__are_sent_again_and_taken_once(
    shaky: Page, context: BrowserContext, client: httpx.Client
) -> None:
    work = Work(client, CHOICES, texts(6))
    lost = list[int]()

    def lose(route: Route) -> None:
        if len(lost) < 3 and route.request.method == "POST":
            lost.append(context.request.fetch(route.request).status)  # the server has it; the page never hears so
            route.abort("connectionreset")
        else:
            route.continue_()

    shaky.route(ANNOTATIONS, lose)
    start(shaky, work)
    for _task in range(5):
        label(shaky)
    keys(shaky, "1" if "refund" in shown(shaky) else "2")
    submit(shaky)
    assert lost == [201, 201, 201]
    expect_each_once(work, 6)


def test_reload__with_an_answer_on_its_way_and_a_draft__loses_nothing(shaky: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES + '<TextArea name="note" toName="t"/>', texts(2))
    shaky.route(ANNOTATIONS, lambda route: route.abort("connectionfailed"))
    shaky.route(re.compile("/draft/$"), lambda route: route.abort("connectionfailed"))
    start(shaky, work)
    keys(shaky, "1", "1")
    shaky.keyboard.type("first")
    keys(shaky, "Control+Enter")
    expect(shaky.locator("#task")).to_contain_text("Number 2")
    keys(shaky, "1", "1")
    shaky.keyboard.type("second, not yet")
    expect(shaky.locator("#saved")).to_contain_text("on this device")
    shaky.unroute_all()
    shaky.reload()
    expect(shaky.locator("#task")).to_contain_text("Number 2")
    expect(shaky.get_by_role("textbox", name="note")).to_have_value("second, not yet")
    submit(shaky)
    assert [work.answer(number)["note"] for number in (1, 2)] == [{"text": ["first"]}, {"text": ["second, not yet"]}]


def test_refused_answer__comes_back_with_the_words_of_the_server(shaky: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(3))
    refused = list[str]()

    def refuse_once(route: Route) -> None:
        if refused or route.request.method != "POST":
            return route.continue_()
        refused.append("once")
        return route.fulfill(**refusal(f"Not this one. {XSS}", "result.wish"))

    shaky.route(ANNOTATIONS, refuse_once)
    start(shaky, work)
    keys(shaky, "1", "Enter")
    expect(shaky.locator("#task .callout")).to_contain_text(f"Not this one. {XSS}")
    expect(shaky.locator("#task")).to_contain_text("Number 1")
    expect(shaky.locator("label.choice:has(:checked)")).to_contain_text("refund")
    label(shaky)
    label(shaky)
    keys(shaky, "2")
    submit(shaky)
    expect_each_once(work, 3)


def test_refused_answer__while_the_next_is_begun__waits_above_it(shaky: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(2))
    held = list[Route]()
    shaky.route(ANNOTATIONS, lambda route: held.append(route) if not held else route.continue_())
    start(shaky, work)
    keys(shaky, "1", "Enter")
    expect(shaky.locator("#task")).to_contain_text("Number 2")
    keys(shaky, "1")
    expect(shaky.locator("label.choice:has(:checked)")).to_be_visible()
    while not held:
        shaky.wait_for_timeout(20)
    held[0].fulfill(**refusal("Not this one."))
    expect(shaky.locator("#refused")).to_contain_text("Task 1 was not taken")
    expect(shaky.locator("#task")).to_contain_text("Number 2")
    shaky.get_by_role("button", name="Open it again").click()
    expect(shaky.locator("#task")).to_contain_text("Number 1")
    expect(shaky.locator("#refused")).to_be_empty()
    label(shaky)
    expect(shaky.locator("label.choice:has(:checked)")).to_contain_text("refund")  # the one begun before
    submit(shaky)
    assert [row["number"] for row in work.annotations()] == [1, 2]


def test_undo__again_and_again__gives_back_the_last_several(page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(5))
    start(page, work)
    for _task in range(3):
        label(page)
    expect(page.locator("#task")).to_contain_text("Number 4")
    for number in (3, 2, 1):
        keys(page, "u")
        expect(page.locator("#task")).to_contain_text(f"Number {number}")
        expect(page.locator("label.choice:has(:checked)")).to_contain_text("refund" if number % 3 else "swap")
    keys(page, "2", "Enter")  # the first is changed
    for number in (2, 3):
        expect(page.locator("#task")).to_contain_text(f"Number {number}")
        keys(page, "Enter")
    expect(page.locator("#task")).to_contain_text("Number 4")
    label(page)
    label_last(page)
    rows = work.annotations()
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["result"][0]["value"]["choices"] == ["swap"]


def label_last(page: Page) -> None:
    keys(page, "1" if "refund" in shown(page) else "2")
    submit(page)


def test_undo__offline_before_it_was_sent__is_done_on_the_device(
    shaky: Page, context: BrowserContext, client: httpx.Client
) -> None:
    work = Work(client, CHOICES, texts(4))
    start(shaky, work)
    label(shaky)
    expect(shaky.locator("#saved")).to_contain_text("Submitted")
    wait_for_two_ahead(shaky)
    context.set_offline(True)
    label(shaky)
    keys(shaky, "u")
    expect(shaky.locator("#task")).to_contain_text("Number 2")
    label(shaky)
    context.set_offline(False)
    label(shaky)
    label_last(shaky)
    expect_each_once(work, 4)


def test_two_tabs__show_different_tasks(context: BrowserContext, page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(4))
    start(page, work)
    expect(page.locator("#task")).to_contain_text("Number 1")
    second = context.new_page()
    start(second, work)
    expect(second.locator("#task")).not_to_contain_text("Number 1")
    label(second)
    label(page)
    for tab in (page, second):
        tab.close()
    third = context.new_page()
    start(third, work)
    label(third)
    label_last(third)
    expect_each_once(work, 4)


def test_time_on_task__leaves_out_idle_minutes(page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(1))
    page.clock.install()
    start(page, work)
    page.clock.run_for(20_000)
    keys(page, "1")
    page.clock.run_for(600_000)  # away for ten minutes: one of them counts
    keys(page, "2")
    with page.expect_request(ANNOTATIONS) as sent:
        keys(page, "Enter")
    body: Any = sent.value.post_data_json
    lead_time = body["lead_time"]
    assert 80 <= lead_time < 95, lead_time


def test_guidelines_skip_and_help__by_keys(page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(2), guidelines="Be kind.")
    start(page, work)
    guide = page.get_by_role("region", name="Guidelines")
    expect(guide).to_contain_text("Be kind.")
    keys(page, "g")
    expect(guide).to_be_hidden()
    keys(page, "g")
    expect(guide).to_be_visible()
    keys(page, "?")
    expect(page.get_by_role("dialog", name="Keys of this page")).to_contain_text("Next, previous question")
    keys(page, "Escape", "s")
    page.keyboard.type("unclear")
    keys(page, "Enter")
    expect(page.locator("#task")).to_contain_text("Number 2")
    label_last(page)
    assert [row["number"] for row in work.annotations()] == [2]


def test_flag__with_a_note__is_with_who_runs_the_project(page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(2))
    start(page, work)
    keys(page, "f")
    page.keyboard.type("Two questions in one?")
    page.get_by_role("dialog").get_by_role("button", name="Flag", exact=True).click()
    expect(page.locator("#task .callout")).to_contain_text("Two questions in one?")
    page.reload()
    expect(page.locator("#task .callout")).to_contain_text("Two questions in one?")
    expect(page.get_by_role("button", name="Flag this task")).to_have_attribute("aria-pressed", "true")
    keys(page, "f")
    page.get_by_role("button", name="Remove the flag").click()
    expect(page.locator("#task .callout")).to_have_count(0)
    label(page)
    label_last(page)
    assert [row["number"] for row in work.annotations()] == [1, 2]


def test_skip__where_a_reason_is_asked_for__needs_one(page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(1), settings={"needs_skip_reason": True})
    start(page, work)
    keys(page, "s", "Enter")
    expect(page.get_by_role("dialog", name="Skip this task")).to_be_visible()
    page.keyboard.type("no text")
    keys(page, "Enter")
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()


def test_quota_and_deadline__are_shown_and_reached(page: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(5), settings={"quota_total": 2, "deadline": "2099-01-01T00:00:00Z"})
    start(page, work)
    expect(page.locator("#quota")).to_have_text("2")
    expect(page.locator("#deadline")).to_contain_text("in ")
    label(page)
    keys(page, "1", "Enter")
    expect(page.get_by_role("heading", name="Your share is done")).to_be_visible()
    keys(page, "u")
    expect(page.locator("#task")).to_contain_text("Number 2")


def test_paused_and_closed__are_told_and_open_goes_on(shaky: Page, client: httpx.Client) -> None:
    work = Work(client, CHOICES, texts(2))
    start(shaky, work)
    work.move("paused")
    shaky.reload()
    expect(shaky.locator("[data-rest]")).to_be_visible()
    expect(shaky.get_by_role("button", name="Submit and next")).to_be_disabled()
    work.move("open")
    expect(shaky.locator("#task")).to_contain_text("Number 1")


def test_hostile_text__in_tasks_labels_guidelines_and_names__is_shown_as_text(
    shaky: Page, client: httpx.Client
) -> None:
    bad = XSS.replace("<", "&lt;").replace(">", "&gt;")
    config = f"""<Header value="{bad} head"/><Labels name="marks" toName="t"><Label value="{bad} label" hint="{bad}"/></Labels>
    <Relations><Relation value="{bad} relation"/></Relations><Text name="t" value="$text"/>
    <Paragraphs name="c" value="$messages" layout="dialogue" nameKey="role" textKey="content"/>
    <Choices name="wish" toName="t"><Choice value="{bad} choice" hint="{bad} hint"/></Choices>
    <List name="l" value="$answers" title="{bad} title"/><Ranker name="rank" toName="l"/>
    <TextArea name="note" toName="t" value="$text" placeholder="{bad}"/>"""
    messages = [{"role": "user", "content": f"{XSS} turn"}]
    answers = [{"id": name, "title": f"{XSS} {name}", "body": f"{XSS} body"} for name in "ab"]
    task = {"text": f"{XSS} words here", "messages": messages, "answers": answers}
    work = Work(client, config, [task], guidelines=f"{XSS} guide", name=f"{XSS} {uuid.uuid4().hex[:12]}")
    dialogs = list[str]()
    shaky.on("dialog", lambda dialog: dialogs.append(dialog.message))
    start(shaky, work)
    keys(shaky, "ArrowRight", "1", "ArrowRight", "1", "r", "n", "1", "f")
    shaky.get_by_role("dialog").get_by_role("textbox").fill(f"{XSS} flagged")
    shaky.get_by_role("dialog").get_by_role("button", name="Flag", exact=True).click()
    expect(shaky.locator("#task .callout")).to_contain_text(f"{XSS} flagged")
    for part in ("head", "label", "relation", "turn", "choice", "hint", "title", "body", "words here"):
        expect(shaky.locator("#task")).to_contain_text(f"{XSS} {part}" if part != "words here" else "words here")
    expect(shaky.locator("#guide")).to_contain_text(f"{XSS} guide")
    expect(shaky.locator("h1")).to_contain_text(XSS)
    assert shaky.locator("img[src=x], [onerror]").count() == 0
    assert dialogs == []


COUNTS = """() => { const done = document.getElementById("mine-done"); window.seen = [Number(done.textContent)];
new MutationObserver(() => seen.push(Number(done.textContent))).observe(done, { childList: true }); }"""


def test_slow_console__each_task_waited_for__screen_takes_nothing_meanwhile__count_never_goes_back(
    shaky: Page, client: httpx.Client
) -> None:
    work, held = Work(client, CHOICES, texts(6)), list[Route]()

    def let_through_until(words: str) -> None:
        """The console answers only until the words are there; what is asked after that waits."""
        while words not in shaky.locator("#task").inner_text():
            while held:
                held.pop(0).continue_()
            shaky.wait_for_timeout(20)

    shaky.route(re.compile(r"/tasks/next/$"), lambda route: held.append(route))
    shaky.goto(work.path)
    let_through_until("Number 1:")
    shaky.evaluate(COUNTS)
    for number in range(1, 7):
        expect(shaky.locator("#task")).to_have_attribute("aria-busy", "false")
        keys(shaky, "2" if number % 3 == 0 else "1", "Enter")
        expect(shaky.locator("#task")).to_have_attribute("aria-busy", "true")
        expect(shaky.locator("#mine-done")).to_have_text(str(number))
        expect(shaky.locator("#submit")).to_be_disabled()
        keys(shaky, "1", "Enter")  # to a task that is decided already
        let_through_until(f"Number {number + 1}:" if number < 6 else "Nothing left for you")
    seen = shaky.evaluate("() => seen")
    assert seen == sorted(seen), seen
    expect_each_once(work, 6)
