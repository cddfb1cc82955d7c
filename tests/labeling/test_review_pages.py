"""The pages of review: what they show to whom, figures against numbers counted by hand, and that no word is ever markup."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.labeling import queue, services
from apps.labeling.models import LabelProject, ProjectStatus, Task
from apps.labeling.reviewing import comments, editing, figures, overlays, tables
from apps.labeling.schema import alike
from apps.labeling.schema.label_config import parse_config
from tests.cast import Cast
from tests.labeling.conftest import region, says

pytestmark = pytest.mark.django_db
Browsers = Callable[[User], Client]
EVIL = "<script>alert(1)</script>"
PAGES = ("review", "agreement", "report", "report-csv")
POSTS = ("decide", "return", "comment", "mark-gold")


@pytest.fixture
def answered(project: LabelProject, people: list[User]) -> LabelProject:
    """Six tasks by Anton and Berta: they differ about the third and the last one."""
    for person, said in ((people[0], "gggbbb"), (people[1], "ggbbbg")):
        for one in said:
            assignment = queue.take_next(actor=person, project=project)
            assert assignment
            result = says({"g": "good", "b": "bad"}[one], region("marks", start=0, end=8, labels=["Word"]))
            queue.submit(actor=person, assignment=assignment, result=result, lead_time=1)
    return project


def post(browser: Client, project: LabelProject, name: str, number: int, **form: Any) -> Any:
    return browser.post(reverse(f"labeling:{name}", args=[project.pk, number]), form)


def test_review__decided_by_the_page__goes_on_to_the_next(
    cast: Cast, browser_of: Browsers, answered: LabelProject
) -> None:
    browser, address = browser_of(cast.curator), reverse("labeling:review", args=[answered.pk])
    text = browser.get(address).content.decode()
    assert "Task 3" in text and 'data-by="2"' in text and "data-differs" in text
    task = answered.tasks.get(number=3)
    hers = task.annotations.get(annotator__name="Berta")
    answer = post(browser, answered, "decide", 3, annotation=hers.pk)
    assert answer.status_code == 302 and "after=3" in answer["Location"]
    assert "Task 6" in browser.get(answer["Location"]).content.decode()
    stale = post(browser, answered, "decide", 3, annotation=hers.pk, state="0" * 16)
    assert stale.status_code == 409 and "was faster" in stale.content.decode()
    mark = region("marks", start=0, end=3, labels=["Sign"])  # nobody made this one
    result = says("good", mark, region("stars", rating=4), region("answer", text=["Yes."]))
    own = {"own": "1", "edit": "", "result": json.dumps(result)}
    assert post(browser, answered, "decide", 6, **own).status_code == 302
    decided = Task.objects.get(project=answered, number=6).accepted
    assert decided and decided.annotator == cast.curator
    assert {r["from_name"] for r in decided.result} == {"quality", "marks", "stars", "answer"}
    assert "decided with an own answer" in browser.get(f"{address}?task=6").content.decode()
    assert post(browser, answered, "decide", 6, withdraw="1").status_code == 302
    assert Task.objects.get(project=answered, number=6).accepted is None


def test_review__wrong_forms__are_told_on_the_page(cast: Cast, browser_of: Browsers, answered: LabelProject) -> None:
    browser = browser_of(cast.curator)
    first = answered.tasks.get(number=3).annotations.first()
    assert first
    assert post(browser, answered, "return", 3, annotation=first.pk, note=" ").status_code == 400
    assert post(browser, answered, "decide", 3, own="1").status_code == 400  # quality is required
    for wrong in ("[", "{}", "[5]", json.dumps(says("great")), json.dumps(says("good", region("stars", rating=9)))):
        refused = post(browser, answered, "decide", 3, own="1", edit="1", result=wrong)
        assert refused.status_code == 400 and 'id="own-page"' in refused.content.decode(), wrong
    assert (
        "great"
        in post(browser, answered, "decide", 3, own="1", edit="1", result=json.dumps(says("great"))).content.decode()
    )
    assert post(browser, answered, "comment", 3, text="").status_code == 400
    assert post(browser, answered, "mark-gold", 3).status_code == 409
    assert browser.get(reverse("labeling:review", args=[answered.pk]) + "?show=x").status_code == 400
    assert browser.get(reverse("labeling:review", args=[answered.pk]) + "?task=99").status_code == 404
    plan = reverse("labeling:review-plan", args=[answered.pk])
    assert browser.post(plan, {"mode": "all"}).status_code == 400
    whole = {"share": 5, "gold_every": 0, "gold_training": 0, "gold_least": 5, "gold_floor": 0}
    assert browser.post(plan, {"mode": "all", **whole}).status_code == 302


@pytest.mark.parametrize(("role", "code"), [("stranger", 404), ("viewer", 403), ("approver", 403), ("annotator", 403)])
def test_pages_of_review__others__are_refused(
    cast: Cast, browser_of: Browsers, answered: LabelProject, role: str, code: int
) -> None:
    browser = browser_of(cast.by_role(role))
    for name in PAGES:
        answer = browser.get(reverse(f"labeling:{name}", args=[answered.pk]))
        assert answer.status_code == code and "Berta" not in answer.content.decode(), name
    for name in POSTS:
        assert post(browser, answered, name, 1).status_code == code, name
    assert browser.post(reverse("labeling:review-plan", args=[answered.pk])).status_code == code
    own = browser.get(reverse("labeling:own-report", args=[answered.pk]))
    assert own.status_code == (200 if role == "annotator" else code) and "Berta" not in own.content.decode()


def test_review__names_answers_comments__are_text(
    cast: Cast, browser_of: Browsers, project: LabelProject, people: list[User]
) -> None:
    User.objects.filter(pk=people[0].pk).update(name=EVIL)
    assignment = queue.take_next(actor=User.objects.get(pk=people[0].pk), project=project)
    assert assignment
    queue.submit(actor=people[0], assignment=assignment, result=says("good", region("answer", text=[EVIL])))
    comments.say(actor=cast.curator, task=assignment.task, text=EVIL)
    browser, pages = browser_of(cast.curator), ("review", "agreement", "report")
    addresses = [reverse(f"labeling:{name}", args=[project.pk]) for name in pages]
    for address in [*addresses, f"{addresses[0]}?task=1&edit=1"]:
        text = browser.get(address).content.decode()
        assert EVIL not in text, address
    assert "&lt;script&gt;" in browser.get(f"{addresses[0]}?task=1").content.decode()


def test_report__as_csv__no_name_is_a_formula(cast: Cast, browser_of: Browsers, answered: LabelProject) -> None:
    User.objects.filter(name="Berta").update(name="=cmd|' /C calc'!A0")
    answer: Any = browser_of(cast.curator).get(reverse("labeling:report-csv", args=[answered.pk]))
    lines = b"".join(answer).decode().splitlines()
    assert lines[0].startswith("person,submitted") and len(lines) == 3
    assert all(not line.startswith(("=", '"=')) for line in lines) and any("'=cmd" in line for line in lines)


def test_figures__of_known_answers__are_those_counted_by_hand(answered: LabelProject) -> None:
    found = figures.measure(answered)
    quality = next(one for one in found.questions if one.control.name == "quality")
    # pairs gg gg gb bb bb bg: 5 of 12 values are... six g, six b; observed disagreement 2/6, expected 2 * 6 * 6 / (12 * 11)
    assert quality.coefficient.value == pytest.approx(1 - (2 / 6) / (2 * 6 * 6 / (12 * 11)))
    assert quality.coefficient.n_items == 6
    assert dict(quality.confusion) == {("good", "good"): 4, ("bad", "bad"): 4, ("good", "bad"): 2, ("bad", "good"): 2}
    marks = next(one for one in found.questions if one.control.name == "marks")
    assert marks.coefficient.value == 1.0
    [mean] = found.pairs["quality"].values()
    assert mean.value == pytest.approx(4 / 6) and mean.n == 6
    page = tables.agreement_page(answered, "quality")
    assert page["pairs"]["rows"][0]["cells"][1]["value"] == pytest.approx(4 / 6)
    assert [cell["times"] for cell in page["questions"][0]["confusion"]["rows"][0]["cells"]] in ([4, 2], [12])


def test_agreement__nobody_twice__teaches(cast: Cast, browser_of: Browsers, project: LabelProject) -> None:
    text = browser_of(cast.curator).get(reverse("labeling:agreement", args=[project.pk])).content.decode()
    assert "No task has two answers yet" in text


# ---- pure parts


BOXES = parse_config(
    '<View><Image name="i" value="$image"/><RectangleLabels name="b" toName="i"><Label value="A"/><Label value="B"/>'
    "</RectangleLabels></View>"
)
LINKS = parse_config(
    '<View><Text name="t" value="$text"/><Labels name="l" toName="t"><Label value="A"/></Labels>'
    '<Relations><Relation value="of"/></Relations></View>'
)


def box(label: str, x: float, width: float = 10) -> dict[str, Any]:
    value = {"x": x, "y": 0, "width": width, "height": 10, "rectanglelabels": [label]}
    return {"id": f"{label}{x}", "from_name": "b", "to_name": "i", "type": "rectanglelabels", "value": value}


def test_likeness__of_boxes__is_f1_at_half() -> None:
    [control] = BOXES.controls
    one = [box("A", 0), box("B", 50)]
    assert alike.likeness(control, one, [box("A", 2), box("A", 50)]) == pytest.approx(2 * 1 / 4)
    assert alike.overlap(one[0]["value"], box("A", 5)["value"]) == pytest.approx(1 / 3)
    assert alike.likeness(control, one, []) == 0 and alike.likeness(control, [], []) == 1
    drawn = overlays.parts(BOXES, {"image": "/x.png"}, [("Anton", {"b": [*one]})])
    assert drawn[0]["boxes"][0]["x"] == "0.000" and drawn[0]["boxes"][0]["title"] == "Anton: A"


def link(text: str) -> list[dict[str, Any]]:
    def mark(start: int, name: str) -> dict[str, Any]:
        value = {"start": start, "end": start + 1, "text": text[start], "labels": ["A"]}
        return {"id": name, "from_name": "l", "to_name": "t", "type": "labels", "value": value}

    tied = {"type": "relation", "from_id": "m", "to_id": "n", "direction": "right", "labels": ["of"]}
    return [mark(0, "m"), mark(2, "n"), tied]


def test_own_answer__sheet__offers_every_mark_once_and_relations_with_their_ends() -> None:
    people = [(name, alike.by_question(LINKS, link("a b"))) for name in ("Anton", "Berta")]
    told = editing.sheet(LINKS, 7, {"text": "a b"}, people, editing.regions(people[0][1]))
    first, second, tied = told["offers"]
    assert first["names"] == second["names"] == tied["names"] == ["Anton", "Berta"]
    assert [end["value"]["start"] for end in tied["ends"]] == [0, 2] and tied["region"]["labels"] == ["of"]
    assert told["task"]["draft"] == link("a b") and told["task"]["number"] == 7
    json.dumps(told)


def test_painted__overlapping_marks_and_emoji__are_cut_by_code_points() -> None:
    marks = [overlays.Mark(2, 5, 0, "Anton: A"), overlays.Mark(3, 6, 1, '"><b>')]
    text = overlays.painted("🚚 <b>x", marks)
    assert "🚚 <mark" in text and "<b>" not in text and "&lt;" in text
    assert text.count("<mark") == 4 and 'data-depth="2"' in text


def test_review__of_every_kind_of_object__is_drawn(cast: Cast, browser_of: Browsers) -> None:
    config = (
        '<View><Paragraphs name="p" value="$messages"/><List name="k" value="$items"/><Choices name="q" toName="p"><Choice value="y"/>'
        '<Choice value="n"/></Choices><Ranker name="r" toName="k"/></View>'
    )
    made = services.create_project(actor=cast.curator, workspace=cast.workspace, name="Kinds", label_config=config)
    data = {
        "messages": [{"role": "user", "content": EVIL}],
        "items": [{"id": "a", "title": "First"}, {"id": "b", "title": EVIL}],
    }
    services.add_tasks(actor=cast.curator, project=made, items=[{"key": "a", "data": data}])
    services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
    text = browser_of(cast.curator).get(reverse("labeling:review", args=[made.pk]) + "?task=1").content.decode()
    assert "First" in text and EVIL not in text and "&lt;script&gt;" in text


def test_spans__that_people_cut_differently__have_a_figure_where_they_overlap(
    cast: Cast, browser_of: Browsers, project: LabelProject, people: list[User]
) -> None:
    for person, end in ((people[0], 6), (people[1], 8)):
        for _step in range(3):
            assignment = queue.take_next(actor=person, project=project)
            assert assignment
            text = assignment.task.data["prompt"]
            mark = region("marks", start=0, end=end, text=text[:end], labels=["Word"])
            queue.submit(actor=person, assignment=assignment, result=says("good", mark))
    page = browser_of(cast.curator).get(reverse("labeling:agreement", args=[project.pk])).content.decode()
    assert "overlapping 1.000" in page and "span F1, exact" in page
