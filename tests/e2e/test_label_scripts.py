"""The pure parts of the labeling screen in a browser: answers and results, marks and boxes, the time on a task."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.test_scripts import opened, page

__all__ = ["opened", "page"]

PARTS: list[dict[str, Any]] = [
    {"kind": "Text", "name": "t", "field": "text"},
    {"kind": "Paragraphs", "name": "c", "field": "messages"},
    {"kind": "Image", "name": "i", "field": "image"},
    {"kind": "Labels", "name": "marks", "to": "t", "options": [{"stored": "A"}, {"stored": "B"}]},
    {"kind": "ParagraphLabels", "name": "acts", "to": "c", "options": [{"stored": "C"}]},
    {"kind": "RectangleLabels", "name": "boxes", "to": "i", "options": [{"stored": "D"}]},
    {"kind": "Relations", "name": "relations", "to": "", "options": [{"stored": "has"}]},
    {"kind": "Choices", "name": "wish", "to": "t", "options": [{"stored": "x"}, {"stored": "y"}], "required": True},
    {"kind": "Number", "name": "score", "to": "t", "options": [], "min": 0, "max": 5, "step": None},
    {"kind": "Pairwise", "name": "better", "to": "a", "objects": ["a", "b"], "options": []},
    {"kind": "Ranker", "name": "rank", "to": "l", "options": []},
    {"kind": "TextArea", "name": "note", "to": "t", "options": [], "prefill": "text"},
]
RESULT: list[dict[str, Any]] = [
    {"id": "m1", "from_name": "marks", "to_name": "t", "type": "labels", "value": {"start": 0, "end": 2, "text": "🥾b", "labels": ["A"]}},
    {
        "id": "m2", "from_name": "acts", "to_name": "c", "type": "paragraphlabels",
        "value": {"start": "1", "end": "1", "startOffset": 0, "endOffset": 3, "text": "Yes", "paragraphlabels": ["C"]},
    },
    {
        "id": "m3", "from_name": "boxes", "to_name": "i", "type": "rectanglelabels", "original_width": 60, "original_height": 40,
        "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["D"]},
    },
    {"type": "relation", "from_id": "m1", "to_id": "m2", "direction": "bi", "labels": ["has"]},
    {"from_name": "wish", "to_name": "t", "type": "choices", "value": {"choices": ["y"]}},
    {"from_name": "score", "to_name": "t", "type": "number", "value": {"number": 0}},
    {"from_name": "better", "to_name": "a", "type": "pairwise", "value": {"selected": "left"}},
    {"from_name": "rank", "to_name": "l", "type": "ranker", "value": {"ranker": {"rank": ["b", "a"]}}},
    {"from_name": "note", "to_name": "t", "type": "textarea", "value": {"text": [""]}},
]  # fmt: skip


def run(page: Page, module: str, body: str, *given: Any) -> Any:
    return page.evaluate(f"async (given) => {{ const made = await import('/js/{module}.js'); {body} }}", list(given))


def test_result__read_and_written_again__is_the_same(opened: Callable[[str], Page]) -> None:
    body = "const [parts, result] = given; return made.resultOf(parts, made.answersFrom(parts, { text: 'x' }, result));"
    assert run(opened(""), "labelanswers", body, PARTS, RESULT) == RESULT


@pytest.mark.parametrize(("draft", "note"), [(None, "filled"), ([], None)])
def test_answers__without_a_draft__are_what_the_config_fills_in(
    opened: Callable[[str], Page], draft: Any, note: str | None
) -> None:
    body = "const [parts, draft] = given; return made.answersFrom(parts, { text: 'filled' }, draft).note ?? null;"
    assert run(opened(""), "labelanswers", body, PARTS, draft) == note


def test_gap__is_the_first_required_question_without_an_answer(opened: Callable[[str], Page]) -> None:
    body = "const [parts] = given; return [{}, { wish: [] }, { wish: ['x'] }].map((one) => made.firstGap(parts, one)?.name ?? null);"
    assert run(opened(""), "labelanswers", body, PARTS) == ["wish", "wish", None]


def test_mark__taken_away__takes_its_relations_along(opened: Callable[[str], Page]) -> None:
    page = opened("")
    answers = run(
        page,
        "labelanswers",
        "const [parts, result] = given; return made.answersFrom(parts, {}, result);",
        PARTS,
        RESULT,
    )
    body = "const [parts, answers] = given; const next = made.take(parts, answers, 'm2'); return [next, answers];"
    neighbour, left = run(page, "labelmarks", body, PARTS, answers)
    assert (neighbour, left["acts"], left["relations"], len(left["marks"])) == ("m1", [], [], 1)


def test_mark__same_words_once_more__gets_the_new_label(opened: Callable[[str], Page]) -> None:
    body = """const [[, control]] = given, answers = {};
    made.put(control, answers, { id: "m1", start: 0, end: 2, labels: ["A"] });
    made.put(control, answers, { id: "m2", start: 0, end: 2, labels: ["B"] });
    made.put(control, answers, { id: "m3", start: 1, end: 2, labels: ["A"] });
    return answers.marks.map(({ id, labels }) => [id, ...labels]);"""
    assert run(opened(""), "labelmarks", body, PARTS[2:]) == [["m1", "B"], ["m3", "A"]]


def test_box__moved_sized_or_drawn_backwards__stays_within_its_picture(opened: Callable[[str], Page]) -> None:
    body = """const box = { x: 80, y: 10, width: 15, height: 20 };
    const drawn = [made.boxBetween([120, 50], [40, -5]), made.boxBetween([5, 5], [5.1, 9])];
    return [made.shifted(box, { dx: 50, dy: -50 }), made.shifted(box, { dw: 90, dh: -90 }), ...drawn];"""
    moved, sized, drawn, none = run(opened(""), "labelmarks", body)
    assert moved == {"x": 85, "y": 0, "width": 15, "height": 20}
    assert sized == {"x": 80, "y": 10, "width": 20, "height": 0.5}
    assert drawn == {"x": 40, "y": 0, "width": 60, "height": 50} and none is None


def test_overlapping_spans__each_has_a_line_that_is_free_all_along(opened: Callable[[str], Page]) -> None:
    body = """const spans = [[0, 10], [2, 4], [3, 12], [10, 14], [4, 6]].map(([start, end]) => ({ start, end }));
    return [...made.levelsOf(spans)].sort(([a], [b]) => spans.indexOf(a) - spans.indexOf(b)).map(([, level]) => level);"""
    assert run(opened(""), "labeldraw", body) == [0, 1, 2, 0, 1]


def test_clock__hidden_or_idle__stands_still(opened: Callable[[str], Page]) -> None:
    page = opened("")
    page.clock.install()
    body = """const clock = new made.TaskClock(); window.clock = clock; clock.start("a");"""
    run(page, "labeltime", body)
    told = []
    for ms, after in (
        (30_000, ""),
        (300_000, ""),
        (5_000, "clock.start('b')"),
        (4_000, "clock.start('a')"),
        (1_000, ""),
    ):
        page.clock.run_for(ms)
        told.append(page.evaluate("clock.seconds"))
        if after:
            page.evaluate(after)
    assert told == [30, 90, 95, 4, 96]


def test_outbox__without_a_network_or_storage__sends_in_order_and_once(opened: Callable[[str], Page]) -> None:
    body = """const sent = [], failing = [3, 4];
    Object.defineProperty(window, "localStorage", { get: () => { throw new Error("none"); } });
    const send = async ({ task }) => {
      if (failing[0] === task.id) throw Object.assign(new Error("away"), { status: 0, times: failing.shift() });
      sent.push(task.id);
    };
    const box = new made.Outbox("box", send, { onSent() {}, onRefused() {}, onChange() {} });
    for (let id = 1; id <= 5; id += 1) box.add({ kind: "submit", task: { id }, body: {} });
    for (let attempt = 0; attempt < 4; attempt += 1) await box.flush();
    return [sent, box.waiting().length];"""
    assert run(opened(""), "labeloutbox", body) == [[1, 2, 3, 4, 5], 0]
