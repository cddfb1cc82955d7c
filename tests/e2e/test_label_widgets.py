"""Each kind of question by keys alone and by mouse; what is stored is Label Studio's result."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console
from tests.e2e.label_work import Work, keys, start, submit

TEXT = '<Text name="t" value="$text" granularity="word"/>'
CHAT = '<Paragraphs name="c" value="$messages" layout="dialogue" nameKey="role" textKey="content"/>'
MESSAGES = [
    {"role": "user", "content": "My boots came loose."},
    {"role": "assistant", "content": "I am sorry about that."},
    {"role": "user", "content": "Size 43."},
]
ENTITIES = f"""<Labels name="marks" toName="t"><Label value="Product"/><Label value="Defect"/></Labels>
<Relations><Relation value="has"/><Relation value="lacks"/></Relations>{TEXT}"""
PAIR = """<Text name="a" value="$chosen"/><Text name="b" value="$rejected"/>
<Pairwise name="better" toName="a,b" required="true"/>"""
SIDES = [{"chosen": "Send them back.", "rejected": f"Read the manual, page {n}."} for n in range(2)]
RANKER = '<List name="l" value="$answers" title="Best first"/><Ranker name="rank" toName="l" required="true"/>'
ITEMS = [
    {"answers": [{"id": name, "title": f"Answer {name}", "body": f"{n} words."} for name in "abc"]} for n in range(3)
]


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as client:
        yield client


@pytest.fixture
def opened(page: Page, client: httpx.Client) -> Callable[..., Work]:
    """The screen with the first task of a new project."""

    def open_with(config: str, *tasks: dict[str, Any]) -> Work:
        work = Work(client, config, tasks)
        start(page, work)
        return work

    return open_with


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


WHERE = """([within, words]) => {
  const walker = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    const { left, right, top, height } = range.getBoundingClientRect();
    return [left, right, top + height / 2];
  }
}"""


def select(page: Page, words: str) -> None:
    """Select words of the text as a mouse does."""
    left, right, middle = page.evaluate(WHERE, [".document p", words])
    drag(page, (left + 1, middle), (right - 1, middle))


CHOICES = f"""{TEXT}<Choices name="wish" toName="t" required="true"><Choice value="refund" hint="money back"/>
<Choice value="swap" hotkey="w" hint="another size"/></Choices>
<Choices name="faults" toName="t" choice="multiple"><Choice value="rude" alias="r1"/><Choice value="late"/><Choice value="long"/></Choices>
<Rating name="stars" toName="t" maxRating="5"/><Number name="score" toName="t" min="0" max="5"/>
<Number name="minutes" toName="t" min="0" max="240" step="0.5"/><TextArea name="note" toName="t" rows="2"/>"""


def test_choices_stars_numbers_text__by_keys(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(CHOICES, {"text": "My boots came loose."})
    keys(page, "w", "1", "3", "1", "2", "j", "4", "0")  # by hotkey; three of many, one taken back; stars; a level
    keys(page, "1")  # the field of the minutes
    page.keyboard.type("7.5")
    keys(page, "Escape", "j", "1")
    page.keyboard.type("Déjà vu 🥾")
    keys(page, "Control+Enter")
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert work.answer() == {
        "wish": {"choices": ["swap"]},
        "faults": {"choices": ["late", "long"]},
        "stars": {"rating": 4},
        "score": {"number": 0},
        "minutes": {"number": 7.5},
        "note": {"text": ["Déjà vu 🥾"]},
    }


def test_choices_stars_numbers_text__by_mouse(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(CHOICES, {"text": "My boots came loose."})
    page.locator("label.choice", has_text="refund").click()
    for fault in ("rude", "late"):
        page.locator("label.choice", has_text=fault).click()
    page.locator("[data-question=stars] label.choice").nth(2).click()
    page.locator("[data-question=score] label.choice", has_text="5").click()
    page.get_by_role("spinbutton", name="minutes").fill("12")
    page.get_by_role("textbox", name="note").fill("Well.")
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert work.answer() == {
        "wish": {"choices": ["refund"]},
        "faults": {"choices": ["r1", "late"]},
        "stars": {"rating": 3},
        "score": {"number": 5},
        "minutes": {"number": 12},
        "note": {"text": ["Well."]},
    }


def test_number__out_of_its_bounds__is_told_and_not_sent(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(CHOICES, {"text": "My boots came loose."})
    keys(page, "1")
    page.get_by_role("spinbutton", name="minutes").fill("500")
    page.keyboard.press("Enter")
    expect(page.locator("[data-question=minutes] .error")).not_to_be_empty()
    assert work.annotations() == []


def test_spans_and_relations__by_keys__are_code_points(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(ENTITIES, {"text": "🥾🥾 Boots: the sole came loose."})
    keys(page, "ArrowRight", "1")  # Boots
    keys(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "2")  # sole came loose
    expect(page.locator("mark.span[aria-current]")).to_have_text("sole came loose")
    keys(page, "n", "r", "n", "1")  # from the first mark to the second one: has
    expect(page.locator("#links li")).to_contain_text("Boots")
    keys(page, "Shift+n", "ArrowRight", "Shift+ArrowRight", "1", "Delete")  # one more mark, and away again
    submit(page)
    told = work.answer()
    first, second = told["marks"]
    assert first == {"start": 3, "end": 8, "text": "Boots", "labels": ["Product"]}
    assert second == {"start": 14, "end": 29, "text": "sole came loose", "labels": ["Defect"]}
    [relation] = told["relations"]
    assert (relation["direction"], relation["labels"]) == ("right", ["has"])


def test_spans_and_relations__by_mouse__turned_and_removed(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(ENTITIES, {"text": "The sole came loose."})
    for label, words in (("Product", "sole"), ("Defect", "came loose")):
        select(page, words)
        page.locator("button.choice", has_text=label).click()
    page.locator("#spans li", has_text="sole").locator(".pick-row").click()
    page.get_by_role("button", name="Relate").click()
    page.locator("mark.span", has_text="came loose").click()
    page.locator("button.choice", has_text="lacks").click()
    page.locator("#links .arrow").click()
    expect(page.locator("#links .arrow")).to_have_text("←")
    submit(page)
    [relation] = work.answer()["relations"]
    assert (relation["direction"], relation["labels"]) == ("left", ["lacks"])


def test_spans__overlapping__are_all_seen_and_reached(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(ENTITIES, {"text": "The left sole came loose."})
    keys(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight", "1")  # left sole
    keys(page, "Escape", "ArrowRight", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "2")  # sole came
    outer = page.locator("mark.span", has=page.locator("mark.span"))
    expect(outer).to_have_text("sole")  # where both are
    expect(page.locator("mark.span[data-level='1']")).to_have_count(2)
    outer.locator("mark.span").click()
    outer.locator("mark.span").click()  # a second click goes to the other one
    expect(page.locator("#spans li[aria-current]")).to_contain_text("sole came")
    submit(page)
    assert [mark["text"] for mark in work.answer()["marks"]] == ["left sole", "sole came"]


@pytest.mark.parametrize(
    ("text", "word", "pressed"),
    [
        ("👩‍👩‍👧 靴子鞋底脱落了", "靴子", ["ArrowRight"]),
        ("🥾 طلبت حذاء يوم الاثنين", "حذاء", ["ArrowLeft", "ArrowLeft"]),  # read from the right: on is to the left
        ("𝒳𝒴 قلب boots", "boots", ["ArrowRight", "ArrowRight", "ArrowRight"]),
    ],
)
def test_spans__of_other_scripts__have_the_place_that_the_server_counts(
    page: Page, opened: Callable[..., Work], text: str, word: str, pressed: list[str]
) -> None:
    work = opened(ENTITIES, {"text": text})
    keys(page, *pressed)
    assert page.evaluate("getSelection().toString()") == word
    keys(page, "1")
    submit(page)
    assert work.answer()["marks"] == [
        {"start": text.index(word), "end": text.index(word) + len(word), "text": word, "labels": ["Product"]}
    ]


def test_spans__by_characters__never_cut_an_emoji(page: Page, opened: Callable[..., Work]) -> None:
    config = '<Labels name="marks" toName="t"><Label value="X"/></Labels><Text name="t" value="$text"/>'
    work = opened(config, {"text": "boots👩‍👩‍👧!"})
    keys(page, "ArrowRight", "Shift+Period", "Shift+Period", ".", "1")  # two off the beginning, the family at the end
    submit(page)
    assert work.answer()["marks"] == [{"start": 2, "end": 10, "text": "ots👩‍👩‍👧", "labels": ["X"]}]


def test_turns__by_keys__one_turn_a_span(page: Page, opened: Callable[..., Work]) -> None:
    config = f"{CHAT}<ParagraphLabels name='acts' toName='c'><Label value='Complaint'/><Label value='Apology'/></ParagraphLabels>"
    work = opened(config, {"messages": MESSAGES})
    keys(page, "ArrowDown", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "1")  # boots came loose
    keys(page, "ArrowDown", "Shift+ArrowRight", "Shift+ArrowRight", "2")  # I am sorry
    submit(page)
    first, second = work.answer()["acts"]
    assert (first["start"], first["text"], first["startOffset"], first["endOffset"]) == ("0", "boots came loose", 3, 19)
    assert (second["start"], second["text"], second["paragraphlabels"]) == ("1", "I am sorry", ["Apology"])


def test_pair__by_keys_and_by_mouse__left_or_right(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(PAIR, *SIDES)
    keys(page, "ArrowLeft", "ArrowRight", "Enter")
    expect(page.get_by_text("Task 2")).to_be_visible()
    page.locator(".side", has_text="Send them back.").click()
    expect(page.locator(".side[data-chosen]")).to_contain_text("Send them back.")
    submit(page)
    assert [work.answer(number)["better"] for number in (1, 2)] == [{"selected": "right"}, {"selected": "left"}]


def test_list__ordered_by_keys_buttons_and_dragging(page: Page, opened: Callable[..., Work]) -> None:
    work = opened(RANKER, *ITEMS)
    keys(page, "Enter")
    expect(page.locator(".question .error")).not_to_be_empty()  # seen is not yet ordered
    keys(page, "ArrowDown", "ArrowDown", "1", "ArrowDown", "Shift+ArrowDown", "Enter")  # c to the top; a to the end
    expect(page.get_by_text("Task 2")).to_be_visible()
    page.get_by_role("button", name="Move Answer a down").click()
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_text("Task 3")).to_be_visible()
    boxes = [row.bounding_box() for row in page.locator(".ranking > li").all()]
    assert boxes[0] and boxes[2]
    middle = boxes[0]["x"] + 120
    drag(page, (middle, boxes[2]["y"] + 10), (middle, boxes[0]["y"] + 4))
    expect(page.locator(".ranking > li").first).to_contain_text("Answer c")
    submit(page)
    orders = [work.answer(number)["rank"]["ranker"]["rank"] for number in (1, 2, 3)]
    assert orders == [["c", "b", "a"], ["b", "a", "c"], ["c", "a", "b"]]
