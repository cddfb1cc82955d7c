"""Own labels: what rows say of themselves beside the tasks of a new project, what no option says counted and told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.labeling import assisting, services
from apps.labeling.models import LabelProject, Suggester
from apps.labeling.queueing import filling
from apps.labeling.suggesting import following, previewing, suggesters
from tests.cast import Cast
from tests.labeling.suggesting import claimed, ran, work
from tests.make import as_jsonl, make_version

pytestmark = pytest.mark.django_db

INTENT = """<View><Text name="t" value="$text"/><Choices name="intent" toName="t"><Choice value="refund"/>
  <Choice value="swap"/></Choices></View>"""
MARKS = """<View><Labels name="places" toName="t"><Label value="City"/></Labels><Text name="t" value="$text"/></View>"""
BOXES = """<View><Image name="i" value="$image"/><RectangleLabels name="b" toName="i"><Label value="Boot"/></RectangleLabels></View>"""


def rows_of(form: str) -> list[dict[str, Any]]:
    if form == "ner":
        return [
            {
                "text": "Rome is far",
                "spans": [{"start": 0, "end": 4, "label": "city"}, {"start": 5, "end": 7, "label": "Verb"}],
            }
        ]
    labels = ("refund", "Swap", "refnd", "refnd", "refund")
    return [{"text": f"Text {place}", "label": label} for place, label in enumerate(labels)]


def project_of(cast: Cast, version: DatasetVersion, config: str, **more: Any) -> LabelProject:
    common: dict[str, Any] = {"actor": cast.curator, "workspace": cast.workspace, "name": "Own"}
    return services.create_project(
        **common, label_config=config, dataset_version=version, **{"own_label": True, **more}
    )


@pytest.fixture
def classes(workspace: Any) -> DatasetVersion:
    return make_version(workspace, as_jsonl(rows_of("classification")))


def test_project__made_with_own_labels__suggests_the_class_of_each_row(cast: Cast, classes: DatasetVersion) -> None:
    project = project_of(cast, classes, INTENT)
    suggester = project.suggesters.get()
    assert (suggester.name, suggester.spec, suggester.is_shown) == (
        "Own label",
        {"question": "intent", "field": "label"},
        True,
    )
    work(claimed(suggester))
    suggester.refresh_from_db()
    assert (suggester.suggested, suggester.looked_at) == (3, 5)
    assert suggester.report["unknown"] == 2 and suggester.report["strange"] == [["refnd", 2]]
    shown = assisting.of_task(project.tasks.get(number=2))
    assert shown and shown.result[0]["value"] == {"choices": ["swap"]} and shown.score is None


def test_page__of_own_labels__names_what_no_option_says(
    cast: Cast, classes: DatasetVersion, browser_of: Callable[[User], Client]
) -> None:
    suggester = project_of(cast, classes, INTENT).suggesters.get()
    work(claimed(suggester))
    html = browser_of(cast.curator).get(suggester.get_absolute_url()).content.decode()
    assert "The question has no option for:" in html and "refnd" in html


def test_form__of_a_new_project__has_the_option(
    cast: Cast, classes: DatasetVersion, browser_of: Callable[[User], Client]
) -> None:
    form = {
        "name": "Own",
        "dataset_version": str(classes.pk),
        "overlap": "1",
        "label_config": INTENT,
        "view": "xml",
        "own_label": "on",
    }
    assert browser_of(cast.curator).post(reverse("labeling:new"), form).status_code == 302
    assert Suggester.objects.get().kind == "own"


def test_marks__of_ner_rows__are_suggested_where_they_stand(cast: Cast, workspace: Any) -> None:
    project = project_of(cast, make_version(workspace, as_jsonl(rows_of("ner"))), MARKS)
    suggester = project.suggesters.get()
    assert suggester.spec["field"] == "spans"
    work(claimed(suggester))
    [region] = suggester.suggestions.get().result
    assert (region["value"]["start"], region["value"]["end"], region["value"]["labels"]) == (0, 4, ["City"])
    assert Suggester.objects.get().report["strange"] == [["Verb", 1]]


def test_project__whose_rows_say_nothing__is_refused_and_nothing_is_made(cast: Cast, version: DatasetVersion) -> None:
    asked = "<View><Text name='p' value='$prompt'/><Choices name='q' toName='p'><Choice value='a'/></Choices></View>"
    common: dict[str, Any] = {
        "actor": cast.curator,
        "workspace": cast.workspace,
        "name": "Own",
        "label_config": asked,
        "own_label": True,
    }
    for data in (version, None):
        with pytest.raises(Problem) as caught:
            services.create_project(**common, dataset_version=data)
        assert caught.value.field == "own_label"
    assert not LabelProject.objects.exists()


def test_project__that_a_job_fills__gets_them_once_its_tasks_are_there(
    cast: Cast, classes: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "AT_ONCE", 2)
    project = project_of(cast, classes, INTENT)
    assert project.suggesters.get().job is None and following.look() == 0
    filling.fill(project, classes, range(5))
    LabelProject.objects.filter(pk=project.pk).update(is_filled=True)
    assert [following.look(), following.look()] == [1, 0]


def test_trial__of_a_column__shows_what_it_says(cast: Cast, classes: DatasetVersion) -> None:
    project = project_of(cast, classes, INTENT, own_label=False)
    lines = previewing.preview(project, "own", {"question": "intent", "field": "label"})
    assert [line.said for line in lines] == [["refund"], ["swap"], [], [], ["refund"]]
    assert lines[2].matched == ["refnd: no such option"]
    with pytest.raises(Problem) as caught:
        suggesters.make_suggester(
            actor=cast.curator, project=project, name="A", kind="own", spec={"question": "intent", "field": "nothing"}
        )
    assert caught.value.field == "field"
    assert ran(cast.curator, project, {"question": "intent", "field": "text"}, kind="own").report["unknown"] == 5
