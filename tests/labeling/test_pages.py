"""The pages of labeling: what they show, to whom, and that nothing of a config or a row is ever markup."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.datasets.models import DatasetVersion
from apps.labeling import queue, services
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.schema import gallery
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, says

pytestmark = pytest.mark.django_db
Browsers = Callable[[User], Client]


@pytest.fixture
def answered(project: LabelProject, people: list[User]) -> LabelProject:
    """Anton and Berta differ about the first task."""
    for person, quality in zip(people, ("good", "bad"), strict=False):
        assignment = queue.take_next(actor=person, project=project)
        assert assignment
        queue.submit(actor=person, assignment=assignment, result=says(quality))
    return project


def test_list__without_a_project__says_how_to_begin(cast: Cast, browser_of: Browsers) -> None:
    assert b"No label project yet" in browser_of(cast.curator).get("/label/").content
    assert b"New label project" not in browser_of(cast.viewer).get("/label/").content
    assert browser_of(cast.annotator).get("/label/").status_code == 200


def test_list__for_an_annotator__leads_to_the_screen_and_nowhere_else(
    cast: Cast, browser_of: Browsers, answered: LabelProject
) -> None:
    text = browser_of(cast.annotator).get("/label/").content.decode()
    assert reverse("labeling:work", args=[answered.pk]) in text
    assert f'href="{answered.get_absolute_url()}"' not in text and "People a task" not in text


def test_new__with_a_good_form__is_a_draft(cast: Cast, browser_of: Browsers, version: DatasetVersion) -> None:
    browser = browser_of(cast.curator)
    assert b"What people will see" in browser.get("/label/new/?template=rating").content
    form = {
        "name": "Sort",
        "label_config": gallery.QUALITY,
        "dataset_version": str(version.pk),
        "overlap": "2",
        "keep": ["quality=good"],
    }
    answer = browser.post("/label/new/", form)
    made = LabelProject.objects.get()
    assert answer.status_code == 302 and answer["Location"] == made.get_absolute_url()
    assert made.keep == {"quality": ["good"]} and made.overlap == 2 and made.task_count == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "Give the project a name"),
        ({"label_config": "<View>\n<script/></View>"}, "Line 2, &lt;script&gt;"),
        ({"overlap": "x"}, "Give a whole number"),
        ({"dataset_version": "x"}, "no such dataset version"),
        ({"keep": "quality=great"}, "is no answer"),
    ],
    ids=["name", "config", "overlap", "version", "keep"],
)
def test_new__with_a_bad_form__says_what_and_keeps_the_rest(
    cast: Cast, browser_of: Browsers, change: dict[str, str], said: str
) -> None:
    form = {"name": "Sort", "label_config": CONFIG, "guidelines": "Be kind.", **change}
    answer = browser_of(cast.curator).post("/label/new/", form)
    assert answer.status_code == 400 and said in answer.content.decode() and "Be kind." in answer.content.decode()


def test_preview__of_a_hostile_config__is_escaped(cast: Cast, browser_of: Browsers) -> None:
    config = '<View><Header value="&lt;img src=x onerror=alert(1)&gt;"/><Text name="t" value="$text"/><Rating name="r" toName="t"/></View>'
    text = browser_of(cast.curator).post("/label/preview/", {"label_config": config}).content.decode()
    assert "&lt;img src=x" in text and "<img" not in text


def test_preview__of_a_version__shows_its_first_row_and_names_what_is_missing(
    cast: Cast, browser_of: Browsers, version: DatasetVersion
) -> None:
    form = {"label_config": CONFIG.replace("$answer", "$nowhere"), "dataset_version": str(version.pk)}
    text = browser_of(cast.curator).post("/label/preview/", form).content.decode()
    assert "Question 0?" in text and "do not have $nowhere" in text and "$topic" in text


def test_project__for_who_runs_it__shows_figures_and_leads_to_review(
    cast: Cast, browser_of: Browsers, answered: LabelProject
) -> None:
    text = browser_of(cast.curator).get(answered.get_absolute_url()).content.decode()
    assert reverse("labeling:review", args=[answered.pk]) in text and "Berta" in text and "Agreement, quality" in text
    watcher = browser_of(cast.viewer).get(answered.get_absolute_url()).content.decode()
    assert (
        reverse("labeling:review", args=[answered.pk]) not in watcher
        and "Freeze the labels" not in watcher
        and "Berta" in watcher
    )
    assert browser_of(cast.annotator).get(answered.get_absolute_url()).status_code == 403


def test_move__by_the_page__opens_and_pauses(cast: Cast, browser_of: Browsers, project: LabelProject) -> None:
    browser, address = browser_of(cast.curator), reverse("labeling:move", args=[project.pk])
    assert browser.post(address, {"status": "paused"}).status_code == 302
    assert browser.post(address, {"status": "draft"}).status_code == 409
    assert browser.post(address, {"status": "nonsense"}).status_code == 409
    project.refresh_from_db()
    assert project.status == ProjectStatus.PAUSED


def test_freeze__by_the_page__leads_to_the_version(cast: Cast, browser_of: Browsers, answered: LabelProject) -> None:
    browser, address = browser_of(cast.curator), reverse("labeling:freeze", args=[answered.pk])
    assert browser.post(address).status_code == 409  # people label
    services.accept_annotation(actor=cast.curator, annotation=answered.annotations.all()[0])
    answer = browser.post(address, {"partial": "1", "name": "Sorted"})
    assert answer.status_code == 302 and answer["Location"].endswith("/v1/")
    assert browser.get(reverse("labeling:export", args=[answered.pk])).status_code == 409


def test_work__page__holds_the_config_and_no_task(cast: Cast, browser_of: Browsers, answered: LabelProject) -> None:
    answer = browser_of(cast.annotator).get(reverse("labeling:work", args=[answered.pk]))
    text = answer.content.decode()
    assert 'id="label-page"' in text and '"name": "quality"' in text
    assert "Question 0?" not in text and "Berta" not in text
    assert browser_of(cast.viewer).get(reverse("labeling:work", args=[answered.pk])).status_code == 403


def test_work__config_with_markup__is_data_in_the_page(cast: Cast, browser_of: Browsers) -> None:
    config = CONFIG.replace('value="good"', 'value="&lt;/script&gt;&lt;script&gt;alert(1)"')
    made = services.create_project(actor=cast.curator, workspace=cast.workspace, name="<b>x</b>", label_config=config)
    services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
    text = browser_of(cast.annotator).get(reverse("labeling:work", args=[made.pk])).content.decode()
    assert "<script>alert" not in text and "<b>x</b>" not in text and "\\u003C/script\\u003E" in text


@pytest.mark.parametrize("name", ["project", "tasks", "work", "export"])
def test_pages__stranger__finds_nothing(cast: Cast, browser_of: Browsers, project: LabelProject, name: str) -> None:
    assert browser_of(cast.stranger).get(reverse(f"labeling:{name}", args=[project.pk])).status_code == 404


@pytest.mark.parametrize("name", ["move", "import", "freeze"])
@pytest.mark.parametrize(("role", "code"), [("stranger", 404), ("viewer", 403), ("annotator", 403)])
def test_pages__of_who_runs_a_project__refuse_others(
    cast: Cast, browser_of: Browsers, project: LabelProject, name: str, role: str, code: int
) -> None:
    assert browser_of(cast.by_role(role)).post(reverse(f"labeling:{name}", args=[project.pk])).status_code == code
